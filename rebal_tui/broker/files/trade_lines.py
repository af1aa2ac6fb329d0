"""A trade list as numbered lines, from which the file for a custodian is written (R-74)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import NANO, Money, Price, Qty


@dataclass(frozen=True, slots=True)
class TradeLine:
    """One order of a trade list.

    `account` is the number of the order's account. If the book does not have the full number (`masked`), `account` is
    the client's name and the part of the number that is known.
    """

    line: int
    account: str
    masked: bool
    name: str
    side: Side
    symbol: str
    qty: Qty
    price: Price | None
    custodian: str = ""

    @property
    def amount(self) -> Money | None:
        """Shares × price of the line in dollars, None without a price."""
        return None if self.price is None else Money(self.qty * self.price // NANO)


@dataclass(frozen=True, slots=True)
class TradeList:
    """A numbered trade list. `copy` is 0 when the list is first written, then 1, 2 and so on."""

    number: int
    lines: tuple[TradeLine, ...]
    copy: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """A block order: the total of all orders of a trade list with the same symbol, side and custodian.

    `allocations` has the lines of these orders.
    """

    number: int
    side: Side
    symbol: str
    custodian: str
    qty: Qty
    allocations: tuple[TradeLine, ...]


def blocks_of(trade_list: TradeList) -> list[Block]:
    """The block orders of a trade list: sells first; within each side by symbol and custodian."""
    found: dict[tuple[bool, str, str], list[TradeLine]] = {}
    for line in trade_list.lines:
        found.setdefault((line.side is Side.BUY, line.symbol, line.custodian), []).append(line)
    return [
        Block(number, lines[0].side, symbol, custodian, Qty(sum(line.qty for line in lines)), tuple(lines))
        for number, ((_, symbol, custodian), lines) in enumerate(sorted(found.items()), 1)
    ]


def written_symbol(symbol: str, mark: str, pairs: Mapping[str, str]) -> str:
    """A symbol in the custodian's form: the one that `pairs` has for it, else the symbol with `mark` in place of the
    dot before a share class.
    """
    return pairs.get(symbol, symbol.replace(".", mark))


def masked_lines(lines: Sequence[TradeLine]) -> int:
    """The number of lines with a label instead of an account number."""
    return sum(line.masked for line in lines)

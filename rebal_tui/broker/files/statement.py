"""Content of a positions file: accounts with cash and holdings, and every row that was left out, with the reason."""

from __future__ import annotations

from dataclasses import dataclass, field

from rebal_tui.broker.files.cells import AsOf
from rebal_tui.domain.quantities import Money, Price, Qty, money_text, price_text, qty_text


@dataclass(frozen=True, slots=True)
class Holding:
    """A position: `in_file` is its symbol as written in the file, `lines` has the numbers of the lines of the file that
    have the position.

    `price` is None when the file has none.
    """

    symbol: str
    in_file: str
    name: str
    qty: Qty
    price: Price | None
    lines: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CashLine:
    """A row counted as cash: `amount` is in US dollars, above or below 0."""

    line: int
    text: str
    amount: Money


@dataclass(frozen=True, slots=True)
class StatedAccount:
    """An account of a file.

    `number` is as written in the file; if `masked`, the file shows only a part of the real number. `name` is None if
    the file has none. `key` is unique among the accounts of a custodian: the number, or for a masked number the name
    and the number.
    """

    number: str
    name: str | None
    key: str
    masked: bool
    cash: Money
    cash_lines: tuple[CashLine, ...]
    holdings: tuple[Holding, ...]


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A row that is neither cash nor a position; `key` is the key of its account, None for a row of no account.

    If the row `matters`, it has a value, or may have one, and a person must look at it.
    """

    line: int
    key: str | None
    text: str
    reason: str
    amount: Money | None
    matters: bool = False


@dataclass(frozen=True, slots=True)
class Statement:
    """The content of a positions file. `format` is the reader's name, `notes` are messages for the user."""

    format: str
    as_of: AsOf | None
    accounts: tuple[StatedAccount, ...]
    left_out: tuple[LeftOut, ...]
    encoding: str = "utf-8"
    notes: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, object]:
        """The content as `import --json` prints it (R-71)."""
        return {
            "format": self.format,
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "accounts": [
                {
                    "number": account.number,
                    "name": account.name,
                    "cash": money_text(account.cash),
                    "positions": [
                        {
                            "symbol": held.symbol,
                            "quantity": qty_text(held.qty),
                            "price": None if held.price is None else price_text(held.price),
                        }
                        for held in account.holdings
                    ],
                }
                for account in self.accounts
            ],
            "left_out": [
                {
                    "line": row.line,
                    "reason": row.reason,
                    "amount": None if row.amount is None else money_text(row.amount),
                }
                for row in self.left_out
            ],
        }

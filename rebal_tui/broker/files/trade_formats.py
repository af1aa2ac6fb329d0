"""The formats in which trade lists are written (R-74): UTF-8, CRLF, quantities with a decimal point."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from defusedcsv import csv

from rebal_tui.broker.files.trade_lines import TradeList, blocks_of, written_symbol
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import money_text, nearest_cents, price_text, qty_text

GENERIC_COLUMNS = (
    "line", "account", "side", "quantity", "symbol", "name", "order_type", "time_in_force", "estimated_price",
    "estimated_amount",
)  # fmt: skip
CODES = ("buy", "sell", "market", "day")
"""The codes that Wealthscape's own template names."""
_IBKR, _FIDELITY = "ibkr", "fidelity"


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Settings for writing trade lists.

    `columns` are the columns of the generic format. `pairs` has, by custodian, the custodian's symbol for each symbol
    of the program that differs. `codes` are the codes of Wealthscape's template for buy, sell, market order and day
    order.
    """

    columns: Sequence[str] = GENERIC_COLUMNS
    pairs: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    codes: Mapping[str, str] = field(default_factory=dict)

    def symbol(self, symbol: str, mark: str, custodian: str) -> str:
        """A symbol in the custodian's form: the one that `pairs` has for it, else the symbol with `mark` in place of
        the dot before a share class.
        """
        return written_symbol(symbol, mark, self.pairs.get(custodian, {}))


def _text(rows: Sequence[Sequence[str]]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, lineterminator="\r\n").writerows(rows)
    return buffer.getvalue()


def generic(trade_list: TradeList, options: WriteOptions) -> str:
    """Write one line per order, with the chosen columns. Raises `Conflict` for an unknown column."""
    unknown = [name for name in options.columns if name not in GENERIC_COLUMNS]
    if unknown:
        raise Conflict(f"unknown column {unknown[0][:40]}; expected some of {', '.join(GENERIC_COLUMNS)}")
    rows = []
    for line in trade_list.lines:
        amount = line.amount
        cells = {
            "line": f"{trade_list.number}-{line.line}",
            "account": line.account,
            "side": line.side.value,
            "quantity": qty_text(line.qty),
            "symbol": options.symbol(line.symbol, ".", line.custodian),
            "name": line.name,
            "order_type": "market",
            "time_in_force": "day",
            "estimated_price": "" if line.price is None else price_text(line.price),
            "estimated_amount": "" if amount is None else money_text(nearest_cents(amount)),
        }
        rows.append([cells[name] for name in options.columns])
    return _text([list(options.columns), *rows])


def generic_blocks(trade_list: TradeList, options: WriteOptions) -> str:
    """Write one line per block order, followed by one line for the part of each account, with the number of the block
    order.
    """
    rows = [["row", "block", "account", "side", "quantity", "symbol", "line"]]
    for block in blocks_of(trade_list):
        symbol, number = options.symbol(block.symbol, ".", block.custodian), f"{trade_list.number}-B{block.number}"
        rows.append(["block", number, "", block.side.value, qty_text(block.qty), symbol, ""])
        rows += [
            ["allocation", number, line.account, line.side.value, qty_text(line.qty), symbol,
             f"{trade_list.number}-{line.line}"]
            for line in block.allocations
        ]  # fmt: skip
    return _text(rows)


def ibkr_basket(trade_list: TradeList, options: WriteOptions) -> str:
    """Write IBKR's BasketTrader format, one order per row; IBKR reports its `BasketTag` with each fill."""
    head = [
        "Action", "Quantity", "Symbol", "SecType", "Exchange", "Currency", "TimeInForce", "OrderType", "BasketTag",
        "Account", "OrderRef",
    ]  # fmt: skip
    rows = [
        [
            line.side.value.upper(), qty_text(line.qty), options.symbol(line.symbol, " ", _IBKR), "STK",
            "SMART", "USD", "DAY", "MKT", f"L{trade_list.number}-{line.line}", line.account,
            f"L{trade_list.number}-{line.line}",
        ]
        for line in trade_list.lines
    ]  # fmt: skip
    return _text([head, *rows])


def ibkr_allocations(trade_list: TradeList, options: WriteOptions) -> str:
    """Write the part of each account in each block order, without column names; the trading account is entered later at
    IBKR.
    """
    rows = [
        ["", line.account, options.symbol(line.symbol, " ", _IBKR), line.side.value[0].upper(), "",
         qty_text(line.qty)]
        for block in blocks_of(trade_list)
        for line in block.allocations
    ]  # fmt: skip
    return _text(rows)


def wealthscape(trade_list: TradeList, options: WriteOptions) -> str:
    """Write the format of Fidelity Wealthscape, Import Orders.

    Raises `Conflict` if the codes of its template are not set, and for a quantity with more than 3 decimal places.
    """
    missing = [name for name in CODES if name not in options.codes]
    if missing:
        raise Conflict(f"name the codes of Fidelity's template for {', '.join(missing)}: --codes BUY,SELL,MARKET,DAY")
    rows = []
    for line in trade_list.lines:
        if line.qty % 1_000_000:
            raise Conflict(f"line {line.line}: Wealthscape takes at most 3 decimals; got {qty_text(line.qty)}")
        side = options.codes["buy" if line.side is Side.BUY else "sell"]
        symbol = options.symbol(line.symbol, "", _FIDELITY)
        rows.append(
            [line.account, "", side, qty_text(line.qty), symbol, options.codes["market"], options.codes["day"], ""]
        )
    return _text(rows)


@dataclass(frozen=True, slots=True)
class TradeFormat:
    """A format of trade lists. It is `unproven` as long as nobody has confirmed that the custodian accepts it."""

    write: Callable[[TradeList, WriteOptions], str]
    title: str
    unproven: bool = False


FORMATS: Mapping[str, TradeFormat] = {
    "generic": TradeFormat(generic, "one line an order"),
    "blocks": TradeFormat(generic_blocks, "one line a symbol and side, with allocations"),
    "ibkr": TradeFormat(ibkr_basket, "Interactive Brokers BasketTrader"),
    "ibkr-allocations": TradeFormat(ibkr_allocations, "Interactive Brokers post-trade allocations"),
    "wealthscape": TradeFormat(wealthscape, "Fidelity Wealthscape, Import Orders", unproven=True),
}

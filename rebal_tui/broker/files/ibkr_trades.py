"""Trades of Interactive Brokers: the section Trades of an activity statement, or a Flex query of trades."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rebal_tui.broker.files.cells import quoted, symbol_of
from rebal_tui.broker.files.table import Head, Row, Table, head_of
from rebal_tui.broker.files.transactions import Kind, RowReader, Transaction
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import Money

_ALIASES: Mapping[str, tuple[str, ...]] = {
    "account": ("clientaccountid", "account"),
    "level": ("levelofdetail", "datadiscriminator"),
    "class": ("assetclass", "assetcategory"),
    "currency": ("currencyprimary", "currency"),
    "symbol": ("symbol",),
    "date": ("tradedate", "datetime"),
    "side": ("buysell",),
    "quantity": ("quantity",),
    "price": ("tradeprice", "tprice"),
    "amount": ("proceeds", "netcash"),
    "commission": ("ibcommission", "commfee", "comminusd"),
    "type": ("transactiontype",),
    "reference": ("orderreference",),
}
_NEEDED = ("symbol", "date", "quantity", "price")
_LEVELS = ("EXECUTION", "TRADE", "ORDER", "")
"""What one row of a trade can be; rows of other kinds (summaries, closed lots) repeat trades and are left out."""
_MANAGED = frozenset({"STK", "FUND", "STOCKS", "FUNDS", "MUTUAL FUNDS", "ETFS", ""})


def read_ibkr_trades(table: Table) -> list[Transaction] | None:
    """The trades of a statement or a Flex query; None for a file without the columns of trades. Raises `Invalid`.

    If a file has both an order and its executions, only the executions count. A row of a canceled trade removes the
    earlier row of the same trade.
    """
    rows, account = _trades(table)
    if rows is None:
        return None
    found: list[Transaction] = []
    faults: list[Fault] = []
    levels = {_level(head, row) for head, row in rows}
    used = next((one for one in _LEVELS if one in levels), "")
    for head, row in rows:
        if _level(head, row) != used:
            continue
        try:
            trade = _trade(RowReader(head, row), account)
        except ValueError as error:
            faults.append(Fault(f"line {row.line}", str(error)))
            continue
        if head.value(row, "type").casefold() == "tradecancel":
            _take_back(found, trade)
        else:
            found.append(trade)
    if faults:
        raise Invalid(faults[:1_000])
    return found


def _trades(table: Table) -> tuple[list[tuple[Head, Row]] | None, str]:
    """The rows of trades, each with the column names that apply to it, and the account that the statement names.

    None in place of the rows if the file has no columns of trades.
    """
    rows: list[tuple[Head, Row]] = []
    head: Head | None = None
    account, with_trades = "", False
    for row in table.rows:
        section = row.cell(1) in ("Header", "Headers", "Data", "SubTotal", "Total")
        if section and row.cells[0] == "Account Information" and row.cell(2) == "Account":
            account = row.cell(3)
        needed = _NEEDED if section else (*_NEEDED, "side")
        found = head_of(row, _ALIASES, needed) if not section or row.cells[0] == "Trades" else None
        if found is not None:
            head, with_trades = found, True
        elif row.cell(1) in ("Header", "Headers") or _begins_table(row):
            head = None
        elif head is not None and row.cells[0] == head.row.cells[0] and section:
            if row.cell(1) == "Data":
                rows.append((head, row))
        elif head is not None and not section and head.value(row, "account") and len(row.cells) > 3:
            rows.append((head, row))
    return (rows if with_trades else None), account


def _begins_table(row: Row) -> bool:
    """Whether this row is the first row of the next table of a Flex query, or the last row of a section."""
    return row.cells[0] in ("ClientAccountID", "BOS", "EOS", "BOA", "EOA", "EOF")


def _level(head: Head, row: Row) -> str:
    return head.value(row, "level").upper()


def _trade(reader: RowReader, account: str) -> Transaction:
    head, row = reader.head, reader.row
    if len(row.cells) > head.width:
        raise ValueError(f"got {len(row.cells)} cells, expected at most {head.width} as in the column names")
    side = reader.text("side").upper()
    if side and side[0] not in "BS":
        raise ValueError(f"{head.name('side')}: got {quoted(side)}, expected BUY or SELL")
    sells = side.startswith("S") if side else reader.negative("quantity")
    managed = reader.text("class").upper() in _MANAGED and reader.text("currency").upper() in ("USD", "")
    return Transaction(
        line=row.line,
        account=reader.text("account") or account,
        day=reader.day(),
        kind=(Kind.SELL if sells else Kind.BUY) if managed else Kind.OTHER,
        text=side or ("SELL" if sells else "BUY"),
        symbol=symbol_of(reader.text("symbol")),
        qty=reader.qty(),
        price=reader.price(),
        fees=Money(-(reader.money("commission") or 0)),
        amount=reader.money("amount"),
        reference=reader.text("reference"),
    )


def _take_back(found: list[Transaction], canceled: Transaction) -> None:
    """Remove the newest trade that equals a canceled one.

    If there is none, the cancellation is added as a row of its own.
    """
    for index in range(len(found) - 1, -1, -1):
        one = found[index]
        if (one.account, one.symbol, one.qty, one.price) == (
            canceled.account, canceled.symbol, canceled.qty, canceled.price
        ):  # fmt: skip
            del found[index]
            return
    found.append(replace(canceled, kind=Kind.OTHER, text="TradeCancel"))

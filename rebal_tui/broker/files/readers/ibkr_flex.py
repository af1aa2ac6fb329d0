"""Interactive Brokers' Flex query as CSV: each row names its section, or the file has one table after another."""

from __future__ import annotations

from dataclasses import dataclass

from rebal_tui.broker.files.building import StatementBuilder
from rebal_tui.broker.files.cells import AsOf, as_of_in, attos, nanos, plain_number
from rebal_tui.broker.files.readers.options import NotPositions, ReadOptions
from rebal_tui.broker.files.statement import Statement
from rebal_tui.broker.files.table import Head, Row, Table, head_of
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import ATTO, Money

_ALIASES = {
    "account": ("clientaccountid",),
    "name": ("accountalias",),
    "model": ("model",),
    "currency": ("currencyprimary", "currency"),
    "class": ("assetclass",),
    "symbol": ("symbol",),
    "description": ("description",),
    "quantity": ("quantity", "position"),
    "price": ("markprice",),
    "value": ("positionvalue",),
    "level": ("levelofdetail",),
    "report": ("reportdate",),
    "to": ("todate",),
    "cash": ("endingcash",),
    "trade": ("tradeprice", "buysell", "tradeid"),
}
_TICK = {
    "currency": "CurrencyPrimary",
    "class": "AssetClass",
    "symbol": "Symbol",
    "quantity": "Quantity",
    "price": "MarkPrice",
}
_MARKS = frozenset({"BOF", "BOA", "BOS", "EOS", "EOA", "EOF", "MSG"})
_MANAGED = frozenset({"STK", "FUND"})


@dataclass(slots=True)
class _Section:
    """Positions read since the section began: the number of rows, and the sum of their values in units of 10⁻¹⁸
    dollars.
    """

    rows: int = 0
    value: int = 0


class IbkrFlexReader:
    """Reads open positions and the US-dollar row of the cash report; tax lots, summaries and trades are left out."""

    name = "ibkr"

    def recognizes(self, table: Table) -> bool:
        return any(head_of(row, _ALIASES, ("account",)) for row in table.rows[:20])

    def read(self, table: Table, options: ReadOptions) -> Statement:
        builder = options.builder(self.name)
        lots_only = not _has_summary_rows(table)
        head: Head | None = None
        account = ""
        as_of: AsOf | None = None
        with_cash: set[str] = set()
        with_trades = with_positions = False
        opened: dict[str, None] = {}
        section = _Section()
        for row in table.rows:
            if row.cells[0] in _MARKS:
                if row.cells[0] == "BOA":
                    account = row.cell(1)
                elif row.cells[0] == "BOS":
                    section = _Section()
                elif row.cells[0] == "EOS":
                    _end_of_section(builder, account or None, row, section)
                continue
            found = head_of(row, _ALIASES, ("account",))
            if found is not None:
                head = found
                _check_columns(found)
                with_trades |= "trade" in found.columns
                with_positions |= "trade" not in found.columns and "price" in found.columns
                continue
            if head is None:
                continue
            number = head.value(row, "account")
            if not number:
                builder.fault(row.line, head.name("account"), "got nothing, expected an account number")
                continue
            key = builder.open_account(row.line, number, head.value(row, "name") or None)
            opened[key] = None
            if builder.too_long(head, row, key):
                continue
            as_of = as_of or as_of_in(head.value(row, "report") or head.value(row, "to"))
            if "trade" in head.columns:
                builder.leave_out(row.line, key, head.value(row, "symbol"), "a trade, not a position")
            elif "cash" in head.columns:
                if _read_cash(builder, key, head, row):
                    with_cash.add(key)
            elif "price" in head.columns:
                _read_position(builder, key, head, row, section, lots_only)
        if with_trades and not with_positions:
            raise NotPositions("the Flex query has trades, not positions: tick Open Positions, or book them as fills")
        missing = len(opened) - len(with_cash)
        if missing:
            builder.notes.append(
                f"{missing:,} of {len(opened):,} accounts have no cash row in US dollars: cash counts as 0.00; tick the"
                " Cash Report with CurrencyPrimary and EndingCash in the Flex query"
            )
        return builder.finish(as_of, table.encoding)


def _has_summary_rows(table: Table) -> bool:
    head: Head | None = None
    for row in table.rows:
        if row.cells[0] in _MARKS:
            continue
        found = head_of(row, _ALIASES, ("account",))
        if found is not None:
            head = found
        elif (
            head is not None
            and "price" in head.columns
            and "trade" not in head.columns
            and head.value(row, "level").upper() != "LOT"
        ):
            return True
    return False


def _check_columns(head: Head) -> None:
    if "cash" in head.columns or "trade" in head.columns or "symbol" not in head.columns:
        return
    lacking = [name for key, name in _TICK.items() if key not in head.columns]
    if lacking:
        names = ", ".join(lacking)
        raise Invalid([Fault(f"line {head.row.line}", f"expected the columns {names}: tick them in the Flex query")])


def _read_position(
    builder: StatementBuilder, key: str, head: Head, row: Row, section: _Section, lots_only: bool
) -> None:
    section.rows += 1
    value = builder.number(head, row, "value")
    section.value += attos(value) if value else 0
    amount = Money(nanos(value)) if value else None
    in_file = head.value(row, "symbol")
    if not lots_only and head.value(row, "level").upper() == "LOT":
        builder.leave_out(row.line, key, in_file, "a lot of a position", amount)
    elif head.value(row, "currency").upper() not in ("USD", ""):
        builder.leave_out(row.line, key, in_file, "not managed: not in US dollars", amount, matters=True)
    elif head.value(row, "class").upper() not in _MANAGED:
        reason = f"not managed: asset class {head.value(row, 'class')[:20]}"
        builder.leave_out(row.line, key, in_file, reason, amount, matters=True)
    else:
        builder.position(key, head, row)


def _read_cash(builder: StatementBuilder, key: str, head: Head, row: Row) -> bool:
    """If a row is the US-dollar row of the cash report, count it as cash; returns whether it is."""
    currency = head.value(row, "currency").upper()
    amount = builder.amount(head, row, "cash")
    if currency == "USD":
        builder.cash(key, row.line, "USD EndingCash", amount)
        return True
    if currency == "BASE_SUMMARY":
        builder.leave_out(row.line, key, currency, "summary of the currency rows", amount)
    else:
        builder.leave_out(row.line, key, currency, "not managed: another currency", amount, matters=bool(amount))
    return False


def _end_of_section(builder: StatementBuilder, account: str | None, row: Row, section: _Section) -> None:
    """Compare the number of positions and the sum of their values with the figures at the end of the section."""
    positions = row.cell(1) == "POST"
    amount: Money | None = None
    if positions and row.cell(3):
        try:
            plain = plain_number(row.cell(3)) or "0"
            stated, amount = attos(plain), Money(nanos(plain))
        except ValueError as error:
            builder.fault(row.line, "sum", str(error))
            return
        if row.cell(2) != str(section.rows):
            builder.fault(row.line, "rows", f"got {row.cell(2)[:20]} as the count, the section has {section.rows} rows")
        elif abs(stated - section.value) > ATTO // 100 * max(1, section.rows):
            builder.fault(row.line, "sum", "the sum differs from the values of the section's rows")
    builder.leave_out(row.line, account, f"EOS {row.cell(1)}", "end of a section", amount)

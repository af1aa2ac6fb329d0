"""Interactive Brokers' activity statement as CSV, one account per file.

The first two cells of a row are its section and its kind, such as header or data.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from rebal_tui.broker.files.building import StatementBuilder
from rebal_tui.broker.files.cells import AsOf, as_of_in
from rebal_tui.broker.files.readers.options import ReadOptions
from rebal_tui.broker.files.statement import Statement
from rebal_tui.broker.files.table import Head, Row, Table, head_of
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import Money

_POSITIONS, _CASH, _WORTH, _TRADES, _ACCOUNT = (
    "Open Positions",
    "Cash Report",
    "Net Asset Value",
    "Trades",
    "Account Information",
)
_ALIASES = {
    "level": ("datadiscriminator",),
    "class": ("assetcategory",),
    "currency": ("currency",),
    "symbol": ("symbol",),
    "quantity": ("quantity",),
    "price": ("closeprice",),
    "value": ("value",),
    "line": ("currencysummary",),
    "total": ("total",),
    "worth": ("assetclass",),
    "current": ("currenttotal",),
}
_NEEDED = {
    _POSITIONS: ("class", "currency", "symbol", "quantity", "price", "value"),
    _CASH: ("line", "currency", "total"),
    _WORTH: ("worth",),
    _TRADES: ("symbol",),
}
_MANAGED = ("stocks", "funds", "mutual funds", "etfs")


@dataclass(slots=True)
class _Reading:
    builder: StatementBuilder
    key: str
    heads: dict[str, Head] = field(default_factory=dict)
    with_cash: bool = False
    lots_only: bool = False


class IbkrActivityReader:
    """Reads the account, its open positions and its ending cash in US dollars, section by section."""

    name = "ibkr"

    def recognizes(self, table: Table) -> bool:
        kinds = [row for row in table.rows[:50] if row.cell(1) in ("Header", "Headers", "Data")]
        return len(kinds) >= 3 and len(kinds) * 2 > len(table.rows[:50])

    def read(self, table: Table, options: ReadOptions) -> Statement:
        sections = {row.cells[0] for row in table.rows}
        if not sections & {_POSITIONS, _ACCOUNT}:
            raise Invalid("the statement is not in English; set the language of the report to English at IBKR")
        if _POSITIONS not in sections:
            raise Invalid(f"expected the section {_POSITIONS}; choose it for the statement at IBKR")
        builder = options.builder(self.name)
        line, number, name = _account(table)
        if "consolidated" in number.casefold():
            raise Invalid([Fault(f"line {line}", "a consolidated statement; expected one account a file")])
        reading = _Reading(builder, builder.open_account(line, number, name))
        reading.lots_only = not any(
            row.cells[0] == _POSITIONS and row.cell(1) == "Data" and row.cell(2) == "Summary" for row in table.rows
        )
        for row in table.rows:
            _read_row(reading, row)
        if not reading.with_cash:
            builder.notes.append("no ending cash in US dollars: cash counts as 0.00")
        return builder.finish(_as_of(table), table.encoding)


def _account(table: Table) -> tuple[int, str, str | None]:
    line, number, name = 1, "", None
    for row in table.rows:
        if row.cells[0] == _ACCOUNT and row.cell(1) == "Data":
            if row.cell(2) == "Account":
                line, number = row.line, row.cell(3)
            elif row.cell(2) == "Account Alias":
                name = row.cell(3) or None
    if not number:
        raise Invalid(f"expected the row Account in the section {_ACCOUNT}")
    return line, number, name


def _as_of(table: Table) -> AsOf | None:
    for row in table.rows:
        if row.cells[0] == "Statement" and row.cell(2) == "Period":
            return as_of_in(row.cell(3).rpartition(" - ")[2])
    return None


def _read_row(reading: _Reading, row: Row) -> None:
    section, kind = row.cells[0], row.cell(1)
    if section not in _NEEDED:
        return
    if kind in ("Header", "Headers"):
        found = head_of(row, _ALIASES, _NEEDED[section])
        if found is None:
            needed = ", ".join(_NEEDED[section])
            reading.builder.fault(row.line, "", f"expected the columns {needed} in the section {section}")
        else:
            reading.heads[section] = found
        return
    head = reading.heads.get(section)
    if head is None:
        return
    if section == _POSITIONS:
        _read_position(reading, head, row, kind)
    elif section == _CASH:
        _read_cash(reading, head, row)
    elif section == _WORTH:
        amount = reading.builder.amount(head, row, "current") if "current" in head.columns else None
        text = f"{section} {head.value(row, 'worth')}"
        reading.builder.leave_out(row.line, reading.key, text, "summary", amount)
    elif kind == "Data":
        text = f"{section} {head.value(row, 'symbol')}"
        reading.builder.leave_out(row.line, reading.key, text, "a trade, not a position")


def _read_position(reading: _Reading, head: Head, row: Row, kind: str) -> None:
    builder, key = reading.builder, reading.key
    in_file = head.value(row, "symbol")
    if kind != "Data":
        builder.leave_out(row.line, key, f"{_POSITIONS} {kind}", "total", builder.amount(head, row, "value"))
    elif head.value(row, "level") == "Lot" and not reading.lots_only:
        builder.leave_out(row.line, key, in_file, "a lot of a position", builder.amount(head, row, "value"))
    elif head.value(row, "currency") != "USD":
        amount = builder.amount(head, row, "value")
        builder.leave_out(row.line, key, in_file, "not managed: not in US dollars", amount, matters=True)
    elif head.value(row, "class").casefold() not in _MANAGED:
        reason = f"not managed: {head.value(row, 'class')[:40]}"
        builder.leave_out(row.line, key, in_file, reason, builder.amount(head, row, "value"), matters=True)
    elif not builder.too_long(head, row, key):
        builder.position(key, head, row)


def _read_cash(reading: _Reading, head: Head, row: Row) -> None:
    builder, line, currency = reading.builder, head.value(row, "line"), head.value(row, "currency")
    amount: Money | None = builder.amount(head, row, "total")
    text = f"{line} {currency}"
    if line == "Ending Cash" and currency == "USD":
        builder.cash(reading.key, row.line, "USD Ending Cash", amount)
        reading.with_cash = True
    elif currency == "Base Currency Summary":
        builder.leave_out(row.line, reading.key, text, "summary of the currency rows", amount)
    elif line == "Ending Cash":
        reason = "not managed: another currency"
        builder.leave_out(row.line, reading.key, text, reason, amount, matters=bool(amount))
    else:
        builder.leave_out(row.line, reading.key, text, "not the ending cash", amount)

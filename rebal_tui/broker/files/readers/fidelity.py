"""Fidelity's positions file: one table with an account number on every row, and the date in its footer."""

from __future__ import annotations

from rebal_tui.broker.files.building import StatementBuilder
from rebal_tui.broker.files.cells import AsOf, as_of_in, is_absent, symbol_of
from rebal_tui.broker.files.readers.options import ReadOptions
from rebal_tui.broker.files.statement import Statement
from rebal_tui.broker.files.table import Head, Row, Table, head_of
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import Money

_ALIASES = {
    "account": ("accountnumber",),
    "name": ("accountname",),
    "symbol": ("symbol",),
    "description": ("description",),
    "quantity": ("quantity",),
    "price": ("lastprice",),
    "change": ("lastpricechange",),
    "value": ("currentvalue",),
    "type": ("type",),
}
_NEEDED = ("account", "name", "symbol", "quantity", "price", "value")
_PENDING = "not settled: pending trades or transfers"
_MIRROR = "repeats the value of the BrokerageLink account, which has rows of its own"


class FidelityReader:
    """Reads Fidelity's files, both with title-case and with sentence-case column names."""

    name = "fidelity"

    def recognizes(self, table: Table) -> bool:
        return any(head_of(row, _ALIASES, _NEEDED) for row in table.rows[:20])

    def read(self, table: Table, options: ReadOptions) -> Statement:
        builder = options.builder(self.name)
        head: Head | None = None
        as_of: AsOf | None = None
        for row in table.rows:
            found = head_of(row, _ALIASES, _NEEDED)
            if found is not None:
                head = found
            elif head is not None and row.filled > 1:
                _read_row(builder, head, row)
            elif head is not None:
                builder.leave_out(row.line, None, row.cells[0], "footer")
                if row.cells[0].casefold().startswith("date downloaded"):
                    as_of = as_of_in(row.cells[0])
        if head is None:
            raise Invalid([Fault("line 1", "expected the columns Account Number, Symbol, Quantity and Current Value")])
        return builder.finish(as_of, table.encoding)


def _read_row(builder: StatementBuilder, head: Head, row: Row) -> None:
    number = head.value(row, "account")
    if not number:
        builder.leave_out(row.line, None, row.cells[-1], "no account number", matters=False)
        return
    key = builder.open_account(row.line, number, head.value(row, "name") or None)
    if builder.too_long(head, row, key):
        return
    in_file = head.value(row, "symbol")
    if in_file.casefold() == "pending activity":
        builder.leave_out(row.line, key, in_file, _PENDING, _pending(builder, head, row), matters=True)
    elif in_file.upper() == "BROKERAGELINK":
        builder.leave_out(row.line, key, in_file, _MIRROR, builder.amount(head, row, "value"))
    elif _is_core(builder, head, row):
        builder.cash(key, row.line, in_file, builder.amount(head, row, "value"))
    else:
        builder.position(key, head, row)


def _is_core(builder: StatementBuilder, head: Head, row: Row) -> bool:
    """Whether a row is the core fund (swept cash): a cash symbol, or marked `**` and without a quantity."""
    in_file = head.value(row, "symbol")
    no_quantity = is_absent(head.value(row, "quantity"))
    return builder.is_cash(symbol_of(in_file)) or (in_file.endswith("**") and no_quantity)


def _pending(builder: StatementBuilder, head: Head, row: Row) -> Money | None:
    """The amount of pending activity: in the column Current Value or, in older files, in the column before it."""
    amount = builder.amount(head, row, "value")
    return builder.amount(head, row, "change") if amount is None else amount

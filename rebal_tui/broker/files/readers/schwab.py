"""Schwab's positions files: a section for each account, with the account's label alone on the line before the column
names.
"""

from __future__ import annotations

import re

from rebal_tui.broker.files.building import StatementBuilder
from rebal_tui.broker.files.cells import as_of_in
from rebal_tui.broker.files.readers.options import ReadOptions
from rebal_tui.broker.files.statement import Statement
from rebal_tui.broker.files.table import Head, Row, Table, head_of
from rebal_tui.domain.errors import Fault, Invalid

_ALIASES = {
    "symbol": ("symbol",),
    "description": ("description", "name"),
    "quantity": ("quantity", "qty"),
    "price": ("price",),
    "value": ("marketvalue", "mktval"),
    "account": ("account",),
    "type": ("securitytype", "assettype"),
}
_NEEDED = ("symbol", "quantity", "price", "value")
_TITLE = re.compile(r"Positions\s+for\s+(?:account\s+)?(.*?)\s+as\s+of\s+(.*)", re.IGNORECASE)
_LABEL = re.compile(r"(.*?)\s*(\.{3}\S+|X{2,}[-\s]?\S+)", re.IGNORECASE)
_TOTALS = ("account total", "positions total", "total")
_ZERO_ROWS = ("futures cash", "futures positions market value")


class SchwabReader:
    """Reads files of one account and of all accounts, with current and earlier column names."""

    name = "schwab"

    def recognizes(self, table: Table) -> bool:
        if table.rows and table.rows[0].cells[0].casefold().startswith("balances"):
            return False
        return _title(table) is not None and any(_head(row) for row in table.rows)

    def read(self, table: Table, options: ReadOptions) -> Statement:
        title = _title(table)
        if title is None:
            raise Invalid([Fault("line 1", 'expected a title such as "Positions for All-Accounts as of …"')])
        builder = options.builder(self.name)
        as_of = as_of_in(title[2])
        heads = {index: found for index, row in enumerate(table.rows) if (found := _head(row))}
        if not heads:
            raise Invalid([Fault("line 1", "expected the columns Symbol, Quantity, Price and Market Value")])
        head: Head | None = None
        key = ""
        for index, row in enumerate(table.rows):
            if index in heads:
                head, label = heads[index], table.rows[index - 1] if index else row
                if "account" not in head.columns:
                    of_title = index < 2
                    key = _open(builder, row.line if of_title else label.line, title[1] if of_title else _joined(label))
            elif head is not None and index + 1 not in heads:
                if "account" in head.columns and (label_text := head.value(row, "account")):
                    key = _open(builder, row.line, label_text, block=False)
                _read_row(builder, key, head, row)
        return builder.finish(as_of, table.encoding)


def _title(table: Table) -> re.Match[str] | None:
    for row in table.rows[:3]:
        match = _TITLE.match(_joined(row))
        if match:
            return match
    return None


def _head(row: Row) -> Head | None:
    return head_of(row, _ALIASES, _NEEDED)


def _joined(row: Row) -> str:
    return ", ".join(row.cells)


def _open(builder: StatementBuilder, line: int, label: str, *, block: bool = True) -> str:
    match = _LABEL.fullmatch(label.strip())
    if match is None:
        return builder.open_account(line, label.strip(), None, block=block)
    return builder.open_account(line, match[2], match[1].strip() or None, masked=True, block=block)


def _read_row(builder: StatementBuilder, key: str, head: Head, row: Row) -> None:
    if builder.too_long(head, row, key or None):
        return
    text = row.cells[0]
    lowered = text.casefold()
    if lowered in _TOTALS:
        total = builder.amount(head, row, "value")
        builder.leave_out(row.line, key, text, "total of the account, compared with its rows", total)
        builder.check_total(key, row.line, head.name("value"), total)
    elif builder.is_cash(text.upper()):
        builder.cash(key, row.line, text, builder.amount(head, row, "value"))
    elif lowered in _ZERO_ROWS:
        amount = builder.amount(head, row, "value")
        builder.leave_out(row.line, key, text, "futures are not managed", amount, matters=bool(amount))
    elif row.filled == 1:
        builder.leave_out(row.line, None, text, "a line of text")
    else:
        builder.position(key, head, row)

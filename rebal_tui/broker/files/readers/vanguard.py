"""Vanguard's OfxDownload.csv: holdings, then a second table of transactions."""

from __future__ import annotations

from rebal_tui.broker.files.building import StatementBuilder
from rebal_tui.broker.files.cells import symbol_of
from rebal_tui.broker.files.readers.options import ReadOptions
from rebal_tui.broker.files.statement import Statement
from rebal_tui.broker.files.table import Head, Row, Table, head_of
from rebal_tui.domain.errors import Fault, Invalid

_ALIASES = {
    "account": ("accountnumber",),
    "description": ("investmentname",),
    "symbol": ("symbol",),
    "quantity": ("shares",),
    "price": ("shareprice",),
    "value": ("totalvalue",),
}
_NEEDED = ("account", "description", "symbol", "quantity", "price", "value")
_TRANSACTIONS = {
    "account": ("accountnumber",),
    "date": ("tradedate",),
    "kind": ("transactiontype",),
    "symbol": ("symbol",),
}


class VanguardReader:
    """Reads the holdings. The file has no date. Shares of the settlement fund count as dollars of cash."""

    name = "vanguard"

    def recognizes(self, table: Table) -> bool:
        return any(_head(row) for row in table.rows[:20])

    def read(self, table: Table, options: ReadOptions) -> Statement:
        builder = options.builder(self.name)
        head: Head | None = None
        transactions: Head | None = None
        settled: set[str] = set()
        opened: dict[str, None] = {}
        for row in table.rows:
            if (found := head_of(row, _TRANSACTIONS, tuple(_TRANSACTIONS))) is not None:
                transactions = found
                builder.leave_out(row.line, None, row.cells[0], "head of the second table: transactions")
            elif transactions is not None:
                text = f"{transactions.value(row, 'kind')} {transactions.value(row, 'symbol')}"
                builder.leave_out(row.line, transactions.value(row, "account") or None, text, "a transaction")
            elif (found := _head(row)) is not None:
                head = found
            elif head is not None and row.filled == 1:
                builder.leave_out(row.line, None, row.cells[0], "footer")
            elif head is not None:
                _read_row(builder, head, row, opened, settled)
        if head is None:
            raise Invalid([Fault("line 1", "expected the columns Account Number, Investment Name, Symbol and Shares")])
        missing = len(opened) - len(settled)
        if missing:
            builder.notes.append(
                f"{missing:,} of {len(opened):,} accounts have no settlement fund: cash counts as 0.00"
            )
        return builder.finish(None, table.encoding)


def _head(row: Row) -> Head | None:
    return head_of(row, _ALIASES, _NEEDED)


def _read_row(builder: StatementBuilder, head: Head, row: Row, opened: dict[str, None], settled: set[str]) -> None:
    number = head.value(row, "account")
    if not number:
        builder.fault(row.line, head.name("account"), "got nothing, expected an account number")
        return
    key = builder.open_account(row.line, number, None)
    opened[key] = None
    if builder.too_long(head, row, key):
        return
    symbol = symbol_of(head.value(row, "symbol"))
    if builder.is_cash(symbol):
        settled.add(key)
        builder.cash(key, row.line, symbol, builder.amount(head, row, "quantity"))
    else:
        builder.position(key, head, row)

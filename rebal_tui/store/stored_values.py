"""Stored texts that must be values of an enum, although no constraint of the schema requires it."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.cash import CashKind, JournalStatus, WithdrawalStage
from rebal_tui.domain.orders import OrderStatus
from rebal_tui.domain.text import count_text
from rebal_tui.store.database import Database

_COLUMNS: tuple[tuple[str, str, type[StrEnum]], ...] = (
    ("accounts", "status", AccountStatus), ("accounts", "restrictions", Restriction), ("orders", "status", OrderStatus),
    ("journals", "status", JournalStatus), ("withdrawals", "stage", WithdrawalStage),
    ("cash_entries", "kind", CashKind),
)  # fmt: skip


def unknown_values(database: Database) -> Iterator[str]:
    """A message for each stored text that is not a value of its column's enum, with the number of rows that have it."""
    tables = {name for (name,) in database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    for table, column, values in _COLUMNS:
        if table not in tables:
            continue
        known = {value.value for value in values}
        for text, count in database.rows(f"SELECT {column}, count(*) FROM {table} GROUP BY {column} ORDER BY 1"):
            found = text.split(",") if values is Restriction else [text]
            for value in found:
                if value not in known and (value or values is not Restriction):
                    yield f"{table}.{column}: unknown value {value!r} in {count_text(count, 'row')}"

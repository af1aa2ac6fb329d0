"""Manual runs that a person requested at the terminal, not over the API."""

from __future__ import annotations

from rebal_tui.store.database import Database, Transaction


def add(tx: Transaction, run_id: str) -> None:
    """Record that a person requested the run with this id at the terminal."""
    tx.execute("INSERT INTO terminal_runs VALUES (?)", (run_id,))


def has(database: Database, run_id: str) -> bool:
    """Whether a run was requested at the terminal."""
    return bool(database.rows("SELECT 1 FROM terminal_runs WHERE run = ?", (run_id,)))

"""Trading sessions stored in the book, so that start-up does not load a calendar library."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from rebal_tui.domain.sessions import Session
from rebal_tui.store.codec import from_time, to_time
from rebal_tui.store.database import Database, Transaction


def save(tx: Transaction, sessions: Iterable[Session]) -> None:
    """Add or replace sessions."""
    tx.executemany(
        "INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?)",
        (
            (
                s.day.isoformat(),
                to_time(s.open),
                to_time(s.close),
                s.settles_on.isoformat(),
                s.next_day.isoformat() if s.next_day else None,
            )
            for s in sessions
        ),
    )


def remove(tx: Transaction, days: Iterable[date]) -> None:
    """Delete days that turned out not to be sessions."""
    tx.executemany("DELETE FROM sessions WHERE day = ?", ((day.isoformat(),) for day in days))


def load(database: Database) -> list[Session]:
    """Every session, oldest first."""
    return [_session(*row) for row in database.rows("SELECT * FROM sessions ORDER BY day")]


@lru_cache(maxsize=8_192)
def _session(day: str, opens: int, closes: int, settles_on: str, next_day: str | None) -> Session:
    """A session from a row; cached, because every load reads nearly the same rows."""
    return Session(
        date.fromisoformat(day),
        from_time(opens),
        from_time(closes),
        date.fromisoformat(settles_on),
        date.fromisoformat(next_day) if next_day else None,
    )

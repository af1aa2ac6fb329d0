"""Events received from a broker on the network, in order of arrival, each stored once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from rebal_tui.store.codec import from_time, from_time_or_none, to_time
from rebal_tui.store.database import Database, Transaction


def add(database: Database, received: Sequence[tuple[str, str, datetime, str]]) -> int:
    """Store events that are not stored yet, each as stream, event id, time and JSON; returns how many were new."""
    with database.write() as tx:
        return tx.executemany(
            "INSERT INTO inbox (stream, event_id, at, body) VALUES (?, ?, ?, ?) ON CONFLICT (stream, event_id) "
            "DO NOTHING",
            ((stream, event_id, to_time(at), body) for stream, event_id, at, body in received),
        ).rowcount


def after(database: Database, seq: int, limit: int) -> list[tuple[int, str, str, datetime, str]]:
    """Events with a number above `seq`, oldest first, at most `limit`, each as (seq, stream, event id, time, JSON)."""
    return [
        (row[0], row[1], row[2], from_time(row[3]), row[4])
        for row in database.rows(
            "SELECT seq, stream, event_id, at, body FROM inbox WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit)
        )
    ]


def last_at(database: Database, stream: str) -> datetime | None:
    """The time of the latest event of a stream, None when there is none."""
    row = database.row("SELECT max(at) FROM inbox WHERE stream = ?", (stream,))
    return from_time_or_none(row[0]) if row else None


def prune(tx: Transaction, before: datetime, through: int) -> None:
    """Delete the applied events before `before`: those up to and including `through` that are not in quarantine.

    `through` is the event cursor. The latest event of each stream stays, because the stream resumes there.
    """
    tx.execute(
        "DELETE FROM inbox WHERE at < ? AND seq <= ? "
        "AND at < (SELECT max(latest.at) FROM inbox latest WHERE latest.stream = inbox.stream) "
        "AND CAST(seq AS TEXT) NOT IN (SELECT subject FROM quarantine WHERE kind = 'event')",
        (to_time(before), through),
    )

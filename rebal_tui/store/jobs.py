"""Scheduler jobs, times of evaluation passes, and alerts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from rebal_tui.store.codec import from_time, from_time_or_none, to_time
from rebal_tui.store.database import LISTED, Database, Transaction, listed


@dataclass(frozen=True, slots=True)
class JobRow:
    """What the book records about a job of the scheduler.

    `last_key` identifies the work that the job did last (a session, a slot), so that it is not done twice.
    """

    name: str
    paused: bool
    last_at: datetime | None
    last_key: str
    last_result: str
    duration_ms: int | None
    missed: int
    failed: int


@dataclass(frozen=True, slots=True)
class Alert:
    key: int
    at: datetime
    kind: str
    subject: str
    text: str
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class FailedRun:
    """A run with an open alert: its account, and the alert's time and text."""

    run_id: str
    account_id: str
    at: datetime
    text: str


class LastEvaluation(NamedTuple):
    """The latest evaluation of the whole book: its session, its time, and its outcomes as text."""

    session: str
    at: datetime
    detail: str


def jobs(database: Database) -> dict[str, JobRow]:
    rows = database.rows(
        "SELECT name, paused, last_at, last_key, last_result, duration_ms, missed, failed FROM jobs ORDER BY name"
    )
    return {r[0]: JobRow(r[0], bool(r[1]), from_time_or_none(r[2]), *r[3:]) for r in rows}


def ensure(tx: Transaction, names: tuple[str, ...]) -> None:
    tx.executemany("INSERT OR IGNORE INTO jobs (name) VALUES (?)", [(name,) for name in names])


def finished(tx: Transaction, name: str, at: datetime, key: str, result: str, duration_ms: int | None) -> None:
    tx.execute(
        "UPDATE jobs SET last_at = ?, last_key = ?, last_result = ?, duration_ms = ? WHERE name = ?",
        (to_time(at), key, result, duration_ms, name),
    )


def failed(tx: Transaction, name: str, at: datetime, result: str) -> None:
    tx.execute(
        "UPDATE jobs SET last_at = ?, last_result = ?, failed = failed + 1 WHERE name = ?", (to_time(at), result, name)
    )


def missed(tx: Transaction, name: str, count: int) -> None:
    tx.execute("UPDATE jobs SET missed = missed + ? WHERE name = ?", (count, name))


def set_paused(tx: Transaction, name: str, paused: bool) -> None:
    tx.execute("UPDATE jobs SET paused = ? WHERE name = ?", (int(paused), name))


def raise_alert(tx: Transaction, at: datetime, kind: str, subject: str, text: str) -> None:
    """Raise an alert. If an alert of that kind and subject is open, it gets the new text instead."""
    tx.execute(
        "INSERT INTO alerts (at, kind, subject, text) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (kind, subject) WHERE acknowledged_at IS NULL DO UPDATE SET text = excluded.text",
        (to_time(at), kind, subject, text),
    )


def open_alerts(database: Database) -> list[Alert]:
    """Unacknowledged alerts, newest first."""
    rows = database.rows(
        "SELECT key, at, kind, subject, text, acknowledged_at FROM alerts WHERE acknowledged_at IS NULL "
        "ORDER BY key DESC"
    )
    return [Alert(r[0], from_time(r[1]), r[2], r[3], r[4], from_time_or_none(r[5])) for r in rows]


def is_open(database: Database, kind: str, subject: str) -> bool:
    """Whether an unacknowledged alert of that kind and subject exists."""
    return (
        database.row("SELECT 1 FROM alerts WHERE kind = ? AND subject = ? AND acknowledged_at IS NULL", (kind, subject))
        is not None
    )


def raised_at(database: Database, kinds: Iterable[str]) -> dict[tuple[str, str], datetime]:
    """When the latest alert of each of these kinds was raised, by kind and subject, acknowledged or not."""
    rows = database.rows(
        f"SELECT kind, subject, max(at) FROM alerts WHERE kind IN {LISTED} GROUP BY kind, subject", (listed(kinds),)
    )
    return {(kind, subject): from_time(at) for kind, subject, at in rows}


def failed_runs(database: Database) -> dict[int, FailedRun]:
    """The runs with an alert that nobody has acknowledged, by the run's integer key."""
    rows = database.rows(
        "SELECT runs.key, runs.id, accounts.id, alerts.at, alerts.text FROM alerts "
        "JOIN runs ON runs.id = alerts.subject JOIN accounts ON accounts.key = runs.account "
        "WHERE alerts.kind = 'run' AND acknowledged_at IS NULL"
    )
    return {key: FailedRun(run, account, from_time(at), text) for key, run, account, at, text in rows}


def acknowledge(tx: Transaction, key: int, at: datetime) -> None:
    tx.execute("UPDATE alerts SET acknowledged_at = ? WHERE key = ?", (to_time(at), key))


def clear_alert(tx: Transaction, kind: str, subject: str, at: datetime) -> None:
    """Close the alert of that kind and subject, because its cause is gone."""
    tx.execute(
        "UPDATE alerts SET acknowledged_at = ? WHERE kind = ? AND subject = ? AND acknowledged_at IS NULL",
        (to_time(at), kind, subject),
    )


def evaluated(database: Database, session: str, slot: datetime) -> bool:
    """Whether the slot (scheduled evaluation time) `slot` of a session has been evaluated."""
    return (
        database.row("SELECT 1 FROM evaluations WHERE session = ? AND slot = ?", (session, to_time(slot))) is not None
    )


def evaluation_times(database: Database, session: str) -> list[datetime]:
    """The times of a session's evaluations of the whole book, oldest first."""
    return [
        from_time(at) for (at,) in database.rows("SELECT at FROM evaluations WHERE session = ? ORDER BY at", (session,))
    ]


def last_slot(database: Database, session: str) -> datetime | None:
    """The latest slot (scheduled evaluation time) that has been evaluated in a session, None when there is none."""
    row = database.row("SELECT max(slot) FROM evaluations WHERE session = ?", (session,))
    return from_time_or_none(row[0]) if row else None


def last_session(database: Database) -> str | None:
    """The latest session with an evaluation, None when there is none."""
    row = database.row("SELECT max(session) FROM evaluations")
    return row[0] if row else None


def last_evaluation(database: Database) -> LastEvaluation | None:
    """The latest evaluation of the whole book, None when there is none."""
    row = database.row("SELECT session, at, detail FROM evaluations ORDER BY session DESC, slot DESC LIMIT 1")
    return None if row is None else LastEvaluation(row[0], from_time(row[1]), row[2])


def record_evaluation(tx: Transaction, session: str, slot: datetime, at: datetime, detail: str) -> None:
    tx.execute("INSERT OR REPLACE INTO evaluations VALUES (?, ?, ?, ?)", (session, to_time(slot), to_time(at), detail))


def evaluation_mark(database: Database) -> tuple[int, int]:
    """Two numbers; every evaluation of the whole book changes at least one of them."""
    row = database.row("SELECT count(*), coalesce(max(at), 0) FROM evaluations")
    return (row[0], row[1]) if row else (0, 0)

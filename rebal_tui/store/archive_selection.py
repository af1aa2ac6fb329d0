"""Which runs and decisions of past years are moved into an archive, and which the book still needs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import NamedTuple

from rebal_tui.domain.errors import Conflict
from rebal_tui.store.archive_content import columns
from rebal_tui.store.database import Database, SqlRow

RUNS_PER_PART = 500
ACCOUNTS_PER_PART = 1_000
CONTEXTS_PER_PART = 500
"""Keys of runs, accounts and contexts whose rows are copied or removed at once."""


class Year(NamedTuple):
    """The number of runs and decisions that a book has of one year, by the New York dates of their sessions."""

    year: str
    runs: int
    decisions: int


def years(database: Database) -> list[Year]:
    """The years of the book's runs and decisions, oldest first."""
    found: dict[str, list[int]] = {}
    for at, table in enumerate(("runs", "decisions")):
        for year, count in database.rows(f"SELECT substr(session, 1, 4), count(*) FROM {table} GROUP BY 1"):
            found.setdefault(year, [0, 0])[at] = count
    return [Year(year, *counts) for year, counts in sorted(found.items())]


def choose(database: Database, through: str) -> None:
    """Put the keys of the runs of years up to and including `through` that stay in the book into the table `stays`.

    The table is temporary. These runs stay: open runs; runs that ended after the year `through`; the last completed run
    for each account and cash weight (R-14.7, R-31); the newest run, because new keys are counted from it; and every run
    that a later decision, an open withdrawal, a reservation or an open alert refers to.
    """
    database.connection.execute("CREATE TEMP TABLE IF NOT EXISTS stays (key INTEGER PRIMARY KEY)")
    database.connection.execute("DELETE FROM temp.stays")
    end = last_session(through)
    later = (
        f"SELECT key FROM runs WHERE session <= ?1 AND coalesce(completed_at, canceled_at, updated_at) >= {_YEAR_END}"
    )
    named = "SELECT key FROM runs WHERE session <= ?1 AND id IN"
    for sql in (
        "SELECT key FROM runs WHERE session <= ?1 AND status IN ('QUEUED', 'IN_PROGRESS')",
        later,
        "SELECT max(key) FROM runs WHERE ?1 > '' AND status IN ('COMPLETED_SUCCESS', 'COMPLETED_ADJUSTED') "
        "GROUP BY account, cash_weight",
        "SELECT max(key) FROM runs WHERE ?1 > ''",
        "SELECT open_run FROM decisions WHERE session > ?1 AND open_run IS NOT NULL",
        "SELECT quota_run FROM decisions WHERE session > ?1 AND quota_run IS NOT NULL",
        f"{named} (SELECT run FROM withdrawals WHERE stage NOT IN ('completed', 'canceled'))",
        f"{named} (SELECT owner FROM reservations WHERE owner_kind = 'run' UNION "
        "SELECT origin FROM reservations WHERE origin_kind = 'run')",
        f"{named} (SELECT subject FROM alerts WHERE acknowledged_at IS NULL)",
    ):
        database.connection.execute(f"INSERT OR IGNORE INTO temp.stays SELECT * FROM ({sql}) WHERE 1", (end,))
    # The last completed run of an account may be of a later year.
    database.connection.execute(
        "DELETE FROM temp.stays WHERE key NOT IN (SELECT key FROM runs WHERE session <= ?)", (end,)
    )


_YEAR_END = "(CAST(strftime('%s', ?1, '+1 day', '+5 hours') AS INTEGER) * 1000000)"
"""Midnight in New York after the last day of the year, in microseconds: standard time, five hours behind UTC."""


def last_session(through: str) -> str:
    """The last day of a year, as YYYY-MM-DD. Raises `Conflict` for a text that is no year."""
    if len(through) != 4 or not (through.isascii() and through.isdigit()):
        raise Conflict(f"{through!r}: expected a year such as 2025")
    return f"{through}-12-31"


def moving_runs(database: Database, through: str) -> Iterator[tuple[int, int]]:
    """Ranges of run keys, both ends included, that cover every run to be moved; each has `RUNS_PER_PART` keys.

    Some runs in a range may stay in the book.
    """
    row = database.row("SELECT min(key), max(key) FROM runs WHERE session <= ?", (last_session(through),))
    if row is not None and row[0] is not None:
        for first in range(row[0], row[1] + 1, RUNS_PER_PART):
            yield first, first + RUNS_PER_PART - 1


def run_rows(database: Database, through: str, part: tuple[int, int]) -> list[SqlRow]:
    """The runs in a range of keys that are moved into the archive, as stored. Call `choose` first."""
    return database.rows(
        f"SELECT {_columns(database, 'runs')} FROM runs WHERE key BETWEEN ? AND ? AND session <= ? "
        "AND key NOT IN (SELECT key FROM temp.stays) ORDER BY key",
        (*part, last_session(through)),
    )


def child_rows(database: Database, table: str, through: str, part: tuple[int, int]) -> list[SqlRow]:
    """The rows of a table with a `run` column whose runs are in a range of keys and are moved, as stored."""
    return database.rows(
        f"SELECT {_columns(database, table)} FROM {table} WHERE run IN (SELECT key FROM runs WHERE key BETWEEN ? AND ? "
        "AND session <= ? AND key NOT IN (SELECT key FROM temp.stays))",
        (*part, last_session(through)),
    )


def moving_decisions(database: Database, through: str) -> Iterator[tuple[str, int, int]]:
    """Parts of the work that cover every decision to be moved, as (session, first account key, last account key)."""
    accounts = database.row("SELECT min(key), max(key) FROM accounts")
    if accounts is None or accounts[0] is None:
        return
    end = last_session(through)
    session = database.row("SELECT min(session) FROM decisions WHERE session <= ?", (end,))
    while session is not None and session[0] is not None:
        for first in range(accounts[0], accounts[1] + 1, ACCOUNTS_PER_PART):
            yield session[0], first, first + ACCOUNTS_PER_PART - 1
        session = database.row(
            "SELECT min(session) FROM decisions WHERE session > ? AND session <= ?", (session[0], end)
        )


def decision_rows(database: Database, part: tuple[str, int, int]) -> list[SqlRow]:
    """The decisions of one part that are moved, as stored: all but those that created a run that stays in the book."""
    return database.rows(
        f"SELECT {_columns(database, 'decisions')} FROM decisions WHERE session = ? AND account BETWEEN ? AND ? "
        "AND run NOT IN (SELECT key FROM temp.stays)",
        part,
    )


def moving_contexts(database: Database, through: str) -> Iterator[str]:
    """The keys of the decision contexts of the year `through` and of all earlier years, in parts, each a JSON list.

    A decision context has the inputs shared by all decisions of one time, such as prices.
    """
    last = 0
    while found := [
        key
        for (key,) in database.rows(
            f"SELECT key FROM contexts WHERE key > ?2 AND at < {_YEAR_END} ORDER BY key LIMIT ?3",
            (last_session(through), last, CONTEXTS_PER_PART),
        )
    ]:
        last = found[-1]
        yield json.dumps(found)


def rows_by_key(database: Database, table: str, keys: str) -> list[SqlRow]:
    """The rows of a table with the given keys (a JSON list), by ascending key, as stored."""
    return database.rows(
        f"SELECT {_columns(database, table)} FROM {table} WHERE key IN (SELECT value FROM json_each(?)) ORDER BY key",
        (keys,),
    )


def count(database: Database, through: str) -> dict[str, int]:
    """How many runs and decisions would be moved, by table. Call `choose` first."""
    end = last_session(through)
    found = {}
    for table, column in (("runs", "key"), ("decisions", "run")):
        row = database.row(
            f"SELECT count(*) FROM {table} WHERE session <= ? AND {column} NOT IN (SELECT key FROM temp.stays)", (end,)
        )
        found[table] = int(row[0]) if row else 0
    return found


def _columns(database: Database, table: str) -> str:
    return ", ".join(columns(database.connection, "main", table))

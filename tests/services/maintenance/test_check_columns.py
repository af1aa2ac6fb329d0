"""`check` finds an edit of any stored value, but for those named here, which no other record contains."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from rebal_tui.bootstrap import open_copy, read_only_broker
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.store.database import Database
from tests.services.maintenance.test_check import traded_book

__all__ = ["traded_book"]

_KEY = "names the row only"
_STATISTIC = "a figure about the program's own work, by which nothing is decided"
_MARKET = "a figure of the market, which has no second record"
_SETTING = "the audit trail has which settings changed, not their values"
_INPUT = "an input of a past decision; its outcome is recomputed from it, and a run's decision has a digest"
_OWN_CLOCK = "a time by the book's clock; the broker has its own"
_NOTE = "a note, written once"
_SIMULATION = "what the simulated broker will do next"
UNVERIFIED: dict[str, dict[str, str]] = {
    "_sqlite_migrations": {"id": _KEY, "applied_at": _STATISTIC},
    "accounts": {"outside_orders": "the broker's number of open orders placed elsewhere"},
    "assets": {"key": _KEY, "price": _MARKET, "price_at": _MARKET, "-": "an asset that nothing refers to"},
    "decisions": {
        "reserved": _INPUT, "cash_floor": _INPUT, "update_spent_at": _INPUT, "propose_on": _INPUT,
        "outside_orders": _INPUT, "first_trade_at": "a forecast from the settings of its time",
    },
    "jobs": {
        "last_at": "of a failed job, or within its day", "last_result": _STATISTIC, "duration_ms": _STATISTIC,
        "missed": _STATISTIC, "failed": _STATISTIC,
    },
    "meta": {"name": _SETTING, "value": _SETTING, "-": _SETTING},
    "orders": {
        "looked_up_at": _STATISTIC, "created_at": _OWN_CLOCK, "submitted_at": _OWN_CLOCK, "updated_at": _OWN_CLOCK,
    },
    "portfolio_conditions": {"line": "their order means nothing"},
    "portfolio_versions": {"at": "the first version is of an import", "actor": "the first version is of an import"},
    "portfolios": {"created_at": "of an import", "updated_at": "of an import", "changed_at": "of an import"},
    "reservations": {"key": _KEY, "origin": "where the cash of a journal came from", "created_at": _NOTE},
    "run_events": {"at": _NOTE, "what": _NOTE, "detail": _NOTE, "-": "the last note of a run"},
    "runs": {
        "cancel_requested": "between the request and the end", "phase": "of a run that has ended",
        "updated_at": _STATISTIC,
    },
    "sim_assets": {"halted": _SIMULATION},
    "sim_events": {"status": "of a later event of the same order", "kind": "of an event that the book has applied"},
    "sim_journals": {"doom": _SIMULATION, "reserved": _SIMULATION},
    "sim_migrations": {"-": "the tables are made again where they are missing"},
    "sim_orders": {
        "pieces_done": _SIMULATION, "due_at": _SIMULATION, "cancel_at": _SIMULATION, "expires_at": _SIMULATION,
        "wake_at": _SIMULATION, "doom": _SIMULATION,
    },
    "sim_shares": {"n": _KEY, "at": _NOTE},
    "subscriptions": {
        "id": "of an import", "created_at": "of an import", "update_spent_at": _INPUT, "propose_on": _INPUT,
    },
    "terminal_runs": {"-": "manual runs may also come from the API"},
    "withdrawals": {
        "key": _KEY, "portfolio": "the one to return to", "rounds": _STATISTIC, "updated_at": _STATISTIC,
    },
}  # fmt: skip
"""By table and column why an edit may stay unnoticed; `-` stands for the deletion of a row."""
COLUMNS = """
_sqlite_migrations: migration_set name
audit: seq at actor action subject detail previous hash
accounts: id number name status cash unsettled restrictions created_at
assets: id symbol name exchange tradable fractionable
cash_entries: seq account at kind amount settles_on reference
contexts: at moment assets prices portfolios
decision_kinds: signature outcome deciding
decisions: session account portfolio kind run context subscription times status restrictions cash last_rebalanced_at
 open_run quota_run positions trade_status
drift_history: bucket at used
evaluations: session slot at detail
fills: execution_id account asset side qty price amount at settles_on client_order_id broker_order_id run line
jobs: name paused last_key
journals: id account from_account to_account amount status description created_at updated_at idempotency_key
orders: run line asset side qty status broker_id filled_qty filled_avg_price filled_at notional sent
parts: digest content
portfolio_conditions: portfolio sub_type percent day
portfolio_version_weights: version line asset percent
portfolio_versions: number name description cash_weight cooldown_days conditions review rebalance_to rebalance_scope
 stagger_sessions
portfolios: id name description status cash_weight cooldown_days review stagger_sessions
portfolio_weights: portfolio line asset percent
positions: account asset qty avg_entry_price
reservations: account owner_kind owner amount
run_events: seq
runs: id account portfolio subscription amount reason cash_target plan_keep why weights cash_weight session counts_quota
 created_at started_at completed_at initiated_from status plan_context plan_cash plan_reserved plan_positions
sessions: day open close settles_on next_day
sim_migrations: name
sim_accounts: restrictions id account_number name cash unsettled created_at
sim_assets: id symbol name exchange tradable fractionable
sim_events: seq asset journal filled_avg_price at account order_n fill entry filled_qty
sim_fills: execution_id order_n qty price amount at entry
sim_journals: to_firm id idempotency_key account amount description created_at updated_at
sim_ledger: reference account at amount counter kind settles_on
sim_orders: notional qty side id client_order_id account asset filled_qty filled_avg_price filled_amount created_at
 updated_at
sim_positions: account asset qty avg_entry_price
sim_shares: account asset qty
sim_unsettled: account settles_on amount
subscriptions: account portfolio last_rebalanced_at ended_at
terminal_runs: run
withdrawals: last_rebalanced_at everything id account amount stage run journal created_at
"""
"""By table the columns of which an edit is found, in a book that has values in them."""


def cases() -> Iterator[tuple[str, str]]:
    for line in COLUMNS.replace("\n ", " ").strip().splitlines():
        table, _, columns = line.partition(": ")
        yield from ((table, column) for column in columns.split())
        if "-" not in UNVERIFIED.get(table, {}):
            yield table, "-"


@pytest.mark.slow
@pytest.mark.samples(6)
@pytest.mark.parametrize(("table", "column"), list(cases()), ids=lambda value: value)
def test_an_edit_of_one_value_is_found(traded_book: Path, table: str, column: str) -> None:
    with closing(open_copy(traded_book)) as database:
        edit(database, table, column)
        assert check_book(database, read_only_broker(database)).faults


@pytest.mark.slow
def test_every_column_is_verified_or_has_a_reason(traded_book: Path) -> None:
    known = {*cases(), *((table, column) for table, columns in UNVERIFIED.items() for column in columns)}
    with closing(open_copy(traded_book)) as database:
        for (table,) in database.rows(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'"
        ):
            rows, names = filled(database, table)
            for column in (*names, "-") if rows else ():
                constrained = column != "-" and not editable(database, table, column)
                assert constrained or (table, column) in known, f"{table}.{column}"


def filled(database: Database, table: str) -> tuple[list[tuple[Any, ...]], list[str]]:
    """The rows of a table, and its columns that have a value in any of them."""
    columns = [row[1] for row in database.rows(f"PRAGMA table_info({table})")]
    rows = database.rows(f"SELECT * FROM {table}")
    return rows, [name for number, name in enumerate(columns) if any(row[number] is not None for row in rows)]


def edit(database: Database, table: str, column: str) -> None:
    """Edit one value of a row in the middle, or delete the row with `-`, as a person with an SQL shell could: triggers
    and references do not stop it, and are as before afterward."""
    connection = database.connection
    connection.execute("PRAGMA foreign_keys = OFF")
    triggers = database.rows("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    for name, _ in triggers:
        connection.execute(f"DROP TRIGGER {name}")
    columns = [row[1] for row in database.rows(f"PRAGMA table_info({table})")]
    rows = [
        row
        for row in database.rows(f"SELECT * FROM {table}")
        if column == "-" or row[columns.index(column)] is not None
    ]
    row = rows[len(rows) // 2]
    where = " AND ".join(f"{name} IS ?" for name in columns)
    if column == "-":
        assert connection.execute(f"DELETE FROM {table} WHERE {where}", row).rowcount == 1
    else:
        mine = row[columns.index(column)]
        used = [value for (value,) in database.rows(f"SELECT DISTINCT {column} FROM {table}")]
        for value in (*others(mine), *(value for value in used if value not in (mine, None))):
            with suppress(sqlite3.IntegrityError):
                connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (value, *row))
                break
        else:
            raise AssertionError(f"{table}.{column} accepts no other value")
    for _, sql in triggers:
        connection.execute(sql)


def editable(database: Database, table: str, column: str) -> bool:
    """Whether the table accepts another value in the column at all; a check or an index may refuse each."""
    database.connection.execute("SAVEPOINT tried")
    try:
        edit(database, table, column)
    except AssertionError:
        return False
    finally:
        database.connection.execute("ROLLBACK TO tried")
        database.connection.execute("RELEASE tried")
    return True


def others(value: Any) -> list[Any]:
    """Values near another one; a text that must be one of a few has none."""
    if isinstance(value, int):
        return [value + 1, value - 1, value + 1_000]
    if isinstance(value, bytes):
        return [value[:-1] + bytes([value[-1] ^ 1])]
    return [value + "x"]

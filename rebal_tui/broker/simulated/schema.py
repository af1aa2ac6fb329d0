"""The simulated broker's own tables; no other module reads or writes them.

Money, quantities and prices are in billionths; timestamps are microseconds since 1970 UTC; dates are ISO text.
Accounts, assets, orders and the like have a small integer key `n` in addition to their UUID, so that references are
small.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator

from rebal_tui.broker.simulated.ports import Writer
from rebal_tui.domain.accounts import AccountStatus
from rebal_tui.domain.cash import JournalStatus
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.orders import OrderStatus
from rebal_tui.domain.quantities import MAX_NANO

_FIRST_CASH_KINDS = "'opening', 'deposit', 'ach_return', 'buy', 'sell', 'journal_in', 'journal_out', 'other'"
_FIRST_EVENT_KINDS = "'order', 'fill', 'cash', 'settlement', 'journal', 'account', 'asset'"


def _any_of(values: type[AccountStatus] | type[JournalStatus] | type[OrderStatus]) -> str:
    return ", ".join(f"'{value}'" for value in values)


_FINAL_ORDERS = ", ".join(f"'{status}'" for status in OrderStatus if status.final)

_INITIAL = f"""
CREATE TABLE sim_assets (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    symbol TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    exchange TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('active', 'inactive')),
    tradable INTEGER NOT NULL CHECK (tradable IN (0, 1)),
    fractionable INTEGER NOT NULL CHECK (fractionable IN (0, 1)),
    halted INTEGER NOT NULL DEFAULT 0 CHECK (halted IN (0, 1))
) STRICT;

CREATE TABLE sim_accounts (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    account_number TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ({_any_of(AccountStatus)})),
    restrictions TEXT NOT NULL,
    cash INTEGER NOT NULL CHECK (cash BETWEEN -{MAX_NANO} AND {MAX_NANO}),
    unsettled INTEGER NOT NULL CHECK (unsettled >= 0),
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE sim_positions (
    account INTEGER NOT NULL REFERENCES sim_accounts (n),
    asset INTEGER NOT NULL REFERENCES sim_assets (n),
    qty INTEGER NOT NULL CHECK (qty BETWEEN 1 AND {MAX_NANO}),
    avg_entry_price INTEGER CHECK (avg_entry_price >= 0),
    PRIMARY KEY (account, asset)
) STRICT, WITHOUT ROWID;

CREATE TABLE sim_shares (
    n INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES sim_accounts (n),
    asset INTEGER NOT NULL REFERENCES sim_assets (n),
    kind TEXT NOT NULL CHECK (kind IN ('opening', 'brought_in')),
    qty INTEGER NOT NULL CHECK (qty > 0),
    at INTEGER NOT NULL
) STRICT;

CREATE TABLE sim_ledger (
    n INTEGER PRIMARY KEY,
    account INTEGER NOT NULL REFERENCES sim_accounts (n),
    counter TEXT NOT NULL CHECK (counter IN ('bank', 'market', 'firm')),
    at INTEGER NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ({_FIRST_CASH_KINDS})),
    amount INTEGER NOT NULL,
    settles_on TEXT NOT NULL CHECK (length(settles_on) = 10),
    reference TEXT NOT NULL,
    CHECK (CASE WHEN kind IN ('buy', 'ach_return', 'journal_out') THEN amount <= 0
           WHEN kind = 'opening' THEN 1 ELSE amount >= 0 END)
) STRICT;

CREATE TABLE sim_unsettled (
    account INTEGER NOT NULL REFERENCES sim_accounts (n),
    settles_on TEXT NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    PRIMARY KEY (settles_on, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE sim_orders (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    client_order_id TEXT NOT NULL UNIQUE,
    account INTEGER NOT NULL REFERENCES sim_accounts (n),
    asset INTEGER NOT NULL REFERENCES sim_assets (n),
    side TEXT NOT NULL CHECK (side IN ('buy', 'sell')),
    notional INTEGER CHECK (notional > 0),
    qty INTEGER CHECK (qty > 0),
    status TEXT NOT NULL CHECK (status IN ({_any_of(OrderStatus)})),
    open INTEGER NOT NULL CHECK (open = (status NOT IN ({_FINAL_ORDERS}))),
    filled_qty INTEGER NOT NULL DEFAULT 0 CHECK (filled_qty >= 0),
    filled_avg_price INTEGER CHECK (filled_avg_price >= 0),
    filled_amount INTEGER NOT NULL DEFAULT 0 CHECK (filled_amount >= 0),
    reserved_cash INTEGER NOT NULL CHECK (reserved_cash >= 0),
    reserved_qty INTEGER NOT NULL CHECK (reserved_qty >= 0),
    pieces_done INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL,
    cancel_at INTEGER,
    expires_at INTEGER NOT NULL,
    wake_at INTEGER NOT NULL,
    settles_on TEXT NOT NULL CHECK (length(settles_on) = 10),
    doom TEXT,
    reason TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK ((notional IS NULL) <> (qty IS NULL)),
    CHECK (qty IS NULL OR filled_qty <= qty),
    CHECK (notional IS NULL OR filled_amount <= notional),
    CHECK (open OR (reserved_cash = 0 AND reserved_qty = 0))
) STRICT;

CREATE INDEX sim_orders_open ON sim_orders (account, asset) WHERE open = 1;
CREATE INDEX sim_orders_wake ON sim_orders (wake_at) WHERE open = 1;
CREATE INDEX sim_orders_open_asset ON sim_orders (asset) WHERE open = 1;

CREATE TABLE sim_fills (
    n INTEGER PRIMARY KEY,
    execution_id TEXT NOT NULL UNIQUE,
    order_n INTEGER NOT NULL REFERENCES sim_orders (n),
    qty INTEGER NOT NULL CHECK (qty > 0),
    price INTEGER NOT NULL CHECK (price > 0),
    amount INTEGER NOT NULL CHECK (amount >= 0),
    at INTEGER NOT NULL,
    entry INTEGER NOT NULL UNIQUE REFERENCES sim_ledger (n)
) STRICT;

CREATE INDEX sim_fills_order ON sim_fills (order_n);

CREATE TABLE sim_rejections (
    account INTEGER NOT NULL REFERENCES sim_accounts (n),
    asset INTEGER NOT NULL REFERENCES sim_assets (n),
    reason TEXT NOT NULL,
    PRIMARY KEY (account, asset)
) STRICT, WITHOUT ROWID;

CREATE TABLE sim_journals (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    idempotency_key TEXT NOT NULL UNIQUE,
    account INTEGER NOT NULL REFERENCES sim_accounts (n),
    to_firm INTEGER NOT NULL CHECK (to_firm IN (0, 1)),
    amount INTEGER NOT NULL CHECK (amount > 0),
    status TEXT NOT NULL CHECK (status IN ({_any_of(JournalStatus)})),
    description TEXT NOT NULL,
    doom TEXT,
    reason TEXT,
    due_at INTEGER,
    reserved INTEGER NOT NULL CHECK (reserved BETWEEN 0 AND amount),
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CHECK ((due_at IS NULL) = (status IN ('executed', 'rejected', 'canceled', 'refused'))),
    CHECK (due_at IS NOT NULL OR reserved = 0)
) STRICT;

CREATE INDEX sim_journals_due ON sim_journals (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX sim_journals_reserved ON sim_journals (account) WHERE reserved > 0;

CREATE TABLE sim_events (
    seq INTEGER PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ({_FIRST_EVENT_KINDS})),
    at INTEGER NOT NULL,
    account INTEGER REFERENCES sim_accounts (n),
    asset INTEGER REFERENCES sim_assets (n),
    order_n INTEGER REFERENCES sim_orders (n),
    fill INTEGER REFERENCES sim_fills (n),
    entry INTEGER REFERENCES sim_ledger (n),
    journal INTEGER REFERENCES sim_journals (n),
    status TEXT,
    filled_qty INTEGER,
    filled_avg_price INTEGER,
    amount INTEGER CHECK ((amount IS NOT NULL) = (kind = 'settlement'))
) STRICT;

CREATE TRIGGER sim_events_keep_update BEFORE UPDATE ON sim_events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER sim_events_keep_delete BEFORE DELETE ON sim_events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER sim_ledger_keep_update BEFORE UPDATE ON sim_ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
CREATE TRIGGER sim_ledger_keep_delete BEFORE DELETE ON sim_ledger
BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END;
"""


def _extended(table: str, values: str, more: str) -> str:
    """SQL that adds values to the list of allowed values in a table's CHECK constraint.

    The SQL edits the text of the schema, as SQLite's documentation describes for changing a constraint.
    """
    before, after = (text.replace("'", "''") for text in (f"({values})", f"({values}, {more})"))
    return (
        f"UPDATE sqlite_master SET sql = replace(sql, '{before}', '{after}') WHERE type = 'table' AND name = '{table}';"
    )


_CORPORATE_ACTIONS = f"""
PRAGMA writable_schema = ON;
{_extended("sim_ledger", _FIRST_CASH_KINDS, "'dividend', 'corporate_action'")}
{_extended("sim_events", _FIRST_EVENT_KINDS, "'corporate_action'")}
PRAGMA writable_schema = RESET;

CREATE TABLE sim_actions (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    asset INTEGER NOT NULL REFERENCES sim_assets (n),
    kind TEXT NOT NULL,
    symbol TEXT NOT NULL,
    ratio TEXT,
    amount INTEGER CHECK (amount > 0),
    new_symbol TEXT,
    price INTEGER CHECK (price > 0),
    new_asset INTEGER REFERENCES sim_assets (n),
    fractionable INTEGER NOT NULL CHECK (fractionable IN (0, 1)),
    new_fractionable INTEGER NOT NULL CHECK (new_fractionable IN (0, 1)),
    price_before INTEGER,
    new_price INTEGER,
    at INTEGER NOT NULL,
    accounts INTEGER NOT NULL,
    canceled_orders INTEGER NOT NULL
) STRICT;

CREATE TABLE sim_action_holders (
    action INTEGER NOT NULL REFERENCES sim_actions (n),
    account INTEGER NOT NULL REFERENCES sim_accounts (n),
    held INTEGER NOT NULL CHECK (held >= 0),
    average INTEGER,
    entitled INTEGER NOT NULL CHECK (entitled >= 0),
    qty INTEGER NOT NULL CHECK (qty >= 0),
    received INTEGER NOT NULL CHECK (received >= 0),
    paid INTEGER NOT NULL CHECK (paid >= 0),
    PRIMARY KEY (action, account)
) STRICT, WITHOUT ROWID;

ALTER TABLE sim_events ADD COLUMN action INTEGER REFERENCES sim_actions (n);
"""

MIGRATIONS: list[tuple[str, str]] = [("0001_initial", _INITIAL), ("0002_corporate_actions", _CORPORATE_ACTIONS)]
"""Name and script of each step, in order. A released step never changes."""


def create_tables(connection: Writer) -> None:
    """Create the tables, or apply the migrations that they lack, inside the caller's transaction.

    Raises `Conflict` when a newer version of the program has changed them.
    """
    connection.execute("CREATE TABLE IF NOT EXISTS sim_migrations (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID")
    done = {name for (name,) in connection.execute("SELECT name FROM sim_migrations")}
    refuse_newer(done)
    for name, script in MIGRATIONS:
        if name in done:
            continue
        for statement in statements(script):
            connection.execute(statement)
        connection.execute("INSERT INTO sim_migrations (name) VALUES (?)", (name,))


def refuse_newer(applied: Collection[str]) -> None:
    """Raise `Conflict` when this program does not know some of the migrations that were applied."""
    unknown = sorted(set(applied) - {name for name, _ in MIGRATIONS})
    if unknown:
        raise Conflict(
            f"the book was made by a newer version of rebal-tui (unknown {', '.join(unknown)}); "
            "upgrade the program to open it"
        )


def statements(script: str) -> Iterator[str]:
    """The statements of an SQL script, one by one; `executescript` would commit the caller's transaction."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending.strip()
            pending = ""

"""`check_book` finds each planted inconsistency, in a book that is consistent otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from rebal_tui.bootstrap import create_demo, open_copy, open_simulation, read_only_broker
from rebal_tui.domain.errors import Fault
from rebal_tui.domain.quantities import NANO, Money
from rebal_tui.domain.runs import RunType
from rebal_tui.market.clock import SimulatedClock
from rebal_tui.services.advisory.cash import create_journal, deposit, sandbox
from rebal_tui.services.advisory.portfolios import create_portfolio
from rebal_tui.services.advisory.withdrawals import request_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.kill_switch import set_halt
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.maintenance.drift_history_check import drift_history_faults
from rebal_tui.services.parsing.portfolio_input import parse_portfolio
from rebal_tui.services.runs.manual import create_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import book_settings
from rebal_tui.store.database import Database

RESERVE = (
    "INSERT INTO reservations (account, owner_kind, owner, amount, created_at) SELECT key, '{}', {}, 1000, 0 "
    "FROM accounts LIMIT 1"
)


@pytest.fixture(scope="module")
def traded_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demonstration book after a morning of runs."""
    path = tmp_path_factory.mktemp("checks") / "book.db"
    database = create_demo(path, accounts=12, seed="checks")
    book = open_simulation(database)
    assert isinstance(book.clock, SimulatedClock)
    book.clock.pause()
    scheduler.tick(book)
    for _ in range(40):
        book.clock.jump(book.now() + timedelta(minutes=1))
        scheduler.tick(book)
    _use(book)
    database.close()
    return path


def _use(book: Book) -> None:
    """Cash that moves, a run that reserves cash, a withdrawal, a portfolio that needs adjustment, the kill switch."""
    idle = [name for name in book.subscriptions if name not in book.open_runs and not book.accounts[name].restrictions]
    deposit(book, idle[0], Money(500 * NANO))
    create_journal(book, idle[0], Money(20 * NANO), incoming=False)
    request_withdrawal(book, idle[1], Money(100 * NANO))
    create_run(book, idle[2], RunType.PARTIAL_LIQUIDATION, amount=Money(50 * NANO))
    assert isinstance(book.clock, SimulatedClock)
    for _ in range(30):
        book.clock.jump(book.now() + timedelta(minutes=1))
        scheduler.tick(book)
    parsed = parse_portfolio(
        {
            "name": "Own model",
            "description": "",
            "weights": [{"type": "asset", "symbol": "SPY", "percent": "100"}],
            "cooldown_days": 7,
            "rebalance_conditions": [],
        }
    )
    create_portfolio(book, parsed)
    set_halt(book, True)
    set_halt(book, False)


@pytest.fixture
def database(traded_book: Path) -> Iterator[Database]:
    copy = open_copy(traded_book)
    yield copy
    copy.close()


def fault_locations(database: Database) -> set[str]:
    """The locations of the faults, first word only."""
    return {fault.location.split(" ")[0] for fault in check_book(database, read_only_broker(database)).faults}


@pytest.mark.slow
@pytest.mark.parametrize(("seconds", "faults"), [(1, False), (61, True)])
def test_points_of_drift_shortly_before_their_pass_belong_to_it(database: Database, seconds: int, faults: bool) -> None:
    """Earlier versions stored them so in books with a real clock."""
    with database.write() as tx:
        book_settings.put(tx, book_settings.BROKER, "files")
        tx.execute("UPDATE contexts SET at = at + ? WHERE at IN (SELECT at FROM drift_history)", (seconds * 1_000_000,))

    assert any(drift_history_faults(database)) is faults


@pytest.mark.slow
def test_a_used_book_passes_check(database: Database) -> None:
    found = check_book(database, read_only_broker(database))

    assert found.faults == ()
    assert found.behind == 0
    assert found.counts["accounts"] == 12
    assert found.counts["fills"] > 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "location"),
    [
        ("UPDATE accounts SET cash = cash + 1", "account"),
        ("UPDATE accounts SET status = 'LIMITED'", "account"),
        ("UPDATE accounts SET restrictions = 'options'", "account"),
        ("UPDATE positions SET qty = qty + 1", "account"),
        ("UPDATE sim_accounts SET cash = cash + 1", "broker"),
        ("UPDATE sim_positions SET qty = qty + 1", "broker"),
        ("UPDATE portfolios SET cash_weight = (cash_weight + 1) % 10000", "portfolio"),
        ("UPDATE runs SET weights = (SELECT moment FROM contexts)", "run"),
        ("UPDATE parts SET content = x'00' WHERE key = (SELECT min(weights) FROM runs)", "parts"),
        ("UPDATE parts SET content = (SELECT content FROM parts WHERE key = 1) WHERE key > 1", "parts"),
        ("UPDATE runs SET plan_positions = x'01' WHERE plan_context IS NOT NULL", "run"),
        ("UPDATE runs SET plan_cash = plan_cash + 1 WHERE plan_context IS NOT NULL", "audit"),
        ("UPDATE runs SET why = 'because'", "audit"),
        ("UPDATE decisions SET cash = cash + 1 WHERE run > 0", "audit"),
        ("DELETE FROM decisions WHERE run > 0", "audit"),
        ("UPDATE contexts SET at = at + 1", "audit"),
        ("UPDATE decision_kinds SET deciding = deciding || '?'", "audit"),
        ("UPDATE decisions SET positions = x'', cash = 0 WHERE run > 0", "account"),
        ("UPDATE fills SET amount = amount + 1", "fill"),
        (RESERVE.format("run", "'nobody'"), "run"),
        (RESERVE.format("run", "(SELECT id FROM runs LIMIT 1)"), "run"),
        (RESERVE.format("withdrawal", "'nobody'"), "withdrawal"),
        (RESERVE.format("journal", "'nobody'"), "journal"),
        (
            "INSERT INTO journals (id, account, from_account, to_account, amount, status, description, created_at, "
            "updated_at) SELECT 'j', key, id, 'firm', 5, 'queued', '', 0, 0 FROM accounts LIMIT 1",
            "journal",
        ),
        ("UPDATE fills SET side = 'sell' WHERE side = 'buy'", "fill"),
        ("DELETE FROM fills", "run"),
        ("UPDATE orders SET status = 'canceled'", "run"),
        ("UPDATE orders SET filled_qty = filled_qty + 1", "run"),
        ("DELETE FROM orders", "run"),
        (
            "CREATE TEMP TABLE again AS SELECT * FROM orders; UPDATE again SET line = line + 50; "
            "INSERT INTO orders SELECT * FROM again",
            "run",
        ),
        (
            "DROP TRIGGER audit_no_update; UPDATE audit SET action = 'orders.lost' WHERE action = 'orders.filled'",
            "audit",
        ),
        (
            "INSERT INTO withdrawals (id, account, amount, stage, created_at, updated_at) "
            "SELECT 'w', account, 1, 'selling', 0, 0 FROM subscriptions WHERE ended_at IS NULL LIMIT 1",
            "withdrawal",
        ),
        ("DROP TRIGGER audit_no_update; UPDATE audit SET actor = 'someone' WHERE seq = 3", "audit"),
        ("DROP TRIGGER audit_no_delete; DELETE FROM audit WHERE seq = 3", "audit"),
        ("PRAGMA foreign_keys = OFF; DELETE FROM portfolios", "file"),
        (
            "DROP INDEX one_open_run; DROP INDEX one_system_run; UPDATE runs SET status = 'QUEUED', account = 1",
            "account",
        ),
        ("UPDATE fills SET account = (SELECT max(key) FROM accounts WHERE key <> fills.account)", "fill"),
        ("UPDATE fills SET at = at + 1", "fill"),
        ("UPDATE fills SET settles_on = '2030-01-02'", "fill"),
        ("UPDATE orders SET filled_avg_price = filled_avg_price + 1", "order"),
        ("UPDATE cash_entries SET amount = amount + 1", "cash"),
        ("UPDATE cash_entries SET at = at + 1", "cash"),
        ("DELETE FROM cash_entries", "cash"),
        ("UPDATE journals SET status = 'canceled'", "journal"),
        ("UPDATE journals SET to_account = 'me'", "journal"),
        ("UPDATE journals SET amount = amount - 1", "journal"),
        ("DELETE FROM journals", "journal"),
        ("UPDATE reservations SET amount = amount / 2 WHERE owner_kind = 'run'", "run"),
        ("DELETE FROM reservations WHERE owner_kind = 'run'", "run"),
        ("UPDATE reservations SET amount = amount / 2 WHERE owner_kind = 'withdrawal'", "withdrawal"),
        ("UPDATE subscriptions SET ended_at = 0 WHERE ended_at IS NULL", "subscription"),
        ("UPDATE subscriptions SET portfolio = 1 + portfolio % 3", "subscription"),
        ("DROP INDEX one_subscription; UPDATE subscriptions SET ended_at = NULL WHERE ended_at > 0", "subscription"),
        (
            "INSERT INTO subscriptions (id, account, portfolio, created_at, ended_at) VALUES ('x', 1, 1, 0, 0)",
            "subscriptions",
        ),
        ("UPDATE runs SET status = 'CANCELED' WHERE status LIKE 'COMPLETED%'", "run"),
        ("UPDATE runs SET approval = 'approved'", "run"),
        ("UPDATE portfolios SET status = 'inactive' WHERE name = 'Own model'", "portfolio"),
        ("UPDATE withdrawals SET stage = 'completed'", "withdrawal"),
        ("UPDATE withdrawals SET amount = amount + 1", "withdrawal"),
        ("DELETE FROM withdrawals", "withdrawal"),
        ("DELETE FROM run_events WHERE seq = 1", "run"),
        ("UPDATE meta SET value = '1' WHERE name = 'halt'", "kill"),
        ("UPDATE accounts SET name = 'Someone', number = '1'", "account"),
        ("UPDATE positions SET avg_entry_price = 1", "account"),
        ("DROP TRIGGER sim_events_keep_delete; DELETE FROM sim_events WHERE seq = 7", "broker"),
        ("DROP TRIGGER sim_events_keep_delete; DELETE FROM sim_events WHERE seq > 90", "broker"),
        (
            "DROP TRIGGER sim_ledger_keep_delete; PRAGMA foreign_keys = OFF; DELETE FROM sim_ledger WHERE n = 3",
            "broker",
        ),
        ("DROP TRIGGER audit_no_update", "schema"),
        ("DROP INDEX one_open_run", "schema"),
        ("DELETE FROM _sqlite_migrations", "schema"),
        (
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('book', '9999_future', '')",
            "schema",
        ),
    ],
)
def test_damage_is_found_with_its_location(database: Database, damage: str, location: str) -> None:
    for statement in damage.split("; "):
        database.connection.execute(statement)

    assert location in fault_locations(database)


@pytest.mark.slow
def test_an_account_known_to_one_side_only_is_reported_with_that_side(database: Database) -> None:
    database.connection.execute("UPDATE accounts SET id = 'ours alone' WHERE key = 1")

    messages = [str(fault) for fault in check_book(database, read_only_broker(database)).faults]

    assert "account ours alone: exists in the book but not at the broker" in messages
    assert len([text for text in messages if text.endswith("exists at the broker but not in the book")]) == 1


@pytest.mark.slow
def test_events_not_applied_yet_are_no_fault(traded_book: Path, database: Database) -> None:
    """A kill between the broker's commit and the book's leaves this state; the next opening applies the events."""
    book = open_simulation(open_copy(traded_book))
    account = next(iter(book.accounts))
    sandbox(book).deposit(account, Money(10**9), book.now())

    found = check_book(book.database, read_only_broker(book.database))

    assert (found.faults, found.behind) == ((), 1)


def test_a_check_changes_nothing(database: Database) -> None:
    before = list(database.connection.iterdump())

    check_book(database, read_only_broker(database))

    assert list(database.connection.iterdump()) == before
    assert not database.connection.in_transaction


@pytest.mark.parametrize(("before", "after"), [("inactive", "active"), ("active", "inactive")])
def test_the_status_of_a_portfolio_that_never_changed_is_verified(database: Database, before: str, after: str) -> None:
    query = "SELECT id FROM portfolios WHERE status = ? ORDER BY key LIMIT 1"
    [(identity,)] = database.rows(query, (before,))
    database.connection.execute("UPDATE portfolios SET status = ? WHERE id = ?", (after, identity))

    found = check_book(database, read_only_broker(database)).faults

    assert Fault(f"portfolio {identity}", f"is {after}, {before} in the audit trail") in found

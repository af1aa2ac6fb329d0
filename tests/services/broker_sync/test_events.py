"""Broker events are applied exactly once, and no order is doubled or lost, whatever is repeated or lost."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from rebal_tui.broker.failures import BrokerRefused, RefusalCode
from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.cash import JournalStatus
from rebal_tui.domain.orders import Order, OrderRequest, OrderStatus, Side
from rebal_tui.domain.quantities import parse_money, parse_qty
from rebal_tui.domain.runs import RunStatus, RunType
from rebal_tui.services.advisory.cash import create_journal, deposit
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import reload_from_broker, sync
from rebal_tui.services.evaluation.account import evaluate_account
from rebal_tui.services.runs.manual import create_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import accounts as account_store
from rebal_tui.store import audit, book_settings, jobs, run_orders
from rebal_tui.store import cash as cash_store
from tests.services.brokers import BrokerWrapper, Repeating, Unreliable, broker, reopen
from tests.services.factories import SLOW, advance, advance_to, all_runs, only_run, set_price, simple_book


def mixed_book(path: Path | str = ":memory:") -> Book:
    """Account `a` must sell GLD and SPY and buy TLT; its orders fill slowly and partially."""
    return simple_book(cash="1000", held={"SPY": "100", "GLD": "20"}, path=path, model=SLOW)


def agrees(book: Book) -> None:
    """The book equals the broker's records to the unit, and the broker's own invariants hold."""
    assert broker(book).invariants() == []
    for theirs in broker(book).accounts():
        ours = book.accounts[theirs.id]
        assert (ours.cash, ours.unsettled, ours.positions) == (theirs.cash, theirs.unsettled, theirs.positions)
        assert (ours.status, ours.restrictions) == (theirs.status, theirs.restrictions)
    recorded = book.database.rows("SELECT coalesce(sum(amount), 0) FROM fills")
    assert recorded == book.database.rows("SELECT coalesce(sum(amount), 0) FROM sim_fills")


def state(book: Book) -> dict[str, Any]:
    return {
        table: book.database.rows(f"SELECT * FROM {table} ORDER BY 1, 2")
        for table in ("accounts", "positions", "fills", "cash_entries", "journals", "orders", "alerts", "audit")
    }


@pytest.mark.slow
@pytest.mark.parametrize("backwards", [False, True])
def test_repeated_events_change_nothing(backwards: bool) -> None:
    plain, repeated = mixed_book(), mixed_book()
    Repeating(repeated, backwards=backwards)
    for book in (plain, repeated):
        scheduler.tick(book)
        advance(book, 20)
        deposit(book, "a", parse_money("500"))
        create_journal(book, "a", parse_money("300"), incoming=True, key="k-1")
        advance(book, 10)
    first, second = state(plain), state(repeated)
    for table in ("accounts", "positions", "fills", "cash_entries", "journals"):
        assert sorted(first[table]) == sorted(second[table]), table
    assert [r.status for r in all_runs(plain)] == [r.status for r in all_runs(repeated)]
    agrees(repeated)


def test_a_repeated_event_of_an_executed_journal_reserves_cash_only_once() -> None:
    book = simple_book()
    scheduler.tick(book)
    create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("10000"))
    advance_to(book, "2026-03-03 08:00")
    Repeating(book)
    assert book.extras["a"].reserve == parse_money("10000")
    advance_to(book, "2026-03-03 09:31")
    create_journal(book, "a", parse_money("4000"), incoming=False)
    deposit(book, "a", parse_money("1"))
    advance(book, 3)
    assert book.extras["a"].reserve == parse_money("6000")
    assert [j.status for j in cash_store.journals(book.database)] == [JournalStatus.EXECUTED]


def test_the_stream_cursor_survives_a_restart(tmp_path: Path) -> None:
    book = mixed_book(tmp_path / "book.db")
    scheduler.tick(book)
    advance(book, 5)
    before, cursor = state(book), book_settings.get(book.database, "broker_cursor")
    book = reopen(book, model=SLOW)
    assert sync(book) == 0
    assert (state(book), book_settings.get(book.database, "broker_cursor")) == (before, cursor)
    advance(book, 20)
    assert only_run(book).status is RunStatus.COMPLETED_SUCCESS
    agrees(book)


def test_the_cursor_never_goes_back() -> None:
    book = mixed_book()
    Repeating(book, backwards=True)
    last = 0
    scheduler.tick(book)
    for _ in range(10):
        advance(book, 1)
        reached = int(book_settings.get(book.database, "broker_cursor"))
        assert reached >= last
        last = reached
    assert last == broker(book).last_event()


@pytest.mark.slow
@pytest.mark.parametrize("outcome", ["request lost", "reply lost"])
def test_a_lost_answer_neither_doubles_nor_loses_the_order(outcome: str) -> None:
    calm, book = mixed_book(), mixed_book()
    seen: Counter[str] = Counter()

    def first_of_each(name: str) -> str:
        seen[name] += 1
        return outcome if name == "submit_order" and seen[name] in (1, 3) else ""

    Unreliable(book, first_of_each)
    for each in (calm, book):
        scheduler.tick(each)
        advance(each, 20)
    assert only_run(book).status is RunStatus.COMPLETED_SUCCESS
    ids = [row[0] for row in book.database.rows("SELECT client_order_id FROM sim_orders")]
    assert len(ids) == len(set(ids)) == len(run_orders.of_run(book.database, only_run(book).id))
    legs = book.database.rows("SELECT account, asset, side, count(*) FROM sim_orders GROUP BY 1, 2, 3")
    assert {count for *_, count in legs} == {1}
    agrees(book)
    assert sorted(p.symbol for p in book.accounts["a"].positions) == sorted(
        p.symbol for p in calm.accounts["a"].positions
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(8))
def test_with_any_lost_answers_every_run_ends_with_one_order_per_leg(seed: int) -> None:
    random = Random(seed)
    book = mixed_book()
    faulty = True
    outcomes = ("", "request lost", "reply lost")
    Unreliable(book, lambda name: random.choice(outcomes) if faulty else "")
    scheduler.tick(book)
    for _ in range(15):
        advance(book, 1)
        sync(book)
        agrees(book)
    faulty = False
    advance(book, 30)
    assert only_run(book).status in (RunStatus.COMPLETED_SUCCESS, RunStatus.COMPLETED_ADJUSTED)
    legs = book.database.rows("SELECT account, asset, side, count(*) FROM sim_orders GROUP BY 1, 2, 3")
    assert {count for *_, count in legs} == {1}
    agrees(book)


def test_a_lost_order_is_sent_again_only_after_it_was_not_found_for_a_while() -> None:
    book = simple_book()
    book.settings = replace(book.settings, resend_after=timedelta(minutes=2))
    lost = iter(["request lost", "request lost"])
    calls: list[str] = []

    def outcome(name: str) -> str:
        calls.append(name)
        return next(lost, "") if name == "submit_order" else ""

    Unreliable(book, outcome)
    scheduler.tick(book)
    advance(book, 1)
    assert calls.count("submit_order") == 2
    assert calls.count("order_by_client_id") >= 2
    advance(book, 4)
    assert calls.count("submit_order") == 4
    assert only_run(book).status is RunStatus.COMPLETED_SUCCESS


class Forgetful(BrokerWrapper):
    """Reports that an order's id is in use, and for a while does not find the order under that id."""

    def __init__(self, book: Book) -> None:
        super().__init__(book)
        self._finds_from = book.now() + timedelta(minutes=5)
        self._book = book

    def submit_order(self, request: OrderRequest) -> Order:
        self.inner.submit_order(request)
        raise BrokerRefused(RefusalCode.DUPLICATE_CLIENT_ORDER_ID, "used before")

    def order_by_client_id(self, account_id: str, client_order_id: str) -> Order | None:
        if self._book.now() < self._finds_from:
            return None
        found: Order | None = self.inner.order_by_client_id(account_id, client_order_id)
        return found


def test_a_used_id_that_is_not_found_yet_is_looked_up_again_later() -> None:
    book = simple_book(model=SLOW)
    Forgetful(book)
    scheduler.tick(book)
    advance(book, 20)
    assert only_run(book).status is RunStatus.COMPLETED_SUCCESS
    assert len(book.database.rows("SELECT 1 FROM sim_orders")) == 2


@pytest.mark.parametrize("client_order_id", ["someone-else-1", "rt-00000000000000000000000000000000-1", "rt-1"])
def test_external_orders_stop_automation_for_any_order_id(client_order_id: str) -> None:
    book = simple_book()
    broker(book).halt("GLD", True, book.now())
    request = OrderRequest("a", client_order_id, "GLD", Side.BUY, notional=parse_money("100"))
    order = broker(book).place_external_order("a", request, book.now())
    scheduler.tick(book)
    assert book.extras["a"].external_orders == 1
    assert all_runs(book) == []
    broker(book).cancel_order("a", order.id)
    advance_to(book, "2026-03-02 09:45")
    assert book.extras["a"].external_orders == 0
    assert len(all_runs(book)) == 1


def test_external_fills_are_applied_and_belong_to_no_run() -> None:
    book = simple_book("2026-03-02 15:45")
    request = OrderRequest("a", "someone-else-1", "GLD", Side.BUY, notional=parse_money("180"))
    broker(book).place_external_order("a", request, book.now())
    scheduler.tick(book)
    agrees(book)
    assert book.accounts["a"].holding("GLD") == parse_qty("1")
    assert book.database.rows("SELECT run FROM fills") == [(None,)]


def test_a_final_order_status_never_changes_again() -> None:
    book = simple_book()
    scheduler.tick(book)
    line, order, _ = run_orders.of_run(book.database, only_run(book).id)[0]
    stale = replace(order, status=OrderStatus.NEW, filled_qty=parse_qty("0"), filled_avg_price=None, filled_at=None)
    with book.database.write() as tx:
        assert run_orders.store(tx, stale)
    again = run_orders.of_run(book.database, only_run(book).id)[0][1]
    assert (again.status, again.filled_qty, again.filled_avg_price) == (
        OrderStatus.FILLED, order.filled_qty, order.filled_avg_price,
    )  # fmt: skip
    assert line == 1


def test_a_restriction_raises_an_alert_and_its_end_clears_it() -> None:
    book = simple_book()
    broker(book).set_restrictions("a", frozenset({Restriction.TRADING_BLOCKED}), book.now())
    scheduler.tick(book)
    assert [(a.kind, a.subject) for a in jobs.open_alerts(book.database)] == [("restricted", "a")]
    assert "trading is blocked" in jobs.open_alerts(book.database)[0].text
    assert all_runs(book) == []
    both = frozenset({Restriction.TRADING_BLOCKED, Restriction.ACH_RETURN})
    broker(book).set_restrictions("a", both, book.now())
    sync(book)
    assert len(jobs.open_alerts(book.database)) == 1
    assert "an ACH deposit was returned" in jobs.open_alerts(book.database)[0].text
    broker(book).set_restrictions("a", frozenset(), book.now())
    advance_to(book, "2026-03-02 09:45")
    assert jobs.open_alerts(book.database) == []
    assert len(all_runs(book)) == 1


@pytest.mark.parametrize(
    ("restriction", "text"),
    [(Restriction.SHORT_POSITION, "holds a short position"), (Restriction.CRYPTO_POSITION, "holds a crypto position")],
)
def test_a_position_that_no_rule_covers_is_named_in_the_alert_and_the_trace(
    restriction: Restriction, text: str
) -> None:
    book = simple_book()
    broker(book).set_restrictions("a", frozenset({restriction}), book.now())
    scheduler.tick(book)
    assert [(a.kind, a.text.rpartition(": ")[2]) for a in jobs.open_alerts(book.database)] == [("restricted", text)]
    assert evaluate_account(book, "a").reason == text
    assert all_runs(book) == []


@pytest.mark.parametrize("status", [AccountStatus.ACCOUNT_CLOSED, AccountStatus.DISABLED])
def test_an_account_that_becomes_closed_or_disabled_raises_an_alert_and_its_return_clears_it(
    status: AccountStatus,
) -> None:
    book = simple_book()
    broker(book).set_account_status("a", status.value, book.now())
    sync(book)
    (alert,) = jobs.open_alerts(book.database)
    assert (alert.kind, alert.subject) == ("account_ended", "a")
    assert {AccountStatus.ACCOUNT_CLOSED: "is closed", AccountStatus.DISABLED: "is disabled"}[status] in alert.text
    broker(book).set_account_status("a", "ACTIVE", book.now())
    sync(book)
    assert jobs.open_alerts(book.database) == []


def test_what_changed_while_the_program_was_off_raises_the_same_alerts() -> None:
    book = simple_book()
    broker(book).set_restrictions("a", frozenset({Restriction.SHORT_POSITION}), book.now())
    broker(book).set_account_status("a", "ACCOUNT_CLOSED", book.now())
    reload_from_broker(book)
    assert {alert.kind for alert in jobs.open_alerts(book.database)} == {"restricted", "account_ended"}


def test_a_status_change_at_the_broker_blocks_the_account_and_is_recorded() -> None:
    book = simple_book()
    broker(book).set_account_status("a", "ACCOUNT_CLOSED", book.now())
    scheduler.tick(book)
    assert all_runs(book) == []
    assert "account.status" in {entry.action for entry in audit.entries(book.database)}


def test_an_incoming_journal_makes_excess_cash_and_is_recorded_once() -> None:
    book = simple_book()
    scheduler.tick(book)
    create_journal(book, "a", parse_money("2000"), incoming=True, key="k-1")
    create_journal(book, "a", parse_money("2000"), incoming=True, key="k-1")
    assert len(cash_store.journals(book.database)) == 1
    set_price(book, "SPY", "400.00")
    advance_to(book, "2026-03-03 10:00")
    assert [r.type for r in all_runs(book)] == [RunType.FULL_REBALANCE, RunType.INVEST_CASH]
    kinds = [entry.kind.value for entry in account_store.cash_entries(book.database, "a")]
    assert kinds.count("journal_in") == 1
    agrees(book)


def test_an_outgoing_journal_is_reserved_until_it_is_final() -> None:
    book = simple_book(model=SLOW)
    scheduler.tick(book)
    advance(book, 20)
    create_journal(book, "a", parse_money("1000"), incoming=False, description="/fixtures/status=pending/fixtures/")
    assert book.reserved("a") == parse_money("1000")
    deposit(book, "a", parse_money("1000"))
    advance_to(book, "2026-03-03 09:30")
    advance(book, 10)
    assert book.reserved("a") == 0
    assert len(all_runs(book)) == 1, "the incoming cash was withdrawn again"
    agrees(book)

"""How runs end after a disturbance: the close, a refusal, no answer, a fall in price (R-20, R-25, R-26)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from rebal_tui.broker.failures import BrokerUnavailable
from rebal_tui.domain.accounts import Restriction
from rebal_tui.domain.orders import Order, OrderRequest, OrderStatus, Side, SkippedOrder, SkipReason
from rebal_tui.domain.quantities import money_text, parse_money
from rebal_tui.domain.runs import RunPhase, RunStatus, RunType
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.kill_switch import halted, set_halt
from rebal_tui.services.book.work_queue import WorkQueue
from rebal_tui.services.evaluation.history import plan_of
from rebal_tui.services.queries.runs import runs_snapshot
from rebal_tui.services.runs.manual import cancel_run, create_run
from rebal_tui.services.runs.processing import process_runs
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import audit, jobs, run_orders, runs
from tests.services.brokers import BrokerWrapper, Refusing, Unreliable, broker
from tests.services.factories import (
    PRICES,
    SLOW,
    account,
    advance,
    advance_to,
    all_runs,
    balanced,
    fill_book,
    make_book,
    only_run,
    orders,
    review_book,
    selling_book,
    set_clock,
    set_price,
    simple_book,
    skips,
    statuses,
)


def skipped(book: Book) -> dict[str, SkippedOrder]:
    return {one.symbol: one for one in skips(book)}


def of(book: Book, symbol: str) -> Order:
    (order,) = (order for order in orders(book) if order.symbol == symbol)
    return order


def paced_book() -> Book:
    """Two buys under a rate limit of one a minute: one is sent, and one waits."""
    book = simple_book()
    book.settings = replace(book.settings, orders_per_minute=1)
    scheduler.tick(book)
    for _ in range(4):
        if not any(order.id for order in orders(book)):
            advance(book, 1, 15)
    assert [bool(order.id) for order in orders(book)].count(True) == 1
    return book


def leaving_book(weights: dict[str, str], cash: str = "5") -> Book:
    """An account that holds only SPY, moving to other weights with slowly filling sells."""
    return selling_book({"SPY": "1"}, follows=balanced(weights=weights, cash=cash))


def test_runs_finished_before_the_close_complete_even_when_processed_after_it() -> None:
    book = simple_book("2026-03-02 15:30", model=SLOW)
    scheduler.tick(book)
    assert only_run(book).phase is RunPhase.BUYING
    advance_to(book, "2026-03-02 16:05")
    assert only_run(book).status is RunStatus.COMPLETED_SUCCESS
    assert jobs.open_alerts(book.database) == []


def test_a_buy_that_expires_at_the_close_ends_its_run_as_timeout_and_its_fills_remain() -> None:
    book = simple_book("2026-03-02 15:30", model=SLOW)
    broker(book).halt("SPY", True, book.now())
    scheduler.tick(book)
    advance_to(book, "2026-03-02 16:05")
    run = only_run(book)
    assert (run.status, run.reason) == (RunStatus.TIMEOUT, "the market closed before the run finished")
    assert {order.symbol: order.status for order in orders(book)} == {
        "SPY": OrderStatus.EXPIRED,
        "TLT": OrderStatus.FILLED,
    }
    assert [p.symbol for p in book.accounts["a"].positions] == ["TLT"]
    book.reload()
    assert book.subscriptions["a"].last_rebalanced_at is None


def test_orders_that_waited_for_the_rate_are_skipped_when_their_run_is_canceled() -> None:
    book = paced_book()
    sent = [order.symbol for order in orders(book) if order.id]
    (waiting,) = (order for order in orders(book) if not order.id)
    run = cancel_run(book, only_run(book).id)
    assert run.status is RunStatus.CANCELED_MID_RUN
    assert [order.symbol for order in orders(book)] == sent
    assert skipped(book) == {
        waiting.symbol: SkippedOrder(
            waiting.symbol, Side.BUY, waiting.notional, SkipReason.RUN_CANCELED, "canceled manually"
        )
    }
    advance(book, 5)
    assert len(book.database.rows("SELECT 1 FROM sim_orders")) == len(sent)


def test_a_canceled_run_ends_once_it_is_known_that_its_lost_orders_never_arrived() -> None:
    book = simple_book()
    Unreliable(book, lambda name: "request lost" if name == "submit_order" else "")
    scheduler.tick(book)
    run = cancel_run(book, only_run(book).id)
    assert (run.status, run.cancel_requested) == (RunStatus.IN_PROGRESS, True)
    advance(book, 3)
    assert only_run(book).status is RunStatus.CANCELED_MID_RUN
    for order in orders(book):
        assert (order.status, order.reject_reason) == (
            OrderStatus.REJECTED, "not_sent: the request never reached the broker",
        )  # fmt: skip
    assert book.database.rows("SELECT 1 FROM sim_orders") == []
    refused = [one for one in audit.entries(book.database) if one.action == "order.refused"]
    assert {one.subject for one in refused} == {order.client_order_id for order in orders(book)}


def test_a_rejected_order_fails_with_the_brokers_reason_and_the_others_continue() -> None:
    book = simple_book()
    Refusing(book, "SPY")
    scheduler.tick(book)
    run = only_run(book)
    assert (run.status, run.reason) == (RunStatus.COMPLETED_ADJUSTED, "1 order not filled, 0 skipped")
    assert of(book, "SPY").reject_reason == "insufficient_buying_power: no funds"
    assert of(book, "TLT").status is OrderStatus.FILLED


def test_a_run_with_only_rejected_orders_ends_in_error_with_the_reason() -> None:
    book = simple_book()
    Refusing(book, "SPY", "TLT")
    scheduler.tick(book)
    run = only_run(book)
    assert run.status is RunStatus.ERROR
    assert run.reason == "no order could be filled: insufficient_buying_power: no funds"
    book.reload()
    assert book.subscriptions["a"].last_rebalanced_at is None
    (alert,) = jobs.open_alerts(book.database)
    assert alert.text == f"full rebalance of Client a: error, {run.reason}"


class Unresponsive(BrokerWrapper):
    """Answers no submission or lookup of an order, and counts the submissions."""

    failing = True

    def __init__(self, book: Book) -> None:
        super().__init__(book)
        self.order_requests = 0

    def submit_order(self, request: OrderRequest) -> Order:
        self.order_requests += 1
        if self.failing:
            raise BrokerUnavailable("submit_order")
        order: Order = self.inner.submit_order(request)
        return order

    def order_by_client_id(self, account_id: str, client_order_id: str) -> Order | None:
        if self.failing:
            raise BrokerUnavailable("order_by_client_id")
        order: Order | None = self.inner.order_by_client_id(account_id, client_order_id)
        return order


def test_an_unresponsive_broker_is_called_five_times_and_the_rest_waits_for_the_next_heartbeat() -> None:
    book = simple_book(cash="10000", names=[f"a{number}" for number in range(10)])
    unresponsive = Unresponsive(book)
    scheduler.tick(book)
    before, unresponsive.order_requests = unresponsive.order_requests, 0
    process_runs(book)
    assert unresponsive.order_requests == 5
    marked = [sent for run in all_runs(book) for _, _, sent in run_orders.of_run(book.database, run.id)]
    assert (marked.count(True), len(marked)) == (before + 5, 20)
    unresponsive.failing = False
    advance(book, 2)
    assert {run.status for run in all_runs(book)} == {RunStatus.COMPLETED_SUCCESS}
    assert unresponsive.order_requests == 5 + 20
    assert broker(book).invariants() == []


def test_a_waiting_order_of_an_asset_that_died_is_skipped_and_the_run_ends_adjusted() -> None:
    book = paced_book()
    (waiting,) = (order.symbol for order in orders(book) if not order.id)
    broker(book).set_asset(waiting, book.now(), tradable=False)
    advance(book, 3)
    assert only_run(book).status is RunStatus.COMPLETED_ADJUSTED
    assert skipped(book)[waiting].reason is SkipReason.ASSET_NOT_TRADABLE
    assert skipped(book)[waiting].reason_details == f"{waiting} is not tradable"
    assert waiting not in {order.symbol for order in orders(book)}


def test_a_waiting_order_of_an_account_that_was_restricted_is_skipped() -> None:
    book = paced_book()
    (waiting,) = (order.symbol for order in orders(book) if not order.id)
    broker(book).set_restrictions("a", frozenset({Restriction.TRADING_BLOCKED}), book.now())
    advance(book, 3)
    assert only_run(book).status is RunStatus.COMPLETED_ADJUSTED
    assert skipped(book)[waiting].reason is SkipReason.ACCOUNT_RESTRICTED
    assert len(book.database.rows("SELECT 1 FROM sim_orders")) == 1


def test_a_buy_reduced_below_a_dollar_by_a_price_fall_is_skipped_with_its_amount() -> None:
    book = leaving_book({"SPY": "50", "TLT": "44.74", "GLD": "0.26"})
    set_price(book, "SPY", "180.00")
    advance(book, 20)
    one = skipped(book)["GLD"]
    assert one.side is Side.BUY
    assert one.reason is SkipReason.ORDER_LESS_THAN_MIN_NOTIONAL
    assert one.notional is not None
    assert 0 < one.notional < parse_money("1")
    assert one.reason_details == f"order notional value (${money_text(one.notional)}) is less than the minimum ($1)"
    assert only_run(book).status is RunStatus.COMPLETED_ADJUSTED
    assert "GLD" not in {order.symbol for order in orders(book)}
    (row,) = runs_snapshot(book).rows
    assert (row.done, row.total, row.skipped, row.problems) == (2, 2, 1, 1)


def test_buys_left_without_cash_by_a_price_fall_are_skipped_for_lack_of_cash() -> None:
    book = leaving_book({"SPY": "50", "TLT": "2"}, cash="48")
    set_price(book, "SPY", "360.00")
    advance(book, 20)
    one = skipped(book)["TLT"]
    assert (one.side, one.notional, one.reason) == (Side.BUY, parse_money("8"), SkipReason.INSUFFICIENT_CASH)
    assert one.reason_details == "no cash above the cash target after the sells"
    assert {order.side for order in orders(book)} == {Side.SELL}
    assert only_run(book).status is RunStatus.COMPLETED_ADJUSTED


def test_a_buy_without_planned_cash_is_placed_when_the_sells_raise_more() -> None:
    """$140 are held in OLD, which cannot be sold: the plan scales GLD below half a dollar and skips it."""
    book = simple_book(
        cash="0",
        held={"SPY": "1", "OLD": "1"},
        follows=balanced(weights={"SPY": "50", "TLT": "44.8", "GLD": "0.2"}),
        model=SLOW,
        prices={**PRICES, "OLD": "140.00"},
    )
    broker(book).set_asset("OLD", book.now(), status="inactive")
    scheduler.tick(book)
    planned = plan_of(book.database, only_run(book))
    assert planned is not None
    assert [one.symbol for one in planned.skipped_orders] == ["GLD", "OLD"]
    set_price(book, "SPY", "800.00")
    advance(book, 20)
    assert of(book, "GLD").notional == parse_money("1.03")
    assert [one.symbol for one in skips(book)] == ["OLD"]
    assert only_run(book).status is RunStatus.COMPLETED_ADJUSTED


def test_an_asset_that_becomes_inactive_while_the_sells_fill_is_not_bought() -> None:
    book = leaving_book({"SPY": "50", "TLT": "30", "GLD": "15"})
    broker(book).set_asset("GLD", book.now(), tradable=False)
    advance(book, 20)
    assert skipped(book)["GLD"] == SkippedOrder(
        "GLD", Side.BUY, parse_money("60"), SkipReason.ASSET_NOT_TRADABLE, "GLD is not tradable"
    )
    ((_, _, note),) = runs.notes(book.database, only_run(book).id)
    assert note.startswith("all sells finished; 1 buy for $")
    assert {order.symbol for order in orders(book)} == {"SPY", "TLT"}
    assert only_run(book).status is RunStatus.COMPLETED_ADJUSTED


def test_a_run_whose_prices_are_too_old_waits_for_fresh_ones() -> None:
    book = simple_book("2026-03-02 17:00")
    create_run(book, "a", RunType.FULL_REBALANCE)
    book.settings = replace(book.settings, price_max_age=timedelta(minutes=1))
    set_clock(book, "2026-03-03 10:00")
    process_runs(book)
    assert only_run(book).status is RunStatus.QUEUED
    advance_to(book, "2026-03-03 10:30")
    assert only_run(book).status is RunStatus.COMPLETED_SUCCESS


@pytest.mark.parametrize("on", [True, False])
def test_the_kill_switch_is_stored_and_recorded(on: bool) -> None:
    book = simple_book()
    set_halt(book, not on)
    version = book.version
    set_halt(book, on)
    assert halted(book) is on
    assert book.version == version + 1
    (entry,) = audit.entries(book.database, limit=1)
    assert (entry.action, entry.subject, entry.actor) == ("book.halted" if on else "book.released", "book", "advisor")


def test_while_the_kill_switch_is_on_nothing_starts_and_nothing_is_sent() -> None:
    book = paced_book()
    set_halt(book, True)
    advance(book, 5)
    assert sum(bool(order.id) for order in orders(book)) == 1
    set_halt(book, False)
    advance(book, 3)
    assert only_run(book).status is RunStatus.COMPLETED_SUCCESS


def test_orders_held_by_the_kill_switch_until_the_close_are_skipped_at_the_close() -> None:
    book = paced_book()
    set_halt(book, True)
    advance_to(book, "2026-03-02 15:59:59")
    assert only_run(book).status is RunStatus.IN_PROGRESS
    advance_to(book, "2026-03-02 16:00")
    assert only_run(book).status is RunStatus.TIMEOUT
    assert [one.reason for one in skips(book)] == [SkipReason.MARKET_WINDOW_CLOSED]


def test_the_work_queue_gives_each_run_once_and_later_runs_at_the_next_heartbeat() -> None:
    book = review_book("ab")
    open_runs = book.open_runs
    first, second = open_runs["a"], open_runs["b"]
    work_queue = WorkQueue()
    assert work_queue.taken == 0
    work_queue.begin(("day",))
    assert work_queue.take(open_runs) == [first, second], "after a start every run is processed"
    assert work_queue.taken == 2
    assert work_queue.take(open_runs) == []
    assert work_queue.taken == 0
    work_queue.add(["b", "gone"])
    work_queue.add_later("a")
    assert work_queue.take(open_runs) == [second]
    assert work_queue.take(open_runs) == []
    work_queue.begin(("day",))
    assert work_queue.take(open_runs) == [first]
    work_queue.begin(("day",))
    assert work_queue.take(open_runs) == []
    work_queue.begin(("evening",))
    assert work_queue.take(open_runs) == [first, second]
    work_queue.add_all()
    assert work_queue.take(open_runs) == [first, second]


def test_a_run_put_first_is_processed_before_postponed_runs() -> None:
    book = review_book("ab")
    put_off, run = book.open_runs["a"], book.open_runs["b"]
    work_queue = WorkQueue()
    work_queue.resume(("day",))
    work_queue.begin(("day",))
    work_queue.take(book.open_runs)
    work_queue.chunks.append([put_off])
    work_queue.pause(more=True)
    work_queue.first(run)
    assert list(work_queue.chunks) == [(run,), [put_off]]
    work_queue.chunks.clear()
    work_queue.pause(more=False)
    work_queue.first(run)
    assert not work_queue.chunks
    assert work_queue.take(book.open_runs) == [run]


def test_the_work_queue_resumes_where_paused_and_restarts_at_its_end_or_under_another_condition() -> None:
    book = review_book()
    run = book.open_runs["a"]
    work_queue = WorkQueue()
    assert work_queue.resume(("day",)) is False
    work_queue.begin(("day",))
    work_queue.chunks.append(work_queue.take(book.open_runs))
    work_queue.pause(more=True)
    assert work_queue.resume(("day",)) is True
    assert list(work_queue.chunks) == [[run]]
    work_queue.chunks.clear()
    work_queue.pause(more=False)
    assert work_queue.resume(("day",)) is False
    work_queue.begin(("day",))
    assert work_queue.take(book.open_runs) == []
    work_queue.chunks.append([run])
    work_queue.pause(more=True)
    assert work_queue.resume(("evening",)) is False
    work_queue.begin(("evening",))
    assert not work_queue.chunks
    assert work_queue.take(book.open_runs) == [run]


def test_after_a_failure_every_run_is_processed() -> None:
    book = review_book()
    work_queue = WorkQueue()
    work_queue.resume(("day",))
    work_queue.begin(("day",))
    taken = work_queue.take(book.open_runs)
    assert work_queue.resume(("day",)) is False
    work_queue.begin(("day",))
    assert work_queue.take(book.open_runs) == taken == [book.open_runs["a"]]


def test_the_quota_freed_by_an_unapproved_run_is_free_after_a_restart_too() -> None:
    book = review_book()
    advance_to(book, "2026-03-02 15:31")
    book.reload()
    assert only_run(book).status is RunStatus.CANCELED
    assert book.quota_run("a", "2026-03-02") is None


def test_a_run_awaiting_approval_delays_no_other_run() -> None:
    book = make_book()
    fill_book(
        book,
        [account("a", "50000"), account("b", "50000")],
        [balanced(review=True), balanced("quick")],
        {"a": "balanced", "b": "quick"},
    )
    scheduler.tick(book)
    assert statuses(book) == {"a": RunStatus.QUEUED, "b": RunStatus.COMPLETED_SUCCESS}

"""The end of a run and its records: row, audit trail, alert, cash target of the account (R-25)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.domain.orders import OrderStatus, Side, SkippedOrder, SkipReason
from rebal_tui.domain.portfolios import AssetWeight, PortfolioStatus, Weights
from rebal_tui.domain.quantities import Percent, parse_money
from rebal_tui.domain.runs import RunPhase, RunStatus, RunType
from rebal_tui.services.advisory import subscriptions
from rebal_tui.services.book.book import Book
from rebal_tui.services.runs.manual import cancel_run, create_run
from rebal_tui.services.runs.processing import process_runs
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import runs
from tests.services.brokers import BrokerWrapper, Refusing, Unreliable, broker
from tests.services.factories import (
    SLOW,
    account,
    advance,
    advance_market_to,
    advance_to,
    alerts,
    all_runs,
    balanced,
    entries,
    fill_book,
    make_book,
    only_run,
    orders,
    selling_book,
    set_clock,
    simple_book,
    skips,
    statuses,
)

CLOSED = "the market closed before the run finished"


def succeeds() -> Book:
    book = simple_book(model=SLOW)
    scheduler.tick(book)
    advance(book, 20)
    return book


def is_adjusted() -> Book:
    book = simple_book(model=SLOW)
    broker(book).reject_next("a", "SPY", "wash trade")
    scheduler.tick(book)
    advance(book, 20)
    return book


def fails() -> Book:
    book = simple_book(model=SLOW)
    for symbol in ("SPY", "TLT"):
        broker(book).reject_next("a", symbol, "wash trade")
    scheduler.tick(book)
    advance(book, 20)
    return book


def times_out() -> Book:
    book = simple_book("2026-03-02 15:30", model=SLOW)
    for symbol in ("SPY", "TLT"):
        broker(book).halt(symbol, True, book.now())
    scheduler.tick(book)
    advance_to(book, "2026-03-02 16:00")
    return book


def is_canceled() -> Book:
    book = simple_book(model=SLOW)
    scheduler.tick(book)
    set_clock(book, "2026-03-02 09:31")
    cancel_run(book, only_run(book).id)
    return book


ENDINGS: dict[Callable[[], Book], tuple[RunStatus, str | None]] = {
    succeeds: (RunStatus.COMPLETED_SUCCESS, None),
    is_adjusted: (RunStatus.COMPLETED_ADJUSTED, "1 order not filled, 0 skipped"),
    fails: (RunStatus.ERROR, "no order could be filled: wash trade"),
    times_out: (RunStatus.TIMEOUT, CLOSED),
    is_canceled: (RunStatus.CANCELED_MID_RUN, "canceled manually"),
}


ALERTS: dict[RunStatus, list[str]] = {
    RunStatus.COMPLETED_SUCCESS: [],
    RunStatus.COMPLETED_ADJUSTED: ["; not done: buy SPY (wash trade)"],
    RunStatus.ERROR: [", no order could be filled: wash trade"],
    RunStatus.TIMEOUT: [f", {CLOSED}"],
    RunStatus.CANCELED_MID_RUN: [],
}


@pytest.mark.slow
@pytest.mark.parametrize("ending", ENDINGS)
def test_an_ending_is_in_the_row_the_trail_and_an_alert_if_a_person_is_needed(
    ending: Callable[[], Book],
) -> None:
    status, reason = ENDINGS[ending]
    book = ending()
    run = only_run(book)
    assert (run.status, run.phase, run.reason) == (status, RunPhase.DONE, reason)
    assert run.started_at is not None
    canceled = status is RunStatus.CANCELED_MID_RUN
    assert (run.completed_at is None, run.canceled_at is None) == (canceled, not canceled)
    assert run.updated_at == (run.canceled_at if canceled else run.completed_at)
    assert run.updated_at > run.started_at
    assert entries(book, "runs.ended") == [(run.id, "system", {"runs": [[run.id, status, reason]]})]
    assert alerts(book) == [
        ("run", run.id, f"full rebalance of Client a: {status.lower().replace('_', ' ')}{text}")
        for text in ALERTS[status]
    ]
    moved = run.completed_at if status.completed else None
    assert book.subscriptions["a"].last_rebalanced_at == moved
    assert book.cash_floor("a", 500) == (parse_money("2500") if status.completed else 0)
    assert book.open_runs == {}
    book.reload()
    assert book.subscriptions["a"].last_rebalanced_at == moved
    assert book.cash_floor("a", 500) == (parse_money("2500") if status.completed else 0)


def test_runs_that_end_together_are_one_audit_entry() -> None:
    book = simple_book(names="ab")
    scheduler.tick(book)
    made = all_runs(book)
    rows = [[run.id, RunStatus.COMPLETED_SUCCESS, None] for run in made]
    ((subject, actor, detail),) = entries(book, "runs.ended")
    assert isinstance(detail, dict)
    assert (subject, actor, sorted(detail["runs"])) == ("2 runs", "system", sorted(rows))
    assert process_runs(book) == 0


@pytest.mark.parametrize("positions", [{}, {"SPY": "1.50225"}])
def test_a_buy_too_small_in_the_plan_is_skipped_once(positions: dict[str, str]) -> None:
    """In the second case SPY is less than a dollar above its target: a sell that is too small, also reported once."""
    weights = {"SPY": "60", "TLT": "34.95", "GLD": "0.05"}
    book = simple_book(cash="399.10" if positions else "1000", held=positions, follows=balanced(weights=weights))
    scheduler.tick(book)
    run = only_run(book)
    reasons = {(one.symbol, one.side, one.reason) for one in skips(book, run)}
    assert ("GLD", Side.BUY, SkipReason.ORDER_LESS_THAN_MIN_NOTIONAL) in reasons
    assert len(skips(book, run)) == len(reasons)
    assert (("SPY", Side.SELL, SkipReason.ORDER_LESS_THAN_MIN_NOTIONAL) in reasons) is bool(positions)
    assert run.reason == f"0 orders not filled, {len(reasons)} skipped"


# Winding down


def test_a_run_canceled_while_selling_lists_its_skipped_buys() -> None:
    book = selling_book({"GLD": "100"})
    set_clock(book, "2026-03-02 09:31")
    run = cancel_run(book, only_run(book).id)
    assert run.status is RunStatus.CANCELED_MID_RUN
    assert skips(book, run) == [
        SkippedOrder("SPY", Side.BUY, parse_money("10800"), SkipReason.RUN_CANCELED, "canceled manually"),
        SkippedOrder("TLT", Side.BUY, parse_money("6300"), SkipReason.RUN_CANCELED, "canceled manually"),
    ]


def test_a_run_still_selling_at_the_close_lists_its_skipped_buys() -> None:
    book = selling_book({"GLD": "100"})
    broker(book).halt("GLD", True, book.now())
    advance_to(book, "2026-03-02 16:00")
    run = only_run(book)
    assert (run.status, run.reason) == (RunStatus.TIMEOUT, CLOSED)
    assert {(s.symbol, s.side, s.notional, s.reason, s.reason_details) for s in skips(book, run)} == {
        ("SPY", Side.BUY, parse_money("10800"), SkipReason.MARKET_WINDOW_CLOSED, CLOSED),
        ("TLT", Side.BUY, parse_money("6300"), SkipReason.MARKET_WINDOW_CLOSED, CLOSED),
    }


def test_a_run_with_filled_sells_and_no_buys_at_the_close_is_not_completed() -> None:
    book = selling_book({"GLD": "100"}, at="2026-03-02 15:30")
    advance_market_to(book, "2026-03-02 16:00")
    assert process_runs(book) == 1
    run = only_run(book)
    assert [(order.side, order.status) for order in orders(book)] == [(Side.SELL, OrderStatus.FILLED)]
    assert (run.status, run.reason) == (RunStatus.TIMEOUT, CLOSED)
    assert [one.symbol for one in skips(book, run)] == ["SPY", "TLT"]


class Late(BrokerWrapper):
    """Returns no events until released."""

    may = False

    def events(self, after: int, limit: int = 10_000) -> Sequence[BrokerEvent]:
        return self.inner.events(after, limit) if self.may else []


def test_fills_before_the_close_count_even_when_reported_late() -> None:
    book = simple_book("2026-03-02 15:30", model=SLOW)
    late = Late(book)
    scheduler.tick(book)
    advance_to(book, "2026-03-02 16:00")
    assert only_run(book).status is RunStatus.IN_PROGRESS
    late.may = True
    advance_to(book, "2026-03-02 16:01")
    assert only_run(book).status is RunStatus.COMPLETED_SUCCESS


def test_an_order_refused_before_the_close_leaves_nothing_to_finish_after_it() -> None:
    book = simple_book("2026-03-02 15:30", model=SLOW)
    Refusing(book, "SPY")
    scheduler.tick(book)
    advance_market_to(book, "2026-03-02 16:00")
    assert process_runs(book) == 1
    run = only_run(book)
    assert (run.status, run.reason) == (RunStatus.COMPLETED_ADJUSTED, "1 order not filled, 0 skipped")
    assert book.subscriptions["a"].last_rebalanced_at == run.completed_at


def test_the_reason_for_no_fill_is_shown_after_the_close_too() -> None:
    book = simple_book("2026-03-02 15:30", model=SLOW)
    for symbol in ("SPY", "TLT"):
        broker(book).reject_next("a", symbol, "wash trade")
    scheduler.tick(book)
    advance_to(book, "2026-03-02 16:00")
    run = only_run(book)
    assert (run.status, run.reason) == (RunStatus.ERROR, "no order could be filled: wash trade")


def test_a_cancel_that_did_not_reach_the_broker_is_repeated_at_the_next_heartbeat() -> None:
    book = simple_book(model=SLOW)
    outcomes = ["request lost"] * 2
    Unreliable(book, lambda name: outcomes.pop() if name == "cancel_order" and outcomes else "")
    for symbol in ("SPY", "TLT"):
        broker(book).halt(symbol, True, book.now())
    scheduler.tick(book)
    assert cancel_run(book, only_run(book).id).status is RunStatus.IN_PROGRESS
    assert outcomes == []
    advance_to(book, "2026-03-02 09:31")
    run = only_run(book)
    assert run.status is RunStatus.CANCELED_MID_RUN
    assert {order.status for order in orders(book)} == {OrderStatus.CANCELED}


class Deaf(BrokerWrapper):
    """Does not act on cancel requests."""

    def cancel_order(self, account_id: str, order_id: str) -> None:
        del account_id, order_id


def test_a_canceled_run_ends_once_its_orders_are_final() -> None:
    book = simple_book(model=SLOW)
    Deaf(book)
    scheduler.tick(book)
    run = cancel_run(book, only_run(book).id)
    assert (run.status, run.cancel_requested) == (RunStatus.IN_PROGRESS, True)
    advance(book, 20)
    assert only_run(book).status is RunStatus.CANCELED_MID_RUN
    assert {order.status for order in orders(book)} == {OrderStatus.FILLED}


def test_the_close_ends_each_run_by_its_progress() -> None:
    book = make_book("2026-03-02 15:30", model=SLOW)
    fill_book(
        book,
        [account("a", "50000"), account("b", "50000"), account("c", "50000")],
        [balanced(), balanced("gold", {"GLD": "95"})],
        {"a": "gold", "b": "balanced", "c": "gold"},
    )
    broker(book).halt("GLD", True, book.now())
    scheduler.tick(book)
    advance_market_to(book, "2026-03-02 16:00")
    assert process_runs(book) == 3
    assert statuses(book) == {
        "a": RunStatus.TIMEOUT, "b": RunStatus.COMPLETED_SUCCESS, "c": RunStatus.TIMEOUT,
    }  # fmt: skip


# Effect on the account


def test_a_canceled_run_and_one_ended_by_the_close_are_both_reported_as_ended() -> None:
    book = simple_book("2026-03-02 15:30", names="ab", model=SLOW)
    broker(book).halt("SPY", True, book.now())
    scheduler.tick(book)
    canceled = book.open_runs["a"]
    with book.database.write() as tx:
        runs.update(tx, [(canceled, replace(canceled, cancel_requested=True))])
    book.reload_runs()
    advance_market_to(book, "2026-03-02 16:00")
    assert process_runs(book) == 2
    assert statuses(book) == {"a": RunStatus.CANCELED_MID_RUN, "b": RunStatus.TIMEOUT}
    assert not book.open_runs


def test_cash_raised_by_partial_liquidations_is_reserved_in_total() -> None:
    book = simple_book()
    scheduler.tick(book)
    for amount in ("1000", "500"):
        create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money(amount))
    assert book.extras["a"].reserve == parse_money("1500")
    first, _, _ = all_runs(book)
    assert book.subscriptions["a"].last_rebalanced_at == first.completed_at


def test_a_run_of_other_weights_moves_no_subscription() -> None:
    book = simple_book()
    subscriptions.unsubscribe(book, book.subscriptions["a"].id)
    create_run(book, "a", RunType.FULL_REBALANCE, weights=Weights((AssetWeight("SPY", Percent(10_000)),)))
    subscriptions.subscribe(book, "a", "balanced")
    assert book.subscriptions["a"].last_rebalanced_at is None
    assert book.cash_floor("a", 0) == 0
    book.reload()
    assert book.subscriptions["a"].last_rebalanced_at is None


def test_the_end_of_a_run_marks_only_the_portfolio_of_an_asset_that_became_inactive() -> None:
    book = make_book(model=SLOW)
    fill_book(
        book, [account("a", "50000"), account("b", "50000")],
        [balanced(), balanced("gold", {"GLD": "95"})], {"a": "balanced", "b": "gold"},
    )  # fmt: skip
    scheduler.tick(book)
    broker(book).set_asset("TLT", book.now(), tradable=False)
    advance(book, 20)
    assert {name: one.status for name, one in book.portfolios.items()} == {
        "balanced": PortfolioStatus.NEEDS_ADJUSTMENT, "gold": PortfolioStatus.ACTIVE,
    }  # fmt: skip


@pytest.mark.parametrize("ineligible", ["TLT", "GLD"])
def test_a_portfolio_marked_by_one_of_two_runs_that_end_together_needs_adjustment(ineligible: str) -> None:
    book = make_book(model=SLOW)
    fill_book(
        book, [account("a", "50000"), account("b", "50000")],
        [balanced(), balanced("gold", {"GLD": "95"})], {"a": "balanced", "b": "gold"},
    )  # fmt: skip
    scheduler.tick(book)
    advance_market_to(book, "2026-03-02 09:50")
    broker(book).set_asset(ineligible, book.now(), tradable=False)
    assert process_runs(book) == 2
    assert len(entries(book, "runs.ended")) == 1
    adjustment_names = {name for name, one in book.portfolios.items() if one.status is PortfolioStatus.NEEDS_ADJUSTMENT}
    assert adjustment_names == {"balanced" if ineligible == "TLT" else "gold"}


def test_all_runs_that_end_in_one_chunk_are_reported_as_ended() -> None:
    book = simple_book(names="abc", model=SLOW)
    scheduler.tick(book)
    unfinished = list(book.open_runs.values())
    assert [run.status for run in unfinished] == [RunStatus.IN_PROGRESS] * 3
    with book.database.write() as tx:
        runs.update(tx, [(run, replace(run, cancel_requested=True)) for run in unfinished])
    book.reload_runs()
    set_clock(book, "2026-03-02 09:31")
    assert process_runs(book) == 3
    assert not book.open_runs
    assert {run.status for run in all_runs(book)} == {RunStatus.CANCELED_MID_RUN}

"""When a run starts, what it waits for, how it reaches its buys, and that all of it works in chunks (R-10, R-20)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from rebal_tui.domain.accounts import Restriction
from rebal_tui.domain.orders import OrderRequest, Side
from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import Percent, parse_money
from rebal_tui.domain.runs import Run, RunPhase, RunStatus, RunType
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.kill_switch import set_halt
from rebal_tui.services.evaluation.history import plan_of, plan_text
from rebal_tui.services.evaluation.planning import plan_run
from rebal_tui.services.runs import processing, sending, starting
from rebal_tui.services.runs.manual import approve_run, create_run
from rebal_tui.services.runs.processing import process_chunk, process_runs
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import run_orders, runs
from tests.services.brokers import broker
from tests.services.factories import (
    account,
    advance,
    advance_market_to,
    advance_to,
    alerts,
    all_runs,
    balanced,
    fill_book,
    make_book,
    new_york,
    only_run,
    orders,
    paused,
    review_book,
    selling_book,
    set_clock,
    set_price,
    simple_book,
    statuses,
)


def notes(book: Book, run: Run) -> list[tuple[str, str]]:
    return [(what, detail) for _, what, detail in runs.notes(book.database, run.id)]


def all_queued(names: str, cash: str = "50000", held: Mapping[str, str] | None = None) -> Book:
    """A manual run of every account, queued on Monday evening."""
    book = simple_book("2026-03-02 17:00", cash, held, names=names)
    for name in names:
        create_run(book, name, RunType.FULL_REBALANCE)
    return book


def test_the_number_of_moved_accounts_is_shown() -> None:
    book = all_queued("ab")
    fill_book(book, [account("c", "50000")], [], {})
    assert process_runs(book) == 0
    advance_market_to(book, "2026-03-03 09:30")
    assert process_runs(book) == 2
    assert process_runs(book) == 0


# Starting


def queued_book(kind: RunType = RunType.FULL_REBALANCE, **options: object) -> Book:
    """A manual run of an account with cash and some SPY, queued on Monday evening."""
    book = make_book("2026-03-02 17:00")
    fill_book(book, [account("a", "1000", {"SPY": "10"})], [balanced()], {"a": "balanced"}, {"a": book.now()})
    create_run(book, "a", kind, **options)  # type: ignore[arg-type]
    return book


def test_while_the_kill_switch_is_on_nothing_starts_and_when_it_is_off_it_does() -> None:
    book = queued_book()
    advance_market_to(book, "2026-03-03 10:00")
    set_halt(book, True)
    assert process_runs(book) == 0
    assert only_run(book).status is RunStatus.QUEUED
    set_halt(book, False)
    assert process_runs(book) == 1
    assert only_run(book).status is RunStatus.COMPLETED_SUCCESS


def test_a_run_that_cannot_start_does_not_stop_later_runs() -> None:
    book = all_queued("abc")
    broker(book).set_restrictions("a", frozenset({Restriction.ACCOUNT_BLOCKED}), book.now())
    advance_market_to(book, "2026-03-03 10:00")
    assert process_runs(book) == 3
    assert statuses(book) == {
        "a": RunStatus.ERROR, "b": RunStatus.COMPLETED_SUCCESS, "c": RunStatus.COMPLETED_SUCCESS,
    }  # fmt: skip


def test_a_run_canceled_by_the_end_of_another_is_not_processed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first cannot start, and its end makes the portfolio of both need adjustment before the second is reached."""
    monkeypatch.setattr(processing, "MAX_STARTS_PER_TRANSACTION", 1)
    book = all_queued("ab")
    broker(book).set_restrictions("a", frozenset({Restriction.ACCOUNT_BLOCKED}), book.now())
    broker(book).set_asset("TLT", book.now(), tradable=False)
    advance_market_to(book, "2026-03-03 10:00")
    assert process_runs(book) == 1
    assert statuses(book) == {"a": RunStatus.ERROR, "b": RunStatus.CANCELED}


def test_an_account_that_was_restricted_meanwhile_ends_the_run_with_every_reason() -> None:
    book = queued_book()
    both = frozenset({Restriction.TRADING_BLOCKED, Restriction.ACH_RETURN})
    broker(book).set_restrictions("a", both, book.now())
    advance_to(book, "2026-03-03 10:00")
    run = only_run(book)
    reason = "ACCOUNT_RESTRICTED: trading is blocked; an ACH deposit was returned"
    assert (run.status, run.reason, run.started_at) == (RunStatus.ERROR, reason, None)
    assert run.completed_at == book.now()
    assert ("run", run.id, f"full rebalance of Client a: error, {reason}") in alerts(book)


def test_positions_that_rose_above_six_times_equity_end_the_run() -> None:
    book = make_book("2026-03-02 17:00")
    fill_book(book, [account("a", "-3000", {"SPY": "10"})], [balanced()], {"a": "balanced"}, {"a": book.now()})
    create_run(book, "a", RunType.FULL_REBALANCE)
    set_price(book, "SPY", "350")
    advance_to(book, "2026-03-03 10:00")
    assert only_run(book).reason == "ACCOUNT_RESTRICTED: positions exceed 6 × equity"


def test_an_amount_that_the_account_cannot_raise_any_more_ends_the_run() -> None:
    book = queued_book(RunType.PARTIAL_LIQUIDATION, amount=parse_money("4900"))
    set_price(book, "SPY", "300")
    advance_to(book, "2026-03-03 10:00")
    run = only_run(book)
    assert (run.status, run.reason) == (
        RunStatus.ERROR, "amount too large: the account can raise at most $4,000.00",
    )  # fmt: skip
    assert book.extras["a"].reserve == 0


@pytest.mark.parametrize("at_once", [1, 1_000])
def test_without_disk_space_nothing_starts_until_there_is_some(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(starting, "ARRAY_START_MIN_RUNS", at_once)
    book = all_queued("ab")
    monkeypatch.setattr(type(book.database), "has_free_space", lambda self: False)
    advance_market_to(book, "2026-03-03 10:00")
    assert process_runs(book) == 0
    monkeypatch.undo()
    assert process_runs(book) == 2
    assert set(statuses(book).values()) == {RunStatus.COMPLETED_SUCCESS}


@pytest.mark.parametrize("at_once", [1, 1_000])
@pytest.mark.parametrize("waits_for", ["a hold", "an external order"])
def test_a_run_waits_for_its_obstacle_and_the_others_start(
    waits_for: str, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "ARRAY_START_MIN_RUNS", at_once)
    book = all_queued("abc")
    set_clock(book, "2026-03-03 10:00")
    if waits_for == "a hold":
        book.holds["a"] = paused("cash differs", book.now())
    else:
        broker(book).halt("GLD", True, book.now())
        request = OrderRequest("a", "someone-else-1", "GLD", Side.BUY, notional=parse_money("100"))
        broker(book).place_external_order("a", request, book.now())
    scheduler.advance_market(book, book.now())
    assert process_runs(book) == 2
    assert statuses(book) == {
        "a": RunStatus.QUEUED, "b": RunStatus.COMPLETED_SUCCESS, "c": RunStatus.COMPLETED_SUCCESS,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("at", "is_started"),
    [
        ("2026-03-03 09:29:59", False),
        ("2026-03-03 09:30", True),
        ("2026-03-03 15:30", True),
        ("2026-03-03 15:30:01", False),
        ("2026-03-07 12:00", False),
    ],
)
def test_a_run_starts_inside_the_window_of_a_session(at: str, is_started: bool) -> None:
    book = queued_book()
    advance_market_to(book, at)
    assert process_runs(book) == int(is_started)
    assert (only_run(book).status is RunStatus.QUEUED) is not is_started


def test_a_run_processed_a_second_before_the_open_starts_at_the_open() -> None:
    book = queued_book()
    advance_market_to(book, "2026-03-03 09:29:59")
    assert process_runs(book) == 0
    advance_market_to(book, "2026-03-03 09:30")
    assert process_runs(book) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("age", "is_started"), [(60, True), (61, False), (-30, True), (-31, False)])
@pytest.mark.parametrize("symbol", ["TLT", "SPY", "GLD"])
def test_a_run_waits_while_a_price_that_it_needs_is_too_old(symbol: str, age: int, is_started: bool) -> None:
    """SPY is held and targeted, TLT only targeted; GLD is neither."""
    book = queued_book()
    book.settings = replace(book.settings, price_max_age=timedelta(seconds=60))
    advance_market_to(book, "2026-03-03 10:00")
    for each, asset in list(book.assets.items()):
        old = timedelta(seconds=age if each == symbol else 0)
        book.price_cache.assets[each] = replace(asset, price_at=book.now() - old)
    expected = is_started or symbol == "GLD"
    assert process_runs(book) == int(expected)


def test_a_run_waiting_for_a_price_does_not_stop_runs_without_that_asset() -> None:
    book = all_queued("a")
    fill_book(book, [account("b", "50000")], [], {})
    create_run(book, "b", RunType.FULL_REBALANCE, weights=Weights((AssetWeight("GLD", Percent(10_000)),)))
    book.settings = replace(book.settings, price_max_age=timedelta(seconds=60))
    advance_market_to(book, "2026-03-03 10:00")
    old = book.now() - timedelta(seconds=61)
    book.price_cache.assets["TLT"] = replace(book.assets["TLT"], price_at=old)
    assert process_runs(book) == 1
    assert statuses(book) == {"a": RunStatus.QUEUED, "b": RunStatus.COMPLETED_SUCCESS}


# Review


@pytest.mark.parametrize(("at", "expired"), [("2026-03-02 15:30", False), ("2026-03-02 15:30:01", True)])
def test_a_run_awaiting_approval_may_be_approved_until_the_end_of_its_window(at: str, expired: bool) -> None:
    book = review_book()
    set_clock(book, at)
    book.work_queue.add_all()
    assert process_runs(book) == int(expired)
    run = only_run(book)
    assert run.status is (RunStatus.CANCELED if expired else RunStatus.QUEUED)
    assert run.reason == ("not approved by the end of the window" if expired else None)


def test_a_run_awaiting_approval_at_the_end_of_the_window_expires_right_after_it() -> None:
    book = review_book()
    for at, expired in (("2026-03-02 15:30", 0), ("2026-03-02 15:30:01", 1)):
        set_clock(book, at)
        assert process_runs(book) == expired


def test_a_run_of_yesterday_that_nobody_approved_ends_while_another_of_yesterday_starts() -> None:
    book = review_book("ab")
    run = book.open_runs["b"]
    shown = plan_of(book.database, run)
    assert shown is not None
    book.holds["b"] = paused("cash differs", book.now())
    approve_run(book, run.id, shown)
    del book.holds["b"]
    advance_market_to(book, "2026-03-03 10:00")
    assert process_runs(book) == 2
    assert statuses(book) == {"a": RunStatus.CANCELED, "b": RunStatus.COMPLETED_SUCCESS}
    assert not book.open_runs


def test_a_run_approved_in_the_last_instant_of_the_window_starts() -> None:
    book = review_book()
    shown = plan_of(book.database, only_run(book))
    assert shown is not None
    set_clock(book, "2026-03-02 15:30")
    assert approve_run(book, only_run(book).id, shown).status is RunStatus.COMPLETED_SUCCESS


def test_an_approved_run_does_not_expire() -> None:
    book = review_book()
    shown = plan_of(book.database, only_run(book))
    assert shown is not None
    book.holds["a"] = paused("cash differs", book.now())
    approve_run(book, only_run(book).id, shown)
    advance_to(book, "2026-03-02 15:45")
    assert only_run(book).status is RunStatus.QUEUED


# Buying


def test_buys_after_the_sells_are_noted() -> None:
    book = selling_book({"GLD": "100"})
    advance(book, 20)
    assert notes(book, only_run(book)) == [
        ("buying", "all sells finished; 2 buys for $17,100.00 from the account's cash"),
    ]


def test_a_run_without_sells_says_nothing_of_sells() -> None:
    book = review_book()
    shown = plan_of(book.database, only_run(book))
    assert shown is not None
    assert not shown.sells
    approve_run(book, only_run(book).id, shown)
    advance(book, 20)
    assert next(detail for what, detail in notes(book, only_run(book)) if what == "buying").startswith("2 buys for $")


def test_the_summary_of_a_plan_names_the_sides_that_it_trades() -> None:
    book = simple_book("2026-03-02 17:00", "1000", {"SPY": "75", "TLT": "190"})
    sale = plan_run(book, "a", RunType.PARTIAL_LIQUIDATION, balanced().weights, parse_money("2000"))
    assert plan_text(sale).startswith("1 sell; cash target $")


def test_the_scale_of_the_buys_is_noted() -> None:
    book = selling_book({"GLD": "100"})
    set_price(book, "GLD", "171.00")
    advance(book, 20)
    (note,) = notes(book, only_run(book))
    assert note[1].startswith("all sells finished; 2 buys for $16,")
    assert " from the account's cash; cash short: buys cut to 9" in note[1]
    assert note[1].endswith(" %")


def test_buys_follow_the_sells_of_a_run_and_are_created_when_written() -> None:
    book = selling_book({"GLD": "10", "SPY": "100"})
    advance(book, 20)
    lines = [(line, order.side, order.symbol) for line, order, _ in run_orders.of_run(book.database, only_run(book).id)]
    assert lines == [(1, Side.SELL, "SPY"), (2, Side.SELL, "GLD"), (3, Side.BUY, "TLT")]
    ((at, _, _),) = runs.notes(book.database, only_run(book).id)
    assert [order.created_at for _, order, _ in run_orders.of_run(book.database, only_run(book).id)] == [
        new_york("2026-03-02 09:30"), new_york("2026-03-02 09:30"), at,
    ]  # fmt: skip
    assert at > new_york("2026-03-02 09:30")


def test_a_run_that_starts_buying_is_updated_at_that_time() -> None:
    book = selling_book({"GLD": "100"})
    while only_run(book).phase is RunPhase.SELLING:
        advance(book, 1)
    run = only_run(book)
    ((at, _, _),) = runs.notes(book.database, run.id)
    assert (run.phase, run.updated_at) == (RunPhase.BUYING, at)
    assert run.started_at == new_york("2026-03-02 09:30") < at


def test_a_paused_account_stays_paused_until_it_is_released() -> None:
    book = selling_book({"GLD": "100"})
    book.holds["a"] = paused("cash differs", book.now())
    advance(book, 20)
    assert only_run(book).phase is RunPhase.SELLING
    del book.holds["a"]
    book.work_queue.add_all()
    advance(book, 20)
    assert only_run(book).status is RunStatus.COMPLETED_SUCCESS


# Chunks


def test_a_heartbeat_in_chunks_equals_one_in_a_single_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    def process_all() -> tuple[list[tuple[object, ...]], int]:
        book = all_queued("abc", "5000", {"GLD": "10"})
        advance_market_to(book, "2026-03-03 10:00")
        slices = 0
        while process_chunk(book):
            slices += 1
        rows: list[tuple[object, ...]] = [
            (run.account_id, run.status, [(o.client_order_id, o.symbol, o.notional, o.qty) for o in orders(book, run)])
            for run in all_runs(book)
        ]  # fmt: skip
        return rows, slices

    whole, few = process_all()
    for module, name in (
        (processing, "MAX_ORDERS_PER_CHUNK"),
        (processing, "MAX_STARTS_PER_TRANSACTION"),
        (processing, "MAX_RUNS_PER_TRANSACTION"),
    ):
        monkeypatch.setattr(module, name, 1)
    monkeypatch.setattr(processing, "MAX_EVENTS_PER_TRANSACTION", 2)
    monkeypatch.setattr(sending, "MAX_ORDERS_PER_TRANSACTION", 1)
    cut, many = process_all()
    assert cut == whole
    assert {row[1] for row in whole} == {RunStatus.COMPLETED_SUCCESS}
    assert many > 2 * few

"""Order submission and its outcomes: rounds, no answer, unknown orders, orders that must no longer be sent."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from rebal_tui.broker.failures import BrokerRefused, BrokerUnavailable, RefusalCode
from rebal_tui.broker.simulated.fills import FillModel
from rebal_tui.domain.accounts import Restriction
from rebal_tui.domain.orders import Order, OrderRequest, OrderStatus, Side, SkippedOrder, SkipReason
from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.runs import Run
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.runs import sending
from rebal_tui.services.runs.processing import process_runs
from rebal_tui.services.runs.sending import (
    cancel_open_orders,
    enqueue,
    resolve_orders,
    resolve_unknown,
    send_due,
)
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import run_orders
from rebal_tui.store.outbox import unsent
from tests.services.brokers import BrokerWrapper, broker
from tests.services.factories import SLOW, advance_clock, entries, orders, paused, set_clock, simple_book, skips

LOST, UNKNOWN, REFUSED, ACCEPTED = "lost", "reply lost", "refused", "accepted"


class ScriptedBroker(BrokerWrapper):
    """Handles each submission as scripted, by default by accepting it, and records the requests."""

    def __init__(self, book: Book) -> None:
        super().__init__(book)
        self.outcomes: list[str] = []
        self.lookup_works = True
        self.sent: list[OrderRequest] = []
        self.lookups: list[str] = []
        self.canceled: list[str] = []
        self.refuses_to_cancel: set[str] = set()

    def submit_order(self, request: OrderRequest) -> Order:
        self.sent.append(request)
        outcome = self.outcomes.pop(0) if self.outcomes else ACCEPTED
        if outcome == LOST:
            raise BrokerUnavailable("submit_order")
        if outcome == REFUSED:
            raise BrokerRefused(RefusalCode.INSUFFICIENT_BUYING_POWER, "no funds")
        order: Order = self.inner.submit_order(request)
        if outcome == UNKNOWN:
            raise BrokerUnavailable("submit_order")
        return order

    def order_by_client_id(self, account_id: str, client_order_id: str) -> Order | None:
        self.lookups.append(client_order_id)
        if not self.lookup_works:
            raise BrokerUnavailable("order_by_client_id")
        order: Order | None = self.inner.order_by_client_id(account_id, client_order_id)
        return order

    def cancel_order(self, account_id: str, order_id: str) -> None:
        self.canceled.append(order_id)
        if order_id in self.refuses_to_cancel:
            raise BrokerRefused(RefusalCode.NOT_CANCELABLE, "it is filled")
        self.inner.cancel_order(account_id, order_id)


def waiting_book(count: int, model: FillModel | None = None) -> tuple[Book, ScriptedBroker]:
    """Accounts `a0`, `a1`, … with two buys each, SPY and TLT, stored but not sent: the rate limit is used up."""
    book = simple_book(cash="10000", names=[f"a{number}" for number in range(count)], model=model)
    book.settings = replace(book.settings, orders_per_minute=1)
    scheduler.tick(book)
    assert len(book.rate_limiter.waiting) == 2 * count
    book.settings = replace(book.settings, orders_per_minute=None)
    return book, ScriptedBroker(book)


def run_of(book: Book, account_id: str = "a0") -> Run:
    return book.open_runs[account_id]


def ids(book: Book) -> set[str]:
    return {run.id for run in book.open_runs.values()}


# Sending


def test_waiting_orders_are_sent_in_turns_and_runs_of_final_orders_are_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "MAX_ORDERS_PER_TRANSACTION", 1)
    book, scripted = waiting_book(3)
    assert send_due(book, 2) == ({run_of(book, "a0").id, run_of(book, "a1").id}, True)
    assert [(r.account_id, r.symbol) for r in scripted.sent] == [("a0", "SPY"), ("a1", "SPY")]
    assert send_due(book, 100) == (ids(book), False)
    assert [(r.account_id, r.symbol) for r in scripted.sent[2:]] == [
        ("a2", "SPY"),
        *((f"a{n}", "TLT") for n in range(3)),
    ]
    assert scripted.sent[0].notional == parse_money("6000")
    assert len(book.rate_limiter.waiting) == 0
    assert send_due(book, 100) == (set(), False)


def test_an_order_that_is_still_open_does_not_move_its_run() -> None:
    book, scripted = waiting_book(1, SLOW)
    assert send_due(book, 100) == (set(), False)
    assert len(scripted.sent) == 2


def test_sent_orders_are_recorded_singly_or_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "MAX_ORDERS_PER_TRANSACTION", 2)
    book, _ = waiting_book(1)
    other, _ = waiting_book(1)
    monkeypatch.setattr(sending, "MAX_ORDERS_PER_TRANSACTION", 1)
    send_due(other, 1)
    monkeypatch.setattr(sending, "MAX_ORDERS_PER_TRANSACTION", 2)
    send_due(book, 100)
    first, second = orders(book, run_of(book))
    rows = [
        [order.client_order_id, order.symbol, "buy", order.notional, None] for order in (first, second)
    ]  # fmt: skip
    assert entries(book, "orders.sent") == [("2 orders", "system", {"orders": rows})]
    alone = orders(other, run_of(other))[0]
    row = [alone.client_order_id, "SPY", "buy", alone.notional, None]
    assert entries(other, "orders.sent") == [(alone.client_order_id, "system", {"orders": [row]})]


def test_a_refusal_is_recorded_with_its_code_and_advances_the_run() -> None:
    book, scripted = waiting_book(1, SLOW)
    scripted.outcomes = [REFUSED]
    run = run_of(book)
    assert send_due(book, 100) == ({run.id}, False)
    refused = orders(book, run)[0]
    assert refused.status is OrderStatus.REJECTED
    assert entries(book, "order.refused") == [
        (refused.client_order_id, "broker", {"code": "insufficient_buying_power"})
    ]


@pytest.mark.parametrize("between", [ACCEPTED, REFUSED])
def test_only_consecutive_missing_answers_stop_the_sending(between: str) -> None:
    book, scripted = waiting_book(5, SLOW)
    scripted.outcomes = [*[LOST] * 4, between, *[LOST] * 4, between]
    send_due(book, 100)
    assert len(scripted.sent) == 10
    assert len(book.rate_limiter.unknown) == 8


def test_after_five_unanswered_calls_the_rest_waits_for_the_next_round() -> None:
    book, scripted = waiting_book(5, SLOW)
    scripted.outcomes = [LOST] * 5
    assert send_due(book, 100) == (set(), False)
    assert len(scripted.sent) == 5
    assert send_due(book, 100) == (set(), False)
    assert len(scripted.sent) == 10
    assert len(book.rate_limiter.unknown) == 5


def test_queued_orders_wait_once_even_after_a_reset_of_the_queue() -> None:
    book, _ = waiting_book(2)
    written = unsent(book.database)[:1]
    enqueue(book, written)
    assert len(book.rate_limiter.waiting) == 4
    book.rate_limiter.forget()
    enqueue(book, written)
    assert len(book.rate_limiter.waiting) == 4


# Orders that must no longer be sent


def dies(book: Book) -> None:
    broker(book).set_asset("SPY", book.now(), tradable=False)
    book.price_cache.assets["SPY"] = replace(book.assets["SPY"], tradable=False)


def restricted(book: Book) -> None:
    both = frozenset({Restriction.TRADING_BLOCKED, Restriction.ACH_RETURN})
    broker(book).set_restrictions("a0", both, book.now())
    sync(book)


def held(book: Book) -> None:
    book.holds["a0"] = paused("cash: ours 1, the broker's 2", book.now())


def canceled(book: Book) -> None:
    book.open_runs["a0"] = replace(run_of(book), cancel_requested=True)


def replaced(book: Book) -> None:
    book.open_runs["a0"] = replace(run_of(book), id="another")


def remove_run(book: Book) -> None:
    del book.open_runs["a0"]


def closes(book: Book) -> None:
    set_clock(book, "2026-03-02 16:00")


BARS: dict[Callable[[Book], None], tuple[SkipReason, str]] = {
    restricted: (SkipReason.ACCOUNT_RESTRICTED, "trading is blocked; an ACH deposit was returned"),
    held: (SkipReason.ACCOUNT_RESTRICTED, "paused: cash: ours 1, the broker's 2"),
    canceled: (SkipReason.RUN_CANCELED, "canceled manually"),
    replaced: (SkipReason.RUN_CANCELED, "canceled manually"),
    remove_run: (SkipReason.RUN_CANCELED, "canceled manually"),
}


@pytest.mark.slow
@pytest.mark.parametrize("change", BARS)
def test_orders_that_may_no_longer_be_sent_are_skipped_and_the_others_are_sent(
    change: Callable[[Book], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "MAX_ORDERS_PER_TRANSACTION", 1)
    book, scripted = waiting_book(2)
    run, both = run_of(book), ids(book)
    reason, why = BARS[change]
    change(book)
    assert send_due(book, 100) == (both, False)
    assert {request.account_id for request in scripted.sent} == {"a1"}
    assert orders(book, run) == []
    assert skips(book, run) == [
        SkippedOrder("SPY", Side.BUY, parse_money("6000"), reason, why),
        SkippedOrder("TLT", Side.BUY, parse_money("3500"), reason, why),
    ]


def test_one_round_sends_allowed_orders_and_skips_the_others() -> None:
    book, scripted = waiting_book(2)
    dies(book)
    assert send_due(book, 100) == (ids(book), False)
    assert [request.symbol for request in scripted.sent] == ["TLT", "TLT"]
    assert skips(book, run_of(book)) == [
        SkippedOrder("SPY", Side.BUY, parse_money("6000"), SkipReason.ASSET_NOT_TRADABLE, "SPY is not tradable")
    ]


def test_at_the_close_nothing_is_sent() -> None:
    book, scripted = waiting_book(1)
    closes(book)
    send_due(book, 100)
    assert scripted.sent == []
    assert {(s.reason, s.reason_details) for s in skips(book, run_of(book))} == {
        (SkipReason.MARKET_WINDOW_CLOSED, "the market closed before the run finished")
    }


# Unknown orders


def test_an_order_whose_reply_was_lost_is_found_and_not_sent_again() -> None:
    book, scripted = waiting_book(1, SLOW)
    scripted.outcomes = [UNKNOWN, UNKNOWN]
    send_due(book, 100)
    run = run_of(book)
    assert len(book.rate_limiter.unknown) == 2
    assert resolve_unknown(book) == {run.id}
    assert book.rate_limiter.unknown == {}
    assert scripted.lookups == [order.client_order_id for order in orders(book, run)]
    assert all(order.id for order in orders(book, run))
    assert len(scripted.sent) == 2
    assert resolve_unknown(book) == set()
    assert len(scripted.lookups) == 2


def test_an_order_that_never_arrived_is_sent_once_more_when_allowed() -> None:
    book, scripted = waiting_book(1, SLOW)
    book.settings = replace(book.settings, resend_after=timedelta(seconds=20))
    scripted.outcomes = [LOST]
    send_due(book, 100)
    run = run_of(book)
    assert resolve_unknown(book) == set()
    advance_clock(book, seconds=19.999999)
    assert resolve_unknown(book) == set()
    assert len(scripted.sent) == 2
    advance_clock(book, microseconds=1)
    assert resolve_unknown(book) == {run.id}
    assert [request.symbol for request in scripted.sent] == ["SPY", "TLT", "SPY"]
    assert scripted.sent[0] == scripted.sent[2]
    assert book.rate_limiter.unknown == {}


def test_an_order_that_may_no_longer_be_sent_is_given_up_after_a_minute() -> None:
    book, scripted = waiting_book(1, SLOW)
    scripted.outcomes = [LOST]
    send_due(book, 100)
    run = run_of(book)
    dies(book)
    assert resolve_unknown(book) == set()
    advance_clock(book, seconds=59.999999)
    assert resolve_unknown(book) == set()
    advance_clock(book, microseconds=1)
    assert resolve_unknown(book) == {run.id}
    assert len(scripted.sent) == 2
    lost = orders(book, run)[0]
    assert (lost.status, lost.reject_reason) == (
        OrderStatus.REJECTED, "not_sent: the request never reached the broker",
    )  # fmt: skip
    assert entries(book, "order.refused") == [(lost.client_order_id, "broker", {"code": "not_sent"})]


def test_an_order_sent_once_more_is_given_up_a_minute_after_that_and_not_after_the_first_time() -> None:
    book, scripted = waiting_book(1, SLOW)
    book.settings = replace(book.settings, resend_after=timedelta(seconds=50))
    scripted.outcomes = [LOST, ACCEPTED, LOST]
    send_due(book, 100)
    run = run_of(book)
    assert resolve_unknown(book) == set()
    advance_clock(book, seconds=50)
    assert resolve_unknown(book) == set()
    assert len(scripted.sent) == 3
    dies(book)
    for _ in range(2):
        assert resolve_unknown(book) == set()
        advance_clock(book, seconds=30)
    assert resolve_unknown(book) == {run.id}


def test_a_failing_lookup_is_tried_five_times() -> None:
    book, scripted = waiting_book(4, SLOW)
    scripted.outcomes = [*[LOST] * 4, ACCEPTED, *[LOST] * 3]
    send_due(book, 100)
    scripted.lookup_works = False
    assert len(book.rate_limiter.unknown) == 7
    assert resolve_unknown(book) == set()
    assert len(scripted.lookups) == 5


def test_an_order_lookup_counts_against_the_rate() -> None:
    book, scripted = waiting_book(1, SLOW)
    scripted.outcomes = [UNKNOWN, UNKNOWN]
    send_due(book, 100)
    book.settings = replace(book.settings, orders_per_minute=10)
    advance_clock(book, minutes=2)
    book.rate_limiter.budget.spend(book.now(), 9)
    before = book.rate_limiter.budget.sent
    resolve_unknown(book)
    assert (len(scripted.lookups), book.rate_limiter.budget.sent) == (1, before + 1)
    assert len(book.rate_limiter.unknown) == 1
    resolve_unknown(book)
    assert len(scripted.lookups) == 1


def lose_requests(book: Book, scripted: ScriptedBroker, outcomes: Iterable[str]) -> None:
    scripted.outcomes = list(outcomes)
    send_due(book, 100)


def test_the_orders_of_one_run_are_processed_without_messages_about_others() -> None:
    book, scripted = waiting_book(2, SLOW)
    lose_requests(book, scripted, [LOST] * 4)
    mine, other = run_of(book, "a1"), run_of(book, "a0")
    assert resolve_orders(book, mine) is False
    assert scripted.lookups == [order.client_order_id for order in orders(book, mine)]
    advance_clock(book, minutes=1)
    assert resolve_orders(book, mine) is True
    assert {order.status for order in orders(book, mine)} == {OrderStatus.REJECTED}
    assert {order.status for order in orders(book, other)} == {OrderStatus.PENDING_NEW}
    assert len(book.rate_limiter.unknown) == 2
    assert resolve_orders(book, mine) is True
    assert len(scripted.sent) == 4


def test_a_run_with_accepted_orders_is_resolved_at_once_and_one_of_an_unresponsive_broker_is_not() -> None:
    book, scripted = waiting_book(1, SLOW)
    lose_requests(book, scripted, [UNKNOWN] * 2)
    scripted.lookup_works = False
    assert resolve_orders(book, run_of(book)) is False
    assert len(scripted.lookups) == 2
    scripted.lookup_works = True
    assert resolve_orders(book, run_of(book)) is True
    assert book.rate_limiter.unknown == {}
    assert all(order.id for order in orders(book, run_of(book)))


def test_open_orders_are_canceled_and_a_refusal_stops_no_other() -> None:
    book, scripted = waiting_book(1, SLOW)
    send_due(book, 100)
    first, second = orders(book, run_of(book))
    scripted.refuses_to_cancel = {first.id}
    cancel_open_orders(book, run_of(book))
    assert scripted.canceled == [first.id, second.id]


@pytest.mark.parametrize("status", [OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.PENDING_CANCEL])
def test_a_final_or_canceling_run_is_not_canceled_again(status: OrderStatus) -> None:
    book, scripted = waiting_book(1, SLOW)
    send_due(book, 100)
    first, second = orders(book, run_of(book))
    with book.database.write() as tx:
        run_orders.store(tx, replace(first, status=status))
    cancel_open_orders(book, run_of(book))
    assert scripted.canceled == [second.id]


def test_orders_never_sent_are_not_canceled() -> None:
    book, scripted = waiting_book(1, SLOW)
    cancel_open_orders(book, run_of(book))
    assert scripted.canceled == []


def test_every_run_ends_once_its_unknown_orders_are_resolved() -> None:
    book, scripted = waiting_book(2)
    lose_requests(book, scripted, [UNKNOWN, LOST, UNKNOWN, LOST])
    process_runs(book)
    advance_clock(book, minutes=1)
    process_runs(book)
    assert book.open_runs == {}
    assert broker(book).invariants() == []

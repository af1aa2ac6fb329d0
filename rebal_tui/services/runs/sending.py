"""Order sending within the rate limit, without duplicates or lost orders even if the program is killed.

An order's row and its deterministic client_order_id are committed first; then it is marked as "may have been sent".
Only then the broker is called. An order with this mark but without an answer is unknown: it is looked up at the broker
by its client_order_id before it is sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from rebal_tui.broker.budget import rate_of
from rebal_tui.broker.connection import RateLimit
from rebal_tui.broker.failures import BrokerPending, BrokerRefused, BrokerUnavailable, RefusalCode
from rebal_tui.domain.orders import Order, OrderRequest, OrderStatus, SkippedOrder, SkipReason
from rebal_tui.domain.runs import Run
from rebal_tui.engine.restrictions import blocking_reasons
from rebal_tui.engine.tradability import trading_fault
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.book.rate_limiter import PACE_KEY, pacing_view
from rebal_tui.services.broker_sync.account_snapshot import store_orders
from rebal_tui.services.broker_sync.explained.comparison import is_waiting
from rebal_tui.services.view_models.status import PacingView
from rebal_tui.store import book_settings, run_orders
from rebal_tui.store import outbox as store
from rebal_tui.store.outbox import OrderKey, Unsent

MAX_ORDERS_PER_TRANSACTION = 50
"""Orders marked in one transaction, and answers applied in one."""
GIVE_UP_AFTER = timedelta(minutes=1)
"""How long an order that must not be resent stays unknown at the broker before it counts as never sent."""
_MAX_UNANSWERED = 5
"""Consecutive calls without an answer after which the broker is not called until the next heartbeat."""

PendingOrder = tuple[OrderKey, str, Order]
"""An order with its key and the id of its run: (order key, run id, order)."""


def enqueue(book: Book, written: Iterable[Unsent]) -> None:
    """Add orders that were just stored in the book to those that wait to be sent."""
    book.rate_limiter.load(book.database)
    book.rate_limiter.waiting.add(written)


def rate_limit(book: Book) -> RateLimit | None:
    """The rate limit that the broker reports; None when it reports none."""
    found: RateLimit | None = getattr(book.broker, "rate_limit", None)
    return found


def sending_progress(book: Book) -> PacingView | None:
    """The progress of sending under a rate limit; None when no order waits for the limit."""
    rate = rate_of(book.settings.orders_per_minute, rate_limit(book))
    if rate is None:
        return None
    book.rate_limiter.load(book.database)
    return pacing_view(book.rate_limiter.budget, len(book.rate_limiter.waiting), rate, book.now())


def send_due(book: Book, most: int) -> tuple[set[str], bool]:
    """Send queued orders, as many as the rate limit allows now; stops after about `most` orders.

    Returns the ids of the runs with an order that is already final or skipped, and whether more orders may be sent
    immediately. Orders that must not be sent any more are skipped, such as those of an account that has been paused or
    blocked, or of an asset that is no longer tradable (R-26, R-40).
    """
    rate_limiter = book.rate_limiter
    rate_limiter.load(book.database)
    ended: set[str] = set()
    tried, postponed = 0, False
    while rate_limiter.waiting and (count := _allowed(book, MAX_ORDERS_PER_TRANSACTION)) > 0:
        if tried >= most:
            return ended, True
        order_keys = rate_limiter.waiting.take(count)
        tried += len(order_keys)
        unsent = store.read_unsent(book.database, order_keys)
        known = [(order_key, *unsent[order_key]) for order_key in order_keys if order_key in unsent]
        ready = [one for one in known if not is_waiting(book, one[2].account_id)]
        postponed, known = postponed or len(ready) < len(known), ready
        skipped_reasons = {one[0]: why for one in known if (why := _skip_reason(book, one)) is not None}
        ended |= _skip(book, [(one, skipped_reasons[one[0]]) for one in known if one[0] in skipped_reasons])
        going = [one for one in known if one[0] not in skipped_reasons]
        if not going:
            continue
        with book.write() as tx:
            store.mark_sent(tx, [order_key for order_key, _, _ in going], book.now())
            _spend(book, len(going))
        answered, complete = _send(book, going)
        ended |= answered
        if not complete:
            rate_limiter.forget()
            break
    rate_limiter.budget.orders_wait = bool(rate_limiter.waiting)
    if postponed:
        # The orders of accounts that wait for events are read from the file again with the next heartbeat.
        rate_limiter.forget()
    elif not rate_limiter.waiting:
        rate_limiter.budget.reset()
    return ended, False


def resolve_unknown(book: Book) -> set[str]:
    """Look up the unknown orders, which may have been sent; returns the ids of the runs of orders now known.

    An order is sent again only if the broker never had it and it may still be sent.
    """
    resolved: set[str] = set()
    unanswered = 0
    for one in _unknown_orders(book):
        order_key, run_id, order = one
        if book.live is not None and book.live.under_way(order.client_order_id):
            continue
        # Lookups at a real broker are counted by its gateway.
        if unanswered >= _MAX_UNANSWERED or (book.live is None and not _within_rate(book)):
            break
        try:
            if _look_up(book, order) or (_missed(book, one) if _skip_reason(book, one) else _resent(book, one)):
                book.rate_limiter.unknown.pop(order_key, None)
                resolved.add(run_id)
        except BrokerPending:
            continue
        except BrokerUnavailable:
            unanswered += 1
    return resolved


def resolve_orders(book: Book, run: Run) -> bool:
    """Look up every order of a run that may have been sent, without sending any (R-25).

    Returns False while the state of an order is unknown. An order that the broker does not know for `GIVE_UP_AFTER` (1
    minute), or for the time after which the book sends an order again if that is longer, never reached the broker and
    ends as rejected.
    """
    certain = True
    for one in _unknown_orders(book):
        if one[1] != run.id:
            continue
        if book.live is not None and book.live.under_way(one[2].client_order_id):
            certain = False
            continue
        try:
            if _look_up(book, one[2]) or _missed(book, one):
                book.rate_limiter.unknown.pop(one[0], None)
                continue
        except BrokerUnavailable:
            pass
        certain = False
    return certain


def cancel_open_orders(book: Book, run: Run) -> None:
    """Request a cancel of all open orders of a run.

    Refused or unanswered requests are ignored: a refusal means that the order is final, and its event follows.
    """
    for _, order, _ in run_orders.of_run(book.database, run.id):
        if order.id and not order.status.final and order.status is not OrderStatus.PENDING_CANCEL:
            try:
                book.broker.cancel_order(run.account_id, order.id)
            except (BrokerRefused, BrokerUnavailable):
                continue


def _allowed(book: Book, most: int) -> int:
    limit = rate_limit(book)
    rate = rate_of(book.settings.orders_per_minute, limit)
    return most if rate is None else min(most, book.rate_limiter.budget.allowance(book.now(), rate, limit))


def _spend(book: Book, count: int) -> None:
    """Count `count` requests that are about to be sent, and store the count; does nothing without a rate limit."""
    if rate_of(book.settings.orders_per_minute, rate_limit(book)) is not None:
        with book.write() as tx:
            book.rate_limiter.budget.spend(book.now(), count)
            book_settings.put(tx, PACE_KEY, book.rate_limiter.budget.text())


def _within_rate(book: Book) -> bool:
    """Whether one more request may be sent now; counts it if so."""
    allowed = _allowed(book, 1) > 0
    if allowed:
        _spend(book, 1)
    return allowed


def _unknown_orders(book: Book) -> list[PendingOrder]:
    """The orders that the broker may or may not have, without those that the file now has an answer for."""
    rate_limiter = book.rate_limiter
    rate_limiter.load(book.database)
    if not rate_limiter.unknown:
        return []
    still = store.read_unknown(book.database, list(rate_limiter.unknown))
    rate_limiter.unknown = dict.fromkeys(order_key for order_key in rate_limiter.unknown if order_key in still)
    return [(order_key, *still[order_key]) for order_key in rate_limiter.unknown]


def _skip_reason(book: Book, one: PendingOrder) -> tuple[SkipReason, str] | None:
    """Why an order must not be sent now, as (reason, text); None when it may be sent."""
    _, run_id, order = one
    run = book.open_runs.get(order.account_id)
    if run is None or run.id != run_id or run.cancel_requested:
        return SkipReason.RUN_CANCELED, "canceled manually"
    session = book.calendar.at(run.started_at) if run.started_at else None
    if session is None or book.now() >= session.close:
        return SkipReason.MARKET_WINDOW_CLOSED, "the market closed before the run finished"
    if book.is_paused(order.account_id):
        return SkipReason.ACCOUNT_RESTRICTED, "; ".join(book.paused(order.account_id))
    stopped = blocking_reasons(book.accounts[order.account_id], None)
    if stopped:
        return SkipReason.ACCOUNT_RESTRICTED, "; ".join(text for _, text in stopped)
    fault = trading_fault(book.assets.get(order.symbol), order.side)
    return (SkipReason.ASSET_NOT_TRADABLE, f"{order.symbol} is {fault}") if fault else None


def _skip(book: Book, skipped_reasons: Sequence[tuple[PendingOrder, tuple[SkipReason, str]]]) -> set[str]:
    """Turn unsent orders into skipped orders; returns the ids of their runs."""
    if skipped_reasons:
        with book.write() as tx:
            for ((_, line), run_id, order), (reason, why) in skipped_reasons:
                run_orders.drop(tx, run_id, line)
                skipped = SkippedOrder(order.symbol, order.side, order.notional, reason, why)
                run_orders.add_skipped(tx, run_id, [skipped])
    return {run_id for (_, run_id, _), _ in skipped_reasons}


def _send(book: Book, orders: Sequence[PendingOrder]) -> tuple[set[str], bool]:
    """Send orders that are marked as sent, and store the answers.

    Returns the ids of the runs with a final order, and whether all orders were tried. After several requests without an
    answer it stops and unmarks the remaining orders, because they were not sent.
    """
    answers: list[Order] = []
    ended: set[str] = set()
    refused: list[tuple[PendingOrder, BrokerRefused]] = []
    unanswered = tried = 0
    with book.broker.batch():
        for one in orders:
            if unanswered >= _MAX_UNANSWERED:
                break
            tried += 1
            order_key, run_id, order = one
            try:
                answer = book.broker.submit_order(
                    OrderRequest(
                        order.account_id, order.client_order_id, order.symbol, order.side, order.notional, order.qty
                    )
                )
            except BrokerRefused as refusal:
                unanswered = 0
                if refusal.code == RefusalCode.DUPLICATE_CLIENT_ORDER_ID:
                    # The broker has the order; a lookup that does not find it yet is repeated later.
                    book.rate_limiter.unknown[order_key] = None
                else:
                    refused.append((one, refusal))
                    ended.add(run_id)
            except BrokerPending:
                # Its answer is an event; should it be lost, the order is looked up.
                book.rate_limiter.unknown[order_key] = None
            except BrokerUnavailable:
                unanswered += 1
                book.rate_limiter.unknown[order_key] = None
            else:
                unanswered = 0
                answers.append(answer)
                if answer.status.final:
                    ended.add(run_id)
    with book.write() as tx:
        store.unmark(tx, [order_key for order_key, _, _ in orders[tried:]])
        _apply_answers(tx, answers)
        for ((_, line), run_id, order), said in refused:
            _refuse(tx, run_id, line, order, said.code, said.message)
    return ended, tried == len(orders)


def _apply_answers(tx: BookTransaction, answers: Sequence[Order]) -> None:
    for order in answers:
        run_orders.store(tx, order)
    if answers:
        subject = answers[0].client_order_id if len(answers) == 1 else f"{len(answers)} orders"
        detail = [[o.client_order_id, o.symbol, o.side, o.notional, o.qty] for o in answers]
        tx.record("orders.sent", subject, {"orders": detail})


def _refuse(tx: BookTransaction, run_id: str, line: int, order: Order, code: str, why: str) -> None:
    book = tx.book
    run_orders.refuse(tx, run_id, line, book.now(), f"{code}: {why}")
    tx.record("order.refused", order.client_order_id, {"code": code}, "broker")


def _look_up(book: Book, order: Order) -> bool:
    """Whether the broker has an order; if so, its state is stored. Raises `BrokerUnavailable`."""
    with book.broker.reading():
        known = book.broker.order_by_client_id(order.account_id, order.client_order_id)
        if known is None:
            return False
        store_orders(book, order.account_id, [known])
    return True


def _missed(book: Book, one: PendingOrder) -> bool:
    """Reject an order that has been unknown to the broker for `GIVE_UP_AFTER`; returns whether it was rejected."""
    (_, line), run_id, order = one
    if not _missed_for(book, run_id, line, max(GIVE_UP_AFTER, book.settings.resend_after)):
        return False
    with book.write() as tx:
        _refuse(tx, run_id, line, order, "not_sent", "the request never reached the broker")
    return True


def _resent(book: Book, one: PendingOrder) -> bool:
    """Send an order again that has been unknown to the broker for long enough; returns whether it was answered."""
    order_key, run_id, _ = one
    if not _missed_for(book, run_id, order_key[1], book.settings.resend_after) or not _within_rate(book):
        return False
    # The new request may take as long as the first one, so earlier lookups do not count for it.
    with book.write() as tx:
        run_orders.set_looked_up(tx, run_id, order_key[1], None)
    _send(book, [one])
    return order_key not in store.read_unknown(book.database, [order_key])


def _missed_for(book: Book, run_id: str, line: int, long: timedelta) -> bool:
    """Whether an order marked as sent has been unknown to the broker for `long`.

    The time of the first failed lookup is stored.
    """
    first = run_orders.looked_up_at(book.database, run_id, line)
    if first is None:
        with book.write() as tx:
            run_orders.set_looked_up(tx, run_id, line, book.now())
        return not long
    return book.now() - first >= long

"""Sending orders so that none is doubled and none is lost, whenever the program is killed, and at the broker's pace.

An order's row and its deterministic client_order_id are committed, then the mark that it may be on its way, and only
then the broker is called. Whoever finds the mark without an answer asks the broker by that id first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from rebal_tui.broker.protocol import BrokerRefused, BrokerUnavailable, RateLimit, RefusalCode
from rebal_tui.domain.orders import Order, OrderRequest, OrderStatus, SkippedOrder, SkipReason
from rebal_tui.domain.runs import Run
from rebal_tui.engine.restrictions import blocking_reasons
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.book.rate_limiter import PACE_KEY, pacing_view, rate_of
from rebal_tui.services.view_models.status import PacingView
from rebal_tui.store import book_settings, run_orders
from rebal_tui.store import outbox as store
from rebal_tui.store.outbox import OrderKey, Unsent

MAX_ORDERS_PER_TRANSACTION = 50
"""Orders marked in one transaction, and answers taken over in one."""
GIVE_UP_AFTER = timedelta(minutes=1)
"""How long the broker must not know an order that is not to be sent any more before it counts as never sent."""
_MAX_UNANSWERED = 5
"""After so many calls in a row without an answer the broker is not called again until the next heartbeat."""

PendingOrder = tuple[OrderKey, str, Order]
"""An order with its place and the id of its run."""


def enqueue(book: Book, written: Iterable[Unsent]) -> None:
    """Let orders wait that were just written."""
    book.rate_limiter.load(book.database)
    book.rate_limiter.waiting.add(written)


def rate_limit(book: Book) -> RateLimit | None:
    """What the broker says of its limit, if it says anything."""
    found: RateLimit | None = getattr(book.broker, "rate_limit", None)
    return found


def sending_progress(book: Book) -> PacingView | None:
    """How far the sending is, None when nothing waits for the rate."""
    rate = rate_of(book.settings.orders_per_minute, rate_limit(book))
    if rate is None:
        return None
    book.rate_limiter.load(book.database)
    return pacing_view(book.rate_limiter.bucket, len(book.rate_limiter.waiting), rate, book.now())


def send_due(book: Book, most: int) -> tuple[set[str], bool]:
    """Send what waits, as much as the rate allows now and about `most` orders; returns the runs of which an order is
    final or gone already, and whether more may be sent at once.

    What is known to be refused is not sent: orders of an account that was restricted meanwhile, or of an asset that is
    not tradable any more, are skipped (R-26, R-40).
    """
    rate_limiter = book.rate_limiter
    rate_limiter.load(book.database)
    ended: set[str] = set()
    tried = 0
    while rate_limiter.waiting and (count := _allowed(book, MAX_ORDERS_PER_TRANSACTION)) > 0:
        if tried >= most:
            return ended, True
        order_keys = rate_limiter.waiting.take(count)
        tried += len(order_keys)
        unsent = store.read_unsent(book.database, order_keys)
        known = [(order_key, *unsent[order_key]) for order_key in order_keys if order_key in unsent]
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
    if not rate_limiter.waiting:
        rate_limiter.bucket.reset()
    return ended, False


def resolve_unknown(book: Book) -> set[str]:
    """Find out what became of orders that may have been sent; returns the runs of those of which it is known.

    One is sent once more only when the broker never had it, and when it may be sent still.
    """
    resolved: set[str] = set()
    unanswered = 0
    for one in _unknown_orders(book):
        if unanswered >= _MAX_UNANSWERED or not _within_rate(book):
            break
        order_key, run_id, order = one
        try:
            if _look_up(book, order) or (_missed(book, one) if _skip_reason(book, one) else _resent(book, one)):
                book.rate_limiter.unknown.pop(order_key, None)
                resolved.add(run_id)
        except BrokerUnavailable:
            unanswered += 1
    return resolved


def resolve_orders(book: Book, run: Run) -> bool:
    """Find out what became of every order of a run that may have been sent, and send none (R-25). False while in doubt.

    What the broker has not known for `GIVE_UP_AFTER` never reached it and ends as rejected.
    """
    certain = True
    for one in _unknown_orders(book):
        if one[1] != run.id:
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
    """Ask the broker to cancel what is open; a refusal means that it is final already, which the events tell."""
    for _, order, _ in run_orders.of_run(book.database, run.id):
        if order.id and not order.status.final and order.status is not OrderStatus.PENDING_CANCEL:
            try:
                book.broker.cancel_order(run.account_id, order.id)
            except (BrokerRefused, BrokerUnavailable):
                continue


def _allowed(book: Book, most: int) -> int:
    limit = rate_limit(book)
    rate = rate_of(book.settings.orders_per_minute, limit)
    return most if rate is None else min(most, book.rate_limiter.bucket.allowance(book.now(), rate, limit))


def _spend(book: Book, count: int) -> None:
    """Count requests that are about to be made, durably, where there is a rate."""
    if rate_of(book.settings.orders_per_minute, rate_limit(book)) is not None:
        with book.write() as tx:
            book.rate_limiter.bucket.spend(book.now(), count)
            book_settings.put(tx, PACE_KEY, book.rate_limiter.bucket.text())


def _within_rate(book: Book) -> bool:
    """Whether one more request may be made now; it is counted."""
    allowed = _allowed(book, 1) > 0
    if allowed:
        _spend(book, 1)
    return allowed


def _unknown_orders(book: Book) -> list[PendingOrder]:
    """The orders of which it is not known whether the broker has them, read anew."""
    rate_limiter = book.rate_limiter
    rate_limiter.load(book.database)
    if not rate_limiter.unknown:
        return []
    still = store.read_unknown(book.database, list(rate_limiter.unknown))
    rate_limiter.unknown = dict.fromkeys(order_key for order_key in rate_limiter.unknown if order_key in still)
    return [(order_key, *still[order_key]) for order_key in rate_limiter.unknown]


def _skip_reason(book: Book, one: PendingOrder) -> tuple[SkipReason, str] | None:
    """Why an order must not be sent as things are known now, None when it may."""
    _, run_id, order = one
    run = book.open_runs.get(order.account_id)
    if run is None or run.id != run_id or run.cancel_requested:
        return SkipReason.RUN_CANCELED, "canceled by hand"
    session = book.calendar.at(run.started_at) if run.started_at else None
    if session is None or book.now() >= session.close:
        return SkipReason.MARKET_WINDOW_CLOSED, "the close came before the run was finished"
    if order.account_id in book.holds:
        return SkipReason.ACCOUNT_RESTRICTED, "; ".join(book.paused(order.account_id))
    stopped = blocking_reasons(book.accounts[order.account_id], None)
    if stopped:
        return SkipReason.ACCOUNT_RESTRICTED, "; ".join(text for _, text in stopped)
    asset = book.assets.get(order.symbol)
    if asset is None or not asset.eligible:
        return SkipReason.ASSET_NOT_TRADABLE, f"{order.symbol} became ineligible"
    return None


def _skip(book: Book, skipped_reasons: Sequence[tuple[PendingOrder, tuple[SkipReason, str]]]) -> set[str]:
    """Orders that were never sent become skipped ones; returns their runs."""
    if skipped_reasons:
        with book.write() as tx:
            for ((_, line), run_id, order), (reason, why) in skipped_reasons:
                run_orders.drop(tx, run_id, line)
                skipped = SkippedOrder(order.symbol, order.side, order.notional, reason, why)
                run_orders.add_skipped(tx, run_id, [skipped])
    return {run_id for (_, run_id, _), _ in skipped_reasons}


def _send(book: Book, orders: Sequence[PendingOrder]) -> tuple[set[str], bool]:
    """Send marked orders and take over the answers; the runs with an order that is final, and whether all were tried.

    When the broker is silent the rest is unmarked: it was not called for them.
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
                    # It has it: what it does not find yet is looked for again later.
                    book.rate_limiter.unknown[order_key] = None
                else:
                    refused.append((one, refusal))
                    ended.add(run_id)
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
    """Whether the broker has an order, which is then taken over. Raises `BrokerUnavailable`."""
    known = book.broker.order_by_client_id(order.account_id, order.client_order_id)
    if known is None:
        return False
    with book.write() as tx:
        run_orders.store(tx, known)
    return True


def _missed(book: Book, one: PendingOrder) -> bool:
    """Give up an order that the broker has not known for long enough: it ends as rejected."""
    (_, line), run_id, order = one
    if not _missed_for(book, run_id, line, max(GIVE_UP_AFTER, book.settings.resend_after)):
        return False
    with book.write() as tx:
        _refuse(tx, run_id, line, order, "not_sent", "the request never reached the broker")
    return True


def _resent(book: Book, one: PendingOrder) -> bool:
    """Send an order once more that the broker has not known for long enough; whether it is answered."""
    order_key, run_id, _ = one
    if not _missed_for(book, run_id, order_key[1], book.settings.resend_after) or not _within_rate(book):
        return False
    # This request may be under way for as long as the first: what was not found until now says nothing of it.
    with book.write() as tx:
        run_orders.set_looked_up(tx, run_id, order_key[1], None)
    _send(book, [one])
    return order_key not in store.read_unknown(book.database, [order_key])


def _missed_for(book: Book, run_id: str, line: int, long: timedelta) -> bool:
    """Whether the broker has not known a sent order for so long; the first miss is noted."""
    first = run_orders.looked_up_at(book.database, run_id, line)
    if first is None:
        with book.write() as tx:
            run_orders.set_looked_up(tx, run_id, line, book.now())
        return not long
    return book.now() - first >= long

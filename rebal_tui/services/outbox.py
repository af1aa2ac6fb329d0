"""Sending a run's orders so that none is doubled and none is lost, whenever the program is killed.

An order's row and its deterministic client_order_id are committed, then the mark that it may be on its way, and only
then the broker is called. Whoever finds the mark without an answer asks the broker by that id first.
"""

from __future__ import annotations

from datetime import timedelta

from rebal_tui.broker.protocol import BrokerRefused, BrokerUnavailable, RefusalCode
from rebal_tui.domain.orders import Order, OrderRequest, OrderStatus, SkippedOrder, SkipReason
from rebal_tui.domain.runs import Run
from rebal_tui.engine.restrictions import stops
from rebal_tui.services.book import Book
from rebal_tui.store import runs

GIVE_UP_AFTER = timedelta(minutes=1)
"""How long the broker must not know an order of a run that ends before the order counts as never sent."""


def send_orders(book: Book, run: Run) -> bool:
    """Send what has not been sent and settle what is in doubt. False while an answer is still missing.

    What is known to be refused is not sent: orders of an account that was restricted meanwhile, or of an asset that is
    not tradable any more, are skipped (R-26, R-40).
    """
    certain = True
    fresh: list[tuple[int, Order]] = []
    for line, order, sent in _unanswered(book, run):
        barred = _barred(book, order)
        if barred is not None and sent:
            certain = _settle_only(book, run, line, order) and certain
        elif barred is not None:
            _skip(book, run, line, order, *barred)
        elif sent:
            certain = _settle(book, run, line, order) and certain
        else:
            fresh.append((line, order))
    if fresh:
        with book.database.write():
            for line, _ in fresh:
                runs.mark_sent(book.database, run.id, line, book.now())
        for line, order in fresh:
            certain = _send(book, run, line, order) and certain
    return certain


def settle_orders(book: Book, run: Run) -> bool:
    """Find out what became of every order that may have been sent, and send none (R-25). False while in doubt.

    What the broker has not known for `GIVE_UP_AFTER` never reached it and ends as rejected.
    """
    certain = True
    for line, order, sent in _unanswered(book, run):
        if sent:
            certain = _settle_only(book, run, line, order) and certain
    return certain


def _settle_only(book: Book, run: Run, line: int, order: Order) -> bool:
    """Find out what became of an order that may have been sent, without sending it again."""
    found = _look_up(book, run, order)
    if found is False and _missed_for(book, run, line, max(GIVE_UP_AFTER, book.settings.resend_after)):
        _refuse(book, run, line, order, "not_sent", "the request never reached the broker")
        return True
    return found is True


def _barred(book: Book, order: Order) -> tuple[SkipReason, str] | None:
    """Why an order must not be sent as things are known now, None when it may."""
    stopped = stops(book.accounts[order.account_id], None)
    if stopped:
        return SkipReason.ACCOUNT_RESTRICTED, "; ".join(text for _, text in stopped)
    asset = book.assets.get(order.symbol)
    if asset is None or not asset.eligible:
        return SkipReason.ASSET_NOT_TRADABLE, f"{order.symbol} became ineligible"
    return None


def _skip(book: Book, run: Run, line: int, order: Order, reason: SkipReason, why: str) -> None:
    """An order that was never sent becomes a skipped one."""
    with book.database.write():
        runs.drop_order(book.database, run.id, line)
        runs.add_skipped(book.database, run.id, [SkippedOrder(order.symbol, order.side, order.notional, reason, why)])


def _unanswered(book: Book, run: Run) -> list[tuple[int, Order, bool]]:
    """Orders that the broker has not answered, as (line, order, whether it may have been sent)."""
    return [
        (line, order, sent)
        for line, order, sent, _ in runs.orders(book.database, run.id)
        if order.status is OrderStatus.PENDING_NEW and not order.id
    ]


def cancel_open_orders(book: Book, run: Run) -> None:
    """Ask the broker to cancel what is open; a refusal means that it is final already, which the events tell."""
    for _, order, _, _ in runs.orders(book.database, run.id):
        if order.id and not order.status.final and order.status is not OrderStatus.PENDING_CANCEL:
            try:
                book.broker.cancel_order(run.account_id, order.id)
            except (BrokerRefused, BrokerUnavailable):
                continue


def _settle(book: Book, run: Run, line: int, order: Order) -> bool:
    """Find out what became of an order that may have been sent; send it once more only when the broker never had it."""
    found = _look_up(book, run, order)
    if found is not False:
        return found is True
    return _missed_for(book, run, line, book.settings.resend_after) and _send(book, run, line, order)


def _look_up(book: Book, run: Run, order: Order) -> bool | None:
    """Whether the broker has an order, which is then taken over; None when it does not answer."""
    try:
        known = book.broker.order_by_client_id(run.account_id, order.client_order_id)
    except BrokerUnavailable:
        return None
    if known is None:
        return False
    with book.database.write():
        runs.store_order(book.database, known)
    return True


def _missed_for(book: Book, run: Run, line: int, long: timedelta) -> bool:
    """Whether the broker has not known a sent order for so long; the first miss is noted."""
    first = runs.looked_up_at(book.database, run.id, line)
    if first is None:
        with book.database.write():
            runs.set_looked_up(book.database, run.id, line, book.now())
        return not long
    return book.now() - first >= long


def _send(book: Book, run: Run, line: int, order: Order) -> bool:
    database = book.database
    request = OrderRequest(run.account_id, order.client_order_id, order.symbol, order.side, order.notional, order.qty)
    try:
        answer = book.broker.submit_order(request)
    except BrokerRefused as refusal:
        if refusal.code == RefusalCode.DUPLICATE_CLIENT_ORDER_ID:
            # It has it: what it does not find yet is looked for again later.
            return _look_up(book, run, order) is True
        _refuse(book, run, line, order, refusal.code, refusal.message)
        return True
    except BrokerUnavailable:
        return False
    with database.write():
        runs.store_order(database, answer)
        book.record(
            "order.sent",
            order.client_order_id,
            {"run": run.id, "symbol": order.symbol, "side": order.side, "notional": order.notional, "qty": order.qty},
        )
    return True


def _refuse(book: Book, run: Run, line: int, order: Order, code: str, why: str) -> None:
    with book.database.write():
        runs.refuse_order(book.database, run.id, line, book.now(), f"{code}: {why}")
        book.record("order.refused", order.client_order_id, {"code": code}, "broker")

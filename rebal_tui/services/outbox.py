"""Sending a run's orders so that none is doubled and none is lost, whenever the program is killed.

An order's row and its deterministic client_order_id are committed, then the mark that it may be on its way, and only
then the broker is called. Whoever finds the mark without an answer asks the broker by that id first.
"""

from __future__ import annotations

from rebal_tui.broker.protocol import BrokerRefused, BrokerUnavailable, RefusalCode
from rebal_tui.domain.orders import Order, OrderRequest, OrderStatus
from rebal_tui.domain.runs import Run
from rebal_tui.services.book import Book
from rebal_tui.store import runs


def send_orders(book: Book, run: Run) -> bool:
    """Send what has not been sent and settle what is in doubt. False while an answer is still missing."""
    database = book.database
    fresh: list[tuple[int, Order]] = []
    doubtful: list[tuple[int, Order]] = []
    for line, order, sent, _ in runs.orders(database, run.id):
        if order.status is OrderStatus.PENDING_NEW and not order.id:
            (doubtful if sent else fresh).append((line, order))
    certain = True
    for line, order in doubtful:
        certain = _settle(book, run, line, order) and certain
    if fresh:
        with database.write():
            for line, _ in fresh:
                runs.mark_sent(database, run.id, line, book.now())
        for line, order in fresh:
            certain = _send(book, run, line, order) and certain
    return certain


def cancel_open_orders(book: Book, run: Run) -> None:
    """Ask the broker to cancel what is open; a refusal means that it is final already, which the events tell."""
    for _, order, _, _ in runs.orders(book.database, run.id):
        if order.id and not order.status.final and order.status is not OrderStatus.PENDING_CANCEL:
            try:
                book.broker.cancel_order(run.account_id, order.id)
            except (BrokerRefused, BrokerUnavailable):
                continue


def _settle(book: Book, run: Run, line: int, order: Order, *, resend: bool = True) -> bool:
    """Find out what became of an order that may have been sent; send it once more only when the broker never had it.

    `resend` False: the broker says that it has it, so what it does not find yet is looked for again later.
    """
    database = book.database
    try:
        known = book.broker.order_by_client_id(run.account_id, order.client_order_id)
    except BrokerUnavailable:
        return False
    if known is not None:
        with database.write():
            runs.store_order(database, known)
        return True
    if not resend:
        return False
    first_miss = runs.looked_up_at(database, run.id, line)
    if first_miss is None or book.now() - first_miss < book.settings.resend_after:
        if first_miss is None:
            with database.write():
                runs.set_looked_up(database, run.id, line, book.now())
        if book.settings.resend_after:
            return False
    return _send(book, run, line, order)


def _send(book: Book, run: Run, line: int, order: Order) -> bool:
    database = book.database
    request = OrderRequest(run.account_id, order.client_order_id, order.symbol, order.side, order.notional, order.qty)
    try:
        answer = book.broker.submit_order(request)
    except BrokerRefused as refusal:
        if refusal.code == RefusalCode.DUPLICATE_CLIENT_ORDER_ID:
            return _settle(book, run, line, order, resend=False)
        with database.write():
            runs.refuse_order(database, run.id, line, book.now(), f"{refusal.code}: {refusal.message}")
            book.record("order.refused", order.client_order_id, {"code": refusal.code}, "broker")
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

"""Manual orders, which belong to no run. Only the simulated broker takes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.broker.protocol import OrderQuery
from rebal_tui.domain.errors import Conflict, Forbidden, NotFound
from rebal_tui.domain.orders import Order, OrderRequest, Side
from rebal_tui.domain.quantities import Money
from rebal_tui.services.advisory.cash import refused, sandbox
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.kill_switch import halted
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.store import book_settings, run_orders


def place_order(book: Book, request: OrderRequest) -> Order:
    """Place a market order for the day in an account without a subscription; a missing client_order_id is generated.

    Raises `NotFound` for an unknown account; `Forbidden` while the account is subscribed or blocked by the broker
    (R-40), or without enough cash or shares; `Conflict` when the book has a real broker, when the client_order_id was
    used before, while the kill switch is on, and for any other refusal by the broker.
    """
    sandbox(book)
    account = book.account(request.account_id)
    if request.account_id in book.subscriptions:
        raise Forbidden(f"account {account.account_number} is subscribed to a portfolio; delete the subscription first")
    if halted(book):
        raise Conflict("the kill switch stops all new orders; release it first")
    if not request.client_order_id:
        with book.write() as tx:
            request = replace(request, client_order_id=book_settings.next_id(tx))
    if run_orders.placed(book.database, request.client_order_id):
        raise Conflict("client_order_id must be unique: this one was used before")
    try:
        order = book.broker.submit_order(request)
    except BrokerRefused as refusal:
        raise refused(refusal) from refusal
    with book.write() as tx:
        detail = {"account": request.account_id, "symbol": request.symbol, "side": request.side}
        tx.record("order.placed", order.client_order_id, detail, "advisor")
    sync(book)
    return find_order(book, request.account_id, order.id)


def cancel_order(book: Book, account_id: str, order_id: str) -> None:
    """Request a cancel of an order; what has filled stands.

    Raises `NotFound` for an unknown order, `Conflict` for one that has ended, and with a real broker.
    """
    order = find_order(book, account_id, order_id)
    try:
        book.broker.cancel_order(account_id, order.id)
    except BrokerRefused as refusal:
        raise refused(refusal) from refusal
    with book.write() as tx:
        tx.record("order.cancel_asked", order.client_order_id, actor="advisor")
    sync(book)


def find_order(book: Book, account_id: str, order_id: str) -> Order:
    """An order of an account by the broker's order id. Raises `NotFound`, and `Conflict` with a real broker."""
    book.account(account_id)
    order = sandbox(book).order(account_id, order_id)
    if order is None:
        raise NotFound(f"no order {order_id}")
    return order


def order_by_client_id(book: Book, account_id: str, client_order_id: str) -> Order:
    """An order of an account by client_order_id. Raises `NotFound`."""
    book.account(account_id)
    order = book.broker.order_by_client_id(account_id, client_order_id)
    if order is None:
        raise NotFound(f"no order with client_order_id {client_order_id}")
    return order


def list_orders(
    book: Book,
    account_id: str,
    *,
    open_: bool | None = None,
    after: datetime | None = None,
    until: datetime | None = None,
    side: Side | None = None,
    symbols: frozenset[str] = frozenset(),
    oldest_first: bool = False,
    limit: int = 500,
) -> Sequence[Order]:
    """Orders of an account that match every given filter, be they of runs, manual or external.

    Newest first unless `oldest_first`, at most `limit`. `open_` True selects open orders, False ended ones. Orders were
    created after `after` and before `until`, not at these times. Raises `NotFound`, and `Conflict` with a real broker.
    """
    book.account(account_id)
    return sandbox(book).orders(account_id, OrderQuery(open_, after, until, side, symbols, oldest_first, limit))


def buying_power(book: Book, account_id: str) -> Money:
    """Cash less the amounts reserved by open buys and journals (R-2); with a real broker, all cash."""
    account = book.account(account_id)
    return account.cash if book.sandbox is None else book.sandbox.buying_power(account_id)

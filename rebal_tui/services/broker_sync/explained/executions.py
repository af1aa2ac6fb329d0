"""Executions that a real broker shows in an order before the event of the execution arrives, or without one (R-53)."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.broker.simulated.fills import cash_of
from rebal_tui.domain.orders import Fill, Order, Side
from rebal_tui.domain.quantities import Money, Qty
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.store import explained, fills, run_orders
from rebal_tui.store.explained import Change

_PREFIX = "order:"


def undelivered(book: Book, account_id: str) -> list[Change]:
    """The executions that the orders of an account's open run show and that no event has reported yet.

    One change for each order, with all these executions; the change's cash is computed from the order's average price,
    exact to a cent.
    """
    run = book.open_runs.get(account_id)
    if run is None:
        return []
    known: dict[str, list[Fill]] = {}
    for fill in fills.of_run(book.database, run.id):
        known.setdefault(fill.client_order_id, []).append(fill)
    found = []
    for _, order, sent in run_orders.of_run(book.database, run.id):
        if sent and order.filled_qty and order.filled_avg_price is not None:
            found += _undelivered(book, order, known.get(order.client_order_id, ()))
    return found


def _undelivered(book: Book, order: Order, executed: Sequence[Fill]) -> list[Change]:
    asset = book.assets.get(order.symbol)
    if asset is None or order.filled_avg_price is None:
        return []
    sign = 1 if order.side is Side.BUY else -1
    before = explained.change(book.database, _PREFIX + order.client_order_id)
    counted = abs(before.shares.get(asset.id, 0)) if before is not None else 0
    qty = order.filled_qty - sum(fill.qty for fill in executed) - counted
    if qty <= 0:
        return []
    amount = cash_of(order.side, order.filled_qty, order.filled_avg_price) - sum(fill.amount for fill in executed)
    amount -= abs(before.cash) if before is not None else 0
    shares = {asset.id: Qty(sign * qty)}
    return [Change(_PREFIX + order.client_order_id, order.account_id, order.updated_at, Money(-sign * amount), shares)]


def book_undelivered(tx: BookTransaction, changes: Sequence[Change]) -> None:
    """Record the changes from `undelivered`, so that the events of these executions change nothing when they arrive."""
    for change in changes:
        before = explained.change(tx.database, change.id)
        if before is None:
            explained.add_change(tx, change)
            continue
        shares = explained.added(before.shares, [change.shares])
        total = Change(change.id, change.account_id, change.at, Money(before.cash + change.cash), shares)
        explained.replace_change(tx, change.id, total)


def delivered(tx: BookTransaction, fill: Fill, change: Change) -> bool:
    """Whether the figures on which book and broker agree include an execution already, as its order showed it earlier.

    `change` is the change by the execution, whose event has now arrived. If `book_undelivered` has recorded a change
    for the order in advance and it covers `change`, it is reduced by `change`. Otherwise nothing is stored and the
    result is False.
    """
    before = explained.change(tx.database, _PREFIX + fill.client_order_id)
    if before is None:
        return False
    left = explained.added(before.shares, [{asset: Qty(-qty) for asset, qty in change.shares.items()}])
    if any(abs(left.get(asset, 0)) > abs(before.shares.get(asset, 0)) for asset in change.shares):
        return False
    rest = Change(before.id, before.account_id, before.at, Money(before.cash - change.cash if left else 0), left)
    explained.replace_change(tx, before.id, rest)
    return before.agreed

"""Selling the positions of an account without a subscription, and canceling all orders of an account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from rebal_tui.domain.accounts import Position
from rebal_tui.domain.errors import Fault, Invalid, NotFound, Refusal
from rebal_tui.domain.orders import Order, OrderRequest, Side
from rebal_tui.domain.quantities import Qty
from rebal_tui.services.advisory.manual_orders import cancel_order, list_orders, place_order
from rebal_tui.services.book.book import Book

HUNDRED = Fraction(100)


@dataclass(frozen=True, slots=True)
class Closed:
    """The outcome of closing one position: the order that sells it, or the refusal."""

    symbol: str
    order: Order | None
    refusal: Refusal | None = None


@dataclass(frozen=True, slots=True)
class Canceled:
    """The outcome of canceling one order: `refusal` is None if a cancel was requested, else the reason why not."""

    order_id: str
    refusal: Refusal | None = None


def close_position(
    book: Book, account_id: str, name: str, *, qty: Qty | None = None, percentage: Fraction | None = None
) -> Order:
    """Sell a position: all of it, `qty` shares, or a percentage above 0 and at most 100. `name` is asset id or symbol.

    Raises `NotFound` without such a position, `Invalid` for both `qty` and `percentage` or one out of range, and the
    errors of `place_order`.
    """
    if qty is not None and percentage is not None:
        raise Invalid([Fault("qty", "expected qty or percentage, not both")])
    if percentage is not None and not 0 < percentage <= HUNDRED:
        raise Invalid([Fault("percentage", "expected a percentage above 0 and up to 100")])
    position = _position(book, account_id, name)
    if percentage is not None:
        qty = Qty(int(position.qty * percentage / HUNDRED))
        if qty <= 0:
            raise Invalid([Fault("percentage", "expected a percentage of at least a billionth of a share")])
    if qty is not None and qty > position.qty:
        raise Invalid([Fault("qty", "expected at most the shares of the position")])
    return place_order(book, OrderRequest(account_id, "", position.symbol, Side.SELL, None, qty or position.qty))


def close_all(book: Book, account_id: str, *, cancel_orders: bool = False) -> list[Closed]:
    """Sell every position, with an outcome for each; open orders are canceled first if `cancel_orders`.

    Raises `NotFound` for an unknown account, and with `cancel_orders` `Conflict` with a real broker.
    """
    account = book.account(account_id)
    if cancel_orders:
        cancel_all(book, account_id)
    outcomes = []
    for position in account.positions:
        try:
            outcomes.append(Closed(position.symbol, close_position(book, account_id, position.symbol)))
        except Refusal as refusal:
            outcomes.append(Closed(position.symbol, None, refusal))
    return outcomes


def cancel_all(book: Book, account_id: str) -> Sequence[Canceled]:
    """Request a cancel of every open order of an account, with an outcome for each.

    Raises `NotFound` for an unknown account, and `Conflict` with a real broker.
    """
    outcomes = []
    for order in list_orders(book, account_id, open_=True):
        try:
            cancel_order(book, account_id, order.id)
            outcomes.append(Canceled(order.id))
        except Refusal as refusal:
            outcomes.append(Canceled(order.id, refusal))
    return outcomes


def _position(book: Book, account_id: str, name: str) -> Position:
    account, asset = book.account(account_id), book.find_asset(name)
    for position in account.positions:
        if asset is not None and position.symbol in book.assets and book.assets[position.symbol].id == asset.id:
            return position
    raise NotFound("position does not exist")

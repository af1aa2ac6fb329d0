"""Execution of open orders over time: fills, cancels, expiry."""

from __future__ import annotations

import heapq
from enum import Enum

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.broker.simulated.fills import ORDER_BASIS_POINTS, FillModel, average_price, cash_of, shares_for
from rebal_tui.broker.simulated.ledger import add_shares, free_cash, post, take_shares
from rebal_tui.broker.simulated.ports import Ids, PriceOf, Quoted, Writer
from rebal_tui.broker.simulated.timestamps import to_micros
from rebal_tui.broker.simulated.working_order import WorkingOrder, load
from rebal_tui.domain.cash import CashKind
from rebal_tui.domain.orders import OrderStatus, Side
from rebal_tui.domain.quantities import NANO, Price

TOO_SMALL = "too small: less than a billionth of a share"
OUT_OF_CASH = "insufficient buying power: the price rose"
OUT_OF_SHARES = "insufficient shares: the price fell"


class _Step(Enum):
    FILL = 0
    CANCEL = 1
    EXPIRE = 2


class Execution:
    """Executes open orders at the current prices; a fill model decides when they fill, and in how many partial
    fills.

    Times (`at`, `now`) are in microseconds since 1970 UTC.
    """

    def __init__(self, model: FillModel, ids: Ids, price: PriceOf) -> None:
        self.model = model
        self._ids = ids
        self._price = price

    def quote(self, symbol: str) -> Quoted | None:
        """The latest quote, None when there is none or its price is not above zero."""
        quote = self._price(symbol)
        return quote if quote is not None and quote.price > 0 else None

    def run(self, tx: Writer, now: int) -> None:
        """Execute open orders up to `now`, in the order of their due times.

        An order does not fill while its asset is halted or has no quote.
        """
        orders = load(tx.execute, "o.open = 1 AND o.wake_at <= ?", (now,))
        queue = [(at, order.n, order) for order in orders if (at := self._next(order)[0]) <= now]
        heapq.heapify(queue)
        while queue:
            _, n, order = heapq.heappop(queue)
            self._step(tx, order, now)
            if not order.status.final and (at := self._next(order)[0]) <= now:
                heapq.heappush(queue, (at, n, order))

    def run_one(self, tx: Writer, order: WorkingOrder, now: int) -> None:
        """Take the steps of one order that are due by `now`: its fills, rejection, cancellation or expiry."""
        while not order.status.final and self._next(order)[0] <= now:
            self._step(tx, order, now)

    def _next(self, order: WorkingOrder) -> tuple[int, _Step]:
        """The time and kind of an order's next step. An order that cannot fill waits for its cancel or the close.

        If a fill is due at the same time as a cancel or the close, the fill does not happen.
        """
        if order.cancel_at is not None and order.cancel_at < order.expires_at:
            end = order.cancel_at, _Step.CANCEL
        else:
            end = order.expires_at, _Step.EXPIRE
        can_fill = order.planned_rejection is not None or (not order.halted and self.quote(order.symbol) is not None)
        return (order.due_at, _Step.FILL) if can_fill and order.due_at < end[0] else end

    def _step(self, tx: Writer, order: WorkingOrder, now: int) -> None:
        at, step = self._next(order)
        if step is _Step.CANCEL:
            order.end(tx, OrderStatus.CANCELED, at)
        elif step is _Step.EXPIRE:
            order.end(tx, OrderStatus.EXPIRED, at)
        elif order.planned_rejection is not None:
            order.end(tx, OrderStatus.REJECTED, at, order.planned_rejection)
        elif (quote := self.quote(order.symbol)) is not None:
            # A fill is never earlier than its quote, and never later than the order can fill.
            latest = min(now, order.expires_at - 1, order.expires_at if order.cancel_at is None else order.cancel_at)
            self._fill(tx, order, max(at, min(to_micros(quote.at), latest)), quote.price)

    def _fill(self, tx: Writer, order: WorkingOrder, at: int, price: Price) -> None:
        plan = self.model.pieces(order.client_order_id)
        last = order.pieces_done >= len(plan) - 1
        wanted, possible = _portion(tx, order, ORDER_BASIS_POINTS if last else plan[order.pieces_done], price)
        order.pieces_done += 1
        order.due_at += self.model.latency(order.client_order_id, order.pieces_done)
        order.updated_at = at
        fill: int | None = None
        if qty := min(wanted, possible):
            try:
                fill = self._book(tx, order, qty, price, at)
            except BrokerRefused as refused:
                order.end(tx, OrderStatus.CANCELED, at, refused.message)
                return
        if last and wanted <= possible:
            if not order.filled_qty:
                order.end(tx, OrderStatus.REJECTED, at, TOO_SMALL)
                return
            order.status = OrderStatus.FILLED
        elif order.filled_qty and order.status is not OrderStatus.PENDING_CANCEL:
            order.status = OrderStatus.PARTIALLY_FILLED
        order.save(tx)
        if fill is not None or order.status.final:
            order.emit_event(tx, fill)
        if wanted > possible:
            order.end(tx, OrderStatus.CANCELED, at, OUT_OF_CASH if order.side is Side.BUY else OUT_OF_SHARES)

    def _book(self, tx: Writer, order: WorkingOrder, qty: int, price: Price, at: int) -> int:
        """Book the shares and the cash of one fill and return its number.

        Raises `BrokerRefused`, before anything is booked, if cash or position of the account would exceed their
        maximum.
        """
        execution_id = self._ids(f"fill:{order.client_order_id}:{order.pieces_done}")
        amount = cash_of(order.side, qty, price)
        if order.side is Side.BUY:
            add_shares(tx, order.account, order.asset, qty, price)
            entry = post(tx, order.account, at, CashKind.BUY, -amount, order.settles_on, execution_id)
            order.reserved_cash = max(0, order.reserved_cash - amount)
        else:
            entry = post(tx, order.account, at, CashKind.SELL, amount, order.settles_on, execution_id)
            take_shares(tx, order.account, order.asset, qty)
            order.reserved_qty -= qty
        parts = tx.execute("SELECT qty, price FROM sim_fills WHERE order_n = ?", (order.n,)).fetchall()
        order.filled_qty += qty
        order.filled_amount += amount
        order.filled_avg_price = average_price([*parts, (qty, price)])
        fill = tx.execute(
            "INSERT INTO sim_fills (execution_id, order_n, qty, price, amount, at, entry) VALUES (?, ?, ?, ?, ?, ?, ?)",
            (execution_id, order.n, qty, price, amount, at, entry),
        ).lastrowid
        return int(fill or 0)


def _portion(tx: Writer, order: WorkingOrder, through: int, price: Price) -> tuple[int, int]:
    """The shares (in billionths) still needed so that `through` ten-thousandths of the order are filled, and how many
    of the order's shares the account has reserved or can pay.
    """
    if order.notional is not None:
        wanted = int(shares_for(max(0, order.notional * through // ORDER_BASIS_POINTS - order.filled_amount), price))
    else:
        wanted = (order.qty or 0) * through // ORDER_BASIS_POINTS - order.filled_qty
    if order.side is Side.SELL:
        possible = order.reserved_qty
    elif order.notional is not None:
        possible = wanted
    else:
        possible = int(shares_for(order.reserved_cash + free_cash(tx.execute, order.account), price))
    if order.whole_shares:
        wanted, possible = wanted - wanted % NANO, possible - possible % NANO
    return wanted, possible

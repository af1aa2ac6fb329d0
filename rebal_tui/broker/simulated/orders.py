"""Order submission and cancellation."""

from __future__ import annotations

from rebal_tui.broker.failures import BrokerRefused, RefusalCode
from rebal_tui.broker.simulated.execution import Execution
from rebal_tui.broker.simulated.fills import cash_of, shares_for
from rebal_tui.broker.simulated.ledger import free_cash, free_qty
from rebal_tui.broker.simulated.ports import Ids, Sessions, Writer
from rebal_tui.broker.simulated.timestamps import SECOND, day_of, to_micros
from rebal_tui.broker.simulated.working_order import WorkingOrder, insert, load
from rebal_tui.domain.accounts import AccountStatus
from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.orders import Order, OrderRequest, OrderStatus, Side
from rebal_tui.domain.quantities import DOLLAR, MAX_NANO, NANO, Price
from rebal_tui.domain.text import display_text

COLLAR_PERCENT = 5
"""Percent by which the price may move against an order before its reservation is exhausted.

Applies to buys by quantity and sells by amount.
"""
MAX_CLIENT_ORDER_ID_LENGTH = 128
NO_LONGER_TRADABLE = "the asset is no longer tradable"


class OrderService:
    """Accepts, refuses and cancels orders. Each method works inside its caller's transaction. Times (`at`) are in
    microseconds since 1970 UTC.
    """

    def __init__(self, execution: Execution, sessions: Sessions, ids: Ids) -> None:
        self._execution = execution
        self._sessions = sessions
        self._ids = ids

    def submit(self, tx: Writer, request: OrderRequest, at: int) -> Order:
        """Accept a market day order; with `immediate_fills` of the fill model, fill it at once. Raises
        `BrokerRefused`.
        """
        _check_form(request)
        if tx.execute("SELECT 1 FROM sim_orders WHERE client_order_id = ?", (request.client_order_id,)).fetchone():
            raise BrokerRefused(
                RefusalCode.DUPLICATE_CLIENT_ORDER_ID, "client_order_id must be unique: this one is already used"
            )
        account = _unrestricted_account(tx, request.account_id)
        asset, fractionable, halted = _tradable_asset(tx, request)
        session = self._sessions.session(day_of(at))
        if session is None or not to_micros(session.open) <= at < to_micros(session.close):
            raise BrokerRefused(RefusalCode.MARKET_CLOSED, "the market is closed")
        quote = self._execution.quote(request.symbol)
        if quote is None:
            raise BrokerRefused(RefusalCode.NO_PRICE, f"no price for {request.symbol}")
        reserved_cash, reserved_qty = _reserve(tx, request, account, asset, quote.price)
        model = self._execution.model
        planned_rejection = _planned_rejection(tx, account, asset)
        # A requested rejection happens at the next step; every other order has the model's latency.
        delay = 0 if planned_rejection else model.latency(request.client_order_id, 0)
        if planned_rejection is None and model.rejects(request.client_order_id):
            planned_rejection = "rejected by the market"
        order = WorkingOrder(
            n=0,
            id=self._ids(f"order:{request.client_order_id}"),
            client_order_id=request.client_order_id,
            account=account,
            account_id=request.account_id,
            asset=asset,
            symbol=request.symbol,
            fractionable=fractionable,
            halted=halted,
            side=request.side,
            notional=request.notional,
            qty=request.qty,
            status=OrderStatus.NEW,
            filled_qty=0,
            filled_avg_price=None,
            filled_amount=0,
            reserved_cash=reserved_cash,
            reserved_qty=reserved_qty,
            pieces_done=0,
            due_at=at + delay,
            cancel_at=None,
            expires_at=to_micros(session.close),
            settles_on=session.settles_on.isoformat(),
            planned_rejection=planned_rejection,
            reason=None,
            created_at=at,
            updated_at=at,
        )
        insert(tx, order)
        order.emit_event(tx)
        if model.immediate_fills:
            self._execution.run_one(tx, order, at)
        return order.order()

    def cancel(self, tx: Writer, account_id: str, order_id: str, at: int) -> None:
        """Cancel an order at once, or after the fill model's cancel latency.

        Raises `BrokerRefused` when the order is unknown or final.
        """
        found = load(tx.execute, "o.id = ? AND a.id = ?", (order_id, account_id))
        if not found:
            raise BrokerRefused(RefusalCode.NOT_FOUND, "no such order in this account")
        order = found[0]
        if order.status.final:
            raise BrokerRefused(RefusalCode.NOT_CANCELABLE, f"the order is already {order.status}")
        if order.cancel_at is not None:
            return
        latency = self._execution.model.cancel_latency * SECOND
        if latency:
            order.status, order.cancel_at, order.updated_at = OrderStatus.PENDING_CANCEL, at + latency, at
            order.save(tx)
            order.emit_event(tx)
        else:
            order.end(tx, OrderStatus.CANCELED, at)

    def end_untradable(self, tx: Writer, symbol: str, at: int) -> None:
        """End the open orders that an asset no longer accepts; shares already filled stay.

        An inactive asset accepts no orders; an active one that is not tradable accepts sells only.
        """
        active, tradable = tx.execute(
            "SELECT status = 'active', tradable FROM sim_assets WHERE symbol = ?", (symbol,)
        ).fetchone()
        for order in load(tx.execute, "s.symbol = ? AND o.open = 1", (symbol,)):
            if active and (tradable or order.side is Side.SELL):
                continue
            status = OrderStatus.CANCELED if order.filled_qty else OrderStatus.REJECTED
            order.end(tx, status, at, NO_LONGER_TRADABLE)

    def resume(self, tx: Writer, symbol: str, at: int) -> None:
        """At the end of a halt, postpone to `at` each step of the symbol's open orders that became due during
        the halt.
        """
        for order in load(tx.execute, "s.symbol = ? AND o.open = 1 AND o.due_at < ?", (symbol, at)):
            order.due_at = at
            order.save(tx)


def _check_form(request: OrderRequest) -> None:
    try:
        display_text(request.client_order_id, MAX_CLIENT_ORDER_ID_LENGTH)
    except ValueError as error:
        raise BrokerRefused(RefusalCode.REJECTED, f"client_order_id: {error}") from None
    if not request.client_order_id:
        raise BrokerRefused(RefusalCode.REJECTED, "client_order_id is required")
    sizes = [size for size in (request.notional, request.qty) if size is not None]
    if len(sizes) != 1 or not 0 < sizes[0] <= MAX_NANO:
        raise BrokerRefused(RefusalCode.REJECTED, "expected either notional or qty, above 0 and up to 9,000,000,000")


def _unrestricted_account(tx: Writer, account_id: str) -> int:
    row = tx.execute("SELECT n, status, restrictions FROM sim_accounts WHERE id = ?", (account_id,)).fetchone()
    if row is None:
        raise BrokerRefused(RefusalCode.NOT_FOUND, "no such account")
    if row[1] != AccountStatus.ACTIVE:
        raise BrokerRefused(RefusalCode.ACCOUNT_RESTRICTED, f"the account is {row[1]}, not ACTIVE")
    if row[2]:
        raise BrokerRefused(RefusalCode.ACCOUNT_RESTRICTED, f"the account is restricted: {row[2].replace(',', ', ')}")
    return int(row[0])


def _tradable_asset(tx: Writer, request: OrderRequest) -> tuple[int, int, int]:
    """The integer key of an asset; whether it is fractionable (0 or 1); and whether it is halted (0 or 1).

    Raises `BrokerRefused` if the asset does not accept the order.
    """
    row = tx.execute(
        "SELECT n, status, tradable, fractionable, halted FROM sim_assets WHERE symbol = ?", (request.symbol,)
    ).fetchone()
    # An active asset that is not tradable is closing only: it can be sold.
    if row is None or row[1] != AssetStatus.ACTIVE or (request.side is Side.BUY and not row[2]):
        raise BrokerRefused(RefusalCode.ASSET_NOT_TRADABLE, f"asset {request.symbol} is not tradable")
    if not row[3] and (request.qty is None or request.qty % NANO):
        raise BrokerRefused(RefusalCode.ASSET_NOT_FRACTIONABLE, "requested asset is not fractionable")
    return row[0], row[3], row[4]


def _reserve(tx: Writer, request: OrderRequest, account: int, asset: int, price: Price) -> tuple[int, int]:
    """The cash and the shares to reserve for an order, both in billionths.

    Raises `BrokerRefused` when they are not available, or when a buy is below $1.
    """
    if request.side is Side.BUY:
        worth = request.notional if request.notional is not None else cash_of(Side.BUY, request.qty or 0, price)
        if worth < DOLLAR:
            raise BrokerRefused(RefusalCode.BELOW_MINIMUM, "a buy must be at least $1")
        needed = int(worth) if request.notional is not None else -(-worth * (100 + COLLAR_PERCENT) // 100)
        if needed > free_cash(tx.execute, account):
            raise BrokerRefused(RefusalCode.INSUFFICIENT_BUYING_POWER, "insufficient buying power")
        return needed, 0
    free = free_qty(tx, account, asset)
    wanted = int(request.qty if request.qty is not None else shares_for(request.notional or 0, price))
    if wanted > free or not free:
        raise BrokerRefused(RefusalCode.INSUFFICIENT_QTY, "insufficient quantity available")
    if request.qty is None:
        wanted = min(free, -(-wanted * (100 + COLLAR_PERCENT) // 100))
    return 0, wanted


def _planned_rejection(tx: Writer, account: int, asset: int) -> str | None:
    """The reason given to `reject_next` for this account and asset, which is then deleted; None when there is none."""
    row: tuple[str] | None = tx.execute(
        "DELETE FROM sim_rejections WHERE account = ? AND asset = ? RETURNING reason", (account, asset)
    ).fetchone()
    return row[0] if row else None

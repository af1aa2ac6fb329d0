"""The two steps of the self-test that trade: buy for one dollar, and sell the bought shares."""

from __future__ import annotations

from rebal_tui.broker.alpaca import json_values, shapes
from rebal_tui.broker.alpaca.client import Denied
from rebal_tui.broker.alpaca.refusals import is_no_order
from rebal_tui.broker.alpaca.self_test.connection import Connection, asked
from rebal_tui.broker.alpaca.self_test.results import Failed, Waits
from rebal_tui.broker.alpaca.stream_list import TRADES
from rebal_tui.broker.failures import BrokerUnavailable
from rebal_tui.domain.orders import Order, OrderRequest, OrderStatus, Side
from rebal_tui.domain.quantities import DOLLAR, Qty, price_text, qty_text

SECONDS_TO_FILL = 60
_SECONDS_FOR_EVENT = 15


def buy(connection: Connection) -> str:
    """Buy the chosen asset for one dollar; returns the step's result as a text. Raises `Failed` or `Waits`."""
    _require_open(connection)
    connection.held_before = _held(connection)
    order = _trade(connection, Side.BUY)
    connection.bought = order.filled_qty
    return _fill_text(connection, order, "bought")


def sell(connection: Connection) -> str:
    """Sell exactly the shares that `buy` bought, even if `buy` failed midway, and check the position.

    The position must be as it was before `buy`. Returns the step's result as a text. Raises `Failed` or `Waits`.
    """
    _require_open(connection)
    if not connection.bought:
        raise Failed("nothing was bought")
    text = _fill_text(connection, _trade(connection, Side.SELL), "sold")
    left = _held(connection)
    if left != connection.held_before:
        raise Failed(
            f"{qty_text(left)} {connection.symbol} are left, expected {qty_text(connection.held_before)} as before"
        )
    return f"{text}; the position is as before"


def _require_open(connection: Connection) -> None:
    if not connection.market_open:
        raise Waits(f"needs an open market; it opens at {connection.next_open} New York time")


def _trade(connection: Connection, side: Side) -> Order:
    """Place an order once, and follow it to its end."""
    request = OrderRequest(
        connection.account_id,
        f"self-test-{connection.run_id}-{side}",
        connection.symbol,
        side,
        DOLLAR if side is Side.BUY else None,
        None if side is Side.BUY else connection.bought,
    )
    path = f"/v1/trading/accounts/{connection.account_id}/orders"
    try:
        connection.client.send("POST", path, shapes.order_body(request))
    except Denied as denied:
        raise Failed(f"the {side} was refused with {denied.status}: {denied.message}") from None
    except BrokerUnavailable:
        pass  # Whether it was placed is unknown: it is looked up by its id and never sent again.
    found: Order | None = None
    for _ in range(SECONDS_TO_FILL):
        found = _look_up(connection, request.client_order_id) or found
        if found is not None and found.status.final:
            break
        connection.sleep(1)
    if found is None:
        raise Failed(f"the {side} got no response, and the broker does not know it by its id")
    if not found.status.final:
        cancel = f"{path}/{found.id}"
        asked(lambda: connection.client.send("DELETE", cancel))
        connection.sleep(1)
        found = _look_up(connection, request.client_order_id) or found
    return found


def _look_up(connection: Connection, client_order_id: str) -> Order | None:
    path = f"/v1/trading/accounts/{connection.account_id}/orders:by_client_order_id"
    try:
        data = connection.client.get(path, {"client_order_id": client_order_id})
    except Denied as denied:
        if is_no_order(denied):
            return None
        raise Failed(f"the order cannot be looked up: {denied.message}") from None
    except BrokerUnavailable:
        return None
    return shapes.order(json_values.as_object(data), connection.account_id)


def _fill_text(connection: Connection, order: Order, done: str) -> str:
    """Wait until the stream of trades has reported the order's fill; return the fill as text.

    `done` is the verb of the text: bought or sold. Raises `Failed` when the order is not filled, or when its event does
    not arrive.
    """
    if order.status is not OrderStatus.FILLED:
        reason = order.reject_reason or f"not filled in {SECONDS_TO_FILL} s"
        raise Failed(f"the order ended as {order.status} with {qty_text(order.filled_qty)} filled: {reason}")
    trades = next((probe for probe in connection.streams if probe.name == TRADES), None)
    price = price_text(order.filled_avg_price) if order.filled_avg_price else "an unknown price"
    text = f"{done} {qty_text(order.filled_qty)} {order.symbol} at ${price}"
    if trades is None:
        return text
    for _ in range(_SECONDS_FOR_EVENT):
        if trades.saw(order.client_order_id):
            return f"{text}; its event arrived"
        connection.sleep(1)
    raise Failed(f"{text}, but its event did not arrive on the stream of trades in {_SECONDS_FOR_EVENT} s")


def _held(connection: Connection) -> Qty:
    """The shares of the chosen asset in the chosen account."""
    path = f"/v1/trading/accounts/{connection.account_id}/positions"
    rows = asked(lambda: json_values.as_list(connection.client.get(path)))
    return Qty(sum(json_values.qty(row, "qty") for row in rows if row.get("symbol") == connection.symbol))

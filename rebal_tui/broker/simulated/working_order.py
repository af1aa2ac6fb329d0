"""An order during execution: a row of `sim_orders` in memory, which is changed and then written back."""

from __future__ import annotations

from dataclasses import dataclass

from rebal_tui.broker.protocol import OrderQuery
from rebal_tui.broker.simulated.events import OrderFacts, emit_order, make_order
from rebal_tui.broker.simulated.ports import Query, Writer
from rebal_tui.broker.simulated.timestamps import to_micros
from rebal_tui.domain.orders import Order, OrderStatus, Side
from rebal_tui.domain.quantities import NANO, Money, Qty

_SELECT = """
SELECT o.n, o.id, o.client_order_id, o.account, a.id, o.asset, s.symbol, s.fractionable, s.halted,
    o.side, o.notional, o.qty, o.status, o.filled_qty, o.filled_avg_price, o.filled_amount, o.reserved_cash,
    o.reserved_qty, o.pieces_done, o.due_at, o.cancel_at, o.expires_at, o.settles_on, o.doom, o.reason,
    o.created_at, o.updated_at
FROM sim_orders AS o
JOIN sim_accounts AS a ON a.n = o.account
JOIN sim_assets AS s ON s.n = o.asset
"""


@dataclass(slots=True)
class WorkingOrder:
    """A row of `sim_orders` with its account's id and its asset's symbol.

    Dollars and shares are in billionths, times in microseconds since 1970 UTC. `reserved_cash` is the cash that a buy
    may still spend, `reserved_qty` the shares that a sell may still sell. `planned_rejection` is why the market will
    reject the order at its next step; None when it will not.
    """

    n: int
    id: str
    client_order_id: str
    account: int
    account_id: str
    asset: int
    symbol: str
    fractionable: int
    halted: int
    side: Side
    notional: int | None
    qty: int | None
    status: OrderStatus
    filled_qty: int
    filled_avg_price: int | None
    filled_amount: int
    reserved_cash: int
    reserved_qty: int
    pieces_done: int
    due_at: int
    cancel_at: int | None
    expires_at: int
    settles_on: str
    planned_rejection: str | None
    reason: str | None
    created_at: int
    updated_at: int

    def __post_init__(self) -> None:
        self.side = Side(self.side)
        self.status = OrderStatus(self.status)

    @property
    def whole_shares(self) -> bool:
        """Whether every partial fill must be in whole shares."""
        return not self.fractionable and self.qty is not None and self.qty % NANO == 0

    @property
    def wake_at(self) -> int:
        """When the order's next step is due, in microseconds since 1970 UTC."""
        at_micros = min(self.due_at, self.expires_at)
        return at_micros if self.cancel_at is None else min(at_micros, self.cancel_at)

    def order(self) -> Order:
        """The order as the broker reports it."""
        facts = OrderFacts(
            self.id,
            self.client_order_id,
            self.side,
            None if self.notional is None else Money(self.notional),
            None if self.qty is None else Qty(self.qty),
            self.reason,
            self.created_at,
        )
        return make_order(
            facts,
            self.account_id,
            self.symbol,
            self.status,
            Qty(self.filled_qty),
            self.filled_avg_price,
            self.updated_at,
        )

    def end(self, tx: Writer, status: OrderStatus, at: int, reason: str | None = None) -> None:
        """End the order with a final status. Shares already filled stay, and the order's reservations end."""
        self.status, self.reason, self.updated_at = status, reason, at
        self.save(tx)
        self.emit_event(tx)

    def emit_event(self, tx: Writer, fill: int | None = None) -> None:
        """Store the event of the order's new state; `fill` is the integer key of the fill that led to it, if any."""
        emit_order(
            tx,
            self.updated_at,
            self.account,
            self.asset,
            self.n,
            self.status,
            self.filled_qty,
            self.filled_avg_price,
            fill,
        )

    def save(self, tx: Writer) -> None:
        """Write the columns that may have changed to the row. If the order is final, its reservations become 0."""
        if self.status.final:
            self.reserved_cash = self.reserved_qty = 0
        tx.execute(
            "UPDATE sim_orders SET status = ?, open = ?, filled_qty = ?, filled_avg_price = ?, filled_amount = ?,"
            " reserved_cash = ?, reserved_qty = ?, pieces_done = ?, due_at = ?, cancel_at = ?, wake_at = ?, reason = ?,"
            " updated_at = ? WHERE n = ?",
            (
                self.status, not self.status.final, self.filled_qty, self.filled_avg_price, self.filled_amount,
                self.reserved_cash, self.reserved_qty, self.pieces_done, self.due_at, self.cancel_at, self.wake_at,
                self.reason, self.updated_at, self.n,
            ),
        )  # fmt: skip


def insert(
    tx: Writer,
    order: WorkingOrder,
) -> None:
    """Insert a new order, and set its `n` to the integer key of the new row."""
    order.n = int(
        tx.execute(
            "INSERT INTO sim_orders (id, client_order_id, account, asset, side, notional, qty, status, open,"
            " reserved_cash, reserved_qty, due_at, expires_at, wake_at, settles_on, doom, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                order.id, order.client_order_id, order.account, order.asset, order.side, order.notional, order.qty,
                order.status, order.reserved_cash, order.reserved_qty, order.due_at, order.expires_at, order.wake_at,
                order.settles_on, order.planned_rejection, order.created_at, order.updated_at,
            ),
        ).lastrowid
        or 0
    )  # fmt: skip


def load(query: Query, condition: str, parameters: tuple[str | int, ...]) -> list[WorkingOrder]:
    """Orders that match an SQL condition on `o` (order), `a` (account) or `s` (asset), in order of arrival."""
    return [WorkingOrder(*row) for row in query(f"{_SELECT} WHERE {condition} ORDER BY o.n", parameters)]


def find_orders(query: Query, account: int, wanted: OrderQuery) -> list[WorkingOrder]:
    """The orders of an account that match `wanted`, newest first unless `wanted.oldest_first`."""
    conditions = ["o.account = ?"]
    values: list[str | int] = [account]
    if wanted.open is not None:
        conditions.append("o.open = ?")
        values.append(int(wanted.open))
    if wanted.after is not None:
        conditions.append("o.created_at > ?")
        values.append(to_micros(wanted.after))
    if wanted.until is not None:
        conditions.append("o.created_at < ?")
        values.append(to_micros(wanted.until))
    if wanted.side is not None:
        conditions.append("o.side = ?")
        values.append(wanted.side.value)
    if wanted.symbols:
        conditions.append(f"s.symbol IN ({', '.join('?' * len(wanted.symbols))})")
        values.extend(sorted(wanted.symbols))
    direction = "ASC" if wanted.oldest_first else "DESC"
    found = query(
        f"{_SELECT} WHERE {' AND '.join(conditions)} ORDER BY o.n {direction} LIMIT ?", (*values, wanted.limit)
    )
    return [WorkingOrder(*row) for row in found]

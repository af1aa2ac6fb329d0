"""Orders at a real broker that this program placed and the book does not have, as after restoring an older backup.

The account of the orders is paused. A run is stored in place of the lost one, so that the quota of its session is used
(R-11).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.domain.orders import Order
from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import HUNDRED_PERCENT, money_text, qty_text
from rebal_tui.domain.runs import Approval, InitiatedFrom, RunPhase, RunStatus, RunType
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.services.book.book import BookTransaction
from rebal_tui.services.broker_sync.account_holds import pause_account
from rebal_tui.store import blobs, id_keys, run_orders, runs
from rebal_tui.store.codec import parse_client_order_id, to_time, to_weights
from rebal_tui.store.holds import HoldKind
from rebal_tui.store.rows import RowTable

REASON = "its record is not in this book, such as after an older backup was restored; its orders are at the broker"
_NOTHING = Weights((), HUNDRED_PERCENT)


def note_lost_runs(tx: BookTransaction, events: Sequence[BrokerEvent]) -> None:
    """Pause the accounts whose orders the book has lost, with an alert, and count the lost runs in the quota.

    Each lost run is reported once; later events of its orders change nothing.
    """
    book = tx.book
    lost: dict[str, list[Order]] = {}
    for event in events:
        if event.order is None or event.order.account_id not in book.accounts:
            continue
        ours = parse_client_order_id(event.order.client_order_id)
        if ours is not None and not run_orders.placed(book.database, event.order.client_order_id):
            lost.setdefault(ours[0], []).append(event.order)
    known = id_keys.keys(book.database, "runs", set(lost)) if lost else {}
    for run_id, orders in lost.items():
        if run_id not in known:
            _stand_in(tx, run_id, orders[0])
            _report(tx, run_id, orders)


def _report(tx: BookTransaction, run_id: str, orders: Sequence[Order]) -> None:
    book = tx.book
    account = book.accounts[orders[0].account_id]
    placed = ", ".join(dict.fromkeys(map(_order_text, orders)))
    text = (
        f"{account.name} ({account.account_number}): the broker has orders of this program that the book does not "
        f"have: {placed}. Was an older backup restored? Compare the account, then release it"
    )
    detail = {"account": account.id, "orders": [order.client_order_id for order in orders]}
    tx.record("run.lost", run_id, detail, "broker")
    reason = f"the broker has orders of run {run_id[:8]}, which this book does not have"
    pause_account(tx, account.id, HoldKind.REPORTED, reason, text)


def _stand_in(tx: BookTransaction, run_id: str, order: Order) -> None:
    """Store an ended run under the lost run's id, in the session of one of its orders."""
    book = tx.book
    session = new_york_day(order.created_at).isoformat()
    made = to_time(order.created_at)
    used = runs.uses_quota(book.database, order.account_id, session)
    row = runs.RunRow(
        key=runs.next_key(book.database),
        id=run_id,
        account=id_keys.keys(book.database, "accounts", {order.account_id})[order.account_id],
        portfolio=None,
        subscription=None,
        type=RunType.FULL_REBALANCE.value,
        amount=None,
        initiated_from=InitiatedFrom.SYSTEM.value,
        approval=Approval.NOT_NEEDED.value,
        why=REASON,
        weights=blobs.put(tx, to_weights(_NOTHING)),
        cash_weight=_NOTHING.cash,
        session=session,
        counts_quota=int(not used),
        created_at=made,
        updated_at=made,
        status=RunStatus.ERROR.value,
        phase=RunPhase.DONE.value,
    )
    runs.add(tx, RowTable.of(runs.RunRow, [row]))
    runs.set_reasons(tx, [(row.key, REASON)])
    if not used:
        latest = book.system_runs.get(order.account_id)
        if latest is None or latest[0] < session:
            tx.after_commit(partial(book.system_runs.update, {order.account_id: (session, run_id)}))


def _order_text(order: Order) -> str:
    amount = f"${money_text(order.notional)}" if order.notional is not None else qty_text(order.qty or order.filled_qty)
    return f"{order.side} {amount} {order.symbol} ({order.client_order_id})"

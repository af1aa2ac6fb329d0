"""Reconciliation of orders with the broker, by client_order_id."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.domain.orders import Order, OrderStatus
from rebal_tui.domain.quantities import Qty, qty_text
from rebal_tui.domain.runs import Run, RunStatus
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.quarantine import isolated
from rebal_tui.services.book.quarantine_view import Work
from rebal_tui.services.broker_sync.account_snapshot import snapshot_with, store_snapshot
from rebal_tui.services.broker_sync.events import apply_events
from rebal_tui.services.broker_sync.reconciliation.event_replay import EVENT_LOOKBACK, events_since
from rebal_tui.services.broker_sync.reconciliation.report import ReconciliationReport
from rebal_tui.store import fills, outbox, run_orders
from rebal_tui.store.codec import parse_client_order_id


def reconcile_orders(book: Book, report: ReconciliationReport) -> tuple[int, list[BrokerEvent]]:
    """Compare every sent order of an open run with the broker's, apply changes, and add differences to `report`.

    Returns the number of runs with an applied change, and the missed executions that were applied.
    """
    applied, executed = 0, list[BrokerEvent]()
    sent_of = outbox.runs_with_sent(book.database)
    for run in list(book.open_runs.values()):
        if run.status is RunStatus.IN_PROGRESS and run.id in sent_of:
            with isolated(book, run.account_id, Work.RECONCILIATION):
                applied += reconcile_run(book, run, report, executed)
    return applied, executed


def order_lookups(book: Book) -> Iterator[Callable[[], object]]:
    """The order lookups by client_order_id that `reconcile_orders` will make, one for each order."""
    sent_of = outbox.runs_with_sent(book.database)
    for run in book.open_runs.values():
        if run.status is RunStatus.IN_PROGRESS and run.id in sent_of:
            for _, order, sent in run_orders.of_run(book.database, run.id):
                if sent:
                    yield partial(book.broker.order_by_client_id, run.account_id, order.client_order_id)


def reconcile_run(book: Book, run: Run, report: ReconciliationReport, executed: list[BrokerEvent]) -> bool:
    """Reconcile the sent orders of a run; returns whether a change was applied to one.

    Unexplained differences are added to `report`, and missed executions are appended to `executed`.
    """
    changed = False
    for line, order, sent in run_orders.of_run(book.database, run.id):
        if sent:
            changed = _reconcile_order(book, run, line, order, report, executed) or changed
    return changed


def _reconcile_order(
    book: Book, run: Run, line: int, order: Order, report: ReconciliationReport, executed: list[BrokerEvent]
) -> bool:
    """Reconcile one order; returns whether the broker's state was applied. `report` and `executed` as above."""
    name = f"{order.side} order of {order.symbol}"
    try:
        theirs = book.broker.order_by_client_id(run.account_id, order.client_order_id)
    except BrokerRefused as refusal:
        report.add(run.account_id, f"{name}: {refusal.message}")
        return False
    if theirs is None:
        # The outbox resolves an order without a response; an accepted order cannot be missing.
        if order.id:
            report.add(run.account_id, f"{name} was accepted, but the broker no longer has it")
        return False
    reason = _contradiction(order, theirs)
    if reason:
        report.add(run.account_id, f"{name} {reason}")
        return False
    missed = _missed_fills(book, run, line, theirs)
    changed = bool(missed) or (order.id, order.status, order.filled_qty) != (
        theirs.id,
        theirs.status,
        theirs.filled_qty,
    )
    if changed:
        snapshot = snapshot_with(book, run.account_id, [theirs])
        with book.write() as tx:
            apply_events(tx, missed)
            run_orders.store(tx, theirs)
            store_snapshot(tx, snapshot)
            tx.record("reconciliation.order", order.client_order_id, {"status": theirs.status}, "broker")
        executed += missed
    filled = _executed(book, run, line)
    if filled != theirs.filled_qty:
        report.add(
            run.account_id,
            f"{name} filled {qty_text(theirs.filled_qty)} at the broker, {qty_text(filled)} by its executions",
            temporary=filled < theirs.filled_qty,
        )
    return changed


def _contradiction(ours: Order, theirs: Order) -> str:
    """Why the broker's order cannot be a later state of ours; empty when it can."""
    if (theirs.symbol, theirs.side, theirs.notional, theirs.qty) != (ours.symbol, ours.side, ours.notional, ours.qty):
        return "is a different order at the broker, under the same id"
    if ours.id and theirs.id != ours.id:
        return "has a different id at the broker"
    if theirs.filled_qty < ours.filled_qty:
        return f"filled {qty_text(ours.filled_qty)}; the broker reduced it to {qty_text(theirs.filled_qty)}"
    if theirs.qty is not None and theirs.filled_qty > theirs.qty:
        return f"filled {qty_text(theirs.filled_qty)}, more than the {qty_text(theirs.qty)} ordered"
    late = theirs.status is OrderStatus.FILLED and ours.status is OrderStatus.CANCELED
    if ours.status.final and theirs.status is not ours.status and not late:
        return f"was {ours.status} and is {theirs.status} at the broker"
    return ""


def _missed_fills(book: Book, run: Run, line: int, theirs: Order) -> list[BrokerEvent]:
    """Executions of an order that the book lacks, found by reading the broker's event stream again."""
    if _executed(book, run, line) >= theirs.filled_qty:
        return []
    known = {fill.execution_id for fill in fills.of_run(book.database, run.id)}
    return [
        event
        for event in events_since(book, (run.started_at or run.created_at) - EVENT_LOOKBACK)
        if event.fill is not None
        and event.fill.client_order_id == theirs.client_order_id
        and event.fill.execution_id not in known
    ]


def _executed(book: Book, run: Run, line: int) -> Qty:
    return fills.executed(book.database, run.id, line)


def report_unknown_execution(book: Book, event: BrokerEvent, report: ReconciliationReport) -> None:
    """Report an execution whose client_order_id has this program's format but belongs to no order of the book."""
    if event.fill is None or parse_client_order_id(event.fill.client_order_id) is None:
        return
    if not run_orders.placed(book.database, event.fill.client_order_id):
        report.add(
            event.fill.account_id,
            f"an execution of {event.fill.symbol} with our order prefix, but for no order of this book",
        )

"""A run as entries of a report: why it was made, the plan, who approved it, its orders and fills."""

from __future__ import annotations

from rebal_tui.domain.decisions import Plan, PlanLine
from rebal_tui.domain.orders import Fill, Order, SkippedOrder
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.runs import run_view
from rebal_tui.services.reports.audit_index import AuditIndex
from rebal_tui.services.reports.model import Entry, Table
from rebal_tui.services.reports.texts import NONE, dollars, minute_text, money, percent_cell, price_cell, shares
from rebal_tui.services.view_models.runs import RunView

_BY_A_PERSON = {
    "runs.queued": "QUEUED",
    "run.approved": "approved",
    "run.cancel_asked": "cancel requested",
    "run.overridden": "restriction overridden",
}
"""Events of a run's timeline that a person can cause, by the action of their audit entry."""


def run_entries(book: Book, run_id: str, trail: AuditIndex) -> list[Entry]:
    """Every state of a run, with its plan at the start and its orders and fills at the end. Raises `NotFound`."""
    view = run_view(book, run_id)
    name = f"Run {view.run.id[:8]} ({view.run.type})"
    people = {_BY_A_PERSON[entry.action]: entry for entry in trail.about([run_id]) if entry.action in _BY_A_PERSON}
    entries = []
    for event in view.timeline:
        person = people.get(event.what)
        tables: list[Table] = []
        if event.what == "IN_PROGRESS" and view.plan is not None:
            tables.append(_plan(view.plan))
        if event.what == view.run.status.value and view.run.status.final:
            tables += [_orders(view), _fills(view.fills), _weights(view)]
            tables += [_skipped(view.skipped_orders)] if view.skipped_orders else []
        what = event.what.replace("_", " ").lower()
        detail = f": {event.detail}" if event.detail else ""
        who, number = (person.actor, person.seq) if person else ("system", None)
        entries.append(Entry(event.at, who, f"{name} {what}{detail}.", tuple(tables), number))
    if not view.run.status.final and view.plan is not None and view.run.started_at is None:
        entries[-1] = Entry(entries[-1].at, entries[-1].who, entries[-1].sentence, (_plan(view.plan),))
    return entries


def _plan(plan: Plan) -> Table:
    return Table(
        f"Plan, for equity of {dollars(plan.equity)}, cash {money(plan.cash)}, cash target {money(plan.cash_target)}",
        ("Asset", "Target", "Held", "Price", "Value", "Target value", "Order", "Reason", "Figures"),
        tuple(_plan_row(line) for line in plan.lines), frozenset({1, 2, 3, 4, 5}),
    )  # fmt: skip


def _plan_row(line: PlanLine) -> tuple[str, ...]:
    order = NONE
    if line.side is not None:
        order = f"{line.side} {money(line.notional) if line.notional is not None else shares(line.qty)}"
    return (
        line.symbol, percent_cell(line.target), shares(line.held), price_cell(line.price), dollars(line.value),
        dollars(line.target_value), order, line.reason.value, line.detail,
    )  # fmt: skip


def _orders(view: RunView) -> Table:
    placed: list[Order] = sorted([*view.orders, *view.failed_orders], key=lambda order: order.created_at)
    rows = tuple(
        (
            order.symbol, order.side.value,
            money(order.notional) if order.notional is not None else f"{shares(order.qty)} shares",
            shares(order.filled_qty), price_cell(order.filled_avg_price), order.status.value,
            minute_text(order.submitted_at), order.reject_reason or "", order.client_order_id,
        )
        for order in placed
    )  # fmt: skip
    columns = ("Asset", "Side", "Ordered", "Filled shares", "Average price", "Status", "Sent", "Refusal", "Order")
    return Table("Orders", columns, rows, frozenset({2, 3, 4}))


def _fills(fills: tuple[Fill, ...]) -> Table:
    rows = tuple(
        (minute_text(fill.at), fill.symbol, fill.side.value, shares(fill.qty), price_cell(fill.price),
         money(fill.amount), fill.settles_on, fill.execution_id)
        for fill in fills
    )  # fmt: skip
    columns = ("Time", "Asset", "Side", "Shares", "Price", "Amount", "Settles", "Execution")
    return Table("Fills", columns, rows, frozenset({3, 4, 5}))


def _skipped(skipped: tuple[SkippedOrder, ...]) -> Table:
    rows = tuple(
        (one.symbol, one.side.value if one.side else NONE,
         money(one.notional) if one.notional is not None else NONE, one.reason.value, one.reason_details)
        for one in skipped
    )  # fmt: skip
    return Table("Orders not sent", ("Asset", "Side", "Amount", "Reason", "Figures"), rows, frozenset({2}))


def _weights(view: RunView) -> Table:
    rows = tuple(
        (weight.symbol, *map(percent_cell, (weight.target, weight.before, weight.planned, weight.after)))
        for weight in view.weights
    )
    return Table("Weights", ("Asset", "Target", "Before", "Planned", "After"), rows, frozenset({1, 2, 3, 4}))

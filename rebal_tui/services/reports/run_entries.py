"""A run as entries of a report: why it was created, the plan, who approved it, its orders and fills."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from itertools import accumulate

from rebal_tui.domain.decisions import Plan, PlanLine
from rebal_tui.domain.orders import Fill, Order, Side, SkippedOrder
from rebal_tui.domain.quantities import NANO, Money, Value, nearest_cents
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunStatus, RunType
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.text import count_text
from rebal_tui.engine.shares import goal_shares
from rebal_tui.engine.trace_text import cash_target_note
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.history import AWAITS, restrictions_of_plan
from rebal_tui.services.queries.runs import run_view
from rebal_tui.services.reports.audit_index import AuditIndex
from rebal_tui.services.reports.model import Entry, Table
from rebal_tui.services.reports.texts import (
    NONE,
    cents,
    cut_text,
    day_text,
    dollars,
    minute_text,
    money,
    percent_cell,
    price_cell,
    shares,
    time_text,
    words,
)
from rebal_tui.services.reports.withdrawal_texts import raised_note, requester, withdrawal_of
from rebal_tui.services.view_models.executed import executed_amounts, executed_total
from rebal_tui.services.view_models.plan_figures import line_amount, plan_figures
from rebal_tui.services.view_models.runs import RunView
from rebal_tui.store import archives, runs
from rebal_tui.store.audit import AuditEntry
from rebal_tui.store.audit_digests import QUEUED, STARTED

_BY_A_PERSON = {
    "runs.queued": "QUEUED",
    "run.approved": "approved",
    "run.cancel_asked": "cancel requested",
    "run.overridden": "restriction overridden",
}
"""Events of a run's timeline that a person can cause, by the action of their audit entry."""
_ENDED = ("runs.ended", "runs.canceled")
_FILLED = ("orders.filled", "files.fills", "files.filled_by_hand")
AUDIT = "Audit entry"
_EVENTS = {
    "QUEUED": "created",
    "IN_PROGRESS": "started",
    "COMPLETED_SUCCESS": "completed",
    "COMPLETED_ADJUSTED": "completed with changes",
    "CANCELED": "canceled",
    "CANCELED_MID_RUN": "canceled midway",
    "TIMEOUT": "ended at its time limit",
    "ERROR": "failed",
}


def run_entries(book: Book, run_id: str, trail: AuditIndex) -> list[Entry]:
    """Every status of a run and the notes between them, as entries. Raises `NotFound`.

    The entry of the start has the plan as a table, the entry of the end has the orders and fills.
    """
    view = run_view(book, run_id)
    name = f"Run {view.run.id[:8]} ({words(view.run.type)})"
    people = {_BY_A_PERSON[entry.action]: entry for entry in trail.about([run_id]) if entry.action in _BY_A_PERSON}
    numbers = _numbers(book, view, trail)
    withdrawal = withdrawal_of(book, view.run)
    queued = people.get("QUEUED")
    asked_by = requester(withdrawal, trail) if withdrawal is not None else queued.actor if queued is not None else ""
    entries: list[Entry] = []
    for event in view.timeline:
        person = people.get(event.what)
        tables: list[Table] = []
        ended = event.what == view.run.status.value and view.run.status.final
        if event.what == "IN_PROGRESS" and view.plan is not None:
            tables.append(_plan(view.plan, view.run))
        if ended:
            tables += [_orders(view, trail), _fills(view.fills, trail), _weights(view)]
            tables += [_skipped(view.skipped_orders)] if view.skipped_orders else []
        what = f": {cut_text(event.detail)}" if event.detail else ""
        if event.what == "QUEUED" and withdrawal is not None and asked_by:
            what += f", requested by {asked_by}"
        if event.what == "buying" and view.plan is not None and not view.plan.buys:
            what = ": all sells finished; nothing is to be bought"
        who, number = (person.actor, person.seq) if person else ("system", numbers.get(event.what))
        told = (_traded(view), raised_note(view, trail), _why(view), _approval(view, asked_by, people.get("approved")))
        traded = " ".join(one for one in told if one) if ended else ""
        sentence = f"{name} {_EVENTS.get(event.what, words(event.what))}{what}."
        waited = _unfinished(view, new_york_day(event.at), asked_by) if event.what == "QUEUED" else ""
        notes = _filled_while_blocked(view, trail) if ended else ()
        if event.what == "IN_PROGRESS" and view.plan is not None:
            notes = _restricted(book, view.plan, view.run, trail)
        entries.append(Entry(event.at, who, sentence, tuple(tables), number, notes, traded, waited, (event.at,)))
    if not view.run.status.final and view.plan is not None and view.run.started_at is None:
        notes = (*entries[-1].notes, *_restricted(book, view.plan, view.run, trail))
        entries[-1] = replace(entries[-1], tables=(_plan(view.plan, view.run),), notes=notes)
    return _placed(entries, trail)


def _placed(entries: Sequence[Entry], trail: AuditIndex) -> list[Entry]:
    """The entries of a run with their positions in the audit trail, in unchanged order.

    An evaluation is recorded after the runs that it creates, so no entry is placed before the evaluation of the same
    time. An entry without an audit number is placed before the next that has one, else after the last.
    """
    known = [entry.audit for entry in entries if entry.audit is not None]
    after = known[-1] if known else 0
    order_keys: list[int] = []
    for entry in reversed(entries):
        after = after if entry.audit is None else entry.audit
        evaluation = trail.first(entry.at.isoformat(), "evaluation")
        order_keys.append(max(after, 0 if evaluation is None else evaluation.seq))
    ascending = accumulate(reversed(order_keys), max)
    return [replace(entry, order_key=key) for entry, key in zip(entries, ascending, strict=True)]


def _numbers(book: Book, view: RunView, trail: AuditIndex) -> dict[str, int]:
    """The numbers of the audit entries that recorded what the program did with a run, by event of its timeline."""
    run = view.run
    key = runs.key_of(archives.holding(book.database, run.id), run.id)
    found = {run.status.value: trail.first(run.id, *_ENDED)}
    if key is not None:
        found |= {"QUEUED": trail.of_run(QUEUED, key), "IN_PROGRESS": trail.of_run(STARTED, key)}
    return {what: entry.seq for what, entry in found.items() if entry is not None}


def _unfinished(view: RunView, day: date, asked_by: str) -> str:
    """A sentence on a run that did not end on the day on which it was created; empty for a run that did.

    `day` is the day of the creation, `asked_by` who requested the run.
    """
    ended = view.timeline[-1].at if view.run.status.final else None
    if ended is not None and new_york_day(ended) == day:
        return ""
    name = f"{words(view.run.type)}, run {view.run.id[:8]}"
    if ended is not None:
        return f"A run was created ({name}); it ended on {day_text(new_york_day(ended))}."
    if view.run.awaits_approval:
        since = time_text(view.run.created_at)[:5]
        by = f"requested by {asked_by}" if asked_by not in ("", "system") else "made by the system"
        return f"Awaits approval by an advisor since {since} ({name}, {by})."
    return f"A run was created ({name}) and has not ended yet."


def _traded(view: RunView) -> str:
    """A sentence on what a run sold and bought, at which average prices, and how it ended if not as planned."""
    parts = [_side(view.fills, side) for side in (Side.SELL, Side.BUY) if any(one.side is side for one in view.fills)]
    ending = f", {_EVENTS[view.run.status.value]}" if view.run.status is not RunStatus.COMPLETED_SUCCESS else ""
    reason = f": {view.run.reason}" if ending and view.run.reason else ""
    name = f"{words(view.run.type)}, run {view.run.id[:8]}{ending}{reason}"
    return f"Traded ({name}): {'; '.join(parts)}." if parts else f"Did not trade ({name})."


def _side(fills: Sequence[Fill], side: Side) -> str:
    """The fills of one side as text: `bought VTI at $228.76 and VXUS at $50.50, $2,962.09 in all`."""
    amounts, shares_of = defaultdict[str, int](int), defaultdict[str, int](int)
    of_side = [fill for fill in fills if fill.side is side]
    for fill in of_side:
        amounts[fill.symbol] += fill.amount
        shares_of[fill.symbol] += fill.qty
    prices = [
        f"{symbol} at {money(cents(Fraction(amount * NANO, shares_of[symbol])))}"
        for symbol, amount in sorted(amounts.items())
    ]
    verb = "sold" if side is Side.SELL else "bought"
    return f"{verb} {', '.join(prices)}, {money(executed_total(of_side))} in all"


def _why(view: RunView) -> str:
    reason = view.timeline[0].detail.removesuffix(AWAITS) if view.timeline else ""
    return f"Why: {cut_text(reason)}." if reason else ""


def _filled_while_blocked(view: RunView, trail: AuditIndex) -> tuple[str, ...]:
    """A sentence on the fills that came after the broker had blocked the account; empty without such fills.

    Their orders had been sent before the block.
    """
    blocks = [
        entry.at
        for entry in trail.about([view.run.account_id])
        if entry.action == "account.restrictions" and json.loads(entry.detail)["restrictions"]
    ]
    sent = {order.client_order_id: order.submitted_at for order in [*view.orders, *view.failed_orders]}
    for block in blocks:
        late = [fill for fill in view.fills if fill.at > block and sent.get(fill.client_order_id, fill.at) <= block]
        if late:
            fills = count_text(len(late), "fill")
            at = f"{time_text(block)[:5]} on {day_text(new_york_day(block))}"
            return (f"{fills} came after the broker blocked the account at {at}, for orders sent before the block.",)
    return ()


def _restricted(book: Book, plan: Plan, run: Run, trail: AuditIndex) -> tuple[str, ...]:
    """A sentence on each restriction that the lines of a plan name: who added it, when, and its audit entry.

    A restriction without such an entry is left out.
    """
    sentences = []
    for one in restrictions_of_plan(archives.holding(book.database, run.id), run):
        named = any(one.symbol in (None, line.symbol) and one.reason in line.detail for line in plan.lines)
        added = trail.first(one.id, "restriction.added")
        if named and added is not None:
            at = minute_text(added.at)
            sentences.append(f"Restriction {one.named}: added by {added.actor} on {at}, audit entry {added.seq}.")
    return tuple(sentences)


def _approval(view: RunView, asked_by: str, approved: AuditEntry | None) -> str:
    """Who requested a run and who approved it, as sentences."""
    by = f"Requested by {asked_by}. " if asked_by and view.run.initiated_from is InitiatedFrom.API else ""
    match view.run.approval:
        case Approval.NOT_NEEDED:
            return f"{by}No approval was required."
        case Approval.APPROVED if approved is not None:
            note = json.loads(approved.detail).get("note")
            noted = f", noting: {note}" if note else ""
            return f"{by}Approved by {approved.actor} on {minute_text(approved.at)}{noted}."
        case Approval.AWAITING:
            return f"{by}Nobody approved it."
        case _:
            return f"{by}It was {view.run.approval}."


def _plan(plan: Plan, run: Run) -> Table:
    """A table of the plan's lines; if the run brings assets to other percents than their weights, with these goals."""
    goals = goal_shares(plan)
    aims = ("Goal", "Held", "Price", "Value", "Goal value") if goals else ("Held", "Price", "Value", "Target value")
    base = ""
    if run.type is RunType.PARTIAL_LIQUIDATION and run.amount is not None:
        left = Value(plan.equity - run.amount * NANO)
        base = f"; targets are of {dollars(left)}, the equity less the {money(run.amount)} to raise"
    note = cash_target_note(plan)
    target = f"{money(plan.cash_target)} ({note})" if note else money(plan.cash_target)
    figures = plan_figures(plan)
    cash = f"cash {money(figures.cash)} before and {money(figures.cash_after)} after its orders"
    return Table(
        f"Plan, for equity of {dollars(plan.equity)}, {cash}, cash target {target}{base}",
        ("Asset", "Target", *aims, "Order", "Reason", "Figures"),
        tuple(_plan_row(line, goals) for line in plan.lines),
        frozenset(range(1, 7 if goals else 6)),
    )


def _plan_row(line: PlanLine, goals: Mapping[str, int]) -> tuple[str, ...]:
    order = NONE
    if line.side is not None:
        size = "" if line.qty is None else f"{shares(line.qty)} shares, "
        order = f"{line.side} {size}{money(line_amount(line))}"
    goal = (percent_cell(goals[line.symbol]) if line.symbol in goals else NONE,) if goals else ()
    return (
        line.symbol, percent_cell(line.target), *goal, shares(line.held), price_cell(line.price), dollars(line.value),
        dollars(line.target_value), order, words(line.reason), cut_text(line.detail),
    )  # fmt: skip


def _seq(entry: AuditEntry | None) -> str:
    """The number of an audit entry; `–` for None."""
    return NONE if entry is None else str(entry.seq)


def _orders(view: RunView, trail: AuditIndex) -> Table:
    placed: list[Order] = sorted([*view.orders, *view.failed_orders], key=lambda order: order.created_at)
    executed = executed_amounts(view.fills)
    rows = tuple(
        (
            order.symbol, order.side.value,
            money(order.notional) if order.notional is not None else f"{shares(order.qty)} shares",
            shares(order.filled_qty), price_cell(order.filled_avg_price),
            money(executed.get(order.client_order_id, Money(0))),
            _status(view, order),
            _sent_at(view, order), order.client_order_id,
            _seq(trail.first(order.client_order_id, "orders.sent")),
        )
        for order in placed
    )  # fmt: skip
    columns = (
        "Asset",
        "Side",
        "Ordered",
        "Filled shares",
        "Average price",
        "Amount",
        "Status",
        "Sent" if view.on_lists is None else "Listed",
        "Order",
        AUDIT,
    )
    return Table("Orders", columns, rows, frozenset({2, 3, 4, 5, 9}), frozenset({8}))


def _status(view: RunView, order: Order) -> str:
    reason = f": {order.reject_reason}" if order.reject_reason else ""
    return f"{view.list_text(order) or words(order.status)}{reason}"


def _sent_at(view: RunView, order: Order) -> str:
    """When an order was sent to the broker; in a files book, when it was put on a trade list."""
    at = order.submitted_at if view.on_lists is None else view.listed_at(order)
    return NONE if at is None else minute_text(at)


def _fills(fills: tuple[Fill, ...], trail: AuditIndex) -> Table:
    rows = tuple(
        (minute_text(fill.at), fill.symbol, fill.side.value, shares(fill.qty), price_cell(fill.price),
         money(nearest_cents(fill.amount)), day_text(date.fromisoformat(fill.settles_on)), fill.execution_id,
         _seq(trail.first(fill.execution_id, *_FILLED)))
        for fill in fills
    )  # fmt: skip
    columns = ("Time", "Asset", "Side", "Shares", "Price", "Amount", "Settles", "Execution", AUDIT)
    return Table("Fills", columns, rows, frozenset({3, 4, 5, 8}), frozenset({7}))


def _skipped(skipped: tuple[SkippedOrder, ...]) -> Table:
    rows = tuple(
        (one.symbol, one.side.value if one.side else NONE,
         money(one.notional) if one.notional is not None else NONE, words(one.reason), one.reason_details)
        for one in skipped
    )  # fmt: skip
    return Table("Orders not sent", ("Asset", "Side", "Amount", "Reason", "Figures"), rows, frozenset({2}))


def _weights(view: RunView) -> Table:
    rows = tuple(
        (weight.symbol, *map(percent_cell, (weight.target, weight.before, weight.planned, weight.after)))
        for weight in view.weights
    )
    return Table("Weights", ("Asset", "Target", "Before", "Planned", "After"), rows, frozenset({1, 2, 3, 4}))

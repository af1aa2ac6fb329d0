"""Prepared view models of runs: orders, fills, timeline and weights follow from a plan and the run's status."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from rebal_tui.domain.decisions import Decision, Plan, PlanLine
from rebal_tui.domain.orders import Fill, Order, OrderStatus, Side
from rebal_tui.domain.quantities import NANO, Money, Price, Qty, parse_money
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunPhase, RunStatus, RunType
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.domain.text import count_text
from rebal_tui.domain.trade_status import StatusKind
from rebal_tui.engine.liquidation import plan_partial_liquidation
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.planning import plan_full_rebalance
from rebal_tui.engine.shares import share
from rebal_tui.engine.trace_text import money
from rebal_tui.services.queries.raised import raised_text
from rebal_tui.services.view_models.desk import DeskRow, FirmView
from rebal_tui.services.view_models.runs import RunRow, RunView, RunWeight, TimelineEvent
from tests.tui import views
from tests.tui.views import CALENDAR, FULL_USAGE, NOW, OVERWEIGHT, decision, holdings_of, weights_of

DEPOSIT = parse_money("5000")
"""Cash that arrived before an invest_cash run, and the amount of a partial_liquidation."""
WITHOUT_ORDERS = (RunStatus.QUEUED, RunStatus.CANCELED, RunStatus.ERROR)
TODAY = (
    RunStatus.IN_PROGRESS, RunStatus.ERROR, RunStatus.COMPLETED_ADJUSTED, RunStatus.CANCELED,
    RunStatus.COMPLETED_SUCCESS, RunStatus.IN_PROGRESS, RunStatus.CANCELED_MID_RUN, RunStatus.COMPLETED_SUCCESS,
)  # fmt: skip
"""The statuses of today's runs, newest first."""
BEFORE = (
    RunStatus.TIMEOUT, RunStatus.COMPLETED_SUCCESS, RunStatus.COMPLETED_SUCCESS, RunStatus.COMPLETED_ADJUSTED,
    RunStatus.COMPLETED_SUCCESS, RunStatus.CANCELED, RunStatus.COMPLETED_SUCCESS, RunStatus.ERROR,
)  # fmt: skip
"""The statuses of earlier sessions' runs, newest first, again and again."""
ACCOUNTS = {0: 28, 28: 0, 5: 10, 10: 5, 6: 30, 9: 24, 24: 9, 12: 16, 16: 18, 18: 12, 21: 27, 27: 21}
"""The account of a run whose own index does not fit: one that trades, or was rebalanced, when the Desk shows it."""
RUNS = 30
RUNS_PER_SLOT = 2
SELLS_AFTER, BUYS_AFTER, FILLED_AFTER = timedelta(seconds=2), timedelta(seconds=34), timedelta(seconds=19)
"""When the orders of a run are sent after its creation, and when an order fills after it was sent."""
ENDS = {
    RunStatus.CANCELED: "canceled manually",
    RunStatus.CANCELED_MID_RUN: "canceled manually",
    RunStatus.ERROR: "no price for VNQ: the account cannot be valued",
    RunStatus.TIMEOUT: "the market closed",
}


@dataclass(frozen=True)
class _Book:
    """The records of one run."""

    plan: Plan | None
    orders: tuple[Order, ...]
    fills: tuple[Fill, ...]

    @property
    def failed(self) -> tuple[Order, ...]:
        return tuple(o for o in self.orders if o.status in (OrderStatus.REJECTED, OrderStatus.CANCELED))

    @property
    def filled(self) -> int:
        return sum(order.status is OrderStatus.FILLED for order in self.orders)


def _slot(index: int) -> datetime:
    """The evaluation that created a run: two at each of today's, then two a quarter hour before earlier closes."""
    at = NOW.replace(minute=30, second=0) - timedelta(minutes=15 * (index // RUNS_PER_SLOT))
    if index < len(TODAY):
        return at
    earlier = index - len(TODAY)
    day = CALENDAR.days(NOW.date() - timedelta(days=30), NOW.date() - timedelta(days=1))[-1 - earlier // 8]
    close = datetime.combine(day, time(15, 15), NEW_YORK).astimezone(UTC)
    return close - timedelta(minutes=30 * (earlier % 8 // RUNS_PER_SLOT))


def desks(rows: Sequence[DeskRow]) -> list[tuple[int, DeskRow]]:
    """The index of each run of a book with these accounts, and its account."""
    return [(index, rows[ACCOUNTS.get(index, index) % len(rows)]) for index in range(RUNS * bool(rows))]


@cache
def firm(rows: tuple[DeskRow, ...]) -> FirmView:
    """The totals of the Desk, with the working orders of the runs and what they traded today."""
    today = [(run_row(index, desk), desk) for index, desk in desks(rows)[: len(TODAY)]]
    orders = [order for row, desk in today for order in _records(row, desk).orders]
    working = [order for order in orders if order.status is OrderStatus.PARTIALLY_FILLED]
    return views.firm(rows, working, Money(sum(row.amount for row, _ in today)))


def run_row(index: int, desk: DeskRow) -> RunRow:
    kind = tuple(RunType)[index % 3]
    manual = kind is RunType.PARTIAL_LIQUIDATION or index % 5 == 4
    status = TODAY[index] if index < len(TODAY) else BEFORE[(index - len(TODAY)) % len(BEFORE)]
    at = _slot(index) + (timedelta(minutes=4, seconds=index * 7 % 60) if manual else timedelta(0))
    ended = at + timedelta(minutes=2)
    if status is RunStatus.TIMEOUT:
        ended = datetime.combine(at.astimezone(NEW_YORK), time(16), NEW_YORK).astimezone(UTC)
    row = RunRow(
        f"{(index * 40503 + 77) % 2**32:08x}-1111-4000-8000-{index:012x}",
        kind,
        status,
        RunPhase.DONE,
        desk.account_id,
        desk.account_number,
        desk.client,
        desk.portfolio_id,
        desk.portfolio,
        at,
        ended,
        at.astimezone(NEW_YORK).date().isoformat(),
        "api" if manual else "system",
        0,
        0,
        Money(0),
        0,
        False,
    )
    book, phase = _records(row, desk), RunPhase.DONE
    if row.status == RunStatus.QUEUED:
        phase = RunPhase.WAITING
    elif row.status == RunStatus.IN_PROGRESS:
        phase = RunPhase.BUYING if any(order.side is Side.BUY for order in book.orders) else RunPhase.SELLING
    skipped = book.plan.skipped_orders if book.plan else ()
    return replace(
        row,
        phase=phase,
        done=book.filled,
        total=len(book.orders),
        amount=Money(sum(fill.amount for fill in book.fills)),
        problems=len(book.failed) + len(skipped),
        skipped=len(skipped),
    )


def run_plan(row: RunRow, desk: DeskRow) -> Plan:
    """The plan of a run of the row's type; a full rebalance found the account 8.4 % outside its band."""
    weights, held = weights_of(desk), _holdings(row, desk)
    if row.type == RunType.FULL_REBALANCE:
        return plan_full_rebalance(held, weights)
    if row.type == RunType.INVEST_CASH and (found := _decision(row, desk).plan) is not None:
        return found
    return plan_partial_liquidation(held, weights, DEPOSIT)


def _holdings(row: RunRow, desk: DeskRow) -> Holdings:
    """The account before the run; only a full rebalance found a drift, and an invest_cash run a deposit.

    A successful run skipped no order, so nothing was off its target by less than an order.
    """
    usage = FULL_USAGE if row.type == RunType.FULL_REBALANCE else 0
    deposit = DEPOSIT if row.type == RunType.INVEST_CASH else Money(0)
    return holdings_of(desk, usage, deposit, Money(0) if row.status == RunStatus.COMPLETED_SUCCESS else OVERWEIGHT)


def _records(row: RunRow, desk: DeskRow) -> _Book:
    if row.status in WITHOUT_ORDERS:
        return _Book(None, (), ())
    made = run_plan(row, desk)
    lines = [*made.sells, *made.buys]
    orders, fills = [], []
    for number, line in enumerate(lines):
        order_status, done = _end(RunStatus(row.status), number, len(lines))
        qty = Qty((line.qty if line.qty is not None else _bought(line)) * done // 8)
        price = line.price or Price(0)
        amount = line.notional if line.notional is not None and done == 8 else Money(qty * price // NANO)
        client_id, order_id = f"{row.id[:8]}-{line.symbol}", f"{row.id[:8]}-{number}"
        rejected = order_status is OrderStatus.REJECTED
        sent = row.created_at + (SELLS_AFTER if line.side is Side.SELL else BUYS_AFTER)
        orders.append(
            Order(
                order_id, client_id, row.account_id, line.symbol, line.side or Side.BUY, order_status, line.notional,
                line.qty, qty, price if qty else None, sent, sent, sent,
                filled_at=sent + FILLED_AFTER if done == 8 else None,
                reject_reason="insufficient buying power" if rejected else None,
            )
        )  # fmt: skip
        if qty:
            fills.append(
                Fill(
                    f"e{number}", order_id, client_id, row.account_id, line.symbol, line.side or Side.BUY, qty, price,
                    amount, sent + FILLED_AFTER, "2026-03-17",
                )
            )  # fmt: skip
    return _Book(made, tuple(orders), tuple(fills))


def _bought(line: PlanLine) -> int:
    return (line.notional or 0) * NANO // (line.price or Price(1))


def _end(status: RunStatus, number: int, count: int) -> tuple[OrderStatus, int]:
    """The status of the order at position `number` of `count`, sells first, and how many eighths of it are filled."""
    last = number == count - 1
    if status is RunStatus.IN_PROGRESS and last:
        return OrderStatus.PARTIALLY_FILLED, 3
    if status is RunStatus.COMPLETED_ADJUSTED and last:
        return OrderStatus.REJECTED, 0
    if status is RunStatus.CANCELED_MID_RUN and number >= count // 2:
        return OrderStatus.CANCELED, 0
    if status is RunStatus.TIMEOUT and last:
        return OrderStatus.CANCELED, 0
    return OrderStatus.FILLED, 8


def run_view(row: RunRow, desk: DeskRow) -> RunView:
    book = _records(row, desk)
    status, origin = RunStatus(row.status), InitiatedFrom(row.initiated_from)
    completed = status.completed or status in (RunStatus.TIMEOUT, RunStatus.ERROR)
    canceled = status in (RunStatus.CANCELED, RunStatus.CANCELED_MID_RUN)
    liquidation = row.type == RunType.PARTIAL_LIQUIDATION
    run = Run(
        row.id,
        row.account_id,
        row.portfolio_id,
        "s1",
        RunType(row.type),
        DEPOSIT if liquidation else None,
        origin,
        status,
        RunPhase(row.phase),
        Approval.NOT_NEEDED,
        _reason(book, status),
        weights_of(desk),
        row.session,
        book.plan.cash_target if book.plan else None,
        False,
        row.created_at,
        row.updated_at,
        row.created_at if book.orders else None,
        row.updated_at if completed else None,
        row.updated_at if canceled else None,
    )
    orders = [{"symbol": o.symbol, "side": o.side, "status": o.status} for o in book.orders]
    parts = {"id": row.id, "type": row.type, "status": status, "orders": orders, "name": row.client}
    return RunView(
        run,
        row.client,
        row.account_number,
        row.portfolio,
        book.plan,
        book.orders,
        book.failed,
        book.plan.skipped_orders if book.plan else (),
        book.fills,
        _timeline(row, book),
        _weights(desk, book),
        _decision(row, desk) if origin is InitiatedFrom.SYSTEM else None,
        json.dumps(parts, indent=2),
        raised_text(run, book.plan, book.fills, ()),
        row.phase,
    )


def _decision(row: RunRow, desk: DeskRow) -> Decision:
    """The evaluation that created the run; without drift bands, the full rebalance is the account's first."""
    first = row.type == RunType.FULL_REBALANCE and desk.band_used is None
    last = None if first else desk.last_rebalanced or date(2026, 1, 5)
    before = replace(desk, status=StatusKind.IN_RANGE, state="", last_rebalanced=last)
    return decision(before, _holdings(row, desk), row.created_at, row.created_at)


def _reason(book: _Book, status: RunStatus) -> str | None:
    if status is RunStatus.COMPLETED_ADJUSTED:
        skipped = len(book.plan.skipped_orders) if book.plan else 0
        return f"{count_text(len(book.failed), 'order')} not filled, {skipped} skipped"
    return ENDS.get(status)


def _timeline(row: RunRow, book: _Book) -> tuple[TimelineEvent, ...]:
    at = row.created_at
    start = "by the evaluation" if row.initiated_from == InitiatedFrom.SYSTEM else "requested manually"
    events = [TimelineEvent(at, "QUEUED", start)]
    if row.status == RunStatus.QUEUED:
        return tuple(events)
    if book.plan is not None:
        sells, buys = len(book.plan.sells), book.plan.buys
        events.append(
            TimelineEvent(at + SELLS_AFTER, "IN_PROGRESS", f"{count_text(sells, 'sell')} to send, then the buys")
        )
        if buys:
            total = money(Money(sum(line.notional or 0 for line in buys)))
            note = f"all sells finished; {count_text(len(buys), 'buy')} for {total} from the account's cash"
            events.append(TimelineEvent(at + BUYS_AFTER, "buying", note))
    if row.status != RunStatus.IN_PROGRESS:
        events.append(TimelineEvent(row.updated_at, row.status, _reason(book, RunStatus(row.status)) or ""))
    return tuple(events)


def _weights(desk: DeskRow, book: _Book) -> tuple[RunWeight, ...]:
    """Target, weight before the run, as planned, and after its fills; cash is last."""
    weights = weights_of(desk)
    targets = [*((w.symbol, w.percent) for w in weights.assets), ("cash", weights.cash)]
    if book.plan is None:
        return tuple(RunWeight(name, target, None, None, None) for name, target in targets)
    values = {line.symbol: int(line.value) for line in book.plan.lines} | {"cash": book.plan.cash * NANO}
    before = [share(values[name], book.plan.equity) for name, _ in targets]
    intended = {line.symbol: int(line.value_after) for line in book.plan.lines} | {"cash": book.plan.cash_after * NANO}
    planned = [share(intended[name], book.plan.equity) for name, _ in targets]
    for fill in book.fills:
        sign = 1 if fill.side is Side.BUY else -1
        values[fill.symbol] += sign * fill.qty * fill.price
        values["cash"] -= sign * fill.amount * NANO
    after = [share(values[name], sum(values.values())) for name, _ in targets]
    return tuple(
        RunWeight(name, target, start, wanted, end if book.fills else None)
        for (name, target), start, wanted, end in zip(targets, before, planned, after, strict=True)
    )

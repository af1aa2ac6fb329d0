"""A plan as lines: trade and reason of every asset."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rebal_tui.domain.decisions import LineReason, Plan, PlanLine
from rebal_tui.domain.orders import Side, SkippedOrder, SkipReason
from rebal_tui.domain.quantities import NANO, Money, Value, floor_cents
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.text import count_text
from rebal_tui.engine import trace_text
from rebal_tui.engine.buys import wanted_dollars
from rebal_tui.engine.shares import goal_shares
from rebal_tui.services.view_models.desk import PreviewView
from rebal_tui.services.view_models.plan_figures import line_amount, line_value
from rebal_tui.services.view_models.restrictions import RunStops
from rebal_tui.tui import formats
from rebal_tui.tui.screens.shared.marks import HELD
from rebal_tui.tui.segments import Line, heading, line_width, paragraph, table_line
from rebal_tui.tui.widgets import bars
from rebal_tui.tui.widgets.lines import Builder

WIDE_MIN_WIDTH = 110
_SIDE_MARKS = {Side.BUY: "▲", Side.SELL: "▼"}
HELD_REASONS = frozenset(
    {
        LineReason.NO_BUY, LineReason.NO_SELL, LineReason.LOCKED, LineReason.OUT_OF_RANGE, LineReason.UNMANAGED,
    }
)  # fmt: skip
"""Reasons of plan lines whose asset a restriction keeps from its target."""
NOTHING_TO_SELL = "nothing to sell: cash covers it"
GOAL_NOTE = "Goal: where the run brings the asset: to its reachable target, or as far as the drift band asks."


def preview_lines(view: PreviewView, *, pays_out: bool = False) -> Builder:
    """Build the preview of a run and its effect on the account.

    With `pays_out`, the proceeds will be paid out; the figures and their heading are those before the payout.
    """

    def build(width: int, _height: int) -> Sequence[Line]:
        plan = view.plan
        lines: list[Line] = [
            (
                (view.client, "title"),
                ("  ", ""),
                (view.portfolio, "accent"),
                (f"  at {formats.clock(view.at)} NY", "muted"),
            ),
            *paragraph(view.why, width, "muted"),
            *_overridden(plan, width),
            *_sums(view, width, pays_out=pays_out),
            (),
            *plan_lines(plan, width),
            (),
            *_before_after(view, width, pays_out=pays_out),
            *_stops(view.stops, width),
        ]
        if plan.skipped_orders:
            lines += [(), heading("Not sent", width, count_text(len(plan.skipped_orders), "order"))]
            for skipped in plan.skipped_orders:
                amount = formats.money(skipped.notional) if skipped.notional is not None else ""
                lines.append(
                    table_line(
                        [
                            (skipped.symbol, 8, "left", "title"),
                            (skipped.side or "", 5, "left", ""),
                            (amount, 14, "right", ""),
                            (skip_reason(skipped), 30, "left", "warn"),
                        ]
                    )
                )
                lines.extend(paragraph(skipped.reason_details, width, "muted", indent=9))
        return lines

    return build


def unsent_lines(preview: Builder) -> Builder:
    """Add to the lines of a preview that nothing has been sent. Not for a confirmation that sends the orders."""

    def build(width: int, height: int) -> Sequence[Line]:
        return [*preview(width, height), (), (("Nothing has been sent: this is a preview.", "muted"),)]

    return build


def skip_reason(skipped: SkippedOrder) -> str:
    """Return in a few words why an order is skipped; empty if the order's details give the reason with amounts."""
    said = skipped.reason is SkipReason.ORDER_LESS_THAN_MIN_NOTIONAL and skipped.reason_details
    return "" if said else formats.words(skipped.reason)


def _overridden(plan: Plan, width: int) -> list[Line]:
    """Return the restrictions that the run overrides, and the note of the override."""
    rules = plan.rules
    if not rules.overridden:
        return []
    named = "; ".join(one.named for one in rules.overridden)
    return paragraph(f"{HELD} Overrides {named}: {rules.override_note}", width, "warn")


def _sums(view: PreviewView, width: int, *, pays_out: bool) -> list[Line]:
    """Return the key figures of a plan, wrapped to `width` cells."""
    plan = view.plan
    sale = not plan.weights.assets
    paid = f", then ${formats.money(plan.amount)} paid out" if pays_out and plan.amount is not None else ""
    orders: list[Line] = [
        (("sells ", "muted"), (str(len(plan.sells)), "")),
        (("buys ", "muted"), (str(len(plan.buys)), "")),
        (("turnover ", "muted"), (f"${formats.money(view.turnover)}", "")),
    ]
    figures: list[Line] = [
        (("sale of everything" if sale else formats.words(plan.type), "key"),),
        *([((NOTHING_TO_SELL, ""),)] if _covered(plan) else orders),
        (("cash ", "muted"), (f"${formats.money(view.cash)} → ${formats.money(view.cash_after)}{paid}", "")),
        *([] if sale else [(("cash target ", "muted"), (f"${formats.money(plan.cash_target)}", ""))]),
    ]
    cut = trace_text.buys_cut_text(plan, plan.scale, plan.bought, wanted_dollars(plan, plan.buys))
    if cut and plan.type is RunType.FULL_REBALANCE:
        figures.append(((f"▲ {cut}", "warn"),))
    lines: list[Line] = [figures[0]]
    for figure in figures[1:]:
        longer: Line = (*lines[-1], ("   ", ""), *figure)
        if line_width(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(figure)
    if plan.amount is not None:
        return [*lines, *paragraph(_bases(plan, plan.amount, "pay out" if pays_out else "raise"), width, "muted")]
    note = trace_text.cash_target_note(plan)
    return [*lines, *paragraph(f"Cash target: {note}.", width, "muted")] if note else lines


def _covered(plan: Plan) -> bool:
    """Whether a plan raises an amount that the account has in cash, so that it neither sells nor wants to."""
    idle = not (plan.sells or plan.buys or plan.skipped_orders)
    return plan.amount is not None and idle and plan.cash_after >= plan.amount


def _bases(plan: Plan, amount: Money, verb: str) -> str:
    """Return which equity the percents and the cash target of a plan that raises `amount` are of (R-23)."""
    left = trace_text.dollars(Value(max(0, plan.equity - amount * NANO)))
    aim = "Goal" if goal_shares(plan) else "Target"
    return (
        f"{aim} and cash target are of {left}, the equity less {trace_text.money(amount)} to {verb}; Before and After "
        f"are of {trace_text.dollars(plan.equity)}, all of it."
    )


def _stops(stops: Sequence[RunStops], width: int) -> list[Line]:
    """Return what a drift-band run would trade for each destination (target, edge, halfway), one line each.

    Empty for other runs.
    """
    if not stops:
        return []
    head = [("", 1), ("To", 8), ("Orders", 6), ("Bought $", 14), ("Sold $", 14), ("Left pp", 7)]
    lines: list[Line] = [
        (),
        heading("How far it could go", width, "w in Portfolios sets it"),
        table_line([(text, size, "left" if size in (1, 8) else "right", "muted") for text, size in head]),
    ]
    for one in stops:
        style = "title" if one.current else "muted"
        cells = ("*" if one.current else "", one.destination, f"{one.orders:,}", formats.money(Money(one.bought)))
        figures = (*cells, formats.money(Money(one.sold)), f"{one.worst_left / 100:.2f}")
        lines.append(
            table_line(
                [
                    (text, size, "left" if size in (1, 8) else "right", style)
                    for text, (_, size) in zip(figures, head, strict=True)
                ]
            )
        )
    return lines


def plan_lines(plan: Plan, width: int) -> list[Line]:
    """Return all lines of a plan, traded assets highlighted; with a column for the goals if they differ from the
    targets.
    """
    wide = width >= WIDE_MIN_WIDTH
    aims = goal_shares(plan)
    lines: list[Line] = [heading("Plan", width, count_text(len(plan.lines), "line"))]
    head = [("Asset", 8, "left", "muted"), ("Action", 8, "left", "muted"), ("Target %", 8, "right", "muted")]
    head += [("Goal %", 7, "right", "muted")] if aims else []
    head.append(("Amount $", 13, "right", "muted"))
    if wide:
        head += [
            ("Quantity", 14, "right", "muted"),
            ("Price $", 11, "right", "muted"),
            ("Value now $", 13, "right", "muted"),
        ]
    used = sum(size + 1 for _, size, _, _ in head)
    head.append(("Why", max(width - used, 10), "left", "muted"))
    lines.append(table_line(head))
    skipped = {order.symbol: order.side for order in plan.skipped_orders if order.side is not None}
    for line in plan.lines:
        lines.extend(_plan_line(line, skipped, aims, wide, max(width - used, 10)))
    return [*lines, *paragraph(GOAL_NOTE, width, "muted")] if aims else lines


def _plan_line(
    line: PlanLine, skipped_sides: Mapping[str, Side], aims: Mapping[str, int], wide: bool, room: int
) -> list[Line]:
    style = {Side.BUY: "good", Side.SELL: "warn"}[line.side] if line.side else "muted"
    traded = line.side is not None
    # What is not ordered is rounded down, as in the text next to it: it must not read as the minimum that it misses.
    amount = line_amount(line) if traded else floor_cents(Value(line.wanted * NANO))
    skipped = line.reason not in (LineReason.ON_TARGET, LineReason.BUYS_ONLY, LineReason.SELLS_ONLY)
    side = "· none"
    if line.side:
        side = f"{_SIDE_MARKS[line.side]} {line.side}"
    elif skipped:
        side = f"{_skip_mark(line, skipped_sides)} {'locked' if line.reason is LineReason.LOCKED else 'skip'}"
    cells = [
        (line.symbol, 8, "left", "title" if traded else "muted"),
        (side, 8, "left", style if traded else "warn" if skipped else "muted"),
        (formats.percent(line.target), 8, "right", "" if traded else "muted"),
    ]
    if aims:
        aim = aims.get(line.symbol)
        cells.append(("–" if aim is None else formats.percent(aim), 7, "right", "" if traded else "muted"))
    cells.append((formats.money(amount) if amount else "–", 13, "right", "" if traded else "muted"))
    if wide:
        shares = formats.qty(line.qty) if line.qty is not None else "–"
        cells += [
            (shares, 14, "right", "" if traded else "muted"),
            (formats.price(line.price), 11, "right", "muted"),
            (formats.money(line_value(line)), 13, "right", "muted"),
        ]
    parts = paragraph(line.detail or formats.words(line.reason), room, "" if traded else "muted")
    used = sum(size + 1 for _, size, _, _ in cells)
    first: Line = (*table_line(cells), (" ", ""), *parts[0])
    return [first, *(((" " * used, ""), *part) for part in parts[1:])]


def _skip_mark(line: PlanLine, skipped: Mapping[str, Side]) -> str:
    """Return the mark of a line without an order: what keeps it from trading, or else the side that it would trade."""
    if line.reason in HELD_REASONS:
        return HELD
    side = skipped.get(line.symbol)
    return "◌" if side is None else _SIDE_MARKS[side]


def _before_after(view: PreviewView, width: int, *, pays_out: bool) -> list[Line]:
    """Return each asset's target and its weight before and after the run, as bars on one scale."""
    after, aims = dict(view.after), goal_shares(view.plan)
    most = max((share for _, share in (*view.before, *view.after)), default=1)
    size = max((width - 8 - 3 * 8 - 4) // 2, 6)
    lines: list[Line] = [
        heading(
            "Before and after the sells, before the payout" if pays_out else "Before and after",
            width,
            "in % of managed equity" if view.plan.amount is None else "in %",
        ),
        table_line(
            [
                ("", 8, "left", ""),
                ("Goal" if aims else "Target", 7, "right", "muted"),
                ("Before", 7, "right", "muted"),
                ("", size, "left", ""),
                ("After", 7, "right", "muted"),
            ]
        ),
    ]
    for symbol, share in view.before:
        weight = view.plan.weights.cash if symbol == "cash" else view.plan.weights.of(symbol)
        target = aims.get(symbol, int(weight))
        lines.append(
            table_line(
                [
                    (symbol, 8, "left", "title"),
                    (formats.percent(target), 7, "right", "muted"),
                    (formats.percent(share), 7, "right", ""),
                    (bars.bar(share, most, size), size, "left", "rule"),
                    (formats.percent(after.get(symbol, 0)), 7, "right", ""),
                    (bars.bar(after.get(symbol, 0), most, size), size, "left", "accent-bar"),
                ]
            )
        )
    return lines

"""Details of a run as lines: timeline, orders, weights, plan and decision."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.domain.orders import Order, OrderStatus, Side
from rebal_tui.domain.quantities import Money, market_value, value_cents
from rebal_tui.domain.runs import Approval, InitiatedFrom, RunStatus
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.text import count_text
from rebal_tui.services.view_models.executed import executed_amounts
from rebal_tui.services.view_models.runs import RunView
from rebal_tui.tui import formats
from rebal_tui.tui.screens.shared.account_lines import decision_lines, named_account
from rebal_tui.tui.screens.shared.plan_lines import plan_lines, skip_reason
from rebal_tui.tui.segments import Line, TextSegment, beside, heading, line_width, noted, paragraph, table_line
from rebal_tui.tui.text import printable
from rebal_tui.tui.widgets import bars
from rebal_tui.tui.widgets.lines import Builder

STATUSES: dict[str, tuple[str, str]] = {
    RunStatus.QUEUED: ("◷", "accent"),
    RunStatus.IN_PROGRESS: ("▶", "accent"),
    RunStatus.CANCELED: ("◌", "muted"),
    RunStatus.CANCELED_MID_RUN: ("◌", "warn"),
    RunStatus.ERROR: ("✗", "bad"),
    RunStatus.TIMEOUT: ("✗", "bad"),
    RunStatus.COMPLETED_SUCCESS: ("●", "good"),
    RunStatus.COMPLETED_ADJUSTED: ("▲", "warn"),
}
FAILED = frozenset({OrderStatus.REJECTED, OrderStatus.CANCELED, OrderStatus.EXPIRED})
TWO_COLUMNS_MIN_WIDTH = 120
RUN_ID_MIN_WIDTH = 76
ALL_COLUMNS_MIN_WIDTH = 98
"""From this width, orders show their status and times."""
QUANTITY_MIN_WIDTH = 62
"""From this width, orders show their shares."""
BAR_WIDTH, FILLED_WIDTH = 8, 12
"""Widths of an order's bar and of its dollars; dollars that need more take it from the bar."""
TARGETS_MIN_WIDTH = 56
"""From this width in cells, the table of weights has a column of targets."""
_WEIGHT_STYLES = {"Target": "muted", "Before": "muted"}


def status_segment(status: str, phase: str) -> TextSegment:
    """Return mark and text of a run status, styled; for a run in progress, the text is its phase, such as `buying`."""
    glyph, style = STATUSES.get(status, ("?", "warn"))
    return (f"{glyph} {formats.words(phase) if status == RunStatus.IN_PROGRESS else status_words(status)}", style)


def status_words(status: str) -> str:
    """Return a run status in words."""
    return "cut short" if status == RunStatus.CANCELED_MID_RUN else formats.words(status)


def origin_text(initiated_from: str) -> str:
    """Return `automatic` for a run that an evaluation created, `manual` for one that a
    person or an API client created.
    """
    return "automatic" if initiated_from == InitiatedFrom.SYSTEM else "manual"


def run_lines(view: RunView, *, whole: bool = False) -> Builder:
    """Build the details of a run for a panel; `whole` adds the plan, and uses two columns if wide enough."""

    def build(width: int, _height: int) -> Sequence[Line]:
        top = _head(view, width)
        if whole and width >= TWO_COLUMNS_MIN_WIDTH:
            left = (width - 3) * 58 // 100
            right = width - 3 - left
            first = [*_orders(view, left), *_problems(view, left), *_plan(view, left)]
            second = [*_timeline(view, right), (), *_weights(view, right), *_decision(view, right)]
            return [*top, (), *beside(first, second, left)]
        lines = [*top, (), *_orders(view, width), *_problems(view, width), (), *_weights(view, width), ()]
        lines += [*_timeline(view, width), *_decision(view, width)]
        return [*lines, *_plan(view, width)] if whole else lines

    return build


def _head(view: RunView, width: int) -> list[Line]:
    run = view.run
    what: Line = ((formats.words(run.type), "key"), ("  ", ""), status_segment(run.status, view.phase))
    portfolio = (printable(view.portfolio), "accent")
    beside_it: Line = (*what, ("  ", ""), portfolio)
    lines: list[Line] = [
        named_account(view.client, view.account_number, width),
        *([beside_it] if line_width(beside_it) <= width else [what, (portfolio,)]),
        (
            ("Run ", "muted"),
            (run.id if width >= RUN_ID_MIN_WIDTH else formats.short_id(run.id), ""),
            (f"  {origin_text(run.initiated_from)}, session {run.session}", "muted"),
        ),
    ]
    if run.amount is not None:
        lines.append((("To raise ", "muted"), (f"${formats.money(run.amount)}", "")))
        lines.extend(paragraph(view.raised, width) if view.raised else ())
    if run.approval is not Approval.NOT_NEEDED:
        never = run.approval is Approval.AWAITING and run.status.final
        lines.append((("Review ", "muted"), ("not approved" if never else formats.words(run.approval), "warn")))
    if run.cancel_requested and not run.status.final:
        lines.append((("◌ being canceled", "warn"),))
    if run.reason:
        lines.extend(paragraph(run.reason, width, "warn"))
    return lines


def _orders(view: RunView, width: int) -> list[Line]:
    orders = view.orders
    lines: list[Line] = [heading("Orders", width, count_text(len(orders), "order"))]
    if not orders:
        return [*lines, (("No order has been sent.", "muted"),)]
    amounts = executed_amounts(view.fills)
    cells = [_filled_cell(view, order, amounts.get(order.client_order_id, Money(0))) for order in orders]
    size = max(FILLED_WIDTH, *(len(text) for text, _ in cells))
    bar = max(BAR_WIDTH - (size - FILLED_WIDTH), len("Done"))
    roomy = width >= ALL_COLUMNS_MIN_WIDTH
    head = [("Asset", 6, "left", "muted"), ("", 6, "left", "muted"), ("Done", bar, "left", "muted")]
    head += [("Filled $", size, "right", "muted"), ("Price $", 10, "right", "muted")]
    head += [("Filled qty", 14, "right", "muted")] if width >= QUANTITY_MIN_WIDTH else []
    if roomy:
        head += [
            ("", 0, "left", ""),
            ("Status", 16, "left", "muted"),
            ("Sent" if view.on_lists is None else "Listed", 8, "left", "muted"),
        ]
        head.append(("Filled at", 9, "left", "muted"))
    lines.append(table_line(head))
    prices = formats.aligned_prices([order.filled_avg_price for order in orders])
    for order, (text, style), price in zip(orders, cells, prices, strict=True):
        track, color = _bar(order, amounts.get(order.client_order_id, Money(0)), bar)
        filled = [(track, bar, "left", color), (text, size, "right", style), (price, 10, "right", "")]
        lines.append(_order(view, order, filled, width))
    return lines


def ordered_amount(view: RunView, order: Order) -> Money | None:
    """Return the dollars that an order is to trade. An order in shares is valued at the price of the plan; None without
    a price.
    """
    lines = () if view.plan is None else view.plan.lines
    price = next((line.price for line in lines if line.symbol == order.symbol), None)
    if order.notional is not None or order.qty is None or price is None:
        return order.notional
    return value_cents(market_value(order.qty, price))


def _filled_cell(view: RunView, order: Order, amount: Money) -> TextSegment:
    """The dollars filled (`amount`); while nothing is filled, those ordered, such as `of 174.94`."""
    planned = ordered_amount(view, order)
    if amount or planned is None:
        return (formats.money(amount), "" if amount else "muted")
    return (f"of {formats.money(planned)}", "muted")


def _bar(order: Order, amount: Money, width: int) -> TextSegment:
    """The part of an order that is filled, as a bar of `width` cells; `amount` is the dollars filled."""
    if order.status is OrderStatus.FILLED:
        done, whole = 1, 1
    elif order.notional is not None:
        done, whole = amount, order.notional
    else:
        done, whole = order.filled_qty, order.qty or 0
    track, style = bars.fill_bar(done, whole, width)
    return (track, "bad" if order.status in FAILED else style)


def _order(view: RunView, order: Order, filled: Sequence[tuple[str, int, str, str]], width: int) -> Line:
    """The line of an order; `filled` are its cells from the bar to the price."""
    at = order.submitted_at if view.on_lists is None else view.listed_at(order)
    buy = order.side is Side.BUY
    cells = [
        (order.symbol, 6, "left", "title"),
        (f"{'▲' if buy else '▼'} {order.side}", 6, "left", "good" if buy else "warn"),
        *filled,
    ]
    if width >= QUANTITY_MIN_WIDTH:
        shares = f"of {formats.qty(order.qty)}" if order.qty and not order.filled_qty else formats.qty(order.filled_qty)
        cells.append((shares, 14, "right", "" if order.filled_qty else "muted"))
    if width >= ALL_COLUMNS_MIN_WIDTH:
        state = view.list_text(order) or formats.words(order.status)
        cells += [
            ("", 0, "left", ""),
            (state, 16, "left", "bad" if order.status in FAILED else "muted"),
            (formats.clock(at) if at else "–", 8, "left", "muted"),
            (formats.clock(order.filled_at) if order.filled_at else "–", 9, "left", "muted"),
        ]
    return table_line(cells)


def _problems(view: RunView, width: int) -> list[Line]:
    lines: list[Line] = []
    if view.failed_orders:
        lines += [(), heading("Failed", width, count_text(len(view.failed_orders), "order"))]
        for order in view.failed_orders:
            text = f"{order.symbol} {order.side}: {formats.words(order.status)}"
            lines.extend(paragraph(f"✗ {text}, {order.reject_reason or 'no reason given'}", width, "bad"))
    if view.skipped_orders:
        lines += [(), heading("Skipped", width, count_text(len(view.skipped_orders), "order"))]
        for skipped in view.skipped_orders:
            amount = f" ${formats.money(skipped.notional)}" if skipped.notional is not None else ""
            lines.append(
                ((f"◌ {printable(skipped.symbol)}{amount}  ", "warn"), (skip_reason(skipped), "")),
            )
            lines.extend(paragraph(skipped.reason_details, width, "muted", indent=2))
    return lines


def _weights(view: RunView, width: int) -> list[Line]:
    lines: list[Line] = [heading("Weights", width, "in % of managed equity")]
    names = ("Target", "Before", "Planned", "After" if view.run.status.final else "So far")
    shown = names if width >= TARGETS_MIN_WIDTH else names[1:]
    size = max(width - 8 - len(shown) * 9 - 2, 4)
    lines.append(table_line([("", 8, "left", "muted"), *((name, 8, "right", "muted") for name in shown)]))
    most = max((max(row.after or 0, row.before or 0, row.target) for row in view.weights), default=1)
    for row in view.weights:
        now = row.after if row.after is not None else row.before
        shares = dict(zip(names, (row.target, row.before, row.planned, row.after), strict=True))
        cells = [(_share(shares[name]), 8, "right", _WEIGHT_STYLES.get(name, "")) for name in shown]
        bar = bars.bar(now or 0, most, size), size, "left", "accent-bar" if row.after is not None else "rule"
        lines.append(table_line([(row.symbol, 8, "left", "title"), *cells, bar]))
    if view.plan is None:
        final = view.run.status.final
        text = "It ended before a plan was made." if final else "It is planned when it starts."
        lines.extend(paragraph(text, width, "muted"))
    return lines


def _share(hundredths: int | None) -> str:
    return "–" if hundredths is None else formats.percent(hundredths)


def _timeline(view: RunView, width: int) -> list[Line]:
    lines: list[Line] = [heading("Timeline", width)]
    wide = width >= 64
    when = 15 if wide else 8
    days = [new_york_day(event.at) for event in view.timeline]
    for index, event in enumerate(view.timeline):
        last = index == len(view.timeline) - 1
        if not wide and index and days[index] != days[index - 1]:
            lines.append((("│", "accent"), (" ", ""), (formats.day(days[index]), "muted")))
        mark = "●" if last else "│" if index else "┬"
        at = formats.timestamp(event.at) if wide else formats.clock(event.at)
        state = status_words(event.what).removeprefix("completed ")
        what = table_line([(at, when, "left", "muted"), (state, 14, "left", "title")])
        rest: Line = ((" " if last else "│", "accent"), (" ", ""))
        lines += noted(((mark, "accent"), (" ", ""), *what), event.detail, width, rest)
    return lines


def _decision(view: RunView, width: int) -> list[Line]:
    if view.decision is None:
        return []
    note = formats.timestamp(view.decision.at)
    return [(), heading("Decision that made this run", width, note), *decision_lines(view.decision, width)]


def _plan(view: RunView, width: int) -> list[Line]:
    return [] if view.plan is None else [(), *plan_lines(view.plan, width)]

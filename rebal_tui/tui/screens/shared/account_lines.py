"""Details of an account as lines: holdings, history of band usage, and decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from rich.cells import cell_len

from rebal_tui.domain.decisions import Check, Decision, Outcome, Verdict
from rebal_tui.domain.quantities import Money, nearest_cents
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.text import count_text, fold
from rebal_tui.domain.trade_status import StatusKind
from rebal_tui.services.view_models.check_names import VERDICT_WORDS, check_name, verdict_word
from rebal_tui.services.view_models.desk import AccountView, HoldingView
from rebal_tui.services.view_models.standing import GLYPHS, NEAR_GLYPH, STATUS_THEN, first_trade_label, what_ends_it
from rebal_tui.tui import formats
from rebal_tui.tui.screens.shared.marks import HELD, STOPPED
from rebal_tui.tui.screens.shared.status_styles import STATUS_STYLES
from rebal_tui.tui.segments import Line, TextSegment, beside, fit, heading, line_width, packed, paragraph, table_line
from rebal_tui.tui.text import printable
from rebal_tui.tui.widgets import bars
from rebal_tui.tui.widgets.lines import Builder

VERDICTS: dict[Verdict, TextSegment] = {
    Verdict.PASS: ("✓", "good"),
    Verdict.FAIL: ("✗", "bad"),
    Verdict.FIRES: ("▶", "key"),
    Verdict.HOLDS_BACK: ("◷", "warn"),
    Verdict.CANNOT: ("!", "bad"),
    Verdict.NO: ("·", "muted"),
    Verdict.INFO: ("i", "muted"),
}
OUTCOMES: dict[Outcome, tuple[str, str]] = {
    Outcome.FULL_REBALANCE: ("▶ full rebalance", "key"),
    Outcome.INVEST_CASH: ("▶ invest cash", "key"),
    Outcome.NONE: ("● no rebalance is due", "muted"),
    Outcome.BLOCKED: ("◌ blocked", "bad"),
}
TWO_COLUMNS_MIN_WIDTH = 100
MIN_HOLDINGS = 4
BAR_LEGEND = "│target ┊band"
"""Legend above the bars of drift: what their marks mean."""
FREE_CASH = "free cash"
"""The name of the cash without reserved cash, where an account has both."""
MOVED = "*"
"""Marks the heading of targets of which some are not the portfolio's weights."""


def account_lines(view: AccountView) -> Builder:
    """Build the details of an account for a panel that does not scroll.

    Shows as many holdings as fit, and the checks of the decision as counts by verdict.
    """

    def build(width: int, height: int) -> Sequence[Line]:
        top = _head(view, width)
        rest = [*_history(view, width, 3 if height >= 40 else 2), (), *_why(view, width, whole=False)]
        held = held_lines(view, width)
        room = max(height - len(top) - len(rest) - len(held) - 5, MIN_HOLDINGS)
        return [*top, (), *_holdings(view, width, room), *held, (), *rest]

    return build


def whole_account_lines(view: AccountView) -> Builder:
    """Build the details of an account in full, for a page that scrolls."""
    overview = overview_lines(view, conditions=False)

    def build(width: int, height: int) -> Sequence[Line]:
        return [*_head(view, width), *overview(width, height)]

    return build


def overview_lines(view: AccountView, *, conditions: bool = True) -> Builder:
    """Build all holdings, the history of band usage, every check and the last decision; two columns if wide enough.

    `conditions` includes the portfolio's conditions.
    """

    def build(width: int, _height: int) -> Sequence[Line]:
        top = paragraph(view.conditions, width, "muted") if conditions and view.conditions else []
        if width >= TWO_COLUMNS_MIN_WIDTH:
            left = (width - 3) * 55 // 100
            right = width - 3 - left
            first = [*_holdings(view, left, None), *held_lines(view, left), (), *_history(view, left, 5)]
            second = [*_why(view, right, whole=True), *_last(view, right)]
            return [*top, (), *beside(first, second, left)]
        held = [*_holdings(view, width, None), *held_lines(view, width), (), *_history(view, width, 3)]
        return [*top, (), *held, (), *_why(view, width, whole=True), *_last(view, width)]

    return build


def named_account(client: str, number: str, width: int) -> Line:
    """Return client and number of an account as a line, with the word `account` between them if it fits."""
    shown = fit(number, min(cell_len(printable(number)), max(width // 2, 4)))
    word = "account " if cell_len(printable(client)) + cell_len(f"  account {shown}") <= width else ""
    name = fit(client, min(cell_len(printable(client)), max(width - cell_len(shown) - 2, 4)))
    return ((name, "title"), (f"  {word}", "muted"), (shown, "muted"))


def _head(view: AccountView, width: int) -> list[Line]:
    lines: list[Line] = [named_account(view.client, view.account_number, width)]
    model: list[TextSegment] = [(printable(view.portfolio or "no portfolio"), "accent")]
    if view.conditions:
        model.append((f"  {printable(view.conditions)}", "muted"))
    text_width = sum(len(text) for text, _ in model)
    if text_width > width and view.conditions:
        lines.append((model[0],))
        lines.extend(paragraph(view.conditions, width, "muted"))
    else:
        lines.append(tuple(model))
    figures = [_amount("Equity", formats.money(view.equity)), _amount("Cash", formats.money(view.cash))]
    more = [_amount("Withdrawable", formats.withdrawable(view.withdrawable))]
    if view.unsettled:
        more.append(_amount("Unsettled", formats.money(view.unsettled)))
    if view.portfolio_id is not None:
        more.insert(0, _amount("Cash target", formats.money(view.cash_target)))
    whole = packed([*figures, *more], width)
    lines += whole if len(whole) == 1 else [*packed(figures, width), *packed(more, width)]
    if view.cash_kept is not None:
        kept = (
            f"The cash target is by its weight; runs that invest cash keep {formats.money(view.cash_kept)}, "
            "because the last completed run's cash target was more."
        )
        lines.extend(paragraph(kept, width, "muted"))
    for restriction in view.restrictions:
        lines.extend(paragraph(f"{STOPPED} stopped: {restriction}", width, "bad"))
    return lines


def _amount(name: str, amount: str) -> Line:
    """An amount after its name."""
    return ((f"{name} ", "muted"), (amount, ""))


def _holdings(view: AccountView, width: int, max_lines: int | None) -> list[Line]:
    """Return the holdings with bars of drift, cash last.

    If there are more than `max_lines` (None: no limit), only those with the highest band usage.
    """
    held = view.holdings
    cash = cash_lines(view)
    left_out = 0
    max_lines = None if max_lines is None else max_lines - len(cash)
    if max_lines is not None and len(held) > max_lines:
        furthest = sorted(held, key=_usage, reverse=True)[: max_lines - 1]
        left_out = len(held) - len(furthest)
        held = tuple(holding for holding in held if holding in furthest)
    base = "equity" if view.managed is None else "managed equity"
    owned = sum(holding.qty != 0 for holding in view.holdings)
    count = f"{owned} of " if owned < len(view.holdings) else ""
    count += count_text(len(view.holdings), "asset")
    lines: list[Line] = [heading("Holdings", width, f"{count}, in % of {base}")]
    symbol = len(FREE_CASH) if view.reserved else 7
    roomy = width >= 62
    fixed = symbol + 3 * 8 + (13 if roomy else 0) + 2
    bar_width = max(width - fixed, 9)
    aim = f"Target{MOVED}" if _moved_weights(view) else "Target"
    titles = [("", symbol, "left", "muted"), (aim, 7, "right", "muted"), ("Actual", 7, "right", "muted")]
    titles.append(("Drift", 7, "right", "muted"))
    if roomy:
        titles.append(("Value $", 12, "right", "muted"))
    legend = BAR_LEGEND if bar_width >= len(BAR_LEGEND) else "│target"
    titles.append(("" if view.portfolio_id is None else legend, bar_width, "left", "muted"))
    lines.append(table_line(titles))
    reach = max((_reach(holding) for holding in (*view.holdings, *cash)), default=100)
    lines.extend(_holding(holding, symbol, roomy, bar_width, reach) for holding in (*held, *cash))
    if left_out:
        lines.append(((f"… {left_out} more, less drifted; enter shows all", "muted"),))
    return lines


def held_lines(view: AccountView, width: int) -> list[Line]:
    """Return the assets that restrictions keep from trading, and the weights in the portfolio of assets that are shown
    with their reachable target.
    """
    lines: list[Line] = []
    if view.managed is not None:
        lines.extend(paragraph(f"{managed_text(view)}.", width, "muted"))
    for holding in view.holdings:
        if holding.held:
            lines.extend(paragraph(f"{HELD} {holding.symbol}: {holding.held}", width, "warn"))
    if moved := _moved_weights(view):
        text = f"{MOVED} Reachable targets; the portfolio's weights are {', '.join(moved)}."
        lines.extend(paragraph(text, width, "muted"))
    return lines


def _moved_weights(view: AccountView) -> list[str]:
    """Return the weights in the portfolio that differ from the reachable targets, such as `SPY 60.00`."""
    return [
        f"{holding.symbol} {formats.percent(holding.target)}"
        for holding in (*view.holdings, *(() if view.cash_line is None else (view.cash_line,)))
        if holding.reachable_bp is not None and holding.target is not None
    ]


def managed_text(view: AccountView) -> str:
    """Return `Managed equity 63,184.81 is equity without 4,550.00 of reserved cash`; empty if it is all of the equity.

    The value of unmanaged holdings, if any, is named in the same way.
    """
    if view.managed is None:
        return ""
    unmanaged = Money(view.equity - view.managed - nearest_cents(view.reserved))
    parts = [f"{formats.money(view.reserved)} of reserved cash"] if view.reserved else []
    parts += [f"{formats.money(unmanaged)} not managed"] if any(one.unmanaged for one in view.holdings) else []
    return f"Managed equity {formats.money(view.managed)} is equity without {' and '.join(parts)}"


def cash_lines(view: AccountView) -> tuple[HoldingView, ...]:
    """Return the line of cash that is shown below the holdings; an empty tuple if there is none."""
    line = view.cash_line
    if line is None:
        return ()
    return (replace(line, symbol=FREE_CASH) if view.reserved else line,)


def _usage(holding: HoldingView) -> tuple[int, int]:
    """The sort key of a holding: its band usage in hundredths of a percent, then its drift."""
    off, goal = holding.off_target_bp, holding.goal_bp
    if off is None or goal is None:
        return (0, holding.actual_bp)
    edge = holding.band_high if off > 0 else holding.band_low
    band = 0 if edge is None else abs(edge - goal)
    return (abs(off) * 10_000 // band if band else 0, abs(off))


def _reach(holding: HoldingView) -> int:
    ends = [abs(holding.off_target_bp or 0), 100]
    for end in (holding.band_low, holding.band_high):
        if end is not None:
            ends.append(abs(end - (holding.goal_bp or 0)) * 4 // 3)
    return max(ends)


def _holding(holding: HoldingView, symbol: int, roomy: bool, bar_width: int, reach: int) -> Line:
    drift, goal = holding.off_target_bp or 0, holding.goal_bp
    low = None if holding.band_low is None else holding.band_low - (goal or 0)
    high = None if holding.band_high is None else holding.band_high - (goal or 0)
    bar: Line = () if goal is None else bars.drift_bar(drift, low, high, reach, bar_width)
    if holding.unmanaged:
        bar = (("not managed", "muted"),)
    outside = (high is not None and drift > high) or (low is not None and drift < low)
    style = "bad" if outside else ""
    cells = [
        (f"{holding.symbol} {HELD}" if holding.held else holding.symbol, symbol, "left", "title"),
        ("–" if goal is None else formats.percent(goal), 7, "right", ""),
        ("–" if holding.unmanaged else formats.percent(holding.actual_bp), 7, "right", ""),
        ("–" if holding.unmanaged or goal is None else formats.drift(drift), 7, "right", style),
    ]
    if roomy:
        cells.append((formats.money(holding.value), 12, "right", "muted"))
    line: Line = (*table_line(cells), (" ", ""), *bar)
    if holding.price_note:
        line = (*line, (f" {printable(holding.price_note)}", "warn"))
    return line


def _history(view: AccountView, width: int, height: int) -> list[Line]:
    if not view.history:
        banded = any(holding.band_high is not None for holding in view.holdings)
        text = "No evaluation has been stored yet." if banded or view.decision_now is None else "No drift band."
        return [heading("Band used", width), ((text, "muted"),)]
    points = view.history[-width:]
    first, last = (formats.day(new_york_day(points[at].at)) for at in (0, -1))
    most = max(point.band_used for point in points)
    span = first if first == last else f"{first} – {last}"
    highest, runs = f"max {formats.band_percent(most)}", " ▴ run" if any(point.run for point in points) else ""
    notes = (f"{span} · {highest}{runs}", f"from {first} · {highest}{runs}", f"{highest}{runs}")
    room = width - len("Band used") - 4
    note = next((text for text in notes if len(text) <= room), notes[-1])
    return [heading("Band used", width, note), *bars.drift_history(points, width, height)]


def _why(view: AccountView, width: int, *, whole: bool) -> list[Line]:
    decision = view.decision_now
    if decision is None:
        lines: list[Line] = [heading("Why", width), (("This account is not subscribed.", "muted"),)]
    else:
        status = status_lines(decision, width, near=view.near)
        lines = [heading("Why", width, formats.clock(decision.at)), *status]
        checks = check_lines(decision, width)
        lines.extend(checks if whole else _summary(decision.trace, width))
    if view.next_step:
        lines.append(())
        steps = paragraph(view.next_step, width - 6)
        lines.append((("Next  ", "key"), *steps[0]))
        lines.extend((("      ", ""), *step) for step in steps[1:])
    return lines


def status_lines(decision: Decision, width: int, *, near: bool = False, then: bool = False) -> list[Line]:
    """Build the status as a sentence, with the date of the first possible rebalance.

    Empty if the decision has no status, as those stored by earlier versions of the program. `near` marks an account in
    range that uses 80 % of a band or more, `then` a decision of the past.
    """
    status = decision.status
    if status is None:
        return []
    glyph, style = GLYPHS[status.kind], STATUS_STYLES[status.kind]
    if near and status.kind is StatusKind.IN_RANGE:
        glyph, style = NEAR_GLYPH, "warn"
    parts = paragraph(f"{STATUS_THEN}: {status.sentence}" if then else status.sentence, width - 2)
    lines: list[Line] = [((f"{glyph} ", style), *parts[0])]
    lines.extend((("  ", ""), *part) for part in parts[1:])
    dated = status.kind in (StatusKind.NEEDS_YOU, StatusKind.WAITS)
    if status.first_trade_at is not None and status.kind is not StatusKind.WILL_TRADE:
        note = f" ({status.note})" if status.note else ""
        text = f"{first_trade_label(status)} {formats.day_time(status.first_trade_at)}{note}"
    elif dated:
        until = what_ends_it(status)
        text = f"First possible rebalance unknown{f' until {until}' if until else ''}"
    else:
        return lines
    lines.extend((("  ", ""), *part) for part in paragraph(text, width - 2, "muted"))
    return lines


def _summary(trace: Sequence[Check], width: int) -> list[Line]:
    """`11 checks: 8 passed, 3 not due`, followed by the key that shows all checks; on two lines if one is too short for
    both.
    """
    segments: list[TextSegment] = [(f"  {count_text(len(trace), 'check')}: ", "muted")]
    for verdict, (_, style) in VERDICTS.items():
        count = sum(check.verdict is verdict for check in trace)
        if count:
            comma = ", " if len(segments) > 1 else ""
            segments += [(f"{comma}{count} ", ""), (VERDICT_WORDS[verdict], style)]
    whole: Line = (*segments, ("   enter shows all", "muted"))
    if line_width(whole) <= width:
        return [whole]
    more: Line = (("  enter shows all", "muted"),)
    if line_width(tuple(segments)) <= width:
        return [tuple(segments), more]
    return [*paragraph("".join(text for text, _ in segments).strip(), width, "muted", indent=2), more]


def _last(view: AccountView, width: int) -> list[Line]:
    decision = view.last_decision
    if decision is None:
        return []
    return [(), heading("Last decision", width, formats.short_timestamp(decision.at)), *decision_lines(decision, width)]


def decision_lines(decision: Decision, width: int) -> list[Line]:
    """Build a stored decision: its status, or its outcome if it has no status; its reason; and its
    checks, each with verdict and details.
    """
    lines = status_lines(decision, width, then=True)
    if not lines:
        text, style = OUTCOMES[decision.outcome]
        lines = [((text, style),)]
    said = decision.status.sentence if decision.status else ""
    if fold(decision.reason) not in fold(said):
        lines.extend((("  ", ""), *part) for part in paragraph(decision.reason, width - 2))
    return [*lines, *check_lines(decision, width)]


def check_lines(decision: Decision, width: int) -> list[Line]:
    """Build the checks of a decision, each with verdict and details, and a legend of the marks."""
    lines: list[Line] = []
    names = [check_name(check.check) for check in decision.trace]
    name_width = min(max(map(len, names), default=0), 18)
    for check, name in zip(decision.trace, names, strict=True):
        glyph, glyph_style = VERDICTS[check.verdict]
        loud = check.verdict in (Verdict.FIRES, Verdict.FAIL, Verdict.HOLDS_BACK, Verdict.CANNOT)
        text_width = max(width - name_width - 4, 12)
        details = paragraph(check.detail, text_width, "" if loud else "muted")
        named: TextSegment = (fit(name, name_width), "title" if loud else "")
        lines.append(((glyph, glyph_style), (" ", ""), named, ("  ", ""), *details[0]))
        lines.extend(((" " * (name_width + 4), ""), *detail) for detail in details[1:])
    used: dict[Verdict, set[str]] = {}
    for check in decision.trace:
        used.setdefault(check.verdict, set()).add(verdict_word(check.check, check.verdict))
    legend = ", ".join(f"{mark} {' or '.join(sorted(used[one]))}" for one, (mark, _) in VERDICTS.items() if one in used)
    return [*lines, *paragraph(legend, width, "muted")] if legend else lines

"""Preview in the portfolio editor, updated while typing: sum, first fault, weights, conditions and impact."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from rebal_tui.domain.quantities import HUNDRED_PERCENT
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.view_models.portfolios import Impact
from rebal_tui.tui import formats
from rebal_tui.tui.screens.portfolios.form import Checked
from rebal_tui.tui.screens.portfolios.lines import before_after, condition_lines, impact_facts
from rebal_tui.tui.segments import Line, heading, table_line
from rebal_tui.tui.widgets import bars

SUM_BAR_WIDTH = 30


def foot_lines(checked: Checked, *, unchanged: bool) -> list[Line]:
    """Return the sum of weights as a bar, and whether the form can be saved, is unchanged, or has a fault."""
    total = checked.total
    short = HUNDRED_PERCENT - total
    style = "good" if short == 0 else "bad" if short < 0 else "warn"
    track = bars.bar(total, HUNDRED_PERCENT, SUM_BAR_WIDTH).replace(" ", "░")
    sum_text = (
        f"▲ {formats.percent(abs(short))} {'missing' if short > 0 else 'too much'}" if short else "✓ reaches 100.00"
    )
    figure = formats.percent(total)
    if checked.unreadable:
        style, figure, sum_text = "warn", "?", "▲ a percent cannot be read"
    line: Line = (
        ("Sum ", "muted"),
        (track, f"{style}-bar"),
        (f" {figure}  ", "title"),
        (sum_text, style),
    )
    why = checked.first_fault
    if why:
        return [line, (("✗ cannot be saved: ", "bad"), (why, ""))]
    if unchanged:
        return [line, (("✓ no changes", "muted"),)]
    return [line, (("✓ ready", "good"), ("  ctrl+s saves", "muted"))]


def live_lines(
    shares: Sequence[tuple[str, int]], body: PortfolioBody | None, dates: Sequence[date], width: int
) -> list[Line]:
    """Return the weights as bars, and, if the form is valid (`body`), its conditions in words.

    `shares` are (symbol, hundredths of a percent) pairs; `dates` are the next dates of the calendar condition.
    """
    most = max((share for _, share in shares), default=1)
    size = max(width - 20, 4)
    lines: list[Line] = [heading("Weights", width, "in %"), bars.weights_bar(shares, width, HUNDRED_PERCENT)]
    for index, (symbol, share) in enumerate(shares):
        bar = (bars.bar(share, most, size), size, "left", "rule" if symbol == "cash" else "accent-bar")
        row = table_line([(symbol, 8, "left", "title"), (formats.percent(share), 7, "right", ""), bar])
        lines.append((bars.weight_mark(index, symbol), (" ", ""), *row))
    if body is not None:
        lines += [(), heading("Conditions", width)]
        lines += condition_lines(body.conditions, dates, body.cooldown_days, width)
    return lines


def impact_panel(impact: Impact | None, width: int) -> list[Line]:
    """Return the impact of the form as typed; if it is not calculated yet (None), the key that calculates it."""
    if impact is None:
        return [(), heading("Impact on accounts", width, "f5 calculates it")]
    facts: list[Line] = [((f"{fact}  ", "muted"), (figure, "")) for fact, figure in impact_facts(impact)]
    return [(), heading("Impact on accounts", width), *before_after(impact, width), *facts]

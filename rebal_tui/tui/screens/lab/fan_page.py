"""Page that shows how much the results of a policy depend on luck: on the start day, and on the day of its calendar
condition.

A fan is the set of results of one policy when only that day varies; a variant is one of these results.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rebal_tui.tui.segments import Line, TextSegment, heading, paragraph

if TYPE_CHECKING:
    from rebal_tui.lab.fan import Fan
    from rebal_tui.services.backtest.comparison import Fans

_AXIS = 9
_ROWS = 9
"""Height of the chart in lines; odd, so that the median equity is on the middle line."""
_BINS = 12
_BAR = 40


def fan_lines(fans: Fans, width: int) -> list[Line]:
    """Build the results (fans) of a policy for every start day, and for every day of its calendar condition; where
    there are none, the reason.
    """
    lines: list[Line] = [(("", ""),)]
    if fans.starts is None:
        lines += paragraph("Start days need a history of two years.", width, "muted")
    else:
        lines += _one(fans.starts, "Start day", "every session of the first year", width)
    lines.append((("", ""),))
    if fans.days is None:
        return [*lines, *paragraph("This policy has no calendar, so there is no day of it to choose.", width, "muted")]
    return [*lines, *_one(fans.days, "Calendar day", "every other day of its calendar", width)]


def _one(fan: Fan, title: str, what: str, width: int) -> list[Line]:
    returns, final = 100 * fan.annual_return, fan.equity[:, -1]
    span = f"{fan.history.days[fan.first]} … {fan.history.days[-1]}"
    lines: list[Line] = [heading(f"{title}: {what}", width, f"{len(fan.labels):,} variants · {span}")]
    best, worst = fan.labels[int(returns.argmax())], fan.labels[int(returns.argmin())]
    for name, text in (
        ("return", f"{returns.min():.2f} to {returns.max():.2f} % a year: {1e4 * fan.spread:.0f} bp apart"),
        ("$1 becomes", f"${final.min():,.2f} ({worst}) to ${final.max():,.2f} ({best})"),
        ("turnover", f"{100 * fan.turnover.min():.1f} to {100 * fan.turnover.max():.1f} % a year"),
        ("rms deviation", f"{100 * fan.rms.min():.2f} to {100 * fan.rms.max():.2f} points"),
        ("worst deviation", f"{100 * fan.worst.min():.1f} to {100 * fan.worst.max():.1f} points"),
    ):
        lines.append(((f"{name:<18}", "muted"), (text, "title" if name == "return" else "")))
    years = sorted(fan.years(), key=lambda found: -found[1])[:5]
    if years:
        apart = " · ".join(f"{year} {1e4 * spread:.0f}" for year, spread in years)
        lines.append((("years apart, bp", "muted"), ("   ", ""), (apart, "")))
    return [*lines, (("", ""),), *_chart(fan, width), (("", ""),), *_bins(fan)]


def _chart(fan: Fan, width: int) -> list[Line]:
    """The highest and the lowest equity of any variant over time, in percent above or below the median equity."""
    low, high = fan.around
    size = max(width - _AXIS - 1, 20)
    length = fan.equity.shape[1]
    places = [min((column + 1) * length // size, length) - 1 for column in range(size)]
    reach = max(float(high.max()) - 1, 1 - float(low.min()), 1e-6)
    half = _ROWS // 2
    lines: list[Line] = [(("highest and lowest equity, % of the middle one", "muted"),)]
    for at in range(half, -half - 1, -1):
        segments: list[TextSegment] = []
        for place in places:
            top, bottom = (round((float(bound[place]) - 1) / reach * half) for bound in (high, low))
            segments.append(("█", "accent-bar") if bottom <= at <= top else (" ", ""))
        label = f"{100 * at / half * reach:+{_AXIS - 1}.2f}" if at in (half, 0, -half) else " " * (_AXIS - 1)
        lines.append(((label + " ", "muted"), *segments))
    return lines


def _bins(fan: Fan) -> list[Line]:
    """Histogram of the returns a year: how many of the days lead to each."""
    returns = 100 * fan.annual_return
    low, high = float(returns.min()), float(returns.max())
    if high - low < 0.005:
        return []
    edges = [low + (high - low) * n / _BINS for n in range(_BINS + 1)]
    places = [min(int((float(found) - low) / (high - low) * _BINS), _BINS - 1) for found in returns]
    counts = [places.count(n) for n in range(_BINS)]
    lines: list[Line] = [(("return, % a year    days", "muted"),)]
    for n, count in enumerate(counts):
        bar = "█" * round(count / max(counts) * _BAR)
        lines.append(((f"{edges[n]:6.2f} to {edges[n + 1]:5.2f}  {count:5}  ", ""), (bar, "accent-bar")))
    return lines

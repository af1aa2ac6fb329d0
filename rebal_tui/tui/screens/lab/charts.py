"""Charts of the Lab section: turnover against deviation, and one policy's weights over time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rebal_tui.tui.segments import Line, TextSegment, heading, paragraph

if TYPE_CHECKING:
    from rebal_tui.lab.backtest import Backtest, Outcome
    from rebal_tui.services.backtest.comparison import Comparison, PolicyRow

_AXIS = 5
"""Cells for the figures of the vertical axis."""
_MARKS = (
    ("★", "title", "under the cursor"),
    ("◆", "accent", "yours"),
    ("●", "good", "others"),
    ("·", "muted", "worse"),
)


def scatter(rows: Sequence[PolicyRow], cursor: int | None, width: int, height: int) -> list[Line]:
    """Turnover a year, upward, against the rms deviation in points, to the right; worse policies are dots."""
    columns, lines = max(width - _AXIS - 1, 10), max(height - 3, 4)
    shown = [row for row in rows if not row.worse or row.own]
    right = max(row.rms for row in shown) * 1.05 or 1.0
    top = max(row.turnover for row in shown) * 1.05 or 1.0
    cells: dict[tuple[int, int], TextSegment] = {}
    for rank in ("worse", "other", "own", "cursor"):
        for row in rows:
            kind = "cursor" if row.number == cursor else "own" if row.own else "worse" if row.worse else "other"
            if kind != rank or row.rms > right or row.turnover > top:
                continue
            at = (min(int(row.turnover / top * lines), lines - 1), min(int(row.rms / right * columns), columns - 1))
            mark = {"cursor": _MARKS[0], "own": _MARKS[1], "other": _MARKS[2], "worse": _MARKS[3]}[kind]
            cells[at] = (mark[0], mark[1])
    found: list[Line] = [(("turnover %/y", "muted"),)]
    for line in range(lines - 1, -1, -1):
        labeled = line in (lines - 1, lines // 2, 0)
        label = f"{100 * top * (line + 0.5) / lines:{_AXIS}.1f}" if labeled else " " * _AXIS
        body = tuple(cells.get((line, column), (" ", "")) for column in range(columns))
        found.append(((label, "muted"), ("┤" if labeled else "│", "rule"), *body))
    found.append(((" " * _AXIS, ""), ("└" + "─" * columns, "rule")))
    half, end = f"{100 * right / 2:.1f}", f"{100 * right:.1f} rms points"
    scale = "0".ljust(max(columns // 2, 2)) + half
    found.append(((" " * (_AXIS + 1) + scale.ljust(columns - len(end)) + end, "muted"),))
    return found


def legend() -> Line:
    """The marks of the scatter."""
    parts: list[TextSegment] = []
    for mark, style, what in _MARKS:
        parts += [(f"{mark} ", style), (f"{what}  ", "muted")]
    return tuple(parts)


def verdict(found: Comparison, width: int) -> list[Line]:
    """What the history shows: whether return, turnover and tracking differ beyond luck."""
    rows, luck = found.rows, found.luck
    low, high = (10_000 * bound for bound in (min(luck.annual_return.low), max(luck.annual_return.high)))
    listed = [row for row in rows if not row.worse or row.own]
    turnover, rms = [100 * row.turnover for row in listed], [100 * row.rms for row in listed]
    lines: list[Line] = [heading("What this history shows", width)]
    for name, answer, differs, figures in (
        ("return", luck.return_answer, luck.annual_return.beyond_luck, f"{low:+.0f} … {high:+.0f} bp/y"),
        ("turnover", luck.turnover.answer, luck.turnover.beyond_luck, f"{min(turnover):.1f} … {max(turnover):.1f} %/y"),
        ("tracking", luck.rms.answer, luck.rms.beyond_luck, f"{min(rms):.1f} … {max(rms):.1f} points"),
    ):
        style = "good" if differs else "warn"
        wide = len(name) + len(answer) + len(figures) + 6 > width
        lines.append(((f"{name:<10}", "muted"), *(() if wide else ((answer, style), ("  ", ""))), (figures, "")))
        lines += paragraph(answer, width, style) if wide else []
    labels = tuple(row.label for row in rows)
    for sentence in luck.selection.sentences(labels):
        lines += paragraph(sentence, width)
    return [*lines, *paragraph(luck.method, width, "muted")]


def policy_lines(backtest: Backtest, outcome: Outcome, verified: str, width: int) -> list[Line]:
    """One policy compared with the portfolio's own: figures, weights over time with rebalances marked, and its days."""
    own = backtest.own.figures
    figures = outcome.figures
    lines: list[Line] = [(("", ""),)]
    for name, ours, yours in (
        ("rebalances", f"{figures.rebalances:,}", f"{own.rebalances:,}"),
        ("trades", f"{figures.trades:,}", f"{own.trades:,}"),
        ("turnover", f"{100 * figures.turnover:.2f} %/y", f"{100 * own.turnover:.2f} %/y"),
        ("rms deviation", f"{100 * figures.rms:.2f}", f"{100 * own.rms:.2f}"),
        ("95 % of sessions within", f"{100 * figures.p95:.2f}", f"{100 * own.p95:.2f}"),
        ("worst deviation", f"{100 * figures.worst:.2f}", f"{100 * own.worst:.2f}"),
        ("outside your bands", f"{100 * figures.outside:.2f} %", f"{100 * own.outside:.2f} %"),
        ("return", f"{100 * figures.annual_return:.2f} %/y", f"{100 * own.annual_return:.2f} %/y"),
        ("volatility", f"{100 * figures.volatility:.2f} %/y", f"{100 * own.volatility:.2f} %/y"),
    ):
        lines.append(((f"{name:<24}", "muted"), (f"{ours:>12}", "title"), (f"{yours:>12}", ""), ("  yours", "muted")))
    if verified:
        lines += [(("", ""),), *paragraph(verified, width, "good" if verified.startswith("Verified") else "bad")]
    path = backtest.path(outcome)
    size = max(width - 20, 20)
    length = backtest.history.length
    places = [min((column + 1) * length // size, length) - 1 for column in range(size)]
    marks = {int(event) * size // length for event in path.rebalances}
    lines += [(("", ""),), heading("Weights over time, ┃ rebalances", width)]
    for symbol, weight, shares in zip(
        backtest.weights.symbols, backtest.weights.assets, path.shares, strict=True
    ):  # fmt: skip
        lines += _shares(symbol, weight.percent / 10_000, [float(shares[place]) for place in places])
    lines.append(((" " * 19, ""), ("".join("┃" if column in marks else " " for column in range(size)), "accent")))
    days = " ".join(day.isoformat() for day in outcome.days) or "none"
    lines += [(("", ""),), heading("Rebalances after the first purchase", width), *paragraph(days, width)]
    return lines


def _shares(symbol: str, target: float, shares: Sequence[float]) -> list[Line]:
    """Three lines of a symbol's part of equity around its target."""
    reach = max(max(abs(share - target) for share in shares), 0.001)
    rows: list[Line] = []
    for level in (1, 0, -1):
        text = "".join(
            "•" if round(1.49 * (share - target) / reach) == level else ("─" if level == 0 else " ") for share in shares
        )
        label = f"{symbol:<10.10}" if level == 0 else " " * 10
        rows.append(((label, "title"), (f"{100 * (target + level * reach):7.1f}  ", "muted"), (text, "")))
    return rows

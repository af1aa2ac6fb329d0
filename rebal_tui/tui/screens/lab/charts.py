"""Charts of the Lab: turnover against deviation from the target, and which differences between policies exceed luck."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rebal_tui.tui.segments import Line, TextSegment, heading, paragraph

if TYPE_CHECKING:
    from rebal_tui.services.backtest.comparison import Comparison, PolicyRow, Subject

_AXIS = 5
"""Width in cells of the figures of the vertical axis."""
_OWN = 1
_MARKS = (
    ("★", "title", "cursor"),
    ("◆", "accent", "own"),
    ("▼", "good", "cheaper"),
    ("●", "", "other"),
    ("·", "muted", "worse"),
)


def chart(found: Comparison, cursor: int | None, width: int, height: int, *, worse_shown: bool) -> list[Line]:
    """Chart of all policies with its legend, in `height` lines; `cursor` is the number of the row under the cursor.

    A note below the chart counts the policies drawn as dots (see `scatter`) and tells whether the table lists them
    (`worse_shown`).
    """
    rows = found.rows
    hidden = sum(row.worse and not row.own for row in rows)
    shown = "shown" if worse_shown else "hidden"
    why = "one listed has no higher turnover, rms or worst, or rebalances alike"
    note = f"{hidden} of {len(rows)} {shown} (d): {why}"
    below = [legend(short_own(found.subject)), *paragraph(note, width, "muted")]
    return [*scatter(rows, cursor, width, height - len(below)), *below]


def scatter(rows: Sequence[PolicyRow], cursor: int | None, width: int, height: int) -> list[Line]:
    """Chart of policies: turnover in percent a year upward, rms deviation in percentage points to the right.

    `cursor` is the number of the row under the cursor. A policy is drawn as a dot if another policy rebalances on the
    same days, or if another policy has a lower turnover, rms or worst drift and is not higher in any of the three. Dots
    that do not fit into the chart are left out. The lowest line is no turnover, the highest the largest one.
    """
    columns, lines = max(width - _AXIS - 1, 10), max(height - 3, 4)
    shown = [row for row in rows if not row.worse or row.own]
    right = max(row.rms for row in shown) * 1.05 or 1.0
    top = max(row.turnover for row in shown) or 1.0
    cells: dict[tuple[int, int], TextSegment] = {}
    for row in sorted(rows, key=lambda row: -_rank(row, cursor)):
        if row.rms > right or row.turnover > top:
            continue
        at = (round(row.turnover / top * (lines - 1)), min(int(row.rms / right * columns), columns - 1))
        mark, style, _ = _MARKS[_rank(row, cursor)]
        cells[at] = (mark, style)
    found: list[Line] = [(("turnover %/y", "muted"),)]
    for line in range(lines - 1, -1, -1):
        labeled = line in (lines - 1, lines // 2, 0)
        label = f"{100 * top * line / (lines - 1):{_AXIS}.1f}" if labeled else " " * _AXIS
        body = tuple(cells.get((line, column), (" ", "")) for column in range(columns))
        found.append(((label, "muted"), ("┤" if labeled else "│", "rule"), *body))
    found.append(((" " * _AXIS, ""), ("└" + "─" * columns, "rule")))
    half, end = f"{100 * right / 2:.1f}", f"{100 * right:.1f} rms points"
    scale = "0".ljust(max(columns // 2, 2)) + half
    found.append(((" " * (_AXIS + 1) + scale.ljust(columns - len(end)) + end, "muted"),))
    return found


def _rank(row: PolicyRow, cursor: int | None) -> int:
    """The index of a row's mark in `_MARKS`. If several rows share a cell of the chart, the mark with the lowest index
    is drawn.
    """
    if row.number == cursor:
        return 0
    return _OWN if row.own else 2 if row.cheaper else 4 if row.worse else 3


def legend(own: str) -> Line:
    """Return the legend of the scatter chart: each mark with its meaning. `own` names the policy of the tested
    portfolio, such as `yours`.
    """
    parts: list[TextSegment] = []
    for rank, (mark, style, what) in enumerate(_MARKS):
        parts += [(f"{mark} ", style), (f"{own if rank == _OWN else what} ", "muted")]
    return tuple(parts)


def short_own(subject: Subject) -> str:
    """Return the word for the policy of the tested portfolio next to figures: `yours` or `sample`."""
    return "sample" if subject.sample else "yours"


def verdict(found: Comparison, width: int) -> list[Line]:
    """Build the lines on whether the policies differ in return, turnover and tracking by more than luck explains.

    The figures of return are the lowest and the highest bound of the intervals of 95 % of all policies, the others the
    lowest and the highest figure of all policies.
    """
    lines: list[Line] = [heading(f"All {len(found.rows)} policies against {found.subject.own}", width)]
    luck = found.luck
    if luck is None:
        return [*lines, *paragraph(found.sentence or "Known when the history has been resampled.", width, "muted")]
    turnover, rms = [100 * row.turnover for row in found.rows], [100 * row.rms for row in found.rows]
    low, high = (10_000 * bound for bound in (min(luck.annual_return.low), max(luck.annual_return.high)))
    for name, answer, differs, figures in (
        ("return", luck.return_answer, luck.annual_return.beyond_luck, f"95 %: {low:+.0f} … {high:+.0f} bp/y"),
        ("turnover", luck.turnover.answer, luck.turnover.beyond_luck, f"{min(turnover):.1f} … {max(turnover):.1f} %/y"),
        ("tracking", luck.rms.answer, luck.rms.beyond_luck, f"{min(rms):.1f} … {max(rms):.1f} points"),
    ):
        style = "good" if differs else "warn"
        wide = 14 + len(answer) + len(figures) + 2 > width
        if wide:
            lines += paragraph(f"{name:<14}{answer}", width, style)
            lines.append(((" " * 14 + figures, ""),))
        else:
            lines.append(((f"{name:<14}", "muted"), (answer, style), ("  ", ""), (figures, "")))
    for name, fan in (("start day", found.fans.starts), ("calendar day", found.fans.days)):
        if fan is not None:
            apart = f"{short_own(found.subject)} {1e4 * fan.spread:.0f} bp/y, worst to best"
            lines.append(((f"{name:<14}", "muted"), (apart, "")))
    edges = f"^ {found.edges} of {len(found.rows)} on an edge (h: map)" if found.edges else "none on an edge"
    lines.append(((f"{'neighbors':<14}", "muted"), (edges, "")))
    labels = tuple(row.label for row in found.rows)
    for sentence in luck.selection.sentences(labels, found.subject.own):
        lines += paragraph(sentence, width)
    return [*lines, *paragraph(luck.method, width, "muted")]

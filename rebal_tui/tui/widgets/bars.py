"""Text charts: pure functions that turn figures and a width in cells into styled segments."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.services.view_models.desk import DriftPoint
from rebal_tui.tui import formats
from rebal_tui.tui.segments import Line, TextSegment

PARTIALS = " ▏▎▍▌▋▊▉"
LEVELS = " ▁▂▃▄▅▆▇█"
BAND_LIMIT_TENTHS = 1_000
BAND_NEAR_TENTHS = 800
SHADES = ("█", "▓", "▒", "░")
CASH_MARK = "▄"
"""Fills the part of cash in a bar of weights: no shade of an asset."""
SHADE_STYLES = ("accent", "alt", "good", "key")


def bar(part: int, whole: int, width: int) -> str:
    """A bar of `width` cells for `part` of `whole`, in steps of 1/8 cell.

    A positive part has at least one step; if `part` is `whole` or more, the bar is full.
    """
    if whole <= 0 or part <= 0:
        return " " * width
    eighths = min(part * width * 8 // whole, width * 8)
    full, rest = divmod(eighths, 8)
    text = "█" * full + (PARTIALS[rest] if rest else "")
    return (text or PARTIALS[1]).ljust(width)


def band_style(tenths: int) -> str:
    """Style name for a band usage in tenths of a percent: `bad` above 100 %, `warn` from 80 % on, else `good`."""
    return "bad" if tenths > BAND_LIMIT_TENTHS else "warn" if tenths >= BAND_NEAR_TENTHS else "good"


def bar_style(tenths: int) -> str:
    """Return the style name of the bar for a band usage in tenths of a percent; less intense than that of the text
    next to it.
    """
    return f"{band_style(tenths)}-bar"


HALF = 5
"""Cells of the bar of band usage below the limit, and as many above it."""
USAGE_WIDTH = 2 * HALF + 3 + 6


def band_bar(tenths: int | None) -> Line:
    """Band usage as a bar from 0 to 200 %, with the limit in the middle, and as a percentage.

    `tenths` is the band usage in tenths of a percent; None (no bands) gives a dash. Usage below 80 % is muted.
    """
    if tenths is None:
        return ((" " * (USAGE_WIDTH - 1) + "–", "muted"),)
    style = bar_style(tenths) if tenths >= BAND_NEAR_TENTHS else "muted"
    below = bar(min(tenths, BAND_LIMIT_TENTHS), BAND_LIMIT_TENTHS, HALF)
    above = bar(tenths - BAND_LIMIT_TENTHS, BAND_LIMIT_TENTHS, HALF)
    text = formats.band_percent(min(tenths, 99_990))
    return (
        ("▕", "rule"), (below, style), ("┃", "title"), (above, style), ("▏", "rule"),
        (text.rjust(6), band_style(tenths) if tenths >= BAND_NEAR_TENTHS else "muted"),
    )  # fmt: skip


def fill_bar(done: int, whole: int, width: int = 8) -> TextSegment:
    """Progress bar of `done` out of `whole`, `width` cells wide."""
    track = bar(done, whole, width).replace(" ", "░")
    return (track, "good-bar" if whole > 0 and done >= whole else "accent-bar")


def drift_bar(drift: int, low: int | None, high: int | None, reach: int, width: int) -> Line:
    """A bar of `width` cells from the target in the middle to the actual percent, with the limits of the band as `┊`.

    `drift`, `low` and `high` are distances from the target in hundredths of a percentage point; `reach` is the drift
    that fills one side. If the drift exceeds a limit, the bar covers the limit, which is then shown as `╋`.
    """
    half = max((width - 1) // 2, 1)
    reach = max(reach, 1)

    def cell_index(offset: int) -> int:
        size = min(abs(offset) * half // reach, half - 1) + 1
        return half + size if offset > 0 else half - size

    outside = (high is not None and drift > high) or (low is not None and drift < low)
    near = not outside and any(
        edge and drift * edge > 0 and abs(drift) * BAND_LIMIT_TENTHS >= abs(edge) * BAND_NEAR_TENTHS
        for edge in (low, high)
    )
    style = "bad-bar" if outside else "warn-bar" if near else "good-bar"
    cells: list[TextSegment] = [("─", "rule")] * (half * 2 + 1)
    halves = min((abs(drift) * half * 2 + reach // 2) // reach, half * 2)
    limit = high if drift > 0 else low
    if limit is not None and limit * drift > 0:
        to_limit = 2 * abs(cell_index(limit) - half)
        halves = max(halves, to_limit) if outside else min(halves, to_limit - 1)
    full, rest = divmod(halves, 2)
    step = 1 if drift > 0 else -1
    for distance in range(1, full + 1):
        cells[half + step * distance] = ("█", style)
    if rest:
        cells[half + step * (full + 1)] = ("▌" if step > 0 else "▐", style)
    for edge in (low, high):
        if edge is not None:
            at = cell_index(edge)
            cells[at] = ("╋", style) if cells[at][0] == "█" else ("┊", "title")
    cells[half] = ("│", "title")
    return tuple(cells)


def weights_bar(weights: Sequence[tuple[str, int]], width: int, whole: int = 0) -> Line:
    """Stacked bar of `width` cells from (name, weight) pairs, rounded to whole cells by largest remainder.

    A weight is in hundredths of a percent, and is drawn in the shade of `weight_mark`. If the weights sum to less than
    `whole`, the bar is that much empty at its end.
    """
    total = sum(share for _, share in weights if share > 0)
    if total < whole:
        weights, total = [*weights, ("", whole - total)], whole
    if total <= 0:
        return ((" " * width, ""),)
    exact = [max(share, 0) * width for _, share in weights]
    cells = [part // total for part in exact]
    spare = sorted(range(len(exact)), key=lambda index: (-(exact[index] % total), index))
    for index in spare[: width - sum(cells)]:
        cells[index] += 1
    return tuple(
        (mark * size, style)
        for index, size in enumerate(cells)
        if size
        for mark, style in (weight_mark(index, weights[index][0]),)
    )


def weight_mark(index: int, name: str) -> TextSegment:
    """One cell in the shade that a weight has in the stacked bar; shown before the asset's row as a legend.

    `index` is the position of the weight in the bar, `name` the name of the asset, `cash`, or empty for the part of the
    bar without a weight.
    """
    if name in ("", "cash"):
        return (CASH_MARK if name else " ", "muted")
    return (SHADES[index % 4], SHADE_STYLES[index // 4 % 4])


def drift_history(points: Sequence[DriftPoint], width: int, height: int = 2) -> list[Line]:
    """Column chart of band usage, newest at the right, `width` columns of `height` lines and a line below them.

    The scale reaches to 100 %, or to the highest usage if that is more; `▴` in the lowest line marks points with a run.
    """
    shown = points[-width:]
    if not shown:
        return []
    ceiling = max(BAND_LIMIT_TENTHS, *(point.band_used for point in shown))
    heights = [max(point.band_used * height * 8 // ceiling, 1) for point in shown]
    lines: list[Line] = []
    for row in range(height - 1, -1, -1):
        lines.append(
            tuple(
                (LEVELS[max(min(size - row * 8, 8), 0)], bar_style(point.band_used))
                for size, point in zip(heights, shown, strict=True)
            )
        )
    lines.append(tuple(("▴", "key") if point.run else ("─", "rule") for point in shown))
    return lines

"""Time and memory by number of accounts, drawn on logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP, _RIGHT = 760, 420, 70, 50, 30, 190


@dataclass(frozen=True, slots=True)
class Growth:
    """The cost of one size: seconds, and bytes of the arrays and of the work on them."""

    accounts: int
    evaluated: float
    swept: float
    planned: float
    arrays: int
    working: int


_LINES: tuple[tuple[str, str, Callable[[Growth], float]], ...] = (
    ("evaluation, ms", "#1f77b4", lambda g: g.evaluated * 1_000),
    ("sweep, ms", "#2ca02c", lambda g: g.swept * 1_000),
    ("plans that fire, ms", "#d62728", lambda g: g.planned * 1_000),
    ("arrays, MiB", "#7f7f7f", lambda g: g.arrays / 2**20),
    ("working memory, MiB", "#9467bd", lambda g: g.working / 2**20),
)


def draw(points: Sequence[Growth]) -> str:
    """Draw the points as an SVG picture."""
    xs = [math.log10(p.accounts) for p in points]
    values = [max(1e-3, line(p)) for _, _, line in _LINES for p in points]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def x(at: float) -> float:
        return _LEFT + (at - xs[0]) / max(1e-9, xs[-1] - xs[0]) * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (math.log10(max(1e-3, value)) - low) / (high - low) * (_HEIGHT - _BOTTOM - _TOP)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{_HEIGHT}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_LEFT}" y="18">Growth with the number of accounts, 20 holdings each</text>',
    ]
    for power in range(low, high + 1):
        level, mark = f"{y(10.0**power):.1f}", f"{10.0**power:,g}"
        parts.append(
            f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{level}" y2="{level}" stroke="#ddd"/>'
            f'<text x="{_LEFT - 8}" y="{level}" dy="4" text-anchor="end">{mark}</text>'
        )
    for point, at in zip(points, xs, strict=True):
        parts.append(
            f'<text x="{x(at):.1f}" y="{_HEIGHT - _BOTTOM + 20}" text-anchor="middle">{point.accounts:,}</text>'
        )
    labels: list[float] = []
    for name, colour, line in _LINES:
        path = " ".join(f"{x(at):.1f},{y(line(p)):.1f}" for p, at in zip(points, xs, strict=True))
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        label = y(line(points[-1])) + 4
        while any(abs(label - other) < 14 for other in labels):
            label += 2
        labels.append(label)
        parts.append(f'<text x="{_WIDTH - _RIGHT + 8}" y="{label:.1f}" fill="{colour}">{name}</text>')
    return "\n".join([*parts, "</svg>\n"])

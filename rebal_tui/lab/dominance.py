"""Policies that another policy dominates: it is as good in turnover, rms and worst deviation, and better in one."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.lab.figures import Figures


def dominated(figures: Sequence[Figures]) -> tuple[bool, ...]:
    """For each policy, whether another is not higher in turnover, rms and worst deviation, and lower in one of them.

    Returns are not compared, because their differences are seldom more than luck.
    """
    keys = [(f.turnover, f.rms, f.worst) for f in figures]
    return tuple(
        any(other != own and all(a <= b for a, b in zip(other, own, strict=True)) for other in keys) for own in keys
    )

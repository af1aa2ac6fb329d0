"""Policies that another policy dominates: it is as good in turnover, rms and worst deviation, and better in one."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.lab.backtest import Outcome
from rebal_tui.lab.figures import Figures

_DIGITS = 12
"""Decimals that are compared. Those behind them are rounding errors, which differ between the ways of computing a path:
without this, one of two policies that never trade could dominate the other.
"""


def dominated(figures: Sequence[Figures]) -> tuple[bool, ...]:
    """For each policy, whether another is not higher in turnover, rms and worst deviation, and lower in one of them.

    Returns are not compared, because their differences are seldom more than luck.
    """
    keys = [_key(one) for one in figures]
    return tuple(
        any(other != own and all(a <= b for a, b in zip(other, own, strict=True)) for other in keys) for own in keys
    )


def redundant(outcomes: Sequence[Outcome]) -> tuple[bool, ...]:
    """For each policy, whether a list can do without it: it is dominated, or another one represents it.

    Of policies with the same figures that rebalance on the same days, the first represents the others. So for each
    redundant policy, one that is not redundant has no higher turnover, rms and worst deviation.
    """
    seen: set[tuple[object, ...]] = set()
    found = []
    for outcome, worse in zip(outcomes, dominated([outcome.figures for outcome in outcomes]), strict=True):
        trades = (outcome.days, _key(outcome.figures))
        found.append(worse or trades in seen)
        seen.add(trades)
    return tuple(found)


def _key(figures: Figures) -> tuple[float, float, float]:
    turnover, rms, worst = (round(figure, _DIGITS) for figure in (figures.turnover, figures.rms, figures.worst))
    return turnover, rms, worst

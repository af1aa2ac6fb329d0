"""Which policy trades less than the portfolio's own one, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.lab.figures import Figures


def cheaper_sentence(figures: Sequence[Figures]) -> str:
    """The policy of least turnover that tracks as well as the first one; else the one of least turnover at all.

    A policy tracks as well when neither its rms nor its worst deviation is larger. Policies that never trade are left
    out. `figures` has the portfolio's own policy first.
    """
    own, *others = figures
    less = [one for one in others if one.rebalances and one.turnover < own.turnover]
    if not less:
        return "No policy trades less than yours."
    as_well = [one for one in less if one.rms <= own.rms and one.worst <= own.worst]
    found = min(as_well or less, key=lambda one: (one.turnover, one.rms))
    text = (
        f"{found.policy.label}: {100 * found.turnover:.1f} % turnover a year instead of {100 * own.turnover:.1f}, "
        f"rms {100 * found.rms:.2f} points instead of {100 * own.rms:.2f}."
    )
    if as_well:
        return f"Costs less than yours and tracks as well: {text}"
    return f"Costs less than yours, but tracks worse: {text}"

"""Which policy trades less than the portfolio's own policy, in a sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rebal_tui.lab.figures import Figures
from rebal_tui.lab.neighbors import Neighborhood

NOTICEABLE = 0.1
"""A turnover that is lower by less than a tenth is not called lower, nor a deviation larger that is so by less."""


@dataclass(frozen=True, slots=True)
class Cheaper:
    """A policy that trades less than the portfolio's own: `number` is its index.

    `as_well` is whether its tracking is about as good as that of the portfolio's own policy, or better.
    """

    number: int
    as_well: bool


def cheaper(figures: Sequence[Figures], around: Sequence[Neighborhood | None] = ()) -> Cheaper | None:
    """The policy of least turnover among those that track about as well as the portfolio's own policy, or better.

    If there is none, the policy of least turnover. `figures` has the portfolio's own policy first. To qualify, a policy
    must rebalance and have at least 10 % less turnover; None when no policy does. Tracking is about as good when rms
    and worst deviation are at most 10 % larger. Policies with a neighbor in `around` whose turnover is not below that
    of the portfolio's own policy are chosen only if no other policy qualifies.
    """
    own, more = figures[0], 1 + NOTICEABLE
    less = [n for n, one in enumerate(figures) if one.rebalances and one.turnover <= (1 - NOTICEABLE) * own.turnover]
    as_well = [n for n in less if figures[n].rms <= more * own.rms and figures[n].worst <= more * own.worst]
    if not less:
        return None
    holding = {n for n, near in enumerate(around) if near is None or near.costs_less(own)}
    number = min(as_well or less, key=lambda n: (n not in holding, figures[n].turnover, figures[n].rms))
    return Cheaper(number, bool(as_well))


def none_cheaper(own: str) -> str:
    """The sentence for the case that no policy is cheaper; `own` names the portfolio's policy, such as `yours`."""
    return f"No policy costs noticeably less than {own}."


def cheaper_figures(figures: Sequence[Figures], found: Cheaper, around: Neighborhood | None = None) -> str:
    """Sentences on the turnover and tracking of the cheaper policy and of the portfolio's own.

    `around` is the cheaper policy's neighborhood, None if it has not been computed.
    """
    own, one = figures[0], figures[found.number]
    text = (
        f"{100 * one.turnover:.1f} % turnover a year, not {100 * own.turnover:.1f}; "
        f"rms {100 * one.rms:.2f} points, not {100 * own.rms:.2f}; "
        f"worst {100 * one.worst:.1f}, not {100 * own.worst:.1f}."
    )
    if around is None:
        return text
    low, high = (f"{100 * bound:.1f}" for bound in (around.low_turnover, around.high_turnover))
    turnover = f"{low} %" if low == high else f"{low} to {high} %"
    holds = "" if around.costs_less(own) else ", so the exact band matters"
    return f"{text} With {around.bands} instead: turnover {turnover}{holds}."


def cheaper_sentence(figures: Sequence[Figures], own: str, around: Sequence[Neighborhood | None] = ()) -> str:
    """The result of `cheaper` in words, also when it is None.

    `own` names the portfolio's policy, such as `yours`. `around` has the neighbors of each policy, if known.
    """
    found = cheaper(figures, around)
    if found is None:
        return none_cheaper(own)
    near = around[found.number] if around else None
    text = f"{figures[found.number].policy.label}: {cheaper_figures(figures, found, near)}"
    if found.as_well:
        return f"Costs less than {own} and tracks about as well or better: {text}"
    return f"Costs less than {own}, but tracks worse: {text}"

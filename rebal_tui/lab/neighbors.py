"""Whether a policy's result is much the same with one band slightly narrower or wider."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from rebal_tui.domain.quantities import Percent
from rebal_tui.lab.backtest import Backtest
from rebal_tui.lab.chains import run_chains
from rebal_tui.lab.fan import variants
from rebal_tui.lab.figures import Figures
from rebal_tui.lab.history import Floats
from rebal_tui.lab.policies import Policy
from rebal_tui.lab.progress import Cancelled

STEP = 100
"""A neighbor has one band that is wider or narrower by one point, or by one percent of the target."""
EDGE = 0.001
"""A return that exceeds all neighbors' returns, or falls below them, by more than 10 bp a year stands on an edge."""


@dataclass(frozen=True, slots=True)
class Neighborhood:
    """The lowest and the highest yearly return and turnover of the neighbors of a policy, as fractions.

    Neighbors are the policies with one band slightly narrower or wider (see `neighbors_of`). `bands` has their bands in
    words, such as `±9 % and ±11 %`.
    """

    bands: str
    low_return: float
    high_return: float
    low_turnover: float
    high_turnover: float

    def costs_less(self, than: Figures) -> bool:
        """Whether every neighbor has a lower turnover than the policy with the figures `than`."""
        return self.high_turnover < than.turnover

    def is_edge(self, figures: Figures) -> bool:
        """Whether the policy with these neighbors stands on an edge: its return differs from those of all neighbors.

        Its return a year is above all of theirs, or below all of them, by more than 0.1 percentage points. `figures`
        are those of the policy.
        """
        own = figures.annual_return
        return own > self.high_return + EDGE or own < self.low_return - EDGE


def neighbors_of(policy: Policy) -> tuple[Policy, ...]:
    """The policies that differ in one band: by one percentage point, or by 1 % of the target if the band is relative.

    Empty for a policy without bands.
    """
    found = []
    for step in (-STEP, STEP):
        if policy.absolute is not None and policy.absolute + step > 0:
            found.append(replace(policy, absolute=Percent(policy.absolute + step)))
        if policy.relative is not None and policy.relative + step > 0:
            found.append(replace(policy, relative=Percent(policy.relative + step)))
    return tuple(found)


def neighborhoods(backtest: Backtest, canceled: Cancelled | None = None) -> tuple[Neighborhood | None, ...]:
    """The neighborhood of every policy of a backtest, None for a policy without bands. Raises `Canceled`."""
    around = [neighbors_of(outcome.policy) for outcome in backtest.outcomes]
    policies = list(dict.fromkeys(policy for found in around for policy in found))
    figures = dict(zip(policies, _figures(backtest, policies, canceled), strict=True))
    return tuple(_neighborhood(found, figures) for found in around)


def _neighborhood(
    neighbors: Sequence[Policy], figures: Mapping[Policy, tuple[float, float]]
) -> Neighborhood | None:  # fmt: skip
    if not neighbors:
        return None
    returns, turnovers = zip(*(figures[policy] for policy in neighbors), strict=True)
    *others, last = [Policy(policy.absolute, policy.relative).label for policy in neighbors]
    bands = f"{', '.join(others)} and {last}" if others else last
    return Neighborhood(bands, min(returns), max(returns), min(turnovers), max(turnovers))


def _figures(
    backtest: Backtest, policies: Sequence[Policy], canceled: Cancelled | None
) -> list[tuple[float, float]]:  # fmt: skip
    """Return a year and turnover a year of each policy."""
    known = {o.policy: (o.figures.annual_return, o.figures.turnover) for o in backtest.outcomes}
    history, weights, years = backtest.history, backtest.weights, backtest.history.years
    cost, delay = backtest.cost_bps, backtest.fill_delay
    renewing = [policy for policy in policies if policy.renews and policy not in known]
    chains = run_chains(
        history, weights, renewing, cost_bps=cost, fill_delay=delay, with_events=False, canceled=canceled
    )  # fmt: skip
    returns = chains.final ** (1 / years) - 1
    turnovers = chains.sold / (chains.equity_sum / history.length) / years
    known |= _by_policy(renewing, returns, turnovers)
    others = [policy for policy in policies if not policy.renews and policy not in known]
    if others:
        fan = variants(
            backtest, others, [p.label for p in others], np.zeros(len(others), dtype=np.int64), None, canceled
        )
        known |= _by_policy(others, fan.annual_return, fan.turnover)
    return [known[policy] for policy in policies]


def _by_policy(policies: Sequence[Policy], returns: Floats, turnovers: Floats) -> dict[Policy, tuple[float, float]]:
    return dict(zip(policies, zip(returns.tolist(), turnovers.tolist(), strict=True), strict=True))

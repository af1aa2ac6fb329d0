"""A backtest of many policies over a price history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from rebal_tui.domain.portfolios import Weights
from rebal_tui.lab.chains import run_events
from rebal_tui.lab.direct import Trades, direct_path, run_direct
from rebal_tui.lab.figures import Figures, figures_of, mix_equity
from rebal_tui.lab.history import History
from rebal_tui.lab.paths import Path, renewal_path
from rebal_tui.lab.policies import Policy
from rebal_tui.lab.progress import Cancelled, Progress
from rebal_tui.lab.renewal import RenewalTable


@dataclass(frozen=True, slots=True)
class Outcome:
    """A policy, its figures, and the days of its rebalances; the first purchase is not among these.

    `purchases` are the days on which excess cash that a rebalance had left was invested (R-14.7).
    """

    figures: Figures
    days: tuple[date, ...]
    purchases: tuple[date, ...] = ()

    @property
    def policy(self) -> Policy:
        return self.figures.policy


@dataclass(frozen=True)
class Backtest:
    """Results of policies over one price history, in the order requested; the first is the portfolio's own policy.

    `cost_bps` is the cost of a trade in basis points of its amount; `fill_delay` is 1 when orders fill at the close one
    session after their decision, 0 when at the same close.
    """

    name: str
    weights: Weights
    history: History
    outcomes: tuple[Outcome, ...]
    cost_bps: float
    fill_delay: int

    @property
    def own(self) -> Outcome:
        return self.outcomes[0]

    @property
    def header(self) -> tuple[str, ...]:
        """Texts that describe the backtest: portfolio, assets, period, kind of prices, when trades fill, any cost."""
        cash = ("cash",) if self.weights.cash else ()
        filled = "decided and filled at the close" if self.fill_delay == 0 else "decided at a close, filled at the next"
        cost = (f"{self.cost_bps:g} bp of what is traded",) if self.cost_bps else ()
        return (
            self.name, " ".join((*self.weights.symbols, *cash)), self.history.span, self.history.basis, filled, *cost
        )  # fmt: skip

    def path(self, outcome: Outcome) -> Path:
        """Equity and weights in every session under one policy; `outcome` is a result of this backtest."""
        index = {day: number for number, day in enumerate(self.history.days)}
        events = np.array(sorted(index[day] for day in (*outcome.days, *outcome.purchases)), dtype=np.int64)
        if outcome.policy.renews:
            return renewal_path(RenewalTable(self.history, self.weights), events, self.cost_bps)
        full = ~np.isin(events, [index[day] for day in outcome.purchases])
        trades = Trades(events, full)
        return direct_path(self.history, self.weights, outcome.policy, trades, self.cost_bps, self.fill_delay)


def run_backtest(
    name: str,
    weights: Weights,
    history: History,
    policies: Sequence[Policy],
    *,
    cost_bps: float = 0.0,
    fill_delay: int = 0,
    progress: Progress | None = None,
    canceled: Cancelled | None = None,
) -> Backtest:
    """Backtest policies; the portfolio's own policy must be the first one.

    `name` is that of the portfolio. The symbols of `history` are those of the weights, in the same order. `cost_bps`
    is the cost of a trade in basis points of its amount. With `fill_delay` 1, orders fill at the close one session
    after their decision; with 0, at the same close. `progress` is called with the number of policies done and their
    total. Raises `Canceled`.
    """
    renewing = [policy for policy in policies if policy.renews]
    others = [policy for policy in policies if not policy.renews]
    sessions = run_events(
        history, weights, renewing, cost_bps=cost_bps, fill_delay=fill_delay,
        progress=_part(progress, 0, len(policies)), canceled=canceled,
    )  # fmt: skip
    direct = run_direct(
        history, weights, others, cost_bps=cost_bps, fill_delay=fill_delay,
        progress=_part(progress, len(renewing), len(policies)), canceled=canceled,
    )  # fmt: skip
    table = RenewalTable(history, weights)
    mix = mix_equity(history.closes, table.targets)
    rebalances, trades = iter(sessions), iter(direct)
    outcomes = []
    for policy in policies:
        if policy.renews:
            path = renewal_path(table, next(rebalances), cost_bps)
        else:
            path = direct_path(history, weights, policy, next(trades), cost_bps, fill_delay)
        days, purchases = (
            tuple(history.days[event] for event in events.tolist())
            for events in (path.rebalances, path.events[~path.full])
        )
        outcomes.append(Outcome(figures_of(history, policy, path, policies[0], mix), days, purchases))
    return Backtest(name, weights, history, tuple(outcomes), cost_bps, fill_delay)


def _part(progress: Progress | None, before: int, total: int) -> Progress | None:
    """The progress of a part of all policies, `before` of which are done when it starts."""
    return None if progress is None else lambda done, _: progress(before + done, total)

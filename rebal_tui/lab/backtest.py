"""A backtest of a grid of policies over a history."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from rebal_tui.domain.portfolios import Weights
from rebal_tui.lab.chains import Cancelled, Progress, run_chains
from rebal_tui.lab.figures import Figures, figures_of, mix_equity
from rebal_tui.lab.history import History
from rebal_tui.lab.paths import Path, renewal_path
from rebal_tui.lab.policies import Policy
from rebal_tui.lab.renewal import RenewalTable


@dataclass(frozen=True, slots=True)
class Outcome:
    """A policy's figures and the days of its rebalances, the first purchase left out."""

    figures: Figures
    days: tuple[date, ...]

    @property
    def policy(self) -> Policy:
        return self.figures.policy


@dataclass(frozen=True)
class Backtest:
    """Outcomes of policies over one history, in the order of the grid; the first is the portfolio's own policy."""

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
        """What was computed: portfolio, period, basis of the prices, when a rebalance is decided and filled."""
        cash = ("cash",) if self.weights.cash else ()
        filled = "decided and filled at the close" if self.fill_delay == 0 else "decided at a close, filled at the next"
        cost = (f"{self.cost_bps:g} bp of what is traded",) if self.cost_bps else ()
        return (
            self.name, " ".join((*self.weights.symbols, *cash)), self.history.span, self.history.basis, filled, *cost
        )  # fmt: skip

    def path(self, outcome: Outcome) -> Path:
        """The path of an outcome of this backtest."""
        index = {day: number for number, day in enumerate(self.history.days)}
        import numpy as np

        events = np.array([index[day] for day in outcome.days], dtype=np.int64)
        return renewal_path(RenewalTable(self.history, self.weights), events, self.cost_bps)


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
    """Backtest policies, the portfolio's own first. `history` has the weights' symbols in their order.

    Raises `Canceled`.
    """
    chains = run_chains(
        history, weights, policies, cost_bps=cost_bps, fill_delay=fill_delay, progress=progress, canceled=canceled
    )
    table = RenewalTable(history, weights)
    mix = mix_equity(history.closes, table.targets)
    outcomes = []
    for policy, events in zip(policies, chains.events or (), strict=True):
        path = renewal_path(table, events, cost_bps)
        days = tuple(history.days[event] for event in events.tolist())
        outcomes.append(Outcome(figures_of(history, policy, path, policies[0], mix), days))
    return Backtest(name, weights, history, tuple(outcomes), cost_bps, fill_delay)

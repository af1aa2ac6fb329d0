"""The content of a portfolio as parsed or edited, without the id and status of a stored one (R-3 to R-5)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from rebal_tui.domain.portfolios import Condition, Destination, MinimumTrade, Portfolio, RebalanceScope, Weights

MAX_COOLDOWN = 36_500
"""Maximum cooldown in days: a century."""


@dataclass(frozen=True, slots=True)
class PortfolioBody:
    """The content of a portfolio, without what only a stored one has, such as its id and status.

    `review` is whether its automatic runs require approval (R-27). `rebalance_to` is where runs of a drift band stop
    and `rebalance_scope` what they trade (R-62, R-63). `minimum_trade` is None if the portfolio sets none (R-64).
    `stagger_sessions` is the number of sessions over which its calendar condition is spread (R-66).
    """

    name: str
    description: str
    weights: Weights
    cooldown_days: int
    conditions: tuple[Condition, ...]
    review: bool = False
    rebalance_to: Destination = Destination.TARGET
    rebalance_scope: RebalanceScope = RebalanceScope.WHOLE
    minimum_trade: MinimumTrade | None = None
    stagger_sessions: int = 1

    @classmethod
    def of(cls, portfolio: Portfolio) -> PortfolioBody:
        """The content of a stored portfolio."""
        return cls(
            portfolio.name, portfolio.description, portfolio.weights, portfolio.cooldown_days, portfolio.conditions,
            portfolio.review, portfolio.rebalance_to, portfolio.rebalance_scope, portfolio.minimum_trade,
            portfolio.stagger_sessions,
        )  # fmt: skip

    def over(self, portfolio: Portfolio, at: datetime) -> Portfolio:
        """The given portfolio with this content; its `changed_at` becomes `at` if weights or conditions differ."""
        return replace(
            portfolio.revised(self.weights, self.conditions, self.cooldown_days, at),
            name=self.name,
            description=self.description,
            review=self.review,
            rebalance_to=self.rebalance_to,
            rebalance_scope=self.rebalance_scope,
            minimum_trade=self.minimum_trade,
            stagger_sessions=self.stagger_sessions,
        )

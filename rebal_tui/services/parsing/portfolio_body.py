"""A portfolio as parsed or edited, before it has an id (R-3 to R-5)."""

from __future__ import annotations

from dataclasses import dataclass

from rebal_tui.domain.portfolios import Condition, Destination, MinimumTrade, RebalanceScope, Weights

MAX_COOLDOWN = 36_500
"""Maximum cooldown in days: a century."""


@dataclass(frozen=True, slots=True)
class PortfolioBody:
    """The content of a portfolio: the API's create body, and whether its system runs require review (R-27).

    `rebalance_to` and `rebalance_scope` set where runs of a drift band stop (R-62, R-63).
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

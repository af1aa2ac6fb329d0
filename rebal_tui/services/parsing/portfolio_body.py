"""A portfolio as parsed or edited, before it has an id (R-3 to R-5)."""

from __future__ import annotations

from dataclasses import dataclass

from rebal_tui.domain.portfolios import Condition, Weights

MAX_COOLDOWN = 36_500
"""Maximum cooldown in days: a century."""


@dataclass(frozen=True, slots=True)
class PortfolioBody:
    """The content of a portfolio: the API's create body, and whether its system runs require review (R-27)."""

    name: str
    description: str
    weights: Weights
    cooldown_days: int
    conditions: tuple[Condition, ...]
    review: bool = False

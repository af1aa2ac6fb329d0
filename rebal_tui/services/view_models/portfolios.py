"""Portfolio rows, details and drafts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from rebal_tui.domain.portfolios import Condition, Portfolio, Weights
from rebal_tui.domain.quantities import Money, Value
from rebal_tui.services.view_models.accounts import AccountRow


@dataclass(frozen=True, slots=True)
class PortfolioRow:
    """A portfolio in the list."""

    id: str
    name: str
    description: str
    status: str
    weights: Weights
    conditions: tuple[Condition, ...]
    conditions_text: str
    cooldown_days: int
    subscribers: int
    assets_under_model: Value
    review: bool


MAX_AFFECTED = 100
"""How many accounts an impact names."""


@dataclass(frozen=True, slots=True)
class Affected:
    """A subscriber that a change would trade for, or would if `note` did not stop it: the cooldown, a missing price."""

    account_id: str
    client: str
    account_number: str
    orders: int
    turnover: Money
    note: str


@dataclass(frozen=True, slots=True)
class Impact:
    """What saving a portfolio change would do to its subscribers if they were evaluated now.

    `outside_before` and `outside_after` count accounts outside a band. `orders` and `turnover` are those of the full
    rebalances that would follow: of the accounts outside, or of all with the condition on an update. `cooling` counts
    accounts that wait for their cooldown, `unable` those that cannot be valued. `affected` names them all, the largest
    turnover first, at most `MAX_AFFECTED`.
    """

    subscribers: int
    outside_before: int
    outside_after: int
    orders: int
    turnover: Money
    cooling: int
    unable: int
    affected: tuple[Affected, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class PortfolioView:
    """A portfolio in full. `next_dates` are the next sessions on which its calendar condition fires; `culprits` its
    ineligible assets, each with the reason; `subscribers` has accounts with exceptions first."""

    row: PortfolioRow
    next_dates: tuple[date, ...]
    culprits: tuple[str, ...]
    subscribers: Sequence[AccountRow]
    api_json: str


@dataclass(frozen=True, slots=True)
class AssetChoice:
    """An asset that weights can use. `ineligible` is why a portfolio must not hold it, empty when it may."""

    symbol: str
    name: str
    ineligible: str


@dataclass(frozen=True, slots=True)
class PortfolioDraft:
    """Initial data of a portfolio editor: the portfolio, None for a new one, its number of subscribers, and every asset
    by symbol."""

    portfolio: Portfolio | None
    subscribers: int
    assets: tuple[AssetChoice, ...]

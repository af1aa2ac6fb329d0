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
    """A portfolio in the list. `book_reviews`: the book requires review of every run, whatever `review` says.

    `barred` are the symbols that it may not hold, because they are not tradable or not active.
    """

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
    book_reviews: bool = False
    barred: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AffectedAccount:
    """What a change of its portfolio would do to an account if it were evaluated now.

    `outside_before` and `outside_after`: whether it is outside a band. `orders` and `turnover` are those of the full
    rebalance that would follow, 0 for an account that waits or is blocked. `cooldown_until` is the first session after
    its cooldown, None when it does not wait. `blocked` is why no run of the account may start now, `unable` why it
    cannot be planned; empty when it can.
    """

    account_id: str
    client: str
    outside_before: bool
    outside_after: bool
    orders: int
    turnover: Money
    cooldown_until: date | None
    blocked: str
    unable: str


@dataclass(frozen=True, slots=True)
class Impact:
    """What saving a portfolio change would do to its subscribers if they were evaluated now.

    `outside_before` and `outside_after` count accounts outside a band. `orders` and `turnover` are those of the full
    rebalances that would follow: of the accounts outside, or of all with the condition on an update; `turnover` is the
    total of the accounts' amounts, each cut to the cent. Of those accounts, `blocked` counts the ones whose runs
    are blocked, `cooling` the others that wait for their cooldown, `unable` those that cannot be valued. `affected` has
    each account that is outside a band before or after, trades, waits or cannot be planned; the largest turnover is
    first.
    """

    subscribers: int
    outside_before: int
    outside_after: int
    orders: int
    turnover: Money
    cooling: int
    unable: int
    blocked: int = 0
    affected: Sequence[AffectedAccount] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PortfolioView:
    """A portfolio in full.

    `next_dates` are the next sessions on which its calendar condition fires; `culprits` its ineligible assets, each
    with the reason; `subscribers` has accounts with exceptions first.
    """

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
    """Initial data of a portfolio editor.

    The portfolio, None for a new one, its number of subscribers, and every asset, sorted by symbol.
    """

    portfolio: Portfolio | None
    subscribers: int
    assets: tuple[AssetChoice, ...]

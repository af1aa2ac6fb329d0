"""Portfolio rows, details and drafts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from rebal_tui.domain.portfolios import Condition, Portfolio, Weights
from rebal_tui.domain.quantities import Money, Value
from rebal_tui.services.view_models.accounts import AccountRow
from rebal_tui.services.view_models.portfolio_versions import Difference


@dataclass(frozen=True, slots=True)
class PortfolioRow:
    """A portfolio in the list. `assets_under_model` is the equity of its subscribers.

    `book_reviews` is whether the book requires review of every automatic run, even without `review`. `barred` are the
    symbols that the portfolio may not hold, because they are not tradable or not active.
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

    `outside_before` and `outside_after`: whether the account is outside a band. `orders` and `turnover` are those of
    the full rebalance that would follow, 0 for an account that is in its cooldown or blocked. `cooldown_until` is the
    day of the first evaluation after its cooldown, None when it is not in its cooldown. `blocked` is why no run of the
    account may start now, `unable` why no run can be planned; each is empty when one can. `calendar_day` is the session
    of its next calendar rebalance, for an account that neither trades at the next evaluation nor is in its cooldown or
    blocked. `banded_before` and `banded_after`: whether it has a drift band; without one it is never outside.
    `has_run`: whether it has an unfinished run, before whose end no other one can be created.
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
    calendar_day: date | None = None
    banded_before: bool = True
    banded_after: bool = True
    has_run: bool = False


@dataclass(frozen=True, slots=True)
class Impact:
    """What saving a portfolio change would do to its subscribers if they were evaluated now.

    `outside_before` and `outside_after` count accounts outside a band. A full rebalance follows for the accounts that
    are outside afterward, or for all subscribers if the change fires the condition *on update*. `orders` and `turnover`
    are the totals of these rebalances, of which `with_run` are of accounts that have an unfinished run already; each
    order is rounded to the nearest cent. `trading` counts the accounts with at least one order. Accounts for which a
    full rebalance is due but cannot start are counted by reason: `blocked`, `cooling` (in their cooldown, not blocked),
    and `unable` (no run can be planned). `on_calendar_day` counts the accounts that do not trade at the next evaluation
    but on a calendar day, the earliest of which is `next_calendar_day`. `banded_before` and `banded_after`: whether any
    account has a drift band. `conditioned`: whether any account has a rebalance condition afterward. `changes` are the
    fields that get another value. `affected` lists the accounts that are outside a band before or after, trade, are in
    their cooldown, are blocked, cannot be planned, or have no band either way, the largest turnover first; then those
    that trade on a calendar day.
    """

    subscribers: int
    outside_before: int
    outside_after: int
    orders: int
    turnover: Money
    cooling: int
    unable: int
    blocked: int = 0
    on_calendar_day: int = 0
    next_calendar_day: date | None = None
    banded_before: bool = True
    banded_after: bool = True
    conditioned: bool = True
    with_run: int = 0
    trading: int = 0
    changes: tuple[Difference, ...] = field(default=(), compare=False)
    affected: Sequence[AffectedAccount] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class PortfolioView:
    """A portfolio in full.

    `next_dates` are the next sessions on which its calendar condition fires. `culprits` are texts about what must be
    corrected: an invalid field, and each asset that is not eligible with the reason. `eligible_again` are the assets
    that made it need adjustment, if it still does although there are no `culprits` any more. `subscribers` has accounts
    with exceptions first.
    """

    row: PortfolioRow
    next_dates: tuple[date, ...]
    culprits: tuple[str, ...]
    eligible_again: tuple[str, ...]
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

    The portfolio, None for a new one, its number of subscribers, and every asset, sorted by symbol. `book_reviews` is
    whether the book requires review of every automatic run.
    """

    portfolio: Portfolio | None
    subscribers: int
    assets: tuple[AssetChoice, ...]
    book_reviews: bool

"""Settings of what may be traded and where a rebalance stops (R-60 to R-67)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum

from rebal_tui.domain.portfolios import Condition, Destination, DriftBand, MinimumTrade, Portfolio, RebalanceScope
from rebal_tui.domain.quantities import HUNDRED_PERCENT, Money, Percent


class RestrictionScope(StrEnum):
    BOOK = "book"
    PORTFOLIO = "portfolio"
    ACCOUNT = "account"


class RestrictionKind(StrEnum):
    """What a restriction does. `HOLD`, `BUY_ONLY` and `SELL_ONLY` concern whole accounts, the others one asset."""

    NO_BUY = "no_buy"
    NO_SELL = "no_sell"
    LOCK = "lock"
    RANGE = "range"
    UNMANAGED = "unmanaged"
    HOLD = "hold"
    BUY_ONLY = "buy_only"
    SELL_ONLY = "sell_only"

    @property
    def of_account(self) -> bool:
        """Whether a restriction of this kind concerns whole accounts, not one asset."""
        return self in (RestrictionKind.HOLD, RestrictionKind.BUY_ONLY, RestrictionKind.SELL_ONLY)

    @property
    def words(self) -> str:
        """The kind as a person reads it, such as `no sell`."""
        return self.value.replace("_", " ")


class RangeUnit(StrEnum):
    PERCENT = "percent"
    DOLLARS = "dollars"
    SHARES = "shares"


@dataclass(frozen=True, slots=True)
class TradeRestriction:
    """A limit that an advisor sets on what may be traded, with its reason (R-60).

    `account_id` is set for a restriction of one account, `portfolio_id` for one of a portfolio's accounts, neither for
    one of all accounts. `symbol` is None for a kind that concerns whole accounts. `minimum` and `maximum` are for a
    range: hundredths of a percent, or billionths of a dollar or share, by `unit`. `until` is the last day on which the
    restriction applies, None without an end.
    """

    id: str
    scope: RestrictionScope
    kind: RestrictionKind
    reason: str
    symbol: str | None = None
    account_id: str | None = None
    portfolio_id: str | None = None
    minimum: int | None = None
    maximum: int | None = None
    unit: RangeUnit | None = None
    until: date | None = None
    made_by: str = ""
    made_at: datetime | None = None

    def holds_on(self, day: date) -> bool:
        """Whether the restriction still applies on `day`."""
        return self.until is None or day <= self.until

    @property
    def text(self) -> str:
        """The restriction without its asset, such as `no sell (low basis), until 2027-01-31`."""
        return f"{self.kind.words} ({self.reason})" + (f", until {self.until}" if self.until else "")

    @property
    def named(self) -> str:
        """The restriction with its asset, without its end, such as `no sell SPY (low basis)`."""
        kind = self.kind.words
        return f"{kind} {self.symbol} ({self.reason})" if self.symbol else f"{kind} ({self.reason})"


@dataclass(frozen=True, slots=True)
class RestrictionDraft:
    """A restriction that is to be added; its fields mean the same as those of `TradeRestriction`."""

    kind: RestrictionKind
    reason: str
    symbol: str | None = None
    minimum: int | None = None
    maximum: int | None = None
    unit: RangeUnit | None = None
    until: date | None = None


@dataclass(frozen=True, slots=True)
class Concerned:
    """The accounts that a restriction applies to: `account_ids`, or those of one portfolio; all if neither is set."""

    account_ids: tuple[str, ...] = ()
    portfolio_id: str | None = None

    @property
    def scope(self) -> RestrictionScope:
        if self.account_ids:
            return RestrictionScope.ACCOUNT
        return RestrictionScope.BOOK if self.portfolio_id is None else RestrictionScope.PORTFOLIO


@dataclass(frozen=True, slots=True)
class Overrides:
    """Settings of one subscription that replace those of its portfolio (R-67); None keeps the portfolio's setting."""

    cooldown_days: int | None = None
    conditions: tuple[Condition, ...] | None = None
    minimum_trade: MinimumTrade | None = None
    review: bool | None = None

    def applied(self, portfolio: Portfolio) -> Portfolio:
        """A copy of the portfolio with these overrides of its cooldown, conditions and review."""
        return replace(
            portfolio,
            cooldown_days=portfolio.cooldown_days if self.cooldown_days is None else self.cooldown_days,
            conditions=portfolio.conditions if self.conditions is None else self.conditions,
            review=portfolio.review if self.review is None else self.review,
        )


@dataclass(frozen=True, slots=True)
class RunOverride:
    """The ids of the restrictions that one run ignores, and a note that gives the reason (R-61)."""

    restriction_ids: tuple[str, ...]
    note: str
    made_by: str = ""


@dataclass(frozen=True, slots=True)
class AccountSettings:
    """Settings of one account: whether its orders are in whole shares (R-65), and its minimum trade (R-64)."""

    whole_shares: bool = False
    minimum_trade: MinimumTrade | None = None


@dataclass(frozen=True, slots=True)
class Stagger:
    """The turn of one account when the runs of a calendar condition are spread over several sessions (R-66).

    `sessions` is the number of sessions over which the runs are spread. The account trades `offset` sessions after the
    condition fires. So today the condition is checked for `day`, the session `offset` sessions ago; `next_day` is the
    session after that one.
    """

    offset: int
    sessions: int
    day: date
    next_day: date


@dataclass(frozen=True, slots=True)
class TradingRules:
    """The settings of R-60 to R-67 that apply to one account today.

    Each comes from the first, in this order, of subscription, account, portfolio and book that sets it.
    `minimum_source` names the one that sets the minimum trade. `bands` are the portfolio's drift bands when one of them
    made the run, else empty. With `live` (a real broker), an account can afford a share only with cash for its price
    plus 0.25 % (R-65). `proceeds_buffer` is the part of expected proceeds that the buys of one trade list do not spend
    (R-73). `overridden` are the restrictions that one run ignores, `override_note` gives the reason (R-61).
    """

    restrictions: tuple[TradeRestriction, ...] = ()
    destination: Destination = Destination.TARGET
    scope: RebalanceScope = RebalanceScope.WHOLE
    minimum_trade: MinimumTrade | None = None
    minimum_source: str = ""
    whole_shares: bool = False
    live: bool = False
    overrides: Overrides | None = None
    bands: tuple[DriftBand, ...] = ()
    stagger: Stagger | None = None
    proceeds_buffer: Percent = Percent(0)
    overridden: tuple[TradeRestriction, ...] = ()
    override_note: str = ""

    def expected(self, proceeds: Money) -> Money:
        """The part of the expected `proceeds` of sells that buys may spend, rounded down to a billionth of a dollar."""
        return Money(proceeds * (HUNDRED_PERCENT - self.proceeds_buffer) // HUNDRED_PERCENT)

    @property
    def unmanaged(self) -> frozenset[str]:
        """The symbols of the unmanaged assets: they are left out of managed equity and not traded."""
        return frozenset(r.symbol for r in self.restrictions if r.kind is RestrictionKind.UNMANAGED and r.symbol)

    @property
    def holds(self) -> tuple[TradeRestriction, ...]:
        """The restrictions that stop every run of the account."""
        return tuple(r for r in self.restrictions if r.kind is RestrictionKind.HOLD)

    @property
    def stops_early(self) -> bool:
        """Whether a drift-band run does less than bring every asset to its target.

        It may stop halfway or at the edge of the band, or trade only the assets that are outside (R-62, R-63).
        """
        return self.destination is not Destination.TARGET or self.scope is not RebalanceScope.WHOLE

    def to_target(self) -> TradingRules:
        """The rules for a run that no drift band made: it trades every line, to its target (R-62, R-63)."""
        if not self.stops_early:
            return self
        return replace(self, destination=Destination.TARGET, scope=RebalanceScope.WHOLE)

    def overriding(self, override: RunOverride | None) -> TradingRules:
        """The rules of a run that ignores the restrictions in `override`; the other restrictions still apply."""
        ignored = () if override is None else override.restriction_ids
        overridden = tuple(one for one in self.restrictions if one.id in ignored)
        if override is None or not overridden:
            return self
        left = tuple(one for one in self.restrictions if one.id not in ignored)
        return replace(self, restrictions=left, overridden=overridden, override_note=override.note)

    def of_run(self, bands: tuple[DriftBand, ...]) -> TradingRules:
        """The rules of one run. `bands` are the portfolio's drift bands if one of them made the run, else empty.

        Without bands the run trades every line, to its target.
        """
        return replace(self, bands=bands) if bands and self.stops_early else self.to_target()


NO_RULES = TradingRules()


def range_fault(restriction: TradeRestriction) -> str:
    """What is wrong with a restriction's minimum, maximum and unit, as text; empty when nothing is."""
    if restriction.kind is not RestrictionKind.RANGE:
        given = (restriction.minimum, restriction.maximum, restriction.unit) != (None, None, None)
        return "only a range has min, max and unit" if given else ""
    low, high = restriction.minimum, restriction.maximum
    if restriction.unit is None or (low is None and high is None):
        return "a range needs a unit, and min or max"
    if (low or 0) < 0 or (high or 0) < 0:
        return "min and max are 0 or more"
    if low is not None and high is not None and low > high:
        return "min is above max"
    if restriction.unit is RangeUnit.PERCENT and max(low or 0, high or 0) > Percent(10_000):
        return "min and max are at most 100 %"
    return ""

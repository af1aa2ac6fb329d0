"""The inputs of an evaluation, and the figures derived from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from functools import cached_property

from rebal_tui.domain.accounts import Account
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.portfolios import Portfolio, Subscription, Unfinished
from rebal_tui.domain.quantities import ATTO, HUNDRED_PERCENT, NANO, Money, Percent, Price, Qty, Value
from rebal_tui.domain.sessions import Session, new_york_day
from rebal_tui.domain.trading_rules import NO_RULES, TradingRules
from rebal_tui.engine.bounds import RestrictionsConflict
from rebal_tui.engine.calendar import QUARTER_ENDS, fires_on
from rebal_tui.engine.drift import Valuation, value_account
from rebal_tui.engine.goals import Goals
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.planning import goals_cash, plan_goals

MIN_INVEST_VALUE = Value(10 * ATTO)
"""Minimum excess cash for invest_cash, $10; exactly $10 suffices (R-14.7)."""
PRICE_MAX_AGE = timedelta(seconds=60)
PRICE_MAX_AHEAD = timedelta(seconds=30)
"""How far ahead of now a price may be where its age counts; above it, a clock or the price is wrong (R-12.5)."""


@dataclass(frozen=True)
class Situation:
    """All inputs of the evaluation of one subscription.

    `session` is today's session, None when today has none or is unknown to the calendar; `closed_reason` is why.
    `open_run` is the id of a run of the account that is not final, `open_run_awaits` whether that run awaits approval,
    `quota_run` the id of its automatic run of this session (R-11), `external_orders` the number of open orders placed
    outside rebal-tui. `unreconciled` is why the account is paused because the broker's figures differ from the book,
    empty when it is not paused. `cash_floor` is the cash target of the last finished run under the same cash weight, 0
    without one. With `price_max_age` None, a price of any age is fresh. `unfinished` are the undone sells of the last
    full_rebalance, None without any. `update_due` and `proposed_again` are the results of the functions of the same
    names. `rules` are the account's trading rules: what may be traded, and where a rebalance stops (R-60 to R-65).
    """

    now: datetime
    session: Session | None
    closed_reason: str
    account: Account
    portfolio: Portfolio
    subscription: Subscription
    assets: Mapping[str, Asset]
    reserved: Money = Money(0)
    cash_floor: Money = Money(0)
    open_run: str | None = None
    open_run_awaits: bool = False
    external_orders: int = 0
    unreconciled: str = ""
    quota_run: str | None = None
    price_max_age: timedelta | None = PRICE_MAX_AGE
    quarterly_months: frozenset[int] = QUARTER_ENDS
    ignore_window: bool = False
    unfinished: Unfinished | None = None
    update_due: bool = False
    proposed_again: bool = False
    rules: TradingRules = NO_RULES

    @cached_property
    def positions(self) -> dict[str, Qty]:
        """The shares of each managed holding, by symbol."""
        unmanaged = self.rules.unmanaged
        return {
            position.symbol: position.qty for position in self.account.positions if position.symbol not in unmanaged
        }

    @cached_property
    def needed_symbols(self) -> tuple[str, ...]:
        """The symbols of the assets whose prices are needed: those of the portfolio, then other managed holdings."""
        weights = self.portfolio.weights
        named = (*weights.symbols, *(p.symbol for p in self.account.positions if p.symbol not in weights))
        unmanaged = self.rules.unmanaged
        return tuple(symbol for symbol in named if symbol not in unmanaged) if unmanaged else named

    @cached_property
    def prices(self) -> dict[str, Price]:
        found = ((symbol, self.assets.get(symbol)) for symbol in self.needed_symbols)
        return {symbol: asset.price for symbol, asset in found if asset is not None and asset.price is not None}

    @cached_property
    def valuation(self) -> Valuation:
        """The account's value less reservations; its equity is managed equity (R-2)."""
        return value_account(self.cash, self.positions, self.prices)

    @property
    def cash(self) -> Money:
        """The account's cash less reservations."""
        return Money(self.account.cash - self.reserved)

    def holdings(self) -> Holdings:
        positions = {position.symbol: position.qty for position in self.account.positions}
        return Holdings(self.cash, positions, self.assets, self.rules)

    @cached_property
    def goals(self) -> Goals | None:
        """The goals under the account's restrictions; None without any. Raises `RestrictionsConflict`."""
        return plan_goals(self.holdings(), self.portfolio.weights, self.valuation.equity)

    @property
    def reachable_values(self) -> Mapping[str, Fraction] | None:
        """The reachable target of each asset by symbol, as a value.

        None without restrictions, and when restrictions exclude each other.
        """
        try:
            return None if self.goals is None else self.goals.target.values
        except RestrictionsConflict:
            return None

    @cached_property
    def booked_valuation(self) -> Valuation | None:
        """The value of the whole account with reservations and unmanaged holdings; None when a price is missing."""
        held = {position.symbol: position.qty for position in self.account.positions}
        assets = ((symbol, self.assets.get(symbol)) for symbol in held)
        prices = {symbol: asset.price for symbol, asset in assets if asset is not None and asset.price is not None}
        return value_account(self.account.cash, held, prices) if len(prices) == len(held) else None


def ineligible(situation: Situation) -> tuple[str, ...]:
    """Symbols of portfolio assets that are unknown or not eligible (R-12.6)."""
    return tuple(
        symbol
        for symbol in situation.portfolio.weights.symbols
        if (asset := situation.assets.get(symbol)) is None or not asset.eligible
    )


def price_faults(situation: Situation) -> list[str]:
    """Display texts about needed prices that are missing, older than allowed, or over 30 s newer than now (R-12.5)."""
    faults = []
    for symbol in situation.needed_symbols:
        asset = situation.assets.get(symbol)
        if asset is None or asset.price is None:
            faults.append(f"{symbol} has no price")
        elif situation.price_max_age is not None:
            age = situation.now - asset.price_at if asset.price_at else None
            if age is None or age > situation.price_max_age:
                seconds = "of unknown age" if age is None else f"{int(age.total_seconds())} s old"
                limit = int(situation.price_max_age.total_seconds())
                faults.append(f"the price of {symbol} is {seconds} (limit {limit} s)")
            elif -age > PRICE_MAX_AHEAD:
                limit = int(PRICE_MAX_AHEAD.total_seconds())
                seconds = f"{int(-age.total_seconds())} s newer than this computer's clock"
                faults.append(f"the price of {symbol} is {seconds} (limit {limit} s)")
    return faults


def usable_price_times(now: datetime, max_age: timedelta) -> tuple[datetime, datetime]:
    """The oldest and the newest time of a price that may be used at `now` (R-12.5)."""
    return now - max_age, now + PRICE_MAX_AHEAD


def cash_target_of(situation: Situation) -> Money:
    """The larger of cash weight × equity, rounded up to a billionth of a dollar, and `cash_floor` (R-14.7).

    `cash_floor` is the cash target of the account's last finished run under the same cash weight. With restrictions,
    the reachable cash replaces cash weight × equity (R-61).
    """
    if situation.goals is not None:
        return Money(max(goals_cash(situation.goals), situation.cash_floor))
    return compute_cash_target(situation.valuation.equity, situation.portfolio.weights.cash, situation.cash_floor)


def compute_cash_target(equity: Value, cash_weight: Percent, cash_floor: Money) -> Money:
    """The larger of cash weight × equity, rounded up to a billionth of a dollar, and `cash_floor` (R-14.7)."""
    return Money(max(-(-max(0, equity) * cash_weight // (HUNDRED_PERCENT * NANO)), cash_floor))


def excess_cash(situation: Situation) -> Value:
    """Cash less reservations and the cash target; negative when cash is short (R-14.7).

    The cash target is that of `cash_target_of`. The result is in the units of a `Value`, rounded down.
    """
    if situation.goals is not None:
        kept = max(situation.goals.target.cash, Fraction(situation.cash_floor * NANO))
        return Value(int((situation.cash * NANO - kept) // 1))
    equity = situation.valuation.equity
    return compute_excess_cash(situation.cash, situation.cash_floor, situation.portfolio.weights.cash, equity)


def compute_excess_cash(free: Money, cash_floor: Money, cash_weight: Percent, equity: Value) -> Value:
    """The excess cash of `free`, which is cash less reservations, in the units of a `Value` (R-14.7).

    It is `free` less the larger of cash weight × equity and `cash_floor`, the cash target of the last finished run
    under the same cash weight.
    """
    cash_target = max(max(0, equity) * cash_weight, cash_floor * NANO * HUNDRED_PERCENT)
    return Value((free * NANO * HUNDRED_PERCENT - cash_target) // HUNDRED_PERCENT)


def equity_suffices(equity: Value, assets: int) -> bool:
    """Whether equity is at least $1 for each of `assets` assets, as a full rebalance requires (R-14)."""
    return equity >= assets * ATTO


def calendar_day(situation: Situation) -> bool:
    """Whether the portfolio's calendar condition fires today (R-16)."""
    condition, session = situation.portfolio.calendar, situation.session
    if condition is None or session is None or session.next_day is None:
        return False
    return fires_on(condition, session.day, session.next_day, situation.quarterly_months) is not None


def update_due(portfolio: Portfolio, subscription: Subscription, now: datetime) -> bool:
    """Whether a subscription is to be rebalanced because weights or conditions of its portfolio changed (R-14.6).

    The rebalance stays due until one of three events: the end of a full_rebalance that counts as done (R-25); the end
    of a day on which the account was found on target; or nobody approved the run, nor the run that was proposed once
    more (R-27).
    """
    last = subscription.last_rebalanced_at
    if not portfolio.on_update or portfolio.changed_at <= max(subscription.created_at, last or subscription.created_at):
        return False
    spent = subscription.update_spent_at
    if spent is None or spent < portfolio.changed_at:
        return True
    return max(new_york_day(spent), _repeated_on(subscription) or date.min) >= new_york_day(now)


def proposed_again(subscription: Subscription, now: datetime) -> bool:
    """Whether a run that nobody approved in the previous session is proposed once more in today's session (R-27).

    False if the account has been rebalanced today.
    """
    return _repeated_on(subscription) == new_york_day(now)


def _repeated_on(subscription: Subscription) -> date | None:
    last, day = subscription.last_rebalanced_at, subscription.propose_on
    return day if day is not None and (last is None or new_york_day(last) < day) else None

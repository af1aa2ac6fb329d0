"""The exact form for one account of a frame, used when its float figures are too near a threshold."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from rebal_tui.domain.portfolios import Portfolio
from rebal_tui.domain.quantities import NANO, Money, Value
from rebal_tui.engine.arrays.exact_triggers import assets_of_frame
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.bounds import RestrictionsConflict
from rebal_tui.engine.drift import (
    AssetDrift,
    BandUsage,
    Valuation,
    asset_drifts,
    largest_drift,
    largest_usage,
    value_account,
)
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.planning import plan_goals
from rebal_tui.engine.restrictions import exceeds_position_ratio
from rebal_tui.engine.situation import MIN_INVEST_VALUE, compute_excess_cash, equity_suffices


@dataclass(frozen=True, slots=True)
class ExactAccount:
    """Exact figures of a subscribed account. `valuation` is without reserved cash; `booked` includes it.

    `excess` is the account's excess cash in the units of a `Value`; `usage` is its largest band usage, None when no
    band applies.
    """

    portfolio: Portfolio
    valuation: Valuation
    booked: Valuation
    drifts: tuple[AssetDrift, ...]
    usage: BandUsage | None
    excess: int

    @property
    def exceeds_ratio(self) -> bool:
        return exceeds_position_ratio(self.booked)

    @property
    def breached(self) -> bool:
        return self.usage is not None and self.usage.breached

    @property
    def meets_minimum_equity(self) -> bool:
        return equity_suffices(self.valuation.equity, len(self.portfolio.weights.assets))

    @property
    def has_investable_cash(self) -> bool:
        return self.excess >= MIN_INVEST_VALUE

    @property
    def worst(self) -> AssetDrift | None:
        """The drift with the largest band usage; the largest drift if no band applies. None for equity of 0 or less."""
        return self.usage.drift if self.usage else largest_drift(self.drifts)


def exact_account(frame: BookFrame, row: int) -> ExactAccount:
    """The exact figures of the account at `row`, which must be subscribed."""
    accounts = frame.accounts
    portfolio = frame.followed(row)
    if row in accounts.rules:
        return _with_rules(frame, row, portfolio)
    held, cash = frame.priced_holdings(row), Money(int(accounts.cash[row]))
    free = Money(cash - int(accounts.reserved[row]))
    valuation = value_account(free, *held)
    drifts = asset_drifts(valuation, portfolio.weights)
    floor = Money(int(accounts.cash_floor[row]))
    excess = compute_excess_cash(free, floor, portfolio.weights.cash, valuation.equity)
    return ExactAccount(
        portfolio, valuation, value_account(cash, *held), drifts, largest_usage(drifts, portfolio.bands), excess
    )


def _with_rules(frame: BookFrame, row: int, portfolio: Portfolio) -> ExactAccount:
    """The figures of an account with trading rules, without unmanaged holdings (R-60).

    Drifts are measured from the reachable target (R-61), or from the weights if the account's restrictions exclude each
    other.
    """
    accounts, rules = frame.accounts, frame.rules_of(row)
    (held, prices), cash = frame.priced_holdings(row), Money(int(accounts.cash[row]))
    free = Money(cash - int(accounts.reserved[row]))
    managed = {symbol: qty for symbol, qty in held.items() if symbol not in rules.unmanaged}
    valuation = value_account(free, managed, prices)
    start = Holdings(free, held, assets_of_frame(frame, {*held, *portfolio.weights.symbols}), rules)
    try:
        goals = plan_goals(start, portfolio.weights, valuation.equity)
    except RestrictionsConflict:
        goals = None
    drifts = asset_drifts(valuation, portfolio.weights, None if goals is None else goals.target.values)
    floor = Money(int(accounts.cash_floor[row]))
    excess = compute_excess_cash(free, floor, portfolio.weights.cash, valuation.equity)
    if goals is not None:
        excess = Value(int((free * NANO - max(goals.target.cash, Fraction(floor * NANO))) // 1))
    usage = largest_usage(drifts, portfolio.bands)
    return ExactAccount(portfolio, valuation, value_account(cash, held, prices), drifts, usage, excess)

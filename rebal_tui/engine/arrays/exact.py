"""One account of a frame, judged by the exact form: what the screens ask when a float is too near a threshold."""

from __future__ import annotations

from dataclasses import dataclass

from rebal_tui.domain.portfolios import Portfolio
from rebal_tui.domain.quantities import Money
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.drift import (
    AssetDrift,
    BandUsage,
    Valuation,
    asset_drifts,
    largest_drift,
    largest_usage,
    value_account,
)
from rebal_tui.engine.evaluation import MIN_INVEST_VALUE, compute_excess_cash, equity_suffices
from rebal_tui.engine.restrictions import exceeds_position_ratio


@dataclass(frozen=True, slots=True)
class ExactAccount:
    """A subscribed account's exact figures."""

    portfolio: Portfolio
    valuation: Valuation
    drifts: tuple[AssetDrift, ...]
    usage: BandUsage | None
    excess: int

    @property
    def exceeds_ratio(self) -> bool:
        return exceeds_position_ratio(self.valuation)

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
        """The asset whose drift the screens show."""
        return self.usage.drift if self.usage else largest_drift(self.drifts)


def exact_account(frame: BookFrame, row: int) -> ExactAccount:
    """The exact figures of a subscribed account."""
    accounts = frame.accounts
    portfolio = frame.portfolios[accounts.portfolio[row]]
    valuation = value_account(Money(int(accounts.cash[row])), *frame.priced_holdings(row))
    drifts = asset_drifts(valuation, portfolio.weights)
    free = Money(int(accounts.cash[row]) - int(accounts.reserved[row]))
    floor = Money(int(accounts.cash_floor[row]))
    excess = compute_excess_cash(free, floor, portfolio.weights.cash, valuation.equity)
    return ExactAccount(portfolio, valuation, drifts, largest_usage(drifts, portfolio.bands), excess)

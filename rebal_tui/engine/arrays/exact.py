"""One account of a frame, judged by the exact form: what the screens ask when a float is too near a threshold."""

from __future__ import annotations

from dataclasses import dataclass

from rebal_tui.domain.portfolios import Portfolio
from rebal_tui.domain.quantities import Money
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.drift import (
    AssetDrift,
    BandUse,
    Valuation,
    asset_drifts,
    largest_drift,
    value_account,
    widest_use,
)
from rebal_tui.engine.evaluation import MIN_INVEST, equity_suffices, excess_over
from rebal_tui.engine.restrictions import exceeds_position_ratio


@dataclass(frozen=True, slots=True)
class ExactAccount:
    """A subscribed account's exact figures."""

    portfolio: Portfolio
    valuation: Valuation
    drifts: tuple[AssetDrift, ...]
    use: BandUse | None
    excess: int

    @property
    def exceeds_ratio(self) -> bool:
        return exceeds_position_ratio(self.valuation)

    @property
    def breached(self) -> bool:
        return self.use is not None and self.use.breached

    @property
    def suffices(self) -> bool:
        return equity_suffices(self.valuation.equity, len(self.portfolio.weights.assets))

    @property
    def invests(self) -> bool:
        return self.excess >= MIN_INVEST

    @property
    def worst(self) -> AssetDrift | None:
        """The asset whose drift the screens show."""
        return self.use.drift if self.use else largest_drift(self.drifts)


def exact_account(frame: BookFrame, row: int) -> ExactAccount:
    """The exact figures of a subscribed account."""
    accounts = frame.accounts
    portfolio = frame.portfolios[accounts.portfolio[row]]
    valuation = value_account(Money(int(accounts.cash[row])), *frame.priced_holdings(row))
    drifts = asset_drifts(valuation, portfolio.weights)
    free = Money(int(accounts.cash[row]) - int(accounts.reserved[row]))
    floor = Money(int(accounts.cash_floor[row]))
    excess = excess_over(free, floor, portfolio.weights.cash, valuation.equity)
    return ExactAccount(portfolio, valuation, drifts, widest_use(drifts, portfolio.bands), excess)

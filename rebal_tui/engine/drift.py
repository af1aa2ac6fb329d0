"""Exact valuation, drift and band usage of an account (R-15).

An asset breaches a band if its drift exceeds the band.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from rebal_tui.domain.portfolios import BandType, DriftBand, Weights
from rebal_tui.domain.quantities import HUNDRED_PERCENT, NANO, Money, Percent, Price, Qty, Value, market_value


@dataclass(frozen=True, slots=True)
class Valuation:
    """An account's value at given prices. `values` has the value of every holding with a price, by symbol."""

    cash: Money
    values: Mapping[str, Value]
    equity: Value

    @property
    def position_market_value(self) -> Value:
        return Value(self.equity - self.cash * NANO)


def value_account(cash: Money, positions: Mapping[str, Qty], prices: Mapping[str, Price]) -> Valuation:
    """The value of an account with this cash and these positions.

    A holding without a price counts as 0; the check of R-12.5 finds missing prices.
    """
    values = {symbol: market_value(qty, prices[symbol]) for symbol, qty in positions.items() if symbol in prices}
    return Valuation(cash, values, Value(cash * NANO + sum(values.values())))


def magnitude(amount: int | Fraction) -> int | Fraction:
    """The absolute value."""
    return amount if amount >= 0 else -amount


@dataclass(frozen=True, slots=True)
class AssetDrift:
    """An asset's target and its actual share of `equity`, which is above zero.

    `gap` is (actual - target) × `equity`, in the units of a `Value` × hundredths of a percentage point. `reachable` is
    the value that restrictions allow the asset (R-61), None without restrictions; if set, it replaces the target in
    `gap`. Comparisons multiply crosswise, so nothing is rounded before it is compared.
    """

    symbol: str
    target: Percent
    value: Value
    equity: Value
    reachable: Fraction | None = None

    @property
    def gap(self) -> int | Fraction:
        if self.reachable is not None:
            return (self.value - self.reachable) * HUNDRED_PERCENT
        return self.value * HUNDRED_PERCENT - self.target * self.equity

    @property
    def points(self) -> int:
        """Signed drift in hundredths of a percentage point, rounded half to even."""
        gap = self.gap
        whole = int(gap // self.equity)
        rest = gap - whole * self.equity
        return whole + (2 * rest > self.equity or (2 * rest == self.equity and whole % 2 == 1))

    def breaches(self, band: DriftBand) -> bool:
        """Whether drift exceeds the band; drift equal to the band does not."""
        usage = self.usage_of(band)
        return usage is not None and usage[0] > usage[1]

    def usage_of(self, band: DriftBand) -> tuple[int | Fraction, int] | None:
        """Drift ÷ band as (numerator, denominator); None when the band does not apply (relative, target 0)."""
        gap = magnitude(self.gap)
        if band.sub_type is BandType.ABSOLUTE:
            return gap, band.percent * self.equity
        if self.target == 0:
            return None
        return gap * HUNDRED_PERCENT, band.percent * self.target * self.equity


def asset_drifts(
    valuation: Valuation, weights: Weights, reachable: Mapping[str, Fraction] | None = None
) -> tuple[AssetDrift, ...]:
    """Drifts of all portfolio assets, then of other holdings (target 0) by symbol; empty for equity of 0 or less.

    `reachable` has the value that restrictions allow each managed asset; None for an account without restrictions
    (R-61).
    """
    equity = valuation.equity
    if equity <= 0:
        return ()
    targets = {weight.symbol: weight.percent for weight in weights.assets}
    others = sorted(symbol for symbol in valuation.values if symbol not in targets)
    return tuple(
        AssetDrift(
            symbol, targets.get(symbol, Percent(0)), valuation.values.get(symbol, Value(0)), equity,
            None if reachable is None else reachable[symbol],
        )
        for symbol in (*targets, *others)
        if reachable is None or symbol in reachable
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class BandUsage:
    """Drift ÷ band of one asset and one band, as numerator over denominator. Above 1, the drift exceeds the band."""

    drift: AssetDrift
    band: DriftBand
    numerator: int | Fraction
    denominator: int

    @property
    def breached(self) -> bool:
        return self.numerator > self.denominator

    @property
    def permille(self) -> int:
        """Band usage in tenths of a percent, rounded down."""
        return int(self.numerator * 1000 // self.denominator)


def largest_usage(drifts: Iterable[AssetDrift], bands: Iterable[DriftBand]) -> BandUsage | None:
    """The largest band usage of all assets and bands; on a tie, that of the first asset. None when no band applies."""
    bands = tuple(bands)
    largest: BandUsage | None = None
    for drift in drifts:
        for band in bands:
            usage = drift.usage_of(band)
            if usage is None:
                continue
            if largest is None or usage[0] * largest.denominator > largest.numerator * usage[1]:
                largest = BandUsage(drift, band, *usage)
    return largest


def largest_drift(drifts: Iterable[AssetDrift]) -> AssetDrift | None:
    """The drift that is largest in percentage points, up or down; on a tie, the first. None without drifts."""
    return max(drifts, key=lambda drift: magnitude(drift.gap), default=None)

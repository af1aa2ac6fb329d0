"""The goal of each line and of cash in a plan under an account's trading rules (R-60 to R-63).

A line is an asset of the portfolio or another managed holding. Its goal is the value to which the plan brings it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.decisions import LineReason, Reachable, ReachableLine
from rebal_tui.domain.portfolios import DriftBand, MinimumTrade, RebalanceScope, Weights
from rebal_tui.domain.quantities import ATTO, HUNDRED_PERCENT, NANO, Money, Qty, Value, market_value
from rebal_tui.domain.trading_rules import RestrictionKind, TradeRestriction, TradingRules
from rebal_tui.engine.bounds import Bound, Line, bounds_of, reason_of
from rebal_tui.engine.destination import Stops, boxes_of, stops_of_breached, stops_of_whole
from rebal_tui.engine.drift import AssetDrift
from rebal_tui.engine.reachable_target import ReachableTarget, reachable_target

DUST = Value(2 * ATTO // 100)
"""$0.02: the rounding of an order and of its scaling may leave up to this. A smaller difference is on target."""


@dataclass(frozen=True, slots=True)
class Goals:
    """The lines of a plan, their bounds and reachable target; `stops` has the values to which this plan brings them.

    `base` is the equity that is distributed over the lines and cash. `breached` are the symbols of the lines outside
    a band, for a run that trades only these (R-63); empty for other runs.
    """

    lines: tuple[Line, ...]
    bounds: Mapping[str, Bound]
    target: ReachableTarget
    stops: Stops
    base: Value
    breached: frozenset[str] = frozenset()

    def goal(self, symbol: str) -> Fraction:
        return self.stops.values[symbol]

    def way(self, symbol: str) -> Fraction:
        """How much a line's value is above the nearest value at which the run may leave it; negative if it is below."""
        return self._line(symbol).value - self.stops.nearest[symbol]

    def held_by(self, line: Line) -> TradeRestriction | None:
        """The restriction because of which a line does not reach its weight.

        None if no restriction does, or if the line is within $0.02 of its weight.
        """
        bound, at = self.bounds[line.symbol], self.target.values[line.symbol]
        off = line.value * HUNDRED_PERCENT - line.weight * self.base
        if abs(off) < DUST * HUNDRED_PERCENT:
            return None
        if off < 0 and bound.high_by is not None and at == bound.high:
            return bound.high_by
        return bound.low_by if off > 0 and at == bound.low else None

    def idle_reason(self, symbol: str) -> tuple[LineReason, str] | None:
        """Why the line with this symbol, which is off its weight, is not traded, as (reason, display text).

        None if nothing prevents the trade.
        """
        line = self._line(symbol)
        restriction = self.held_by(line)
        if restriction is not None:
            return reason_of(restriction), restriction.text
        if abs(line.value - self.target.values[symbol]) < DUST:
            return None
        if self.breached and symbol not in self.breached:
            return LineReason.SCOPE_NOT_BREACHED, "within its band; only breached assets are traded"
        return LineReason.IN_BAND, "already where the run stops in its band"

    def _line(self, symbol: str) -> Line:
        return next(line for line in self.lines if line.symbol == symbol)


def lines_of(
    positions: Mapping[str, Qty], assets: Mapping[str, Asset], weights: Weights, unmanaged: Collection[str]
) -> tuple[Line, ...]:
    """The lines of a plan: the assets of the portfolio, then the other holdings by symbol.

    Assets whose symbols are in `unmanaged` are left out.
    """
    others = sorted(symbol for symbol in positions if symbol not in weights)
    found = []
    for symbol in (*weights.symbols, *others):
        if symbol in unmanaged:
            continue
        asset = assets.get(symbol)
        price = asset.price if asset is not None else None
        value = market_value(positions.get(symbol, Qty(0)), price) if price is not None else Value(0)
        found.append(Line(symbol, weights.of(symbol), value, price))
    return tuple(found)


def goals_of(
    lines: Sequence[Line],
    weights: Weights,
    rules: TradingRules,
    base: Value,
    cash: Money,
    bands: Collection[DriftBand] = (),
) -> Goals:
    """The goals of a plan's lines and of cash.

    `bands` are those of the portfolio for a run that a drift band made, empty for other runs. `base` is managed equity,
    for a liquidation less its amount. Raises `RestrictionsConflict`.
    """
    base = Value(max(0, base))
    bounds = bounds_of(lines, rules.restrictions, base)
    target = reachable_target(lines, bounds, base, weights.cash)
    if not bands or not rules.stops_early:
        return Goals(tuple(lines), bounds, target, Stops(target.values, target.cash, target.values), base)
    boxes = boxes_of(lines, bounds, target, base, bands, rules.destination)
    if rules.scope is RebalanceScope.WHOLE:
        return Goals(tuple(lines), bounds, target, stops_of_whole(lines, boxes, target), base)
    breached = breached_lines(lines, target, base, bands)
    stops = stops_of_breached(lines, boxes, target, Fraction(cash * NANO), breached)
    return Goals(tuple(lines), bounds, target, stops, base, breached)


def breached_lines(
    lines: Iterable[Line], target: ReachableTarget, base: Value, bands: Collection[DriftBand]
) -> frozenset[str]:
    """The symbols of the lines whose drift from the reachable target exceeds a band (R-15, R-61)."""
    return frozenset(
        line.symbol
        for line in lines
        if base > 0
        and any(
            AssetDrift(line.symbol, line.weight, line.value, base, target.values[line.symbol]).breaches(band)
            for band in bands
        )
    )


def reachable_of(goals: Goals, unmanaged: Iterable[TradeRestriction]) -> Reachable | None:
    """The reachable target for display, as shares of managed equity; None for equity of 0 or less.

    It lists the restrictions in `unmanaged` that are of kind `unmanaged`.
    """
    base = goals.base
    if base <= 0:
        return None
    lines = []
    for line in goals.lines:
        held = goals.held_by(line)
        lines.append(
            ReachableLine(
                line.symbol, line.weight, Fraction(line.value, base), goals.target.values[line.symbol] / base,
                None if held is None else reason_of(held), "" if held is None else held.text,
            )
        )  # fmt: skip
    left_out = tuple((one.symbol or "", one.text) for one in unmanaged if one.kind is RestrictionKind.UNMANAGED)
    return Reachable(goals.target.factor, goals.target.cash / base, tuple(lines), left_out)


def minimum_trade_value(minimum: MinimumTrade | None, equity: Value) -> Fraction:
    """The least value of an order: the larger of the amount and the share of equity, 0 without a minimum (R-64)."""
    if minimum is None:
        return Fraction(0)
    return max(Fraction(minimum.amount * NANO), Fraction(max(0, equity) * minimum.percent, HUNDRED_PERCENT))

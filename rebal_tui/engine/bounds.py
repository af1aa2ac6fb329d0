"""Minimum and maximum value of each line of a plan under restrictions (R-60).

A line is an asset of the portfolio, or another holding of the account. A restriction sets the minimum (no sell), the
maximum (no buy) or both (lock, range).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from rebal_tui.domain.decisions import LineReason
from rebal_tui.domain.quantities import HUNDRED_PERCENT, NANO, Percent, Price, Value
from rebal_tui.domain.trading_rules import RangeUnit, RestrictionKind, TradeRestriction

_REASONS = {
    RestrictionKind.NO_BUY: LineReason.NO_BUY,
    RestrictionKind.NO_SELL: LineReason.NO_SELL,
    RestrictionKind.LOCK: LineReason.LOCKED,
    RestrictionKind.RANGE: LineReason.OUT_OF_RANGE,
    RestrictionKind.BUY_ONLY: LineReason.NO_SELL,
    RestrictionKind.SELL_ONLY: LineReason.NO_BUY,
}
_NO_SELL = frozenset({RestrictionKind.NO_SELL, RestrictionKind.LOCK, RestrictionKind.BUY_ONLY})
_NO_BUY = frozenset({RestrictionKind.NO_BUY, RestrictionKind.LOCK, RestrictionKind.SELL_ONLY})


class RestrictionsConflict(ValueError):
    """No allocation meets all restrictions of an account; the message names them."""


@dataclass(frozen=True, slots=True)
class Line:
    """An asset of the portfolio or another managed holding, with its weight, its current value and its price."""

    symbol: str
    weight: Percent
    value: Value
    price: Price | None


@dataclass(frozen=True, slots=True)
class Bound:
    """The least and the most that a line may be worth, in the units of a `Value`.

    `low_by` and `high_by` are the restrictions that set these limits, None where none does.
    """

    low: Fraction
    high: Fraction
    low_by: TradeRestriction | None = None
    high_by: TradeRestriction | None = None

    @property
    def restricted(self) -> bool:
        return self.low_by is not None or self.high_by is not None


def bounds_of(lines: Sequence[Line], restrictions: Iterable[TradeRestriction], base: Value) -> dict[str, Bound]:
    """The bounds of every line of a plan, by symbol.

    `base` is the equity that is distributed over the lines and cash, 0 or more. Raises `RestrictionsConflict` when a
    line's minimum exceeds its maximum, or when all minimums together exceed `base`.
    """
    bounds = line_bounds(lines, restrictions, base)
    require_each(bounds)
    if sum(bound.low for bound in bounds.values()) > base:
        held = [f"{symbol}: {_named(bound.low_by)}" for symbol, bound in bounds.items() if bound.low > 0]
        raise RestrictionsConflict("together they need more than the account's equity: " + "; ".join(held))
    return bounds


def require_each(bounds: Mapping[str, Bound]) -> None:
    """Raise `RestrictionsConflict` when the minimum of a line exceeds its maximum."""
    for symbol, bound in bounds.items():
        if bound.low > bound.high:
            raise RestrictionsConflict(
                f"{symbol}: {_named(bound.low_by)} and {_named(bound.high_by)} exclude each other"
            )


def line_bounds(lines: Sequence[Line], restrictions: Iterable[TradeRestriction], base: Value) -> dict[str, Bound]:
    """The bounds of every line, by symbol, as by `bounds_of`, but without a check whether they conflict."""
    known = tuple(restrictions)
    return {line.symbol: _bound(line, known, base) for line in lines}


def reason_of(restriction: TradeRestriction) -> LineReason:
    """The reason code for a plan line that does not reach its weight because of this restriction."""
    return _REASONS[restriction.kind]


def _bound(line: Line, restrictions: Iterable[TradeRestriction], base: Value) -> Bound:
    low, high = Fraction(0), Fraction(base)
    low_by: TradeRestriction | None = None
    high_by: TradeRestriction | None = None
    at_weight = line.value * HUNDRED_PERCENT >= line.weight * base
    restricted = False
    for one in restrictions:
        if one.kind not in _REASONS or (one.symbol != line.symbol and not one.kind.of_account):
            continue
        restricted = True
        if one.kind is RestrictionKind.RANGE:
            least, most = _worth(one.minimum, one, line, base), _worth(one.maximum, one, line, base)
        else:
            keeps, caps = one.kind in _NO_SELL, one.kind in _NO_BUY
            least = Fraction(line.value) if keeps else None
            most = Fraction(line.value) if caps or (keeps and at_weight) else None
        if least is not None and (least > low or low_by is None):
            low, low_by = max(low, least), one
        if most is not None and (most < high or (high_by is None and most == high)):
            high, high_by = most, one
    if restricted and high < line.value:
        high = Fraction(line.value)
    return Bound(low, high, low_by, high_by)


def _worth(limit: int | None, one: TradeRestriction, line: Line, base: Value) -> Fraction | None:
    if limit is None:
        return None
    if one.unit is RangeUnit.PERCENT:
        return Fraction(limit * base, HUNDRED_PERCENT)
    if one.unit is RangeUnit.SHARES:
        return Fraction(limit * (line.price or 0))
    return Fraction(limit * NANO)


def _named(restriction: TradeRestriction | None) -> str:
    return "the equity" if restriction is None else restriction.text

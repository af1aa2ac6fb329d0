"""Where a drift-band run stops, and which lines it trades (R-62, R-63).

A line is an asset of the portfolio or another managed holding. A line's box is the range of values around its reachable
target in which the run may leave the line. All amounts are exact and in the units of a `Value`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from rebal_tui.domain.portfolios import BandType, Destination, DriftBand
from rebal_tui.domain.quantities import HUNDRED_PERCENT, Percent, Value
from rebal_tui.engine.bounds import Bound, Line
from rebal_tui.engine.reachable_target import ReachableTarget

_SHARE_OF_BAND = {Destination.TARGET: Fraction(0), Destination.MIDDLE: Fraction(1, 2), Destination.EDGE: Fraction(1)}
_ZERO = Fraction(0)


@dataclass(frozen=True, slots=True)
class Stops:
    """Where a run stops: `values` has the value to which it brings each asset, by symbol, `cash` that of cash.

    `nearest` has, for each asset, the value nearest to its current one at which the run may leave it. `cut` is whether
    trades of assets outside their bands were reduced because neither cash nor another asset could take the other side.
    """

    values: Mapping[str, Fraction]
    cash: Fraction
    nearest: Mapping[str, Fraction]
    cut: bool = False


def tightest_band(weight: Percent, bands: Collection[DriftBand]) -> Fraction | None:
    """The narrowest band of an asset with this weight, as a fraction of equity; None if no band applies (R-62)."""
    shares = [
        Fraction(band.percent, HUNDRED_PERCENT)
        if band.sub_type is BandType.ABSOLUTE
        else Fraction(band.percent * weight, HUNDRED_PERCENT**2)
        for band in bands
        if weight or band.sub_type is BandType.ABSOLUTE
    ]
    return min(shares, default=None)


def boxes_of(
    lines: Sequence[Line],
    bounds: Mapping[str, Bound],
    target: ReachableTarget,
    base: Value,
    bands: Collection[DriftBand],
    destination: Destination,
) -> dict[str, tuple[Fraction, Fraction]]:
    """The box of each line, by symbol: the least and the most value at which the run may leave the line.

    From the reachable target, a box extends to both sides by a part of the narrowest band: none of it, half of it or
    all of it, as `destination` asks, but not beyond the line's bounds. A holding outside the portfolio is sold down to
    its lower bound.
    """
    share = _SHARE_OF_BAND[destination]
    boxes = {}
    for line in lines:
        bound, at = bounds[line.symbol], target.values[line.symbol]
        if not line.weight:
            boxes[line.symbol] = (bound.low, bound.low)
            continue
        reach = share * (tightest_band(line.weight, bands) or _ZERO) * base
        boxes[line.symbol] = (max(bound.low, at - reach), min(bound.high, at + reach))
    return boxes


def stops_of_whole(
    lines: Sequence[Line], boxes: Mapping[str, tuple[Fraction, Fraction]], target: ReachableTarget
) -> Stops:
    """The stops of a run that trades every line (R-62).

    First every line moves to the nearest value in its box (`boxes`). If the lines then sum to less than their reachable
    targets, each line moves up toward the upper end of its box, all by the same part of their distance to it, until the
    sums agree; if they sum to more, down toward the lower end.
    """
    nearest = {line.symbol: _clip(line.value, boxes[line.symbol]) for line in lines}
    missing = sum(target.values.values()) - sum(nearest.values())
    side = 1 if missing > 0 else 0
    rooms = {symbol: abs(boxes[symbol][side] - value) for symbol, value in nearest.items()}
    whole = sum(rooms.values())
    values = nearest
    if missing and whole:
        values = {symbol: value + missing * rooms[symbol] / whole for symbol, value in nearest.items()}
    return Stops(values, target.cash, nearest)


def stops_of_breached(
    lines: Sequence[Line],
    boxes: Mapping[str, tuple[Fraction, Fraction]],
    target: ReachableTarget,
    cash: Fraction,
    breached: Collection[str],
) -> Stops:
    """The stops of a run that moves only lines outside their bands into their boxes (R-63).

    Their buys are paid by their sells. A difference is balanced by cash, as far as cash is off its target, then by the
    other lines that are off target in the opposite direction; beyond that, the trades are cut. Holdings outside the
    portfolio are always sold; proceeds that no line takes stay cash.
    """
    nearest = {line.symbol: _clip(line.value, boxes[line.symbol]) for line in lines}
    value_of = {line.symbol: Fraction(line.value) for line in lines}
    closing = {line.symbol for line in lines if not line.weight}
    moves = {
        symbol: nearest[symbol] - value_of[symbol] for symbol in value_of if symbol in breached or symbol in closing
    }
    net = sum(moves.values(), _ZERO)
    direction = 1 if net > 0 else -1
    left = abs(net)
    # A net buy takes excess cash, a net sell fills missing cash.
    from_cash = min(left, max(_ZERO, (cash - target.cash) * direction))
    left -= from_cash
    others = {
        symbol: max(_ZERO, (value - target.values[symbol]) * direction)
        for symbol, value in value_of.items()
        if symbol not in moves
    }
    distance = sum(others.values(), _ZERO)
    matched = min(left, distance)
    values = value_of | {symbol: value_of[symbol] + move for symbol, move in moves.items()}
    if matched:
        for symbol, way in others.items():
            values[symbol] -= direction * matched * way / distance
    left -= matched
    cuttable = {symbol: abs(move) for symbol, move in moves.items() if move * direction > 0 and symbol not in closing}
    whole = sum(cuttable.values(), _ZERO)
    cut = min(left, whole)
    if cut:
        for symbol, size in cuttable.items():
            values[symbol] -= direction * cut * size / whole
    return Stops(values, min(target.cash, cash - sum(values.values()) + sum(value_of.values())), nearest, cut > 0)


def _clip(value: Value | Fraction, box: tuple[Fraction, Fraction]) -> Fraction:
    return min(max(Fraction(value), box[0]), box[1])

"""One policy simulated in large integers, to decide what floating-point numbers cannot."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from rebal_tui.domain.portfolios import RebalanceScope, Weights
from rebal_tui.domain.quantities import HUNDRED_PERCENT, Value
from rebal_tui.engine.bounds import Bound, Line
from rebal_tui.engine.destination import boxes_of, stops_of_breached, stops_of_whole
from rebal_tui.engine.drift import AssetDrift
from rebal_tui.engine.reachable_target import ReachableTarget
from rebal_tui.lab.history import History
from rebal_tui.lab.policies import Policy

_EQUITY = 10**60
"""Equity at the start. Exact fractions would be hundreds of digits longer after every rebalance."""
_EQUAL = 10**20
"""A drift that exceeds its band by no more is equal to it: far above all rounding, 1e-40 of the first equity."""


def breached_after(
    history: History, weights: Weights, policy: Policy, trades: Sequence[tuple[int, bool]], session: int,
    start: int = 0,
) -> bool:  # fmt: skip
    """Whether an asset exceeds a band of the policy in a session, after the rebalances `trades`, without costs (R-15).

    `trades` has the session of each earlier rebalance, and True if a band was the reason: such a rebalance stops at the
    policy's destination. Any other rebalance goes to the targets. The account is on its targets in session `start`.
    """
    since, values, cash = start, *_on_target(weights, _EQUITY)
    for at, for_band in trades:
        values = _moved(history, values, since, at)
        if for_band:
            values, cash = _stopped(weights, policy, values, cash)
        else:
            values, cash = _on_target(weights, sum(values, cash))
        since = at
    lines, equity = _lines(weights, _moved(history, values, since, session), cash)
    return any(_breaches(line, equity, policy) for line in lines)


def _on_target(weights: Weights, equity: int) -> tuple[list[int], int]:
    parts = [equity * weight.percent // HUNDRED_PERCENT for weight in weights.assets]
    return parts, equity - sum(parts)


def _moved(history: History, values: Sequence[int], since: int, at: int) -> list[int]:
    rows = zip(values, history.rows[since], history.rows[at], strict=True)
    return [value * now // then for value, then, now in rows]


def _lines(weights: Weights, values: Sequence[int], cash: int) -> tuple[list[Line], Value]:
    """The assets of an account as lines of the engine, and its equity."""
    lines = [
        Line(weight.symbol, weight.percent, Value(value), None)
        for weight, value in zip(weights.assets, values, strict=True)
    ]
    return lines, Value(sum(values, cash))


def _breaches(line: Line, equity: Value, policy: Policy) -> bool:
    above = line.value * HUNDRED_PERCENT > line.weight * equity
    drift = AssetDrift(line.symbol, line.weight, Value(line.value + (-_EQUAL if above else _EQUAL)), equity)
    return any(drift.breaches(band) for band in policy.bands)


def _stopped(weights: Weights, policy: Policy, values: Sequence[int], cash: int) -> tuple[list[int], int]:
    """Where the engine stops a rebalance for a band (R-62, R-63)."""
    lines, equity = _lines(weights, values, cash)
    aims = {line.symbol: Fraction(line.weight * equity, HUNDRED_PERCENT) for line in lines}
    target = ReachableTarget(aims, equity - sum(aims.values(), Fraction(0)), None)
    bounds = {line.symbol: Bound(Fraction(0), Fraction(equity)) for line in lines}
    boxes = boxes_of(lines, bounds, target, equity, policy.bands, policy.destination)
    if policy.scope is RebalanceScope.WHOLE:
        stops = stops_of_whole(lines, boxes, target)
    else:
        breached = [line.symbol for line in lines if _breaches(line, equity, policy)]
        stops = stops_of_breached(lines, boxes, target, Fraction(cash), breached)
    found = [int(stops.values[line.symbol]) for line in lines]
    return found, equity - sum(found)

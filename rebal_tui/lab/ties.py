"""Exact comparison of a deviation with a band, where both are too near for floating-point numbers to decide."""

from __future__ import annotations

from math import prod

from rebal_tui.domain.portfolios import DriftBand, Weights
from rebal_tui.domain.quantities import Value
from rebal_tui.engine.drift import AssetDrift
from rebal_tui.lab.history import History

TIE = 1e-9
"""A deviation within this distance of its band, both as fractions, is decided by the engine's integers."""


def breached_exactly(history: History, weights: Weights, since: int, session: int, band: DriftBand) -> bool:
    """Whether a portfolio that was set to its targets in session `since` exceeds a band in session `session` (R-15).

    The portfolio has not traded since. The comparison is exact, in integers over a common denominator.
    """
    then, now = history.rows[since], history.rows[session]
    scale = prod(then)
    values = [
        weight.percent * price * (scale // before)
        for weight, price, before in zip(weights.assets, now, then, strict=True)
    ]
    equity = Value(sum(values) + weights.cash * scale)
    return any(
        AssetDrift(weight.symbol, weight.percent, Value(value), equity).breaches(band)
        for weight, value in zip(weights.assets, values, strict=True)
    )

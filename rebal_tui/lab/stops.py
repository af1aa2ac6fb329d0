"""Where rebalances for a band stop, for many policies at once (R-62, R-63).

Arrays have one row per asset and one column per policy; all amounts are fractions of equity.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rebal_tui.domain.portfolios import Destination
from rebal_tui.lab.history import Floats
from rebal_tui.lab.policies import Policy

Flags = NDArray[np.bool_]

_SHARE_OF_BAND = {Destination.TARGET: 0.0, Destination.MIDDLE: 0.5, Destination.EDGE: 1.0}


def band_limits(percents: Sequence[int | None]) -> Floats:
    """Bands as fractions, from hundredths of a percent; infinite where there is none."""
    return np.array([np.inf if percent is None else percent / 10_000 for percent in percents], dtype=np.float64)


def reaches(policies: Sequence[Policy], targets: Floats) -> Floats:
    """How far from its target each asset may stay: a part of its tightest band."""
    absolute, relative = (band_limits([getattr(p, kind) for p in policies]) for kind in ("absolute", "relative"))
    tightest = np.minimum(absolute[None, :], relative[None, :] * targets[:, None])
    part = np.array([_SHARE_OF_BAND[policy.destination] for policy in policies])
    return np.asarray(np.where(np.isinf(tightest), 0.0, tightest) * part)


def stops_of_whole(shares: Floats, targets: Floats, reach: Floats) -> Floats:
    """Every asset moves into its box; the difference to the sum of the targets is spread by distance to its edge."""
    low, high = _boxes(targets, reach)
    nearest = np.clip(shares, low, high)
    missing = targets.sum() - nearest.sum(axis=0)
    rooms = np.where(missing > 0, high - nearest, nearest - low)
    return nearest + rooms * _ratio(missing, rooms.sum(axis=0))


def stops_of_breached(shares: Floats, targets: Floats, cash_target: float, reach: Floats, breached: Flags) -> Floats:
    """Only breached assets move to their boxes, matched by each other, then cash, then assets off their target."""
    cash = 1 - shares.sum(axis=0)
    moves = np.where(breached, np.clip(shares, *_boxes(targets, reach)) - shares, 0.0)
    net = moves.sum(axis=0)
    direction = np.where(net > 0, 1.0, -1.0)
    left = np.abs(net)
    left = left - np.minimum(left, np.maximum(0.0, (cash - cash_target) * direction))
    others = np.where(breached, 0.0, np.maximum(0.0, (shares - targets[:, None]) * direction))
    distance = others.sum(axis=0)
    matched = np.minimum(left, distance)
    values = shares + moves - direction * others * _ratio(matched, distance)
    left = left - matched
    cuttable = np.maximum(moves * direction, 0.0)
    whole = cuttable.sum(axis=0)
    return np.asarray(values - direction * cuttable * _ratio(np.minimum(left, whole), whole))


def _boxes(targets: Floats, reach: Floats) -> tuple[Floats, Floats]:
    return np.maximum(0.0, targets[:, None] - reach), np.minimum(1.0, targets[:, None] + reach)


def _ratio(part: Floats, whole: Floats) -> Floats:
    """Part ÷ whole, 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)

"""Where a rebalance stops that a drift band makes, for many policies at once (R-62, R-63).

Arrays have one row per asset and one column per policy; all amounts are fractions of equity. A box is the range around
an asset's target within which a rebalance may leave the asset's fraction of equity.
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
    """Bands in hundredths of a percent as fractions; infinite for None."""
    return np.array([np.inf if percent is None else percent / 10_000 for percent in percents], dtype=np.float64)


def reaches(policies: Sequence[Policy], targets: Floats) -> Floats:
    """How far from its target a drift-band rebalance may leave each asset: a part of its narrowest band.

    The part depends on the destination: none for the target, half for the middle, all for the edge. It is 0 without a
    band.
    """
    absolute, relative = (band_limits([getattr(p, kind) for p in policies]) for kind in ("absolute", "relative"))
    tightest = np.minimum(absolute[None, :], relative[None, :] * targets[:, None])
    part = np.array([_SHARE_OF_BAND[policy.destination] for policy in policies])
    return np.asarray(np.where(np.isinf(tightest), 0.0, tightest) * part)


def stops_of_whole(shares: Floats, targets: Floats, reach: Floats) -> Floats:
    """Each asset's fraction of equity after a rebalance of all assets.

    `shares` are fractions of equity before it. First, an asset farther from its target than its `reach` moves to this
    distance. Then all adjust so that they sum to the sum of the targets, each in proportion to how far it can still
    move without being farther away than its `reach`.
    """
    low, high = _boxes(targets, reach)
    nearest = np.clip(shares, low, high)
    missing = targets.sum() - nearest.sum(axis=0)
    rooms = np.where(missing > 0, high - nearest, nearest - low)
    return nearest + rooms * _ratio(missing, rooms.sum(axis=0))


def stops_of_breached(shares: Floats, targets: Floats, cash_target: float, reach: Floats, breached: Flags) -> Floats:
    """Each asset's fraction of equity after a rebalance of only the assets flagged in `breached`.

    Each of these assets moves until it is no farther from its target than its `reach`. `shares` are fractions of
    equity before the rebalance; `cash_target` is the fraction for cash. Sells of these assets pay for buys of others.
    A net buy is paid from cash above its target, then from other assets above theirs; a net sell goes to cash below
    its target, then to other assets below theirs. If that does not suffice, the trades are cut.
    """
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
    """`part` ÷ `whole`, 0 where `whole` is 0."""
    return np.divide(part, whole, out=np.zeros_like(whole), where=whole > 0)

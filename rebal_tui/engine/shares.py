"""Shares of a whole for display, rounded so that they add up."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from rebal_tui.domain.quantities import HUNDRED_PERCENT


def rounded_shares(parts: Sequence[int]) -> list[int]:
    """Each part's share of their sum, in hundredths of a percent, half even; all 0 when the sum is not above 0.

    The last digits are adjusted so that the shares sum to exactly 100.00 %: first of the parts whose rounding was
    furthest off, then of the earlier part.
    """
    whole = sum(parts)
    if whole <= 0:
        return [0] * len(parts)
    exact = [Fraction(part * HUNDRED_PERCENT, whole) for part in parts]
    shares = [round(share) for share in exact]
    missing = HUNDRED_PERCENT - sum(shares)
    step = 1 if missing > 0 else -1
    by_error = sorted(range(len(parts)), key=lambda at: (step * (shares[at] - exact[at]), at))
    for at in by_error[: abs(missing)]:
        shares[at] += step
    return shares

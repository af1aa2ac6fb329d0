"""Ratios of splits: what a change of shares looks like."""

from __future__ import annotations

from fractions import Fraction

from rebal_tui.domain.quantities import Qty

SPLITS = frozenset(
    Fraction(new, old)
    for new in range(1, 21)
    for old in range(1, 21)
    if new != old and (1 in (new, old) or new + old == 5)
)
"""Ratios of new to old shares in splits and reverse splits."""


def split_like(before: Qty, after: Qty) -> str:
    """The split that a change of shares looks like, such as `2-for-1`; empty when it looks like none."""
    if before <= 0 or after <= 0:
        return ""
    ratio = Fraction(after, before)
    return f"{ratio.numerator}-for-{ratio.denominator}" if ratio in SPLITS else ""

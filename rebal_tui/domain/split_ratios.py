"""Common ratios of splits, to recognize a split by how the shares of an account changed."""

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
    """The split that turns `before` shares into exactly `after`, such as `2-for-1`; empty if no common split does."""
    if before <= 0 or after <= 0:
        return ""
    ratio = Fraction(after, before)
    return f"{ratio.numerator}-for-{ratio.denominator}" if ratio in SPLITS else ""

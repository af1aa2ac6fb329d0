"""The quantities that a trade list can express (R-73)."""

from __future__ import annotations

_STEP = 1_000_000
"""Billionths in a thousandth of a share, the smallest fraction that every custodian takes in an order."""


def listed_qty(qty: int) -> int:
    """A quantity in billionths of a share, rounded down to a thousandth of a share."""
    return qty // _STEP * _STEP

"""The quantities that a trade list can name (R-73)."""

from __future__ import annotations

_STEP = 1_000_000
"""Billionths in a thousandth of a share, the smallest fraction that every custodian takes in an order."""


def listed_qty(qty: int) -> int:
    """Shares in billionths, rounded down to the thousandth."""
    return qty // _STEP * _STEP

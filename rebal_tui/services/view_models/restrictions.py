"""Rows of the list of restrictions (R-60)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestrictionRow:
    """One restriction: whom it concerns, what it does, its bounds, reason and end as display text.

    `concerns` is the client, the portfolio or the whole book. `until` is empty without an end.
    """

    id: str
    concerns: str
    kind: str
    symbol: str
    bounds: str
    until: str
    reason: str
    made_by: str

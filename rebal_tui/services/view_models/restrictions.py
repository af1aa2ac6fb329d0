"""Rows of the list of restrictions (R-60)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestrictionRow:
    """One restriction as display text: what it applies to, what it does, its bounds, reason and end.

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


@dataclass(frozen=True, slots=True)
class RunStops:
    """What the drift-band runs that would be created now do with one destination and scope (R-62, R-63).

    `current` is whether the portfolio has this destination and scope. `due` counts the accounts whose band fires, and
    `accounts` those of them that were planned; the other figures are of these. `bought` and `sold` are billionths of a
    dollar. `worst_left` is the largest drift left, in hundredths of a percentage point, before rounding of orders.
    Other accounts outside a band are not in these figures: `with_run` have an unfinished run already, `held_back` can
    get no run now, for example in their cooldown.
    """

    destination: str
    scope: str
    current: bool
    due: int
    accounts: int
    orders: int
    bought: int
    sold: int
    worst_left: int
    with_run: int = 0
    held_back: int = 0

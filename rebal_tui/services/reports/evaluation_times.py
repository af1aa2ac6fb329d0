"""When the evaluations took place that a stored decision counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.store.decisions import StoredDecision

_LISTED = 10
"""Times that a sentence lists; of more it names the first and the last."""


def times_by_decision(found: Sequence[StoredDecision], evaluated: Sequence[datetime]) -> Mapping[int, list[datetime]]:
    """The times of an account's decisions of one session, by position in `found`, of those where they are certain.

    A decision stores its last time and its count. The others are certain when as many evaluations of the book
    (`evaluated`, oldest first) are left from its subscription to its last time as it counts.
    """
    left = list(evaluated)
    times: dict[int, list[datetime]] = {}
    uncertain = False
    for position in sorted(range(len(found)), key=lambda one: found[one].at):
        stored = found[position]
        candidates = [at for at in left if stored.inputs.subscribed_at <= at <= stored.at]
        if stored.times == 1:
            times[position] = [stored.at]
        elif not uncertain and len(candidates) == stored.times and candidates[-1] == stored.at:
            times[position] = candidates
        else:
            uncertain = True
        taken = times.get(position, [stored.at])
        left = [at for at in left if at not in taken]
    return times


def times_text(times: Sequence[datetime]) -> str:
    """`09:30, 10:30 and 11:30`, New York time; `from 09:30 to 15:30` when there are many."""
    named = [f"{at.astimezone(NEW_YORK):%H:%M}" for at in times]
    if len(named) > _LISTED:
        return f"from {named[0]} to {named[-1]}"
    return f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else named[0]

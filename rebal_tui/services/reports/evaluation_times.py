"""The times of the evaluations that one stored decision stands for.

Evaluations of a session with the same result are stored as one decision, with a count.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.store.decisions import StoredDecision

_LISTED = 10
"""Times that a sentence lists; of more it names the first and the last."""


def times_by_decision(found: Sequence[StoredDecision], evaluated: Sequence[datetime]) -> Mapping[int, list[datetime]]:
    """The evaluation times of an account's decisions of one session, by index in `found`, where they are certain.

    A decision stores its last time and how many evaluations it counts. `evaluated` has the times of all evaluations of
    the book, oldest first. The earlier times of a decision are certain if, between the start of its subscription and
    its last time, exactly as many times are left as it counts.
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
    """Times such as `09:30, 10:30 and 11:30`, New York time; `from 09:30 to 15:30` when there are more than ten."""
    named = [f"{at.astimezone(NEW_YORK):%H:%M}" for at in times]
    if len(named) > _LISTED:
        return f"from {named[0]} to {named[-1]}"
    return f"{', '.join(named[:-1])} and {named[-1]}" if len(named) > 1 else named[0]

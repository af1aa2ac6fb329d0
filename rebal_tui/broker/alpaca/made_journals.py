"""Finding the journal that a request created whose response was lost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from rebal_tui.broker.failures import BrokerUnavailable
from rebal_tui.broker.protocol import JournalRequest
from rebal_tui.domain.cash import Journal

CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far before its request a journal may seem to be made, because the clocks differ."""


def made_for(request: JournalRequest, journals: Iterable[Journal]) -> Journal | None:
    """The journal made since the request with its accounts, amount and description, None without one.

    Journals that are known to answer other requests do not count. Raises `BrokerUnavailable` when there are several,
    which a person must look at.
    """
    wanted = (request.from_account, request.to_account, request.amount, request.description)
    found = [
        journal
        for journal in journals
        if (journal.from_account, journal.to_account, journal.amount, journal.description) == wanted
        and journal.id not in request.known
        and journal.created_at >= request.at - CLOCK_TOLERANCE
    ]
    if len(found) > 1:
        raise BrokerUnavailable(f"{len(found)} journals at the broker may answer one request")
    return found[0] if found else None

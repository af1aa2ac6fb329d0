"""Finding the journal that an earlier request created, when the response to the request was lost."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from rebal_tui.broker.failures import BrokerUnavailable
from rebal_tui.broker.protocol import JournalRequest
from rebal_tui.domain.cash import Journal

CLOCK_TOLERANCE = timedelta(minutes=1)
"""How far before its request a journal may seem to have been created, because the clocks differ."""


def made_for(request: JournalRequest, journals: Iterable[Journal]) -> Journal | None:
    """The journal among `journals` that a request created, or None.

    It has the accounts, amount and description of the request and was created after the request; because clocks differ,
    its time may be up to `CLOCK_TOLERANCE` earlier. Journals in `request.known` belong to other requests and are left
    out. Raises `BrokerUnavailable` when several match, so that a person must look.
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

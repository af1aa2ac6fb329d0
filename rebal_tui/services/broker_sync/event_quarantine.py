"""Events that cannot be read or applied: each goes into quarantine and pauses its account (R-52).

The other events are applied.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from rebal_tui.broker.protocol import BrokerEvent, EventKind
from rebal_tui.domain.quarantine import QuarantineKind
from rebal_tui.services.book import quarantine
from rebal_tui.services.book.book import BookTransaction

log = logging.getLogger(__name__)


def set_apart_unreadable(tx: BookTransaction, events: Iterable[BrokerEvent]) -> None:
    """Put the events that cannot be read into quarantine."""
    for event in events:
        if event.kind is EventKind.UNREADABLE:
            reason = event.note or "it cannot be read"
            quarantine.enter(tx, QuarantineKind.EVENT, str(event.seq), reason, event.account_id)


def set_apart_event(tx: BookTransaction, event: BrokerEvent, error: Exception) -> None:
    """Put an event that cannot be applied into quarantine; once the transaction commits, the in-memory state is read
    from the file again.
    """
    log.error("event %d of kind %s cannot be applied", event.seq, event.kind, exc_info=error)
    reason = f"{event.kind} event: {quarantine.failure_text(error)}"
    quarantine.enter(tx, QuarantineKind.EVENT, str(event.seq), reason, event.account_id)
    tx.reload()


def release_applied(tx: BookTransaction, events: Iterable[BrokerEvent]) -> None:
    """Take the events that have now been applied out of quarantine."""
    for event in events:
        name = (QuarantineKind.EVENT, str(event.seq))
        if name in tx.book.quarantine and event.kind is not EventKind.UNREADABLE:
            quarantine.leave(tx, *name, "broker")

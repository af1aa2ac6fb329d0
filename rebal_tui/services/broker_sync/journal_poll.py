"""Journals under way at a real broker are read once a minute, because an event may be lost."""

from __future__ import annotations

from datetime import datetime, timedelta

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import apply_journal
from rebal_tui.store import cash

JOURNALS_INTERVAL = timedelta(minutes=1)


def poll_journals(book: Book, now: datetime) -> None:
    """Read every journal under way by its id and apply a change, at most once a minute (`JOURNALS_INTERVAL`).

    A journal that the broker does not know stays as it is; the reconciliation at the next start reports it. Raises
    `BrokerUnavailable`.
    """
    state = book.polling_state
    if state.journals_read_at is not None and now < state.journals_read_at:
        return
    state.journals_read_at = now + JOURNALS_INTERVAL
    for account_id, journal in cash.open_journals(book.database):
        try:
            theirs = book.broker.journal(journal.id)
        except BrokerRefused:
            continue
        if theirs.status is not journal.status and theirs.amount == journal.amount:
            with book.write() as tx:
                apply_journal(tx, theirs, account_id)
                tx.reload_accounts([account_id])

"""Retries of quarantine entries, each after a longer wait than the one before (R-52)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from rebal_tui.broker.failures import BrokerPending, BrokerRefused, BrokerUnavailable
from rebal_tui.broker.protocol import EventBatch
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.quarantine import Quarantined, QuarantineKind
from rebal_tui.services.book import quarantine
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.account_snapshot import read_account
from rebal_tui.services.broker_sync.events import CURSOR, apply_accounts, apply_event_batch, read_batch
from rebal_tui.store import book_settings

MAX_RETRIES = 5
"""Things of each kind that are tried again in one heartbeat."""


def retry_quarantined(book: Book) -> None:
    """Retry the accounts, events and assets whose quarantine entry is due; those that succeed leave the quarantine.

    At most `MAX_RETRIES` accounts and as many events are retried at once. Raises `BrokerUnavailable`.
    """
    if not book.quarantine.rows:
        return
    now = book.now()
    for one in book.quarantine.due(QuarantineKind.ACCOUNT, now)[:MAX_RETRIES]:
        with suppress(BrokerPending):
            read_account(book, one.subject)
    for one in book.quarantine.due(QuarantineKind.EVENT, now)[:MAX_RETRIES]:
        with suppress(BrokerPending):
            _retry_event(book, one)
    assets = book.quarantine.due(QuarantineKind.ASSET, now)
    if assets:
        with suppress(BrokerPending):
            _retry_assets(book, assets)


def _retry_event(book: Book, one: Quarantined) -> None:
    seq = int(one.subject)
    found = [event for event in book.broker.events(seq - 1, 1) if event.seq == seq]
    if found:
        with book.broker.reading():
            batch: EventBatch = read_batch(book, found)
        apply_event_batch(book, batch, int(book_settings.get(book.database, CURSOR, "0")))
    else:
        _count(book, one, one.reason)


def _retry_assets(book: Book, due: Sequence[Quarantined]) -> None:
    """Request an asset by its id if it alone is due and has an id, else all assets; store what the broker lists."""
    listed: Sequence[Asset]
    try:
        asset = book.broker.asset(due[0].subject) if len(due) == 1 and not due[0].subject.startswith("row ") else None
        listed = [asset] if asset is not None else book.broker.assets()
    except BrokerPending:
        raise
    except (BrokerUnavailable, BrokerRefused) as error:
        for one in due:
            _count(book, one, str(error))
        return
    with book.write() as tx:
        apply_accounts(tx, [], listed)
    for one in due:
        if book.quarantine.waits(one.kind, one.subject, book.now()) or (one.kind, one.subject) not in book.quarantine:
            continue
        _count(book, one, "the broker does not list it")


def _count(book: Book, one: Quarantined, reason: str) -> None:
    with book.write() as tx:
        quarantine.enter(tx, one.kind, one.subject, reason, one.account_id)

"""The journal of a withdrawal at a real broker.

The journal is requested once, looked up by the content of the request if the broker's answer was lost, and from then on
read by its id.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from uuid import NAMESPACE_URL, uuid5

from rebal_tui.broker.failures import BrokerPending, BrokerUnavailable
from rebal_tui.broker.protocol import FIRM_ACCOUNT, JournalRequest, LiveBroker
from rebal_tui.domain.cash import WITHDRAWAL_JOURNAL, Journal, Withdrawal
from rebal_tui.domain.errors import Conflict
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.kill_switch import halted
from rebal_tui.services.broker_sync.events import apply_journal
from rebal_tui.store import cash, journal_requests
from rebal_tui.store.journal_requests import StoredRequest

RESEND_AFTER = timedelta(minutes=1)
"""How long the broker must not have a requested journal before it is requested again, under the same key."""
READ_INTERVAL = timedelta(minutes=1)
"""How often a journal under way is read, in case its event is lost, and settled cash is requested."""


def key_of(withdrawal: Withdrawal) -> str:
    """The idempotency key of a withdrawal's next journal, a UUID.

    It is computed from the id of the withdrawal and that of its last failed journal, if any.
    """
    return str(uuid5(NAMESPACE_URL, f"rebal-tui/withdrawal/{withdrawal.id}/{withdrawal.journal_id or ''}"))


def requested_journal(book: Book, live: LiveBroker, withdrawal: Withdrawal) -> Journal | None:
    """The journal of a withdrawal, which is requested if it was not yet; None until the broker has answered.

    While the kill switch is on, no journal is requested. Raises `Conflict` when the broker refused the journal; the
    request is then deleted, so that it can be made again.
    """
    key = _stored_key(book, withdrawal)
    request = journal_requests.get(book.database, key)
    if request is None:
        if not halted(book):
            request = StoredRequest(
                key, withdrawal.account_id, FIRM_ACCOUNT, withdrawal.amount, WITHDRAWAL_JOURNAL, book.now()
            )
            with book.write() as tx:
                journal_requests.add(tx, request)
            _send(live, request)
        return None
    if request.refusal is not None:
        with book.write() as tx:
            journal_requests.remove(tx, key)
        raise Conflict(request.refusal)
    if request.journal is not None:
        return _read(book, live, withdrawal, request.journal)
    if not live.under_way(key):
        _find(book, live, withdrawal.account_id, request)
    return None


def may_ask(book: Book, what: str) -> bool:
    """Whether a request for `what` may be sent to the broker now.

    Always to a simulated broker, and to a real one once per minute (`READ_INTERVAL`). `what` is the id of the
    withdrawal or journal to read, or the idempotency key of a journal whose id is not known.
    """
    asked = book.polling_state.asked_at.get(what)
    return book.live is None or asked is None or book.now() - asked >= READ_INTERVAL


def note_asked(book: Book, what: str) -> None:
    """Record that the broker has just answered the request for `what`, from which `may_ask` counts `READ_INTERVAL`."""
    book.polling_state.asked_at[what] = book.now()


def _stored_key(book: Book, withdrawal: Withdrawal) -> str:
    """The key that an earlier version of the program used, if it requested this journal; else that of `key_of`."""
    failed = withdrawal.journal_id
    earlier = f"wd-{withdrawal.id}-{failed[:8]}" if failed else f"wd-{withdrawal.id}"
    return earlier if journal_requests.get(book.database, earlier) else key_of(withdrawal)


def _send(live: LiveBroker, request: StoredRequest) -> None:
    with suppress(BrokerPending):
        live.create_journal(request.from_account, request.to_account, request.amount, request.description, request.key)


def _read(book: Book, live: LiveBroker, withdrawal: Withdrawal, journal_id: str) -> Journal | None:
    """The journal as stored; while it is under way, it is read from the broker at most once per `READ_INTERVAL`."""
    known = cash.journal(book.database, journal_id)
    if (known is not None and known.status.final) or not may_ask(book, journal_id):
        return known
    try:
        read = live.journal(journal_id)
    except BrokerPending:
        return known
    except BrokerUnavailable:
        note_asked(book, journal_id)
        return known
    note_asked(book, journal_id)
    with book.write() as tx:
        apply_journal(tx, read, withdrawal.account_id)
        tx.reload_accounts([withdrawal.account_id])
    return cash.journal(book.database, journal_id)


def _find(book: Book, live: LiveBroker, account_id: str, request: StoredRequest) -> None:
    """Look up a requested journal to which the broker has not answered.

    It is requested again if the broker does not have it for `RESEND_AFTER`.
    """
    if not may_ask(book, request.key):
        return
    known = journal_requests.answered(book.database)
    try:
        found = live.journal_of(
            JournalRequest(
                request.key,
                request.from_account,
                request.to_account,
                request.amount,
                request.description,
                request.at,
                known,
            )
        )
    except BrokerPending:
        return
    except BrokerUnavailable:
        note_asked(book, request.key)
        return
    note_asked(book, request.key)
    now, missed = book.now(), request.missed_at
    with book.write() as tx:
        if found is not None:
            journal_requests.set_journal(tx, request.key, found.id)
            apply_journal(tx, found, account_id)
            tx.reload_accounts([account_id])
        else:
            resend = missed is not None and now - missed >= RESEND_AFTER
            journal_requests.set_missed(tx, request.key, None if resend else missed or now)
    if found is None and missed is not None and now - missed >= RESEND_AFTER and not halted(book):
        _send(live, request)

"""Quarantine of a book: a row, event or job that fails pauses only its own account and is retried (R-52)."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from rebal_tui.broker.failures import BrokerUnavailable
from rebal_tui.broker.unreadable import AccountUnreadable
from rebal_tui.domain.errors import ReadOnly
from rebal_tui.domain.quarantine import MAX_REASON_LENGTH, Quarantined, QuarantineKind, pause_after
from rebal_tui.domain.text import display_text
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.book.quarantine_view import Work, pause_text, work_name
from rebal_tui.store import jobs, quarantine

log = logging.getLogger(__name__)

ALERT = "quarantine"
"""Kind of the alert about a thing in quarantine; its subject is the kind and the thing's id."""
_OF_ONE_STATEMENT = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.InterfaceError, sqlite3.ProgrammingError)


def enter(tx: BookTransaction, kind: QuarantineKind, subject: str, reason: str, account_id: str | None = None) -> None:
    """Put a subject (account, asset, event or kind of work) into quarantine, or count a further failed attempt.

    The first failure is recorded in the audit trail. The first failure, and one with another reason, raise an alert
    that names the subject. `account_id` is the account that the entry pauses, None for none.
    """
    now, before = tx.book.now(), quarantine.get(tx.database, kind, subject)
    # A heartbeat may meet the same failure several times; it counts once.
    tries = before.tries + (now > before.tried_at) if before else 1
    text = display_text(reason, MAX_REASON_LENGTH)
    one = Quarantined(
        kind, subject, account_id, text, before.since if before else now, now, tries, now + pause_after(tries)
    )
    quarantine.put(tx, one)
    if before is None:
        tx.record("quarantine.entered", subject, {"kind": kind, "account": account_id, "reason": text})
    if before is None or before.reason != text:
        jobs.raise_alert(tx, now, ALERT, f"{kind}:{subject}", alert_text(tx.book, one))
    tx.reload_holds()


def leave(tx: BookTransaction, kind: QuarantineKind, subject: str, actor: str | None = None) -> None:
    """Take a subject out of quarantine, if it is there, and queue the open run of its account."""
    one = quarantine.get(tx.database, kind, subject)
    if one is None:
        return
    quarantine.remove(tx, kind, subject)
    jobs.clear_alert(tx, ALERT, f"{kind}:{subject}", tx.book.now())
    tx.record("quarantine.left", subject, {"kind": kind, "account": one.account_id, "tries": one.tries}, actor)
    tx.reload_holds()
    if one.account_id is not None:
        tx.requeue_runs([one.account_id])


def alert_text(book: Book, one: Quarantined) -> str:
    """The text of the alert about something in quarantine: what it is and why, without a period."""
    if one.kind is QuarantineKind.ASSET:
        known = book.assets_by_id.get(one.subject)
        name = known.symbol if known is not None else one.subject
        return f"the asset {name} in the broker's list cannot be used: {one.reason}"
    if one.account_id is None:
        return f"the event {one.subject} cannot be applied: {one.reason}"
    account = book.accounts.get(one.account_id)
    name = f"account {one.account_id}" if account is None else f"{account.name} ({account.account_number})"
    return f"{name} is paused: {pause_text(one)}"


def is_general(error: Exception) -> bool:
    """Whether an error comes from the broker, the file or the machine, not from a single account or row."""
    if isinstance(error, sqlite3.Error):
        return not isinstance(error, _OF_ONE_STATEMENT)
    return isinstance(error, (BrokerUnavailable, ReadOnly, MemoryError)) and not isinstance(error, AccountUnreadable)


def failure_text(error: Exception) -> str:
    """The reason shown for an error: its message, after the name of its class unless it came from the broker."""
    if isinstance(error, (AccountUnreadable, BrokerUnavailable)):
        return str(error)
    return f"{type(error).__name__}: {error}"


@contextmanager
def isolated(book: Book, account_id: str, what: Work) -> Iterator[None]:
    """Context manager for one kind of work on one account: an error puts the work into quarantine (R-52).

    The quarantine pauses the account, and the error does not propagate. Success ends the quarantine. Errors of the
    broker, the file or the machine propagate. Must not be used inside a transaction.
    """
    name = (QuarantineKind.PROCESSING, work_name(account_id, what))
    try:
        yield
    except Exception as error:
        if is_general(error):
            raise
        log.exception("the %s of account %s failed", what, account_id)
        book.reload()
        with book.write() as tx:
            enter(tx, *name, f"{what}: {failure_text(error)}", account_id)
    else:
        end_work(book, account_id, what)


def end_work(book: Book, account_id: str, what: Work) -> None:
    """Take one kind of work of an account out of quarantine, if it is there."""
    name = (QuarantineKind.PROCESSING, work_name(account_id, what))
    if name in book.quarantine:
        with book.write() as tx:
            leave(tx, *name)

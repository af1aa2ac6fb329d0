"""Recheck of paused accounts: the events that explain a difference may arrive later.

An account resumes automatically when the events since its pause baseline account exactly for the broker's figures, and
its orders are the same in the book and at the broker. A difference without such events stays until an advisor reviews
it, even if the figures now match.
"""

from __future__ import annotations

from rebal_tui.broker.failures import BrokerPending, BrokerRefused
from rebal_tui.broker.protocol import BrokerEvent, EventKind
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.quarantine import isolated
from rebal_tui.services.book.quarantine_view import Work
from rebal_tui.services.broker_sync import missed_events
from rebal_tui.services.broker_sync.account_holds import remove_causes
from rebal_tui.services.broker_sync.reconciliation.comparison import explains, mismatches
from rebal_tui.services.broker_sync.reconciliation.event_replay import events_from
from rebal_tui.services.broker_sync.reconciliation.orders import reconcile_run
from rebal_tui.services.broker_sync.reconciliation.pause_baseline import PauseBaseline
from rebal_tui.services.broker_sync.reconciliation.reconcile import LATE_EVENT_MAX_AGE
from rebal_tui.services.broker_sync.reconciliation.report import ReconciliationReport
from rebal_tui.store import holds, runs
from rebal_tui.store.holds import HoldCause, HoldKind


def recheck(book: Book) -> None:
    """Resume paused accounts that have new events, if their events explain every difference of the account."""
    asked: set[str] = set()
    for account_id in sorted(book.accounts_to_recheck & book.holds.keys()):
        try:
            with isolated(book, account_id, Work.RECHECK), book.broker.reading():
                _recheck(book, account_id)
        except BrokerPending:
            asked.add(account_id)
    book.accounts_to_recheck &= asked


def _recheck(book: Book, account_id: str) -> None:
    cause = holds.first_of(book.holds[account_id], HoldKind.RECONCILIATION)
    if cause is None or cause.baseline is None or book.now() >= cause.at + LATE_EVENT_MAX_AGE:
        return
    if _explained(book, account_id, cause):
        _resume(book, account_id)


def _explained(book: Book, account_id: str, cause: HoldCause) -> bool:
    baseline = PauseBaseline.from_json(cause.baseline or "")
    report = ReconciliationReport()
    if baseline.run:
        reconcile_run(book, runs.get(book.database, baseline.run), report, [])
    if report.reasons:
        return False
    # Accounts of a real broker are polled continuously, so its figures are accepted.
    return book.live is not None or _account_explained(book, account_id, baseline, cause)


def _account_explained(book: Book, account_id: str, baseline: PauseBaseline, cause: HoldCause) -> bool:
    ours = book.account(account_id)
    try:
        theirs = book.broker.account(account_id)
    except BrokerRefused:
        return False
    if any(mismatches(ours, theirs)):
        return False
    events = _events_since(book, account_id, baseline)
    # A share transfer is announced without quantities. It explains the difference only if it happened before the
    # figures were compared.
    announced = any(event.kind is EventKind.ACCOUNT and event.at <= cause.at for event in events)
    return explains(baseline.restore(ours), events, theirs, shares=not announced)


def _events_since(book: Book, account_id: str, baseline: PauseBaseline) -> list[BrokerEvent]:
    """The events of an account that were applied since its pause baseline."""
    missing = set(missed_events.numbers(book.database))
    first = min((baseline.cursor, *(number - 1 for number in baseline.missed)))
    return [
        event
        for event in events_from(book, first)
        if event.account_id == account_id and baseline.is_new(event) and event.seq not in missing
    ]


def _resume(book: Book, account_id: str) -> None:
    reason = book.holds[account_id].reason
    with book.write() as tx:
        remove_causes(tx, account_id, HoldKind.RECONCILIATION)
        tx.record("reconciliation.explained", account_id, {"reason": reason}, "broker")

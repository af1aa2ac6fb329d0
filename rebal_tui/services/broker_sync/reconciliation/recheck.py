"""Recheck of paused accounts: the events that explain a difference may arrive later.

An account resumes automatically when the events since its baseline account exactly for the broker's figures, and its
orders agree. A difference that no event explains remains until an advisor reviews it, even if the figures now match; so
does one that no event can explain.
"""

from __future__ import annotations

from dataclasses import replace

from rebal_tui.broker.failures import BrokerPending, BrokerRefused
from rebal_tui.broker.protocol import BrokerEvent, EventKind
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.quarantine import isolated
from rebal_tui.services.book.quarantine_view import Work
from rebal_tui.services.broker_sync import missed_events
from rebal_tui.services.broker_sync.explained.comparison import difference_of
from rebal_tui.services.broker_sync.reconciliation.comparison import explains, mismatches
from rebal_tui.services.broker_sync.reconciliation.event_replay import events_from
from rebal_tui.services.broker_sync.reconciliation.orders import reconcile_run
from rebal_tui.services.broker_sync.reconciliation.pause_baseline import PauseBaseline
from rebal_tui.services.broker_sync.reconciliation.reconcile import ALERT, LATE_EVENT_MAX_AGE
from rebal_tui.services.broker_sync.reconciliation.report import ReconciliationReport
from rebal_tui.store import holds, jobs, runs
from rebal_tui.store.holds import Hold


def recheck(book: Book) -> None:
    """Resume paused accounts with new events, if these events explain every difference."""
    asked: set[str] = set()
    for account_id in sorted(book.accounts_to_recheck & book.holds.keys()):
        try:
            with isolated(book, account_id, Work.RECHECK), book.broker.reading():
                _recheck(book, account_id)
        except BrokerPending:
            asked.add(account_id)
    book.accounts_to_recheck &= asked


def _recheck(book: Book, account_id: str) -> None:
    hold = book.holds[account_id]
    in_time = hold.baseline is not None and book.now() < hold.at + LATE_EVENT_MAX_AGE
    if in_time and _explained(book, account_id, hold):
        _resume(book, account_id, hold)


def _explained(book: Book, account_id: str, hold: Hold) -> bool:
    baseline = PauseBaseline.from_json(hold.baseline or "")
    report = ReconciliationReport()
    if baseline.run:
        reconcile_run(book, runs.get(book.database, baseline.run), report, [])
    if report.reasons:
        return False
    # Accounts of a real broker are polled continuously, so its figures are accepted.
    return book.live is not None or _account_explained(book, account_id, baseline, hold)


def _account_explained(book: Book, account_id: str, baseline: PauseBaseline, hold: Hold) -> bool:
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
    announced = any(event.kind is EventKind.ACCOUNT and event.at <= hold.at for event in events)
    return explains(baseline.restore(ours), events, theirs, shares=not announced)


def _events_since(book: Book, account_id: str, baseline: PauseBaseline) -> list[BrokerEvent]:
    """The events of an account applied since its baseline."""
    missing = set(missed_events.numbers(book.database))
    first = min((baseline.cursor, *(number - 1 for number in baseline.missed)))
    return [
        event
        for event in events_from(book, first)
        if event.account_id == account_id and baseline.is_new(event) and event.seq not in missing
    ]


def _resume(book: Book, account_id: str, hold: Hold) -> None:
    with book.write() as tx:
        rest = difference_of(hold)
        if rest:
            holds.put(tx, account_id, replace(hold, reason="; ".join(rest), baseline=None))
        else:
            holds.remove(tx, account_id)
            jobs.clear_alert(tx, ALERT, account_id, book.now())
        tx.record("reconciliation.explained", account_id, {"reason": hold.reason}, "broker")
        tx.reload_holds()
        tx.requeue_runs([account_id])

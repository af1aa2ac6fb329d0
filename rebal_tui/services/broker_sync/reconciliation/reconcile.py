"""Reconciliation with the broker when a book is opened, before anything is decided.

Differences that events explain are applied. An account with an unexplained difference is paused, with an alert, until
later events explain the difference or an advisor releases the account. A second reconciliation changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import cast

from rebal_tui.broker.failures import BrokerPending, BrokerRefused
from rebal_tui.broker.protocol import BrokerEvent, EventKind, SandboxControls
from rebal_tui.domain.accounts import Account
from rebal_tui.domain.cash import Journal
from rebal_tui.domain.quantities import money_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.quarantine import isolated
from rebal_tui.services.book.quarantine_view import Work
from rebal_tui.services.broker_sync import unknown_assets
from rebal_tui.services.broker_sync.account_holds import PAUSE_ALERT, pause_text
from rebal_tui.services.broker_sync.events import CURSOR, apply_accounts, apply_events, apply_journal, sync
from rebal_tui.services.broker_sync.reconciliation.comparison import explains, mismatches, with_events_applied
from rebal_tui.services.broker_sync.reconciliation.event_replay import events_since, poll_events
from rebal_tui.services.broker_sync.reconciliation.orders import (
    order_lookups,
    reconcile_orders,
    report_unknown_execution,
)
from rebal_tui.services.broker_sync.reconciliation.pause_baseline import baseline_of, event_position
from rebal_tui.services.broker_sync.reconciliation.report import ReconciliationReport
from rebal_tui.services.broker_sync.reconciliation.snapshot import differing_accounts
from rebal_tui.store import accounts, audit, book_settings, cash, fills, holds, jobs
from rebal_tui.store.account_table import Accounts, AccountTable
from rebal_tui.store.backup import is_small
from rebal_tui.store.holds import HoldCause, HoldKind

ALERT = PAUSE_ALERT

_BULK_READ_MIN_ACCOUNTS = 5_000
"""Above this number, accounts are read in bulk."""
LATE_EVENT_MAX_AGE = timedelta(days=7)
"""Maximum age of an out-of-order event that may explain a difference."""


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """Result of a reconciliation: number of changes applied, and by account id the reasons of new or changed pauses."""

    applied: int
    paused: Mapping[str, Sequence[str]]


def ensure_reconciled(book: Book) -> None:
    """Reconcile once after the book is opened. Raises `BrokerUnavailable` while the broker does not respond."""
    if not book.reconciled:
        if book.live is not None:
            sync(book)
            if book.live.behind(int(book_settings.get(book.database, CURSOR, "0"))):
                raise BrokerPending("events received at the start are still being read")
        with book.broker.reading():
            _ask_all(book)
            reconcile(book)
        if book.live is None and is_small(book.database):
            _check_ledger(book)
        book.reconciled = True
        book.accounts_to_recheck.update(book.holds)


def reconcile(book: Book) -> Reconciliation:
    """Compare orders of open runs, journals, and cash and positions of every account with the broker's.

    Raises `BrokerUnavailable` when the broker does not respond; nothing may start in that state.
    """
    report = ReconciliationReport()
    known, before = book.account_table.copied(), event_position(book)
    events = poll_events(book) if book.live is None else []
    applied = sync(book) if book.live is not None else len(events)
    runs, executed = reconcile_orders(book, report)
    # Their fills are stored now, but their accounts are not updated yet and differ by these fills.
    events += executed
    applied += runs + _reconcile_journals(book, report)
    if book.live is None:
        applied += _reconcile_accounts(book, known, events, report)
    for event in events:
        report_unknown_execution(book, event, report)
    new = {}
    for account_id, reasons in report.reasons.items():
        hold = book.holds.get(account_id)
        known_reasons = [cause.reason for cause in hold.of(HoldKind.RECONCILIATION)] if hold is not None else []
        if account_id in book.accounts and known_reasons != reasons:
            new[account_id] = reasons
    if new:
        _pause(book, new, {a: baseline_of(book, known, before, a) for a in new if a not in report.permanent})
    return Reconciliation(applied, new)


def _ask_all(book: Book) -> None:
    """Request all that a reconciliation reads from a real broker. Raises `BrokerPending` until it has answered all."""
    if book.live is None:
        return
    pending: BrokerPending | None = None
    reads: list[Callable[[], object]] = list(order_lookups(book))
    reads += [partial(book.broker.journal, journal.id) for _, journal in cash.open_journals(book.database)]
    for read in reads:
        try:
            read()
        except BrokerPending as not_yet:
            pending = not_yet
        except BrokerRefused:
            continue
    if pending is not None:
        raise pending


def _check_ledger(book: Book) -> None:
    """Pause the accounts whose balances at the simulated broker are not the sum of the broker's entries.

    An account that a person has released before is not paused; it has an alert only.
    """
    faults: dict[str, list[str]] = {}
    for account_id, text in cast(SandboxControls, book.broker).ledger_faults():
        if account_id in book.accounts and account_id not in book.holds:
            faults.setdefault(account_id, []).append(text)
    released = audit.subjects(book.database, "reconciliation.released") if faults else set()
    paused = {account_id: texts for account_id, texts in faults.items() if account_id not in released}
    if paused:
        _pause(book, paused, {})
    known = faults.keys() & released
    if known:
        with book.write() as tx:
            for account_id in sorted(known):
                text = f"account {account_id}: {'; '.join(faults[account_id])}"
                jobs.raise_alert(tx, book.now(), "ledger", account_id, text)


def _reconcile_journals(book: Book, report: ReconciliationReport) -> int:
    applied = 0
    for account_id, journal in cash.open_journals(book.database):
        with isolated(book, account_id, Work.JOURNALS):
            applied += _reconcile_journal(book, account_id, journal, report)
    return applied


def _reconcile_journal(book: Book, account_id: str, journal: Journal, report: ReconciliationReport) -> bool:
    """Compare one journal; returns whether a change was applied."""
    try:
        theirs = book.broker.journal(journal.id)
    except BrokerRefused as refusal:
        report.add(account_id, f"journal of ${money_text(journal.amount)}: {refusal.message}")
        return False
    if theirs.amount != journal.amount:
        report.add(account_id, f"journal of ${money_text(journal.amount)}: ${money_text(theirs.amount)} at the broker")
    elif theirs.status is not journal.status:
        with book.write() as tx:
            apply_journal(tx, theirs, account_id)
            tx.reload_accounts([account_id])
        return True
    return False


def _reconcile_accounts(
    book: Book, before: AccountTable, events: Sequence[BrokerEvent], report: ReconciliationReport
) -> int:
    """Compare cash and positions of every account with the broker's; returns the number of accounts updated.

    `before` are the accounts from before `events` were applied. An account is read in full only when it has changed or
    has an event.
    """
    before.relabel(book.account_table.symbols)
    known = Accounts(before)
    mentioned = {event.account_id for event in events if event.account_id is not None}
    expected = with_events_applied(
        {account_id: known[account_id] for account_id in mentioned if account_id in known}, events
    )
    announced = {event.account_id for event in events if event.kind is EventKind.ACCOUNT}
    fresh: list[Account] = []
    differing: dict[str, Account] = {}
    listing = cast(SandboxControls, book.broker).account_listing()
    theirs = _read_accounts(book, listing.ids, differing_accounts(before, listing) | mentioned)
    for account_id, account in theirs.items():
        ours = expected.get(account_id) or known.get(account_id)
        if ours == account:
            continue
        if ours is None:
            if account_id not in book.accounts:
                fresh.append(account)
            continue
        if account_id not in announced and any(mismatches(ours, account)):
            differing[account_id] = account
        stored = book.accounts[account_id]
        if account_id not in differing and (stored.status, stored.restrictions, stored.unsettled, stored.name) != (
            account.status, account.restrictions, account.unsettled, account.name,
        ):  # fmt: skip
            fresh.append(account)
    if differing and (more := poll_events(book)):
        # The accounts read may be ahead of the events applied so far.
        return _reconcile_accounts(book, before, [*events, *more], report)
    there = set(listing.ids)
    for account_id in known:
        if account_id not in there:
            report.add(account_id, "the broker does not have the account")
    late = _late_events(book, differing.keys()) if differing else {}
    for account_id, account in differing.items():
        missed = late.get(account_id, [])
        moves = sorted([*missed, *(e for e in events if e.account_id == account_id)], key=lambda event: event.seq)
        if not explains(known[account_id], moves, account):
            for reason in mismatches(expected.get(account_id, known[account_id]), account):
                report.add(account_id, reason, temporary=True)
        else:
            with book.write() as tx:
                apply_events(tx, missed)
            fresh.append(account)
    if fresh:
        with book.write() as tx:
            apply_accounts(tx, fresh, unknown_assets.request_assets(book, fresh))
            tx.record("reconciliation.accounts", "book", {"accounts": [account.id for account in fresh]}, "broker")
            tx.reload_accounts([account.id for account in fresh])
    return len(fresh)


def _read_accounts(book: Book, ids: Sequence[str], wanted: Collection[str]) -> dict[str, Account]:
    """Some of the broker's accounts, in its order; read one by one unless there are many."""
    if len(wanted) > _BULK_READ_MIN_ACCOUNTS:
        return {account.id: account for account in book.broker.accounts() if account.id in wanted}
    return {account_id: book.broker.account(account_id) for account_id in ids if account_id in wanted}


def _late_events(book: Book, account_ids: Collection[str]) -> dict[str, list[BrokerEvent]]:
    """By account id, out-of-order events, no older than `LATE_EVENT_MAX_AGE`, that the book's file does not have."""
    late: dict[str, list[BrokerEvent]] = {}
    for event in events_since(book, book.now() - LATE_EVENT_MAX_AGE):
        if event.account_id not in account_ids or event.account_id is None:
            continue
        if event.fill is not None:
            missing = not fills.known(book.database, event.fill)
        else:
            missing = event.cash is not None and not accounts.has_entry(book.database, event.cash.seq)
        if missing:
            late.setdefault(event.account_id, []).append(event)
    return late


def _pause(book: Book, reasons: Mapping[str, Sequence[str]], baselines: Mapping[str, str]) -> None:
    """Pause accounts. One that is paused already keeps the time of its pause and its first baseline.

    The baseline is dropped if `baselines` has none for the account, so that later events cannot resume it.
    """
    now = book.now()
    with book.write() as tx:
        for account_id, texts in reasons.items():
            before = holds.first_of(holds.of_account(tx.database, account_id), HoldKind.RECONCILIATION)
            baseline = baselines.get(account_id)
            if before is not None and baseline is not None:
                baseline = before.baseline
            since = before.at if before is not None else now
            causes = [HoldCause(HoldKind.RECONCILIATION, text, since, baseline) for text in texts]
            holds.replace_kind(tx, account_id, HoldKind.RECONCILIATION, causes)
            jobs.raise_alert(tx, now, ALERT, account_id, pause_text(tx, account_id))
            tx.record("reconciliation.paused", account_id, {"reason": "; ".join(texts)})
        tx.reload_holds()

"""What happened to one account, day by day: decisions, runs, cash, and what people and the broker did."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date, datetime
from itertools import pairwise

from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.services.book.book import Book
from rebal_tui.services.reports.audit_index import AuditIndex
from rebal_tui.services.reports.audit_sentences import audit_sentence
from rebal_tui.services.reports.decision_entries import decision_entry
from rebal_tui.services.reports.evaluation_times import times_by_decision
from rebal_tui.services.reports.model import AccountSection, Day, Entry
from rebal_tui.services.reports.names import followed_name
from rebal_tui.services.reports.outside_entries import action_notes, outside_entries
from rebal_tui.services.reports.run_entries import run_entries
from rebal_tui.services.reports.unexplained import unexplained_entries
from rebal_tui.services.reports.withdrawal_texts import paid_note, requester
from rebal_tui.store import cash, jobs, past_rows
from rebal_tui.store.audit import AuditEntry
from rebal_tui.store.database import Database
from rebal_tui.store.decisions import StoredDecision

_ALL = 2**62
_TOLD_BY_RUNS = ("evaluation", "run.", "runs.", "orders.", "order.", "rebalance.", "demo.", "market.", "book.")
"""Actions whose content the entries of decisions and runs have in more detail, or that concern no single account."""

_OPENED = ("book.imported", "book.demonstration")
_CAME_LATER = ("account.opened", "files.account_added", "files.imported", "reconciliation.accounts")
_BY_WITHDRAWAL = {
    "subscription.ended": "withdrawal.unsubscribed",
    "subscription.created": "withdrawal.resubscribing",
}
"""The step of a withdrawal that ends or renews a subscription, by the action of that."""


def account_section(
    book: Book, account_id: str, first: date | None, last: date | None, trail: AuditIndex
) -> AccountSection:
    """The part of a report about one account, from `first` to `last` (New York days, both included).

    A day of None means no bound. Raises `NotFound`.
    """
    account = book.account(account_id)
    entries = [entry for entry in _entries(book, account_id, first, last, trail) if _within(entry, first, last)]
    followed = followed_name(book, account_id)
    return AccountSection(account_id, account.account_number, account.name, followed, by_day(entries))


def by_day(entries: Iterable[Entry]) -> tuple[Day, ...]:
    """Entries grouped by New York day, oldest first; entries of the same time in the order of the audit trail."""
    days: dict[date, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.order):
        days.setdefault(new_york_day(entry.at), []).append(entry)
    return tuple(Day(day, tuple(found)) for day, found in days.items())


def _within(entry: Entry, first: date | None, last: date | None) -> bool:
    day = new_york_day(entry.at)
    return (first is None or day >= first) and (last is None or day <= last)


def _entries(book: Book, account_id: str, first: date | None, last: date | None, trail: AuditIndex) -> Iterable[Entry]:
    for entry in trail.about([account_id, *_ids_of_cash(book, account_id)]):
        if not entry.action.startswith(_TOLD_BY_RUNS):
            notes = _notes(book, account_id, entry, trail)
            yield Entry(entry.at, entry.actor, audit_sentence(book, entry), audit=entry.seq, notes=notes)
    yield from _opened(book, account_id, trail)
    yield from outside_entries(book, account_id, trail)
    yield from _decisions(book, account_id, first, last, trail)
    for run in reversed(past_rows.newest(book.database, _ALL, account_id)):
        if (last is None or new_york_day(run.created_at) <= last) and (
            first is None or new_york_day(run.updated_at) >= first
        ):
            yield from run_entries(book, run.id, trail)


def _decisions(
    book: Book, account_id: str, first: date | None, last: date | None, trail: AuditIndex
) -> Iterable[Entry]:
    """Entries of unexplained changes of an account, then of its decisions, oldest session first.

    A trace is recomputed by the engine, so decisions outside the period are left out.
    """
    sessions: dict[str, list[tuple[Database, StoredDecision]]] = {}
    every = past_rows.latest_decisions(book.database, account_id, -1)
    previous = {id(newer): older.at for (_, newer), (_, older) in pairwise(every)}
    for database, stored in reversed(every):
        if (first is None or stored.session >= first.isoformat()) and (last is None or new_york_day(stored.at) <= last):
            sessions.setdefault(stored.session, []).append((database, stored))
    yield from unexplained_entries(book, account_id, [one for found in sessions.values() for one in found], trail)
    opening = next((min((one for _, one in found), key=_at) for found in sessions.values()), None)
    for session, found in sessions.items():
        evaluated = jobs.evaluation_times(book.database, session)
        times = times_by_decision([stored for _, stored in found], evaluated)
        for position, (database, stored) in enumerate(found):
            yield decision_entry(
                book, stored, database, times.get(position, ()), audit=evaluation_number(stored, trail),
                opening=stored is opening, previous=previous.get(id(stored)),
            )  # fmt: skip


def evaluation_number(stored: StoredDecision, trail: AuditIndex) -> int | None:
    """The number of the audit entry of a decision's last evaluation pass.

    None if the pass was not made at exactly its scheduled time.
    """
    entry = trail.first(stored.at.isoformat(), "evaluation")
    return None if entry is None else entry.seq


def _at(stored: StoredDecision) -> datetime:
    return stored.at


def _opened(book: Book, account_id: str, trail: AuditIndex) -> Iterable[Entry]:
    """Entries of how the book began, such as by an import; empty for an account that came into the book later."""
    if not any(entry.action in _CAME_LATER for entry in trail.about([account_id])):
        for entry in trail.about(["book"]):
            if entry.action in _OPENED:
                yield Entry(entry.at, entry.actor, audit_sentence(book, entry), audit=entry.seq)


def _notes(book: Book, account_id: str, entry: AuditEntry, trail: AuditIndex) -> tuple[str, ...]:
    """Sentences with the figures of one account that the sentence of an audit entry does not have."""
    if entry.action == "corporate_action":
        return action_notes(account_id, json.loads(entry.detail))
    if entry.action in _BY_WITHDRAWAL:
        return _of_withdrawal(book, account_id, entry, trail)
    return paid_note(book, entry.subject, trail) if entry.action == "withdrawal.completed" else ()


def _of_withdrawal(book: Book, account_id: str, entry: AuditEntry, trail: AuditIndex) -> tuple[str, ...]:
    """A note that a withdrawal ended or renewed a subscription; empty if it did not.

    Earlier versions recorded these changes as made by a person.
    """
    step = _BY_WITHDRAWAL[entry.action]
    for one in cash.withdrawals(book.database, limit=_ALL):
        if one.account_id == account_id and any(
            other.action == step and other.at == entry.at for other in trail.about([one.id])
        ):
            return (f"Done by the program as a step of the withdrawal that {requester(one, trail)} requested.",)
    return ()


def _ids_of_cash(book: Book, account_id: str) -> list[str]:
    """The ids of an account's withdrawals and journals, whose later audit entries do not name the account."""
    found = [one.id for one in cash.withdrawals(book.database, limit=_ALL) if one.account_id == account_id]
    for journal in cash.journals(book.database, _ALL):
        own = journal.to_account if journal.from_account == FIRM_ACCOUNT else journal.from_account
        if own == account_id:
            found.append(journal.id)
    return found

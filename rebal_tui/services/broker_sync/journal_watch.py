"""Journals that a person must look at: under way for too long, or changed after their final status (R-9)."""

from __future__ import annotations

from datetime import datetime, timedelta

from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.domain.cash import Journal
from rebal_tui.domain.quantities import money_text
from rebal_tui.domain.sessions import NEW_YORK, new_york_day
from rebal_tui.domain.text import weekday_time_text
from rebal_tui.market.sessions import TradingCalendar
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.broker_sync.account_holds import pause_account
from rebal_tui.store import cash, jobs
from rebal_tui.store.holds import HoldKind

OVERDUE_ALERT = "journal"
"""Kind of the alert of a journal under way for too long; its subject is the journal."""
WATCH_INTERVAL = timedelta(minutes=1)


def watch_journals(book: Book, now: datetime) -> None:
    """Raise an alert for each journal under way for more than a business day, and clear it when the journal ends."""
    watched = book.polling_state
    if watched.journals_at is not None and now < watched.journals_at:
        return
    watched.journals_at = now + WATCH_INTERVAL
    overdue = {
        journal.id: _overdue_text(book, account_id, journal)
        for account_id, journal in cash.open_journals(book.database)
        if (due := due_at(book.calendar, journal.created_at)) is not None and now > due
    }
    alerted = {alert.subject: alert.text for alert in jobs.open_alerts(book.database) if alert.kind == OVERDUE_ALERT}
    if overdue == alerted:
        return
    with book.write() as tx:
        for journal_id, text in overdue.items():
            jobs.raise_alert(tx, now, OVERDUE_ALERT, journal_id, text)
        for journal_id in alerted.keys() - overdue.keys():
            jobs.clear_alert(tx, OVERDUE_ALERT, journal_id, now)


def due_at(calendar: TradingCalendar, created_at: datetime) -> datetime | None:
    """The time one business day after a journal was created: the same New York time in the next session.

    A journal created on a day without a session counts from the next open. None if the calendar ends before.
    """
    day = new_york_day(created_at)
    started_at = created_at
    session = calendar.session(day)
    if session is None:
        session = calendar.next_after(day)
        if session is None:
            return None
        started_at = session.open
    following = calendar.next_after(session.day)
    if following is None:
        return None
    clock = started_at.astimezone(NEW_YORK).time()
    return datetime.combine(following.day, clock, NEW_YORK)


def _overdue_text(book: Book, account_id: str, journal: Journal) -> str:
    since = weekday_time_text(journal.created_at)
    status = journal.status.value.replace("_", " ")
    name = journal_name(book, account_id, journal)
    return f"the {name} has been {status} for more than a business day, since {since}; ask the broker"


def journal_name(book: Book, account_id: str, journal: Journal) -> str:
    """A journal for display: `journal of $500.00 from Ann Li (900000001) to the firm account`."""
    account = book.accounts[account_id]
    who = f"{account.name} ({account.account_number})"
    incoming = journal.from_account == FIRM_ACCOUNT
    way = f"from the firm account to {who}" if incoming else f"from {who} to the firm account"
    return f"journal of ${money_text(journal.amount)} {way}"


def apply_change(tx: BookTransaction, before: Journal, journal: Journal, account_id: str) -> None:
    """Store a journal that changed from one final status to another, such as an executed one that was reversed.

    Pauses the account with an alert: its cash differs from what the former status led the book to expect.
    """
    cash.save_journal(tx, journal, account_id)
    tx.record("journal." + journal.status, journal.id, {"amount": journal.amount, "was": before.status}, "broker")
    what = f"journal of ${money_text(journal.amount)} was {before.status} and is {journal.status} at the broker"
    name = journal_name(tx.book, account_id, journal)
    text = f"the {name} was {before.status} and is {journal.status} at the broker; check the account, then release it"
    pause_account(tx, account_id, HoldKind.REPORTED, what, text)

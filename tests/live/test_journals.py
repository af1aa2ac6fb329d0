"""Journals at a real broker that take too long, or change after they had ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

import pytest

from rebal_tui.broker.protocol import FIRM_ACCOUNT, BrokerEvent, EventKind
from rebal_tui.domain.cash import Journal, JournalStatus
from rebal_tui.domain.quantities import parse_money
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import apply_events
from rebal_tui.services.broker_sync.journal_watch import due_at
from rebal_tui.services.broker_sync.reconciliation import release
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import audit, cash, jobs, reservations
from tests.live.test_differences_without_events import advance_clock, alerts, remote_book
from tests.services.factories import new_york


def journal(book: Book, status: JournalStatus) -> Journal:
    """An outgoing journal of $500 of the only account."""
    return Journal("j-1", "a", FIRM_ACCOUNT, parse_money("500"), status, "withdrawal", book.now(), book.now())


def report(book: Book, reported: Journal) -> None:
    with book.write() as tx:
        apply_events(tx, [BrokerEvent(1, EventKind.JOURNAL, book.now(), "a", journal=reported)])
        tx.reload_accounts(["a"])


def test_an_executed_journal_that_is_reversed_raises_an_alert_and_pauses_its_account() -> None:
    book, _ = remote_book()
    executed = journal(book, JournalStatus.EXECUTED)
    report(book, executed)
    assert not book.holds
    report(book, replace(executed, status=JournalStatus.CANCELED))
    stored = cash.journal(book.database, "j-1")
    assert stored is not None
    assert stored.status is JournalStatus.CANCELED
    what = "was executed and is canceled at the broker"
    assert book.paused("a") == (f"paused: journal of $500.00 {what}",)
    assert f"{what}; check the account, then release it" in alerts(book)["reconciliation"]
    assert [e.detail for e in audit.entries(book.database) if e.action == "journal.canceled"] == [
        '{"amount":500000000000,"was":"executed"}'
    ]
    assert reservations.of_account(book.database, "a") == []
    release.release(book, "a")
    assert not book.holds


def test_a_late_report_of_an_earlier_status_changes_nothing() -> None:
    book, _ = remote_book()
    report(book, journal(book, JournalStatus.EXECUTED))
    for status in (JournalStatus.QUEUED, JournalStatus.SENT_TO_CLEARING, JournalStatus.EXECUTED):
        report(book, journal(book, status))
    assert not book.holds
    assert alerts(book) == {}


def test_a_journal_whose_events_are_lost_is_read_by_its_id_once_a_minute() -> None:
    book, broker = remote_book("2026-03-03 10:00")
    scheduler.tick(book)
    broker.disconnected = True
    report(book, journal(book, JournalStatus.QUEUED))
    asked: list[str] = []
    status = JournalStatus.SENT_TO_CLEARING

    def read(journal_id: str) -> Journal:
        asked.append(journal_id)
        return replace(journal(book, status), id=journal_id)

    broker.journal = read  # type: ignore[attr-defined]
    for _ in range(240):
        advance_clock(book, seconds=1)
        scheduler.tick(book)
    assert len(asked) == 4
    assert [(j.status, account) for account, j in cash.open_journals(book.database)] == [(status, "a")]
    status = JournalStatus.EXECUTED
    advance_clock(book, minutes=1)
    scheduler.tick(book)
    assert cash.open_journals(book.database) == []
    advance_clock(book, minutes=5)
    scheduler.tick(book)
    assert len(asked) == 5


def test_a_journal_under_way_for_more_than_a_business_day_is_an_alert_until_it_ends() -> None:
    book, _ = remote_book("2026-03-06 15:00")
    scheduler.tick(book)
    report(book, journal(book, JournalStatus.PENDING))
    advance_clock(book, days=2, hours=23)  # clocks go forward on Sunday
    scheduler.tick(book)
    assert "journal" not in alerts(book)
    advance_clock(book, minutes=2)
    scheduler.tick(book)
    assert "has been pending for more than a business day, since Fri 06 Mar 15:00" in alerts(book)["journal"]
    report(book, journal(book, JournalStatus.EXECUTED))
    advance_clock(book, minutes=1)
    scheduler.tick(book)
    assert not [alert for alert in jobs.open_alerts(book.database) if alert.kind == "journal"]


@pytest.mark.parametrize(
    ("made", "due"),
    [
        ("2026-03-02 10:00", "2026-03-03 10:00"),
        ("2026-03-06 15:00", "2026-03-09 15:00"),
        ("2026-03-07 12:00", "2026-03-10 09:30"),
        ("2026-11-25 15:00", "2026-11-27 15:00"),
    ],
)
def test_a_business_day_ends_at_the_same_time_on_the_next_session(made: str, due: str) -> None:
    book, _ = remote_book()
    found: datetime | None = due_at(book.calendar, new_york(made))
    assert found == new_york(due)

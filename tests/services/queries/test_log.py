"""The Log: jobs, alerts to acknowledge, the audit trail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebal_tui.domain.errors import NotFound
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries import log as log_queries
from rebal_tui.services.reports.log_page import log_snapshot
from rebal_tui.store import audit, jobs
from tests.services.factories import account, fill_book, make_book, simple_book


@pytest.fixture
def alerted() -> Book:
    book = simple_book()
    with book.write() as tx:
        for subject in ("one", "two"):
            jobs.raise_alert(tx, book.now(), "run", subject, f"{subject} failed")
            tx.record("run.error", subject)
    return book


def test_alerts_are_acknowledged_all_or_none(alerted: Book) -> None:
    keys = [alert.key for alert in jobs.open_alerts(alerted.database)]
    with pytest.raises(NotFound):
        log_queries.acknowledge_all(alerted, [*keys, 999])
    assert len(jobs.open_alerts(alerted.database)) == 2
    assert log_queries.acknowledge_all(alerted, keys) == 2
    assert jobs.open_alerts(alerted.database) == []
    with pytest.raises(NotFound):
        log_queries.acknowledge(alerted, keys[0])


def test_the_trail_is_searched_literally(alerted: Book) -> None:
    with alerted.write() as tx:
        tx.record("note.made", "100%_sure", {"why": "a\\b"})
    for text in ("100%_sure", "note.made", "why"):
        assert [entry.action for entry in log_snapshot(alerted, text).audit] == ["note.made"]
    assert log_snapshot(alerted, "100%%").audit == ()
    assert len(log_snapshot(alerted, "", limit=2).audit) == 2


@pytest.mark.parametrize("text", ["o'brien", "obrien", "brien,ve"])
def test_entries_of_a_client_are_found_as_lists_find_the_client(text: str) -> None:
    book = make_book()
    fill_book(book, [replace(account("a", "10"), name="O'Brien, Vera")], [], {})
    with book.write() as tx:
        tx.record("note.made", "a")
    assert [entry.action for entry in log_snapshot(book, text).audit][:1] == ["note.made"]


def test_verification_names_the_changed_entry(alerted: Book) -> None:
    count = audit.head(alerted.database)[0]
    assert log_queries.verify_audit(alerted).intact
    assert f"{count:,} entries verified" in log_queries.verify_audit(alerted).text
    connection = alerted.database.connection
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit'"):
        connection.execute(f"DROP TRIGGER {name}")
    alerted.database.connection.execute("UPDATE audit SET action = 'x' WHERE seq = ?", (count,))
    check = log_queries.verify_audit(alerted)
    assert (check.intact, check.text) == (False, f"audit entry {count} does not match its hash")
    alerted.database.connection.execute("DELETE FROM audit WHERE seq = 1")
    assert "entry 1 is missing" in log_queries.verify_audit(alerted).text


def test_only_demonstrations_have_the_demonstration_job(alerted: Book) -> None:
    assert "demo" not in {job.name for job in log_snapshot(alerted).jobs}

"""Jobs and the audit trail in the linear mode."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from rebal_tui import bootstrap
from rebal_tui.services.queries.status import job_views
from rebal_tui.store import archives
from tests.plain.talking import answer, talk
from tests.services.maintenance.archived_books import make_book
from tests.tui.simulated import market_book


def test_the_scheduler_is_read_paused_and_resumed() -> None:
    book = market_book()
    listed = answer(book, "jobs")
    assert listed[0].endswith(" jobs.")
    assert any(": on, next " in line for line in listed)
    assert any(": off, never starts, book in memory." in line for line in listed)
    assert answer(book, "pause scheduler", "no")[-1] == "Canceled, nothing was changed."
    assert answer(book, "pause scheduler", "yes")[-1] == "Scheduler paused."
    assert all(job.paused for job in job_views(book))
    assert ": paused, " in talk(book, "jobs")[2]
    assert answer(book, "resume scheduler")[-1] == "Scheduler resumed."
    assert talk(book, "jobs", "run job 1", "yes")[-1].startswith("Done: ")
    assert talk(book, "run job 1")[-1].startswith("Type jobs first, then run job")


def test_the_audit_trail_is_read_and_verified() -> None:
    book = market_book()
    talk(book, "kill switch on", "yes")
    listed = answer(book, "audit halted")
    assert listed[0].startswith("1 of ")
    assert listed[0].endswith(" audit entries.")
    assert ", advisor. " in listed[1].casefold()
    assert answer(book, "verify")[-1].startswith("The audit trail is intact: ")


@pytest.mark.slow
def test_past_years_are_archived_after_a_question(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    make_book(path)
    with closing(bootstrap.open_database(path)) as database:
        book = bootstrap.open_simulation(database)
        lines = talk(book, "archive", "archive 2026", "archive 2025", "no")
        assert "2025: 4 runs, 10 decisions, can be archived" in lines
        assert any("only years before 2026" in line for line in lines)
        assert archives.record(database) is None
        assert talk(book, "archive 2025", "yes")[-1].startswith("Archived 6 runs and 17 decisions to 2025 in ")
        assert any(line.startswith("State found, verified when") for line in answer(book, "archive"))

"""Jobs and the audit trail in the linear mode."""

from __future__ import annotations

from rebal_tui.services.queries.status import job_views
from tests.plain.talking import answer, talk
from tests.tui.simulated import market_book


def test_the_scheduler_is_read_paused_and_resumed() -> None:
    book = market_book()
    listed = answer(book, "jobs")
    assert listed[0].endswith(" jobs.")
    assert any(": on, next " in line for line in listed)
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

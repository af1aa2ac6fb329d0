"""Which system runs use the quota of their session (R-11)."""

from __future__ import annotations

import pytest

from rebal_tui.domain.accounts import Restriction
from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.kill_switch import set_halt
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.runs import manual
from rebal_tui.services.schedule import scheduler
from tests.services.brokers import Refusing, broker
from tests.services.factories import advance_to, all_runs, only_run, review_book, simple_book, statuses

SESSION = "2026-03-02"


def stopped_book() -> Book:
    """A system run that the kill switch keeps from starting, of an account that is restricted meanwhile."""
    book = simple_book()
    set_halt(book, True)
    scheduler.tick(book)
    broker(book).set_restrictions("a", frozenset({Restriction.ACCOUNT_BLOCKED}), book.now())
    set_halt(book, False)
    advance_to(book, "2026-03-02 09:31")
    return book


def test_a_run_that_ended_without_an_order_uses_no_quota_and_the_next_slot_may_trade() -> None:
    book = stopped_book()
    assert only_run(book).status is RunStatus.ERROR
    assert book.quota_run("a", SESSION) is None
    broker(book).set_restrictions("a", frozenset(), book.now())
    advance_to(book, "2026-03-02 09:45")
    first, second = all_runs(book)
    assert (first.status, second.status) == (RunStatus.ERROR, RunStatus.COMPLETED_SUCCESS)
    assert (first.session, second.session) == (SESSION, SESSION)
    assert book.quota_run("a", SESSION) == second.id
    assert check_book(book.database, broker(book)).faults == ()


def test_the_released_quota_is_free_after_a_restart_too() -> None:
    book = stopped_book()
    book.reload()
    assert book.quota_run("a", SESSION) is None


def test_an_order_that_the_broker_refused_was_sent_and_uses_the_quota() -> None:
    book = simple_book()
    Refusing(book, "SPY", "TLT")
    scheduler.tick(book)
    assert only_run(book).status is RunStatus.ERROR
    advance_to(book, "2026-03-02 09:45")
    assert book.quota_run("a", SESSION) == only_run(book).id


@pytest.mark.parametrize("how", ["cancel", "reject"])
def test_what_a_person_canceled_is_not_created_again_in_the_session(how: str) -> None:
    book = review_book()
    if how == "cancel":
        manual.cancel_run(book, only_run(book).id)
    else:
        manual.reject_run(book, only_run(book).id, "not today")
    advance_to(book, "2026-03-02 09:45")
    assert statuses(book) == {"a": RunStatus.CANCELED}
    book.reload()
    assert book.quota_run("a", SESSION) == only_run(book).id
    advance_to(book, "2026-03-03 09:30")
    assert [run.status for run in all_runs(book)] == [RunStatus.CANCELED, RunStatus.QUEUED]


def test_a_run_canceled_while_in_progress_keeps_the_quota_although_nothing_was_sent() -> None:
    book = simple_book()
    set_halt(book, True)
    scheduler.tick(book)
    manual.cancel_run(book, only_run(book).id)
    set_halt(book, False)
    advance_to(book, "2026-03-02 09:45")
    assert len(all_runs(book)) == 1

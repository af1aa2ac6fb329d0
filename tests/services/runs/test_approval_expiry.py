"""Runs that nobody approved: canceled at the end of the window, and proposed once more (R-27)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from rebal_tui.domain.portfolios import Condition, PortfolioUpdate
from rebal_tui.domain.quantities import Percent
from rebal_tui.domain.runs import RunStatus
from rebal_tui.engine.situation import proposed_again
from rebal_tui.services.advisory.portfolios import update_portfolio
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.account import evaluate_account
from rebal_tui.services.evaluation.history import decision_of_run, plan_of
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.runs import manual
from tests.services.brokers import broker
from tests.services.factories import (
    account,
    advance_clock,
    advance_to,
    all_runs,
    balanced,
    fill_book,
    make_book,
    monthly,
    new_york,
    only_run,
)

REASON = "not approved by the end of the window"
AGAIN = "proposed once more, because nobody approved the run of the session before"
FRIDAY, MONDAY, TUESDAY = "2026-03-13", "2026-03-16", "2026-03-17"


def reviewed_book(*conditions: Condition, at: str = f"{FRIDAY} 09:00") -> Book:
    """Before the open of the session of the 15th: an account off its target, rebalanced in February, under review."""
    book = make_book(at)
    model = balanced(cooldown=0, conditions=conditions, review=True)
    holds = account("a", "2500", {"SPY": "60", "TLT": "235"})
    fill_book(book, [holds], [model], {"a": "balanced"}, {"a": new_york("2026-02-02 10:00")})
    return book


def change_weights(book: Book) -> None:
    before = book.portfolio("balanced")
    spy, tlt = before.weights.assets
    moved = Percent(100)
    assets = (replace(spy, percent=Percent(spy.percent - moved)), replace(tlt, percent=Percent(tlt.percent + moved)))
    weights = replace(before.weights, assets=assets)
    update_portfolio(book, before.id, PortfolioBody("B", "", weights, 0, before.conditions, review=True))


def calendar_book() -> Book:
    return reviewed_book(monthly("15"))


def updated_book() -> Book:
    book = reviewed_book(PortfolioUpdate())
    advance_clock(book, minutes=1)
    change_weights(book)
    return book


BOOKS = (calendar_book, updated_book)


def expire(book: Book, day: str, run_count: int) -> None:
    """A session in which nobody approves anything; afterwards the account has had `run_count` runs."""
    for at in (f"{day} 09:30", f"{day} 12:00", f"{day} 15:31"):
        if book.now() < new_york(at):
            advance_to(book, at)
    assert [(run.status, run.reason) for run in all_runs(book)] == [(RunStatus.CANCELED, REASON)] * run_count
    assert book.quota_run("a", day) is None


@pytest.mark.slow
@pytest.mark.parametrize("make", BOOKS)
@pytest.mark.parametrize("restarted", [False, True])
def test_a_run_for_one_day_is_proposed_again_at_the_next_session_and_only_once(
    make: Callable[[], Book], restarted: bool
) -> None:
    book = make()
    expire(book, FRIDAY, 1)
    if restarted:
        book.reload()
    assert book.subscriptions["a"].propose_on == date(2026, 3, 16)
    advance_to(book, f"{MONDAY} 09:30")
    again = all_runs(book)[-1]
    assert again.status is RunStatus.QUEUED
    decision = decision_of_run(book.database, again.id)
    assert decision is not None
    assert AGAIN in decision.reason
    assert decision.reason.startswith(("monthly on the 15th: ", "weights or conditions changed 2026-03-13: "))
    if restarted:
        book.reload()
    expire(book, MONDAY, 2)
    expire(book, TUESDAY, 2)
    assert check_book(book.database, broker(book)).faults == ()


@pytest.mark.parametrize("make", BOOKS)
def test_an_approved_repetition_ends_the_proposal(make: Callable[[], Book]) -> None:
    book = make()
    expire(book, FRIDAY, 1)
    advance_to(book, f"{MONDAY} 09:30")
    run = all_runs(book)[-1]
    shown = plan_of(book.database, run)
    assert shown is not None
    assert manual.approve_run(book, run.id, shown).status is RunStatus.COMPLETED_SUCCESS
    assert not proposed_again(book.subscriptions["a"], book.now())
    for at in (f"{MONDAY} 09:45", f"{MONDAY} 15:31", f"{TUESDAY} 09:30"):
        advance_to(book, at)
    assert len(all_runs(book)) == 2


def test_a_session_that_the_program_missed_is_not_made_up_for() -> None:
    book = calendar_book()
    expire(book, FRIDAY, 1)
    expire(book, TUESDAY, 1)


def test_a_run_that_expires_while_the_program_is_off_is_proposed_again_on_the_morning_after() -> None:
    book = calendar_book()
    advance_to(book, f"{FRIDAY} 09:30")
    advance_to(book, f"{MONDAY} 09:30")
    advance_to(book, f"{MONDAY} 09:45")
    assert [run.status for run in all_runs(book)] == [RunStatus.CANCELED, RunStatus.QUEUED]


def test_a_change_made_after_the_proposal_is_proposed_twice_as_well() -> None:
    book = updated_book()
    expire(book, FRIDAY, 1)
    advance_to(book, f"{MONDAY} 09:30")
    advance_clock(book, minutes=1)
    change_weights(book)
    expire(book, MONDAY, 2)
    expire(book, TUESDAY, 3)
    expire(book, "2026-03-18", 4)
    expire(book, "2026-03-19", 4)


def test_a_drift_band_needs_no_repetition_because_it_stays_breached() -> None:
    book = reviewed_book(*balanced().conditions)
    expire(book, FRIDAY, 1)
    assert book.subscriptions["a"].propose_on is None
    expire(book, MONDAY, 2)
    expire(book, TUESDAY, 3)


def test_a_rejected_run_is_not_proposed_again() -> None:
    book = calendar_book()
    advance_to(book, f"{FRIDAY} 09:30")
    manual.reject_run(book, only_run(book).id, "not this month")
    for day in (FRIDAY, MONDAY):
        for at in ("10:00", "15:31"):
            advance_to(book, f"{day} {at}")
    assert len(all_runs(book)) == 1


def test_a_cooldown_drops_the_repetition_of_a_calendar_day() -> None:
    book = calendar_book()
    expire(book, FRIDAY, 1)
    before = book.portfolio("balanced")
    update_portfolio(book, before.id, PortfolioBody("B", "", before.weights, 60, before.conditions, review=True))
    advance_to(book, f"{MONDAY} 09:30")
    assert len(all_runs(book)) == 1
    trigger = next(check for check in evaluate_account(book, "a").trace if check.check == "calendar")
    assert trigger.detail.endswith("but dropped because of the cooldown")

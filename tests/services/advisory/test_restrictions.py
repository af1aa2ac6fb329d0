"""Restrictions are added, lifted and end by themselves, with audit entries and a notice (R-60)."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from rebal_tui.domain.decisions import Outcome
from rebal_tui.domain.errors import Invalid, NotFound
from rebal_tui.domain.trading_rules import Concerned, RangeUnit, RestrictionDraft, RestrictionKind
from rebal_tui.services.advisory.restrictions import (
    add_restrictions,
    end_restrictions,
    in_force,
    lift_restrictions,
)
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.account import evaluate_account
from rebal_tui.services.queries.exceptions import Exceptions
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.view_models.exceptions import ExceptionKind
from rebal_tui.store import audit, jobs
from tests.services.importing.test_restrictions_in_books import content, imported, opened

__all__ = ["opened"]

NO_SELL = RestrictionDraft(RestrictionKind.NO_SELL, "low basis", "SPY")


def actions(book: Book) -> list[tuple[str, str, str]]:
    found = [(one.action, one.subject, one.actor) for one in reversed(audit.entries(book.database))]
    return [one for one in found if one[0].startswith("restriction.")]


def test_a_restriction_holds_from_its_addition_until_it_is_lifted(opened: list[Book]) -> None:
    book = imported(opened, content())
    assert evaluate_account(book, "a1").outcome is Outcome.FULL_REBALANCE
    [made] = add_restrictions(book, NO_SELL, Concerned(("a1",)), "ada")
    assert list(in_force(book, "a1")) == [made]
    assert evaluate_account(book, "a1").outcome is Outcome.INVEST_CASH
    assert lift_restrictions(book, [made.id], "ada") == [made]
    assert evaluate_account(book, "a1").outcome is Outcome.FULL_REBALANCE
    assert actions(book) == [("restriction.added", "a1", "ada"), ("restriction.lifted", "a1", "ada")]
    with pytest.raises(NotFound, match="no restriction"):
        lift_restrictions(book, [made.id])


@pytest.mark.parametrize("concerned", [Concerned(), Concerned(portfolio_id="p1")])
def test_a_restriction_of_the_book_or_a_portfolio_concerns_its_accounts(
    opened: list[Book], concerned: Concerned
) -> None:
    book = imported(opened, content())
    add_restrictions(book, NO_SELL, concerned)
    assert evaluate_account(book, "a1").outcome is Outcome.INVEST_CASH


def test_faults_of_a_draft_are_named_and_nothing_is_added(opened: list[Book]) -> None:
    book = imported(opened, content())
    draft = RestrictionDraft(RestrictionKind.RANGE, "  ", "NONE", 10, 5, RangeUnit.DOLLARS, date(2026, 3, 3))
    with pytest.raises(Invalid) as refused:
        add_restrictions(book, draft, Concerned(("a1",)))
    assert [fault.location for fault in refused.value.faults] == ["reason", "symbol", "until", "min"]
    with pytest.raises(NotFound):
        add_restrictions(book, NO_SELL, Concerned(("a1", "unknown")))
    assert actions(book) == []


def test_a_restriction_that_ends_is_announced_on_its_last_session_and_then_ended(opened: list[Book]) -> None:
    book = imported(opened, content(restrictions=[]))
    [made] = add_restrictions(
        book, RestrictionDraft(RestrictionKind.LOCK, "tax", "SPY", until=date(2026, 3, 8)), Concerned(("a1",))
    )
    assert end_restrictions(book, date(2026, 3, 5)) == (0, 0)
    # 2026-03-08 is a Sunday: Friday is the last session on which it holds.
    assert end_restrictions(book, date(2026, 3, 6)) == (0, 1)
    [alert] = [one for one in jobs.open_alerts(book.database) if one.kind == "restriction_ends"]
    assert alert.subject == made.id
    assert alert.text.endswith("SPY: lock (tax), until 2026-03-08 ends with today's session")
    assert end_restrictions(book, date(2026, 3, 9)) == (1, 0)
    assert book.rules_view.restrictions == []
    assert not jobs.is_open(book.database, "restriction_ends", made.id)
    assert actions(book)[-1] == ("restriction.ended", "a1", "scheduler")


def test_a_restriction_does_not_hold_after_its_last_day_even_before_it_is_ended(opened: list[Book]) -> None:
    book = imported(opened, content())
    draft = RestrictionDraft(RestrictionKind.LOCK, "tax", "SPY", until=date(2026, 3, 8))
    [made] = add_restrictions(book, draft, Concerned(("a1",)))
    held = [book.rules_view.restrictions_of("a1", None, date(2026, 3, day)) for day in (8, 9)]
    assert held == [(made,), ()]


def test_the_scheduler_ends_restrictions(opened: list[Book]) -> None:
    book = imported(opened, content())
    add_restrictions(book, RestrictionDraft(RestrictionKind.HOLD, "moving", until=date(2026, 3, 4)), Concerned(("a1",)))
    scheduler.tick(book)
    assert [one.kind for one in jobs.open_alerts(book.database)] == ["restriction_ends"]
    assert book.now() == datetime(2026, 3, 4, 17, tzinfo=UTC)


def test_restrictions_that_exclude_each_other_are_an_exception(opened: list[Book]) -> None:
    book = imported(opened, content())
    assert Exceptions(book).counts() == {}
    least = RestrictionDraft(RestrictionKind.RANGE, "core", "TLT", 3_000, None, RangeUnit.PERCENT)
    add_restrictions(book, least, Concerned(portfolio_id="p1"))
    [made] = add_restrictions(book, RestrictionDraft(RestrictionKind.SELL_ONLY, "closing"), Concerned(("a1",)))
    assert evaluate_account(book, "a1").reason.startswith("the restrictions conflict: ")
    [found] = Exceptions(book).page(10).items
    assert (found.kind, found.account_id) == (ExceptionKind.RESTRICTIONS_CONFLICT, "a1")
    assert "TLT: range (core) and sell only (closing) exclude each other" in found.text
    lift_restrictions(book, [made.id])
    assert Exceptions(book).counts() == {}

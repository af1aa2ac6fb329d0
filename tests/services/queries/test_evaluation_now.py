"""What an evaluation would do is what it does."""

from __future__ import annotations

import re

import pytest

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.runs import RunType
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.policy import set_review
from rebal_tui.services.queries import evaluation_now as queries
from rebal_tui.services.queries.evaluation_now import evaluation_now
from rebal_tui.services.queries.review import review_view
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.view_models.plan_figures import plan_figures
from tests.services.factories import account, advance_to, all_runs, balanced, fill_book, make_book, new_york

TIME = "2026-03-02 10:01"


def due_book() -> Book:
    """A book in which `a` is outside its band, `b` has cash to invest, and `c` is on target."""
    book = make_book(TIME)
    held = [
        account("a", "5000", {"SPY": "190", "TLT": "0.5"}),
        account("b", "9000", {"SPY": "150", "TLT": "350"}),
        account("c", "5000", {"SPY": "150", "TLT": "350"}),
    ]
    follows = dict.fromkeys("abc", "balanced")
    fill_book(book, held, [balanced()], follows, dict.fromkeys("abc", new_york("2026-02-02 10:00")))
    return book


def test_the_runs_that_are_due_are_those_that_an_evaluation_creates() -> None:
    book = due_book()
    set_review(book, True)
    found = evaluation_now(book)
    assert all_runs(book) == []
    assert (found.rebalances, found.investments, found.total) == (1, 1, 2)
    assert found.reviewed
    assert [run.account_id for run in found.runs] == ["a", "b"]
    assert scheduler.run_now(book, "evaluation") == "3 accounts, 2 runs, 2 to review"
    made = {run.account_id: run for run in all_runs(book)}
    assert {run.account_id: run.type for run in found.runs} == {key: run.type for key, run in made.items()}
    for run in found.runs:
        plan = review_view(book, made[run.account_id].id).preview.plan
        assert (run.orders, run.turnover) == (len(plan.sells) + len(plan.buys), plan_figures(plan).turnover)
        assert run.orders > 0
        assert run.turnover > 0
        assert run.reason
    again = evaluation_now(book)
    assert (again.total, again.runs) == (0, ()), "the accounts have their runs"


def test_a_few_runs_are_listed_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "MAX_LISTED", 1)
    found = evaluation_now(due_book())
    assert [(run.account_id, run.type) for run in found.runs] == [("a", RunType.FULL_REBALANCE)]
    assert (found.rebalances, found.investments) == (1, 1)


def test_outside_the_window_the_next_evaluation_is_named() -> None:
    book = due_book()
    advance_to(book, "2026-03-02 16:30")
    refusal = re.escape("evaluations run only in the window of a session; the next evaluation is at 03 Mar 09:30")
    for act in (evaluation_now, lambda one: scheduler.run_now(one, "evaluation")):
        with pytest.raises(Conflict, match=refusal):
            act(book)

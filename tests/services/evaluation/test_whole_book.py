"""A book decided at once gives every account the same outcome as a single evaluation."""

from __future__ import annotations

from pathlib import Path

import pytest

from rebal_tui import bootstrap
from rebal_tui.engine.arrays.decide import CHECKS, NOT_EVALUATED, OUTCOMES
from rebal_tui.engine.drift import asset_drifts, largest_usage
from rebal_tui.engine.evaluation import deciding_check
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.policy import set_review
from rebal_tui.services.evaluation.account import evaluate_book, value_of
from rebal_tui.services.evaluation.history import latest_decisions, plan_of
from rebal_tui.services.evaluation.whole_book import band_usage_of_accounts, decide_book
from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation.demonstration.setup import DEFAULT_START
from tests.services.evaluation_pass.test_decisions_and_runs import mixed_decisions_book
from tests.services.factories import set_price, simple_book


def agree(book: Book) -> None:
    decided = decide_book(book)
    row_of = book.account_table.row_of
    exact = {row_of[d.account_id]: d for d in evaluate_book(book)}
    for row, code in enumerate(decided.made.outcome):
        if row not in exact:
            assert code == NOT_EVALUATED
            continue
        deciding = deciding_check(exact[row].trace, exact[row].outcome)
        assert OUTCOMES[code] is exact[row].outcome
        assert CHECKS[decided.made.check[row]] == (deciding.check if deciding else "")
    assert int((decided.made.outcome != NOT_EVALUATED).sum()) == len(exact)
    uses = {}
    for account_id, subscription in book.subscriptions.items():
        portfolio = book.portfolios[subscription.portfolio_id]
        usage = largest_usage(asset_drifts(value_of(book, account_id), portfolio.weights), portfolio.bands)
        if usage:
            uses[int(book.account_table.keys[row_of[account_id]])] = min(usage.permille, 1_000_000)
    assert dict(zip(*band_usage_of_accounts(book, decided), strict=True)) == uses


def test_each_outcome_is_the_accounts_own() -> None:
    agree(mixed_decisions_book())


def test_a_price_that_moves_and_a_run_that_is_made_are_seen() -> None:
    book = simple_book(cash="50000")
    agree(book)
    scheduler.tick(book)
    agree(book)
    set_price(book, "SPY", "500.00")
    agree(book)


@pytest.mark.slow
@pytest.mark.parametrize("seed", ["one", "two"])
def test_the_demonstration_is_decided_like_its_accounts_one_by_one(tmp_path: Path, seed: str) -> None:
    path = tmp_path / "book.db"
    bootstrap.create_demo(path, accounts=60, seed=seed).close()
    book = bootstrap.open_simulation(bootstrap.open_database(path), at=DEFAULT_START)
    scheduler.advance_market(book, book.now())
    agree(book)
    book.database.close()


def test_an_evaluation_pass_stores_the_decisions_of_the_exact_form() -> None:
    book = mixed_decisions_book()
    exact = {decision.account_id: decision for decision in evaluate_book(book)}
    made = evaluation_pass(book, explain=False)
    assert made.decisions == ()
    assert made.evaluated == len(exact)
    for account_id, decision in exact.items():
        assert latest_decisions(book.database, account_id) == [decision]
    fires = [d.account_id for d in exact.values() if d.plan is not None]
    assert [run.account_id for run in made.runs] == fires


def test_a_run_awaiting_approval_is_stored_with_the_plan_of_its_decision() -> None:
    book = mixed_decisions_book()
    set_review(book, True)
    exact = {decision.account_id: decision for decision in evaluate_book(book)}
    for run in evaluation_pass(book, explain=False).runs:
        assert plan_of(book.database, run) == exact[run.account_id].plan

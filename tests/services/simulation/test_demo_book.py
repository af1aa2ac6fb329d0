"""Initial state of the demonstration book."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from rebal_tui import bootstrap
from rebal_tui.broker.simulated.broker import SimulatedBroker
from rebal_tui.domain.accounts import AccountStatus
from rebal_tui.domain.decisions import Outcome
from rebal_tui.domain.errors import Conflict, Invalid
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import HUNDRED_PERCENT, NANO
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.domain.text import name_text
from rebal_tui.engine.drift import asset_drifts, largest_usage
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.account import evaluate_book, value_of
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation.demonstration.accounts import LARGEST, SMALLEST
from rebal_tui.services.simulation.demonstration.models import ASSETS, MODELS, SUSPENDED
from rebal_tui.store import audit, runs
from rebal_tui.store.database import MEMORY, Database

TABLES = ("accounts", "positions", "assets", "portfolios", "portfolio_weights", "portfolio_conditions", "subscriptions")


def demo(accounts: int = 60, seed: str = "1") -> Book:
    return bootstrap.open_simulation(bootstrap.create_demo(MEMORY, accounts=accounts, seed=seed))


def content(database: Database) -> list[list[tuple[object, ...]]]:
    return [database.rows(f"SELECT * FROM {table} ORDER BY 1, 2") for table in TABLES]


@pytest.mark.slow
def test_the_same_seed_gives_the_same_book_and_another_seed_another() -> None:
    first, again, other = (bootstrap.create_demo(MEMORY, accounts=25, seed=seed) for seed in ("a", "a", "b"))
    assert content(first) == content(again)
    assert content(first) != content(other)


@pytest.mark.slow
@pytest.mark.parametrize("accounts", [1, 2, 19, 20, 333])
def test_the_demonstration_has_the_requested_accounts_with_unique_numbers_and_valid_names(accounts: int) -> None:
    book = demo(accounts)
    assert len(book.accounts) == accounts
    assert len({account.account_number for account in book.accounts.values()}) == accounts
    for account in book.accounts.values():
        assert name_text(account.name) == account.name
        equity = value_of(book, account.id).equity
        assert (SMALLEST - 1) * NANO * NANO <= equity <= (LARGEST * 2) * NANO * NANO
        assert account.created_at < book.now()


def test_portfolios_are_valid_and_only_the_inactive_one_has_no_subscribers() -> None:
    book = demo()
    for portfolio in book.portfolios.values():
        assert sum(w.percent for w in portfolio.weights.assets) + portfolio.weights.cash == HUNDRED_PERCENT
        assert set(portfolio.weights.symbols) <= set(ASSETS)
        followers = sum(s.portfolio_id == portfolio.id for s in book.subscriptions.values())
        assert (followers > 0) is (portfolio.status is PortfolioStatus.ACTIVE)
    assert sum(SUSPENDED in model.weights.symbols for model in MODELS) == 1


def test_the_demonstration_has_every_situation_of_an_advisor() -> None:
    book = demo()
    accounts = book.accounts.values()
    restricted = [next(iter(a.restrictions)) for a in accounts if a.restrictions]
    assert len(restricted) >= 3
    assert len(set(restricted)) == len(restricted)
    assert any(a.status is not AccountStatus.ACTIVE for a in accounts)
    assert 1 <= len(accounts) - len(book.subscriptions) <= 4
    assert any(s.last_rebalanced_at is None for s in book.subscriptions.values())
    foreign = [
        a for a in accounts if a.id in book.subscriptions and {p.symbol for p in a.positions} - _model_of(book, a.id)
    ]
    assert foreign
    reasons = [check.check for d in evaluate_book(book) for check in d.trace if check.verdict == "holds_back"]
    assert any("cooldown" in check for check in reasons)


@pytest.mark.slow
def test_most_accounts_are_inside_their_bands_some_near_and_a_few_outside() -> None:
    book = demo(300)
    uses = []
    for account_id, subscription in book.subscriptions.items():
        portfolio = book.portfolios[subscription.portfolio_id]
        drifts = asset_drifts(value_of(book, account_id), portfolio.weights)
        usage = largest_usage(drifts, portfolio.bands) if subscription.last_rebalanced_at else None
        if usage is not None:
            uses.append(usage.permille)
    outside, near = sum(u > 1_000 for u in uses), sum(800 <= u <= 1_000 for u in uses)
    assert 0.05 * len(uses) < outside < 0.25 * len(uses)
    assert near >= 0.05 * len(uses)
    assert outside + near < len(uses) / 2


def test_the_first_evaluation_creates_runs_at_once_and_trades_few_accounts() -> None:
    book = demo()
    outcomes = [d.outcome for d in evaluate_book(book)]
    assert outcomes.count(Outcome.FULL_REBALANCE) >= 5
    assert outcomes.count(Outcome.INVEST_CASH) >= 2
    assert outcomes.count(Outcome.BLOCKED) >= 3
    assert outcomes.count(Outcome.NONE) > len(outcomes) / 2
    scheduler.tick(book)
    assert {run.type for run in runs.newest(book.database, 100)} == {RunType.FULL_REBALANCE, RunType.INVEST_CASH}


def test_a_single_account_has_something_to_do() -> None:
    assert [d.outcome for d in evaluate_book(demo(1))] == [Outcome.FULL_REBALANCE]


def test_the_demonstration_passes_check() -> None:
    book = demo()
    assert isinstance(book.broker, SimulatedBroker)
    assert book.broker.invariants() == []
    assert book.broker.accounts() == list(book.accounts.values())
    assert audit.verify(book.database) == []


def test_the_demonstration_starts_at_the_requested_time() -> None:
    start = datetime(2027, 1, 5, 10, tzinfo=NEW_YORK)
    book = bootstrap.open_simulation(bootstrap.create_demo(MEMORY, accounts=10, start=start, speed=60))
    assert start <= book.now() < start + timedelta(minutes=10)


@pytest.mark.slow
@pytest.mark.parametrize("accounts", [0, -1, 100_001])
def test_an_impossible_number_of_accounts_is_refused_and_nothing_written(tmp_path: Path, accounts: int) -> None:
    with pytest.raises(Invalid, match="accounts"):
        bootstrap.create_demo(tmp_path / "book.db", accounts=accounts)
    bootstrap.create_demo(tmp_path / "book.db", accounts=2).close()


def test_a_file_in_use_is_refused_and_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "book.db"
    database = bootstrap.create_demo(path, accounts=5)
    before = content(database)
    with pytest.raises(Conflict, match="already contains a book"):
        bootstrap.create_demo(path, accounts=7)
    assert content(database) == before


def _model_of(book: Book, account_id: str) -> set[str]:
    return set(book.portfolios[book.subscriptions[account_id].portfolio_id].weights.symbols)

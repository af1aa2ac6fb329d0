"""Runs that start together, planned in arrays, are stored like runs that are planned one by one."""

from __future__ import annotations

import shutil
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from rebal_tui import bootstrap
from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.runs import RunType
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
from rebal_tui.services.runs import starting
from rebal_tui.services.runs.processing import process_runs
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation.demonstration.setup import DEFAULT_START
from rebal_tui.store import runs
from tests.services.factories import simple_book

ACCOUNTS = 180


@pytest.fixture(scope="module")
def crashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book in which two of three accounts are due for a full rebalance."""
    path = tmp_path_factory.mktemp("starts") / "book.db"
    bootstrap.create_demo(path, accounts=ACCOUNTS).close()
    database = bootstrap.open_database(path)
    with database.write() as tx:
        tx.execute("UPDATE subscriptions SET last_rebalanced_at = NULL WHERE key % 3 > 0")
    database.close()
    return path


def _queued(path: Path) -> Book:
    """The book with its runs queued, many of them to invest cash, after events in accounts and assets of every type
    that affects a start."""
    book = bootstrap.open_simulation(bootstrap.open_database(path), at=DEFAULT_START)
    scheduler.advance_market(book, book.now())
    with book.database.write() as tx:
        tx.execute("UPDATE accounts SET cash = cash + 2000000000000")
    book.reload_accounts()
    evaluation_pass(book, explain=False)
    used = {symbol for portfolio in book.portfolios.values() for symbol in portfolio.weights.symbols}
    unpriced, stale, dead, *_ = sorted(book.assets.keys() - used)
    with book.database.write() as tx:
        tx.execute("UPDATE accounts SET restrictions = 'trading_blocked' WHERE key % 23 = 1")
        tx.execute("UPDATE accounts SET cash = -cash WHERE key % 23 = 2")
        tx.execute(
            "INSERT INTO reservations (account, owner_kind, owner, amount, created_at) "
            "SELECT key, 'person', 'advisor', 700000000000, 0 FROM accounts WHERE key % 23 = 3"
        )
        tx.execute("UPDATE accounts SET outside_orders = 1 WHERE key % 23 = 4")
        tx.execute("UPDATE positions SET qty = 1000000 WHERE account % 23 = 5")
        for row, symbol in enumerate((unpriced, stale, dead, "SPY"), 6):
            tx.execute(
                "INSERT OR REPLACE INTO positions SELECT a.key, s.key, 3000000001, NULL FROM accounts a, assets s "
                "WHERE a.key % 23 = ? AND s.symbol = ?",
                (row, symbol),
            )
    book.reload_accounts()
    age = book.settings.price_max_age
    assert age is not None
    book.assets[unpriced] = replace(book.assets[unpriced], price=None, price_at=None)
    book.assets[stale] = replace(book.assets[stale], price_at=book.now() - age - timedelta(microseconds=1))
    book.assets[dead] = replace(book.assets[dead], tradable=False)
    first, *_, last = book.portfolios.values()
    split = next(symbol for symbol in last.weights.symbols if symbol not in first.weights.symbols)
    book.assets[split] = replace(book.assets[split], fractionable=False)
    turned = Weights(tuple(reversed(first.weights.assets)), first.weights.cash)
    book.portfolios = {**book.portfolios, first.id: replace(first, weights=turned)}
    return book


def _rows(book: Book) -> dict[str, list[tuple[Any, ...]]]:
    names = [name for (name,) in book.database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: sorted(book.database.rows(f"SELECT * FROM {name}"), key=repr) for name in names}


@pytest.mark.slow
def test_array_starts_and_single_starts_write_equal_rows(
    crashed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every row of the file, from the starts to the fills at the broker."""
    written, results = [], []
    for least in (1, ACCOUNTS + 1):
        path = tmp_path / f"{least}.db"
        shutil.copy(crashed, path)
        monkeypatch.setattr(starting, "ARRAY_START_MIN_RUNS", ACCOUNTS + 1)
        book = _queued(path)
        monkeypatch.setattr(starting, "ARRAY_START_MIN_RUNS", least)
        made, _ = starting.split_array_starts(book, list(book.open_runs.values()))
        at_once = {run.id for some, _ in made for run in some}
        process_runs(book)
        results.append(
            Counter((run.type, run.id in at_once) for run in runs.newest(book.database, ACCOUNTS) if run.started_at)
        )
        written.append(_rows(book))
        book.database.close()
    assert written[0] == written[1]
    assert results[0][RunType.FULL_REBALANCE, True] > 40
    assert results[0][RunType.INVEST_CASH, True] > 15
    assert results[0][RunType.FULL_REBALANCE, False]
    assert not any(at_once for _, at_once in results[1])


def test_runs_that_the_arrays_cannot_plan_are_left_to_the_exact_form(monkeypatch: pytest.MonkeyPatch) -> None:
    """A skipped sell, here of an asset that cannot be traded, is reported run by run."""
    monkeypatch.setattr(starting, "ARRAY_START_MIN_RUNS", 1)
    book = simple_book("2026-03-03 10:00", "50000", {"GLD": "10"})
    evaluation_pass(book, explain=False)
    book.assets["GLD"] = replace(book.assets["GLD"], status=AssetStatus.INACTIVE)
    queued = list(book.open_runs.values())
    assert len(queued) == 1
    assert starting.split_array_starts(book, queued) == ([], queued)

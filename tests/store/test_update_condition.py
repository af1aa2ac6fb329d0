"""The condition `on_portfolio_update` and the times that it depends on, in the file (R-5, R-14)."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from datetime import date

import pytest

from rebal_tui.domain.portfolios import PortfolioUpdate
from rebal_tui.store import blobs, decision_contexts, portfolios
from rebal_tui.store.codec import to_time
from rebal_tui.store.database import MEMORY, Database
from rebal_tui.store.migrations import migrate
from rebal_tui.store.schema import MIGRATIONS
from tests.services.factories import balanced, new_york, simple_book
from tests.store.books import new_file

BEFORE = [script for script in MIGRATIONS if script[0] < "0008"]
AT = new_york("2026-02-02 10:00")


def test_a_book_of_an_earlier_version_keeps_its_conditions_and_dates_its_last_change() -> None:
    database = Database(MEMORY)
    migrate(database, [("book", BEFORE)])
    connection = database.connection
    connection.execute("INSERT INTO portfolios VALUES (1, 'p', 'P', '', 'active', 10000, 7, 0, 5, 9)")
    connection.execute("INSERT INTO portfolio_conditions VALUES (1, 0, 'drift_band', 'absolute', 500, NULL)")
    connection.execute("INSERT INTO portfolio_conditions VALUES (1, 1, 'calendar', 'monthly', NULL, '15')")
    before = database.rows("SELECT * FROM portfolio_conditions ORDER BY line")
    migrate(database, [("book", MIGRATIONS)])
    assert database.rows("SELECT * FROM portfolio_conditions ORDER BY line") == before
    assert database.row("SELECT created_at, updated_at, changed_at FROM portfolios") == (5, 9, 9)
    assert database.rows("PRAGMA foreign_key_check") == []


def test_a_portfolio_with_the_condition_reads_back_as_it_was_saved() -> None:
    book = simple_book()
    plain = balanced("updated")
    saved = replace(plain, conditions=(*plain.conditions, PortfolioUpdate()), changed_at=AT, updated_at=AT)
    with book.write() as tx:
        portfolios.save(tx, saved)
    assert portfolios.load(book.database)["updated"] == saved
    assert saved.on_update
    assert not plain.on_update


@pytest.mark.slow
@pytest.mark.parametrize(
    "values",
    [
        "0, 'on_portfolio_update', 'weekly', NULL, NULL",
        "0, 'on_portfolio_update', NULL, 500, NULL",
        "0, 'on_portfolio_update', NULL, NULL, '15'",
        "0, 'drift_band', NULL, 500, NULL",
        "0, 'calendar', NULL, NULL, '15'",
        "0, 'sometimes', NULL, NULL, NULL",
        "1, 'on_portfolio_update', NULL, NULL, NULL",
    ],
)
def test_the_file_refuses_a_condition_that_is_no_condition_or_one_too_many(values: str) -> None:
    database = new_file()
    database.connection.execute(
        "INSERT INTO portfolios (key, id, name, description, status, cash_weight, cooldown_days, created_at, "
        "updated_at) VALUES (1, 'p', 'P', '', 'active', 0, 0, 0, 0)"
    )
    if values.startswith("1"):
        database.connection.execute(
            "INSERT INTO portfolio_conditions VALUES (1, 0, 'on_portfolio_update', NULL, NULL, NULL)"
        )
    with pytest.raises(sqlite3.IntegrityError):
        database.connection.execute(f"INSERT INTO portfolio_conditions VALUES (1, {values})")


def test_a_context_keeps_the_condition_and_the_time_of_the_last_change() -> None:
    book = simple_book()
    model = replace(balanced(), conditions=(PortfolioUpdate(),), changed_at=AT)
    with book.write() as tx:
        key = decision_contexts.put(tx, book.now(), None, "", None, frozenset(), book.assets, {model.id: model})
    assert decision_contexts.get(book.database, key).portfolios == {model.id: model}


def test_a_context_of_an_earlier_version_dates_the_last_change_by_the_last_update() -> None:
    book = simple_book()
    model = replace(balanced(), updated_at=AT)
    with book.write() as tx:
        key = decision_contexts.put(tx, book.now(), None, "", None, frozenset(), book.assets, {model.id: model})
        [part] = tx.row("SELECT portfolios FROM contexts WHERE key = ?", (key,)) or (0,)
        [values] = json.loads(blobs.text(book.database, part))
        old = blobs.put(tx, json.dumps([values[:-1]]))
        tx.execute("UPDATE contexts SET portfolios = ? WHERE key = ?", (old, key))
    assert decision_contexts.get(book.database, key).portfolios == {model.id: replace(model, changed_at=AT)}


def test_the_marks_of_a_subscription_are_in_memory_after_opening_and_after_a_reload() -> None:
    book = simple_book()
    expected = replace(book.subscriptions["a"], update_spent_at=AT, propose_on=date(2026, 3, 3))
    with book.write() as tx:
        tx.execute("UPDATE subscriptions SET update_spent_at = ?, propose_on = '2026-03-03'", (to_time(AT),))
        tx.reload_subscriptions(["a"])
    assert book.subscriptions["a"] == expected
    book.reload()
    assert book.subscriptions["a"] == expected
    assert [found for _, found in portfolios.page_of_subscriptions(book.database, 5)] == [expected]
    book.subscriptions["a"] = replace(expected, update_spent_at=None, propose_on=None)
    assert (book.subscriptions["a"].update_spent_at, book.subscriptions["a"].propose_on) == (None, None)

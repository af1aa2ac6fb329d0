"""Undo: the book is as before but for its audit trail, while nothing was evaluated and nothing changed again."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.portfolios import Portfolio, Unfinished
from rebal_tui.domain.runs import RunType
from rebal_tui.services.advisory import portfolios, undo
from rebal_tui.services.advisory.subscriptions import move
from rebal_tui.services.book.book import Book
from rebal_tui.services.maintenance.check import check_book
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.runs.manual import queue_run
from rebal_tui.store import audit, unfinished
from rebal_tui.store.portfolio_versions import versions
from tests.services.brokers import broker
from tests.services.factories import account, advance, balanced, fill_book, make_book, unsubscribe_account


def a_book() -> Book:
    """Accounts `a` and `b` follow a portfolio since an earlier rebalance; `c` follows none."""
    book = make_book()
    models = [balanced(), balanced("other", {"SPY": "50", "TLT": "45"})]
    rebalanced = {name: book.now() - timedelta(days=3) for name in "ab"}
    fill_book(book, [account(name, "50000") for name in "abc"], models, dict.fromkeys("ab", "balanced"), rebalanced)
    return book


def content(book: Book) -> object:
    """What the book contains, in its file and in memory, without its audit trail and versions."""
    rows = book.database.rows(
        "SELECT id, account, portfolio, created_at, last_rebalanced_at FROM subscriptions WHERE ended_at IS NULL"
    )
    models = [(one, one.changed_at) for one in map(_untimed, book.portfolios.values())]
    return rows, dict(book.subscriptions.items()), {p: book.subscribers(p) for p in book.portfolios}, models


def _untimed(portfolio: Portfolio) -> Portfolio:
    return replace(portfolio, updated_at=portfolio.created_at)


def edited(book: Book) -> PortfolioBody:
    before = book.portfolios["balanced"]
    other = book.portfolios["other"]
    return PortfolioBody("Renamed", before.description, other.weights, 30, before.conditions, review=True)


CHANGES: dict[str, Callable[[Book], undo.Undo | None]] = {
    "subscribe": lambda book: undo.subscribe_all(book, ["c"], "other", moving=False)[1],
    "move": lambda book: undo.subscribe_all(book, ["a", "c", "b"], "other", moving=True)[1],
    "unsubscribe": lambda book: undo.unsubscribe_all(book, ["a", "c", "b"])[1],
    "edit": lambda book: undo.update_portfolio(book, "balanced", edited(book))[1],
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CHANGES)
def test_after_undo_the_book_is_as_before_and_the_audit_trail_has_both(name: str) -> None:
    book = a_book()
    before, entries = content(book), audit.head(book.database)[0]
    faults = check_book(book.database, broker(book)).faults
    change = CHANGES[name](book)
    assert change is not None
    assert content(book) != before
    done = audit.head(book.database)[0] - entries
    undo.undo(book, change)
    assert content(book) == before
    added = book.database.rows("SELECT action, detail, actor FROM audit WHERE seq > ?", (entries + done,))
    assert len(added) == done
    assert all(json.loads(detail).get("undo") and actor == "advisor" for _, detail, actor in added)
    book.reload()
    assert content(book) == before
    assert check_book(book.database, broker(book)).faults == faults
    with pytest.raises(Conflict, match="changed again"):
        undo.undo(book, change)


def test_undo_is_refused_after_an_evaluation_or_another_change() -> None:
    book = a_book()
    moved, edit = CHANGES["move"](book), CHANGES["edit"](book)
    assert moved is not None
    assert edit is not None
    move(book, "b", "balanced")
    portfolios.update_portfolio(book, "balanced", PortfolioBody("Again", "", edited(book).weights, 3, ()))
    before = content(book)
    with pytest.raises(Conflict, match="account N-b was changed again"):
        undo.undo(book, moved)
    with pytest.raises(Conflict, match="portfolio Again was changed again"):
        undo.undo(book, edit)
    left = CHANGES["unsubscribe"](book)
    assert left is not None
    advance(book, 40)
    with pytest.raises(Conflict, match="an evaluation has run since"):
        undo.undo(book, left)
    assert content(book) != before


def test_undo_is_refused_where_a_run_was_canceled_or_made() -> None:
    book = a_book()
    queue_run(book, "a", RunType.FULL_REBALANCE)
    canceled = CHANGES["unsubscribe"](book)
    assert canceled is not None
    with pytest.raises(Conflict, match="an account had an open run"):
        undo.undo(book, canceled)
    made = undo.subscribe_all(book, ["c"], "other", moving=False)[1]
    assert made is not None
    queue_run(book, "c", RunType.FULL_REBALANCE)
    with pytest.raises(Conflict, match="account N-c has an open run"):
        undo.undo(book, made)


def test_undone_sells_are_known_again_after_an_unsubscription_is_undone() -> None:
    book = a_book()
    undone = Unfinished(("SPY",), None, since="2026-03-02")
    with book.write() as tx:
        unfinished.put(tx, book.subscriptions["a"].id, undone)
        tx.reload_unfinished()
    change = CHANGES["unsubscribe"](book)
    assert change is not None
    assert book.unfinished == {}
    undo.undo(book, change)
    assert book.unfinished == {"a": undone}


def test_nothing_to_undo_when_every_account_was_refused() -> None:
    book = a_book()
    unsubscribe_account(book, "a")
    assert undo.unsubscribe_all(book, ["a"])[1] is None


def test_every_edit_is_a_version_with_its_author_and_undo_adds_one() -> None:
    book = a_book()
    with book.acting_as("api jane"):
        change = CHANGES["edit"](book)
    assert change is not None
    undo.undo(book, change)
    portfolios.inactivate_portfolio(book, "other")
    found = versions(book.database, book.portfolios["balanced"])
    assert [(one.number, one.actor, one.portfolio.name) for one in found] == [
        (3, "advisor", "Balanced"),
        (2, "api jane", "Renamed"),
        (1, "", "Balanced"),
    ]
    assert found[0].portfolio.weights == found[2].portfolio.weights != found[1].portfolio.weights
    assert len(versions(book.database, book.portfolios["other"])) == 1

"""Import of a BOOK.json, all or nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import parse_price
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.importing.book_import import ImportSummary, import_book
from rebal_tui.services.parsing.book_file import parse_book
from rebal_tui.store import audit

Raw = dict[str, Any]
Text = Callable[[], str]


def contents(book: Book) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table of the file."""
    names = [name for (name,) in book.database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: book.database.rows(f"SELECT * FROM {name}") for name in names}


def test_everything_of_the_file_is_in_the_book(book: Book, raw_book: Raw, as_text: Text) -> None:
    raw_book["portfolios"][0]["status"] = "needs_adjustment"
    raw_book["portfolios"][0]["rebalance_conditions"].append({"type": "on_portfolio_update"})
    raw_book["subscriptions"][0]["last_rebalanced_at"] = "2026-02-02T15:00:00Z"
    parsed = parse_book(as_text())
    assert import_book(book, parsed) == ImportSummary(3, 2, 1, 1, 1)
    assert tuple(book.accounts.values()) == parsed.accounts
    assert tuple(book.broker.accounts()) == parsed.accounts
    assert set(book.assets) == {"SPY", "TLT", "GLD"}
    assert book.assets["SPY"].price == parse_price("500")
    assert not book.assets["GLD"].tradable
    portfolio = book.portfolios["p1"]
    assert portfolio.status is PortfolioStatus.NEEDS_ADJUSTMENT
    assert (portfolio.weights, portfolio.conditions) == (
        parsed.portfolios[0].body.weights,
        parsed.portfolios[0].body.conditions,
    )
    assert portfolio.on_update
    subscription = book.subscriptions["a1"]
    assert portfolio.changed_at <= subscription.created_at
    assert (subscription.portfolio_id, subscription.last_rebalanced_at) == ("p1", datetime(2026, 2, 2, 15, tzinfo=UTC))
    entry = audit.entries(book.database)[0]
    assert (entry.action, json.loads(entry.detail)["statuses"]) == ("book.imported", {"p1": "needs_adjustment"})
    assert audit.verify(book.database) == []


def test_the_broker_has_no_events_afterwards(book: Book, as_text: Text) -> None:
    import_book(book, parse_book(as_text()))
    before = dict(book.accounts)
    assert sync(book) == 0
    assert book.accounts == before


def test_accounts_of_a_file_without_a_time_are_opened_now(book: Book, raw_book: Raw, as_text: Text) -> None:
    del raw_book["as_of"]
    import_book(book, parse_book(as_text()))
    assert {account.created_at for account in book.accounts.values()} == {book.now()}
    assert book.portfolios["p1"].created_at == book.now()


def test_a_book_with_accounts_refuses_an_import(book: Book, as_text: Text) -> None:
    import_book(book, parse_book(as_text()))
    before = contents(book)
    with pytest.raises(Conflict, match=r"not empty \(accounts: 2\)"):
        import_book(book, parse_book(as_text()))
    assert contents(book) == before


def test_a_failure_at_the_end_of_an_import_leaves_nothing(
    book: Book, as_text: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = contents(book)

    def broken(*_: object, **__: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(BookTransaction, "record", broken)
    with pytest.raises(OSError, match="disk full"):
        import_book(book, parse_book(as_text()))
    assert contents(book) == before
    assert [*book.accounts, *book.portfolios, *book.subscriptions, *book.assets] == []


def test_a_broker_refusal_is_reported_as_a_refusal(book: Book, as_text: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    from rebal_tui.broker.failures import BrokerRefused

    def refuse(_: object) -> None:
        raise BrokerRefused("rejected", "not today")

    monkeypatch.setattr(book.sandbox, "open_accounts", refuse)
    with pytest.raises(Conflict, match="rejected: not today"):
        import_book(book, parse_book(as_text()))
    assert book.assets == {}


def test_a_real_broker_refuses_an_import(book: Book, as_text: Text) -> None:
    book.sandbox = None
    with pytest.raises(Conflict, match="simulated broker only"):
        import_book(book, parse_book(as_text()))

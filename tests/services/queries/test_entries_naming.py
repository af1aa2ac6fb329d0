"""The audit entries that name an id are read once each."""

from __future__ import annotations

import pytest

from rebal_tui.domain.accounts import Restriction
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.entries_naming import MAX_IDS, entries_naming
from rebal_tui.services.simulation import account_events
from rebal_tui.store import audit
from rebal_tui.store.database import Database
from tests.services.factories import account, balanced, fill_book, make_book


def book_of_two() -> Book:
    book = make_book()
    fill_book(book, [account("a", "50000"), account("b", "50000")], [balanced()], {"a": "balanced", "b": "balanced"})
    return book


def test_the_trail_is_read_only_where_it_has_grown(monkeypatch: pytest.MonkeyPatch) -> None:
    book = book_of_two()
    account_events.set_restriction(book, "a", Restriction.CRYPTO, True)
    read_from: list[int] = []
    entries = audit.entries

    def counted(database: Database, limit: int, containing: str, after: int) -> list[audit.AuditEntry]:
        read_from.append(after)
        return entries(database, limit, containing, after)

    monkeypatch.setattr(audit, "entries", counted)
    before = entries_naming(book, "account.restrictions", 5)
    assert entries_naming(book, "account.restrictions", 5) == before
    head = audit.head(book.database)[0]
    account_events.set_restriction(book, "b", Restriction.CRYPTO, True)
    after = entries_naming(book, "account.restrictions", 5)

    assert [one.subject for one in before] == ["a"]
    assert [one.subject for one in after] == ["b", "a"]
    assert read_from == [0, head]


def test_the_newest_entries_up_to_the_limit_are_the_ones_of_a_search() -> None:
    book = book_of_two()
    for on in (True, False, True, False):
        account_events.set_restriction(book, "a", Restriction.CRYPTO, on)
        found = entries_naming(book, "account.restrictions", 3)
        assert list(found) == audit.entries(book.database, 3, "account.restrictions")


def test_what_was_found_is_kept_for_a_few_ids_only(monkeypatch: pytest.MonkeyPatch) -> None:
    book, searched = book_of_two(), list[str]()
    account_events.set_restriction(book, "a", Restriction.CRYPTO, True)
    entries = audit.entries

    def counted(database: Database, limit: int, containing: str, after: int) -> list[audit.AuditEntry]:
        searched.append(containing)
        return entries(database, limit, containing, after)

    monkeypatch.setattr(audit, "entries", counted)
    ids = [f"id {n}" for n in range(MAX_IDS + 1)]
    for one in (*ids, *ids[1:], ids[0]):
        entries_naming(book, one, 5)
    assert searched == [*ids, ids[0]]

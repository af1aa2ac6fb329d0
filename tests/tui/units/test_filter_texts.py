"""A text filter finds what the columns of a list show, and ids only by much of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from rebal_tui.domain.accounts import Restriction
from rebal_tui.domain.text import fold
from rebal_tui.services.book.search_index import SearchIndex
from rebal_tui.services.queries.accounts import accounts_snapshot
from rebal_tui.services.reports.log_page import log_snapshot
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.view_models.filter_terms import is_of_id
from rebal_tui.tui.screens.log import lines as log_lines
from rebal_tui.tui.widgets.table_order import arrange
from tests.services.factories import account, balanced, fill_book, make_book
from tests.tui.simulated import market_book


def texts(found: Sequence[Any]) -> list[str]:
    column = next(one for one in log_lines.audit_columns() if one.key == "what")
    cells = [column.cell(entry) for entry in found]
    return [cell if isinstance(cell, str) else "".join(part for part, _style in cell) for cell in cells]


def test_an_entry_shows_the_word_in_which_the_search_found_its_text() -> None:
    book = market_book(2)
    assert book.sandbox is not None
    book.sandbox.set_restrictions("a", frozenset({Restriction("ach_return")}), book.now())
    scheduler.tick(book)
    found = log_snapshot(book, "restr").audit
    assert found
    for entry, text in zip(found, texts(found), strict=True):
        assert "restr" not in fold(entry.sentence)
        assert text.startswith(f"found “{entry.found}”: ")
        assert entry.found == "restrictions", "of the action account.restrictions"
    assert not any(entry.found for entry in log_snapshot(book).audit)


def test_the_audit_trail_is_searched_by_the_clients_name_although_entries_have_the_id() -> None:
    book = market_book(2)
    assert book.sandbox is not None
    book.sandbox.set_restrictions("a", frozenset({Restriction("ach_return")}), book.now())
    scheduler.tick(book)
    name = book.accounts["a"].name
    found = log_snapshot(book, name.lower()).audit
    assert found
    assert all(name in text for text in texts(found))
    assert log_snapshot(book, "nobody of this name").audit == ()


@pytest.mark.parametrize(
    ("word", "hit"), [("ada", False), ("3fa2b1c", False), ("3fa2b1c0", True), ("0-ada", False), ("c0-ada77", True)]
)
def test_a_short_part_of_an_id_is_no_match(word: str, hit: bool) -> None:
    identity = "3FA2B1C0-ada77"
    assert is_of_id(word, identity) is hit
    assert is_of_id(identity.lower(), identity)
    assert bool(arrange(["row"], None, lambda _: "Ruiz, Ana", word, None, False, lambda _: [identity])) is hit


def test_the_index_finds_whole_ids_and_long_parts_of_them() -> None:
    book = make_book("2026-03-02 09:30")
    fill_book(book, [account("3fa2b1c0-ada77", "5"), account("77", "5")], [balanced()], {})
    index = SearchIndex(book.account_table)
    for needle in ("ada", "3fa2b1c", "3fa2b1c0", "c0-ada77", "3fa2b1c0-ada77", "77", "7", "client"):
        for row, (number, name, identity) in enumerate(zip(index.numbers, index.names, index.ids, strict=True)):
            wanted = needle in fold(f"{number} {name}") or is_of_id(needle, identity)
            assert index.matching(needle)[row] == wanted, (needle, identity)


def test_accounts_are_found_by_the_block_shown_not_by_the_reason_of_the_panel() -> None:
    book = market_book(3)
    assert book.sandbox is not None
    book.sandbox.set_restrictions("a", frozenset({Restriction("ach_return")}), book.now())
    scheduler.tick(book)
    snapshot = accounts_snapshot(book)
    assert snapshot is not None

    def found(text: str) -> list[str]:
        return [snapshot.rows[int(at)].account_id for at in snapshot.rows.arrange(None, text, None, False)]  # type: ignore[attr-defined]

    assert found("ach return") == ["a"]
    assert found("deposit was returned") == []

"""Every search and filter finds names without their accents and joiners."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rebal_tui.domain.errors import Invalid
from rebal_tui.services.advisory.portfolios import list_portfolios
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.accounts import accounts_snapshot, find_account
from rebal_tui.services.queries.desk import desk_snapshot
from rebal_tui.services.wire.accounts import AccountQuery, list_accounts
from rebal_tui.tui.widgets import table_order
from tests.services.factories import account, balanced, fill_book, make_book

NAMES = ("Zoë Müller", "Muller & Sons", "علی\u200cرضا", "Østberg", "Ng, Ada", "DOE,JANE", "O'Brien, Vera", "D’Arcy")
FOUND = {
    "muller": {"a0", "a1"}, "MÜLL": {"a0", "a1"}, "zoe müller": {"a0"}, "علیرضا": {"a2"}, "ostberg": {"a3"},
    "obrien": {"a6"}, "o'brien,vera": {"a6"}, "O’Brien": {"a6"}, "d'arcy": {"a7"}, "darcy": {"a7"},
}  # fmt: skip


@pytest.fixture(scope="module")
def book() -> Book:
    made = make_book()
    portfolio = replace(balanced(), name="Crème & Café")
    accounts = [replace(account(f"a{n}", "1000"), name=name) for n, name in enumerate(NAMES)]
    fill_book(made, accounts, [portfolio], {a.id: portfolio.id for a in accounts})
    return made


@pytest.mark.parametrize("text", FOUND)
def test_lists_find_clients(text: str, book: Book) -> None:
    snapshot = accounts_snapshot(book)
    assert snapshot is not None
    sources: list[Any] = [snapshot.rows, desk_snapshot(book).rows]
    for rows in sources:
        positions = rows.arrange(None, text, "client", False)
        assert {rows[int(at)].account_id for at in positions} == FOUND[text]
        listed: list[Any] = table_order.arrange(list(rows), None, lambda row: row.client, text, None, False)
        assert {row.account_id for row in listed} == FOUND[text]
    assert {row["id"] for row in list_accounts(book, AccountQuery(text=text))} == FOUND[text]


@pytest.mark.parametrize("text", ["ng,ada", "ng, a", "client:ng,a", "doe,jane", "doe, j", "client:doe,j"])
def test_a_space_after_a_comma_may_be_left_out(text: str, book: Book) -> None:
    snapshot = accounts_snapshot(book)
    assert snapshot is not None
    wanted = "a4" if "ng" in text else "a5"
    sources: list[Any] = [snapshot.rows, desk_snapshot(book).rows]
    for rows in sources:
        assert [rows[int(at)].account_id for at in rows.arrange(None, text, "client", False)] == [wanted]
        if ":" not in text:
            listed: list[Any] = table_order.arrange(list(rows), None, lambda row: row.client, text, None, False)
            assert [row.account_id for row in listed] == [wanted]


def test_fields_of_the_filter_language_find_names(book: Book) -> None:
    rows: Any = desk_snapshot(book).rows
    assert len(rows.arrange(None, "portfolio:cafe", None, False)) == len(NAMES)
    assert len(rows.arrange(None, "client:MULLER", None, False)) == 2


def test_clients_are_sorted_without_accents(book: Book) -> None:
    rows: Any = desk_snapshot(book).rows
    assert [rows[int(at)].client for at in rows.arrange(None, "", "client", False)] == [
        "DOE,JANE", "D’Arcy", "Muller & Sons", "Ng, Ada", "O'Brien, Vera", "Østberg", "Zoë Müller", "علی\u200cرضا",
    ]  # fmt: skip


def test_one_account_and_portfolios_are_found_by_name(book: Book) -> None:
    assert find_account(book, "ostberg").account_id == "a3"
    assert find_account(book, "obrien").account_id == "a6"
    with pytest.raises(Invalid, match="2 accounts"):
        find_account(book, "muller")
    assert [one.name for one in list_portfolios(book, name="creme")] == ["Crème & Café"]

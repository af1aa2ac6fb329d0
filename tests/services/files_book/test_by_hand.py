"""Accounts, assets, holdings and cash entered by hand, and removed (R-70)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from rebal_tui.broker.files.recognizer import read_statement
from rebal_tui.domain.errors import Conflict, Invalid, Refusal
from rebal_tui.domain.quantities import parse_money, parse_price, parse_qty, qty_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.files_settings import keep_mapping, read_options
from rebal_tui.services.broker_sync.reconciliation.reconcile import reconcile
from rebal_tui.services.files_book import by_hand
from rebal_tui.services.files_book.importing import undo_import
from tests.broker.files.samples import SCHWAB
from tests.services.files_book.support import (
    account_id,
    approve_all,
    empty_book,
    evaluated,
    follow,
    imported,
    orders,
    positions,
)


@pytest.fixture
def book() -> Book:
    book = empty_book()
    by_hand.add_account(book, "A1", "Ann", parse_money("1000"))
    by_hand.set_holding(book, "A1", "vti", parse_qty("3.5"))
    by_hand.set_price(book, "VTI", parse_price("100"))
    return book


def test_what_is_entered_is_evaluated_listed_and_audited(book: Book) -> None:
    by_hand.edit_account(book, "A1", cash=parse_money("1500"), name="Anna")

    account = book.accounts[account_id(book, "A1")]
    assert (account.name, account.cash) == ("Anna", parse_money("1500"))
    assert [(held.symbol, qty_text(held.qty)) for held in account.positions] == [("VTI", "3.5")]
    follow(book, {"VTI": "100"})
    assert len(evaluated(book)) == 1
    approve_all(book)
    assert orders(book, "A1") == [("buy", "VTI", "15")]
    with pytest.raises(Conflict, match="wait for fills"):
        by_hand.set_holding(book, "A1", "VTI", parse_qty("9"))
    with pytest.raises(Conflict, match="wait for fills"):
        by_hand.edit_account(book, "A1", cash=parse_money("9"))
    assert reconcile(book).paused == {}
    actions = [action for (action,) in book.database.rows("SELECT action FROM audit ORDER BY seq")]
    assert [one for one in actions if one.startswith("files.")] == [
        "files.account_added", "files.holding_set", "files.prices", "files.account_edited",
    ]  # fmt: skip


def test_only_what_no_record_refers_to_is_removed(book: Book) -> None:
    assert by_hand.put_asset(book, "BND", "Bonds")
    assert not by_hand.put_asset(book, "BND", "More bonds")
    assert book.assets["BND"].name == "More bonds"
    by_hand.remove_asset(book, "BND")
    assert sorted(book.assets) == ["VTI"]
    with pytest.raises(Conflict, match="positions refer to VTI"):
        by_hand.remove_asset(book, "VTI")
    by_hand.remove_account(book, "A1")
    assert not book.accounts
    by_hand.add_account(book, "A1")
    by_hand.add_account(book, "C3", "Cy", parse_money("50"))
    assert {account.name for account in book.accounts.values()} == {"A1", "Cy"}, "events after a removal are read"
    by_hand.edit_account(book, "C3", cash=parse_money("60"))
    with pytest.raises(Conflict, match="records refer to the account"):
        by_hand.remove_account(book, "C3")


@pytest.mark.slow
@pytest.mark.parametrize(
    "enter",
    [
        lambda book: by_hand.add_account(book, "A1"),
        lambda book: by_hand.add_account(book, " "),
        lambda book: by_hand.add_account(book, "B2", "\x1b[31m"),
        lambda book: by_hand.set_holding(book, "A1", "V T I", parse_qty("1")),
        lambda book: by_hand.set_holding(book, "A1", "VTI", parse_qty("-1")),
        lambda book: by_hand.set_holding(book, "A9", "VTI", parse_qty("1")),
        lambda book: by_hand.put_asset(book, "=1+1"),
    ],
)
def test_what_cannot_be_entered_changes_nothing(book: Book, enter: Callable[[Book], object]) -> None:
    before = "\n".join(book.database.connection.iterdump())
    with pytest.raises(Refusal):
        enter(book)
    assert "\n".join(book.database.connection.iterdump()) == before


def test_an_import_is_not_undone_after_something_was_entered() -> None:
    book = empty_book()
    imported(book, positions({"1": {"AAA": "10", "CASH": "5"}}, "2026-11-27 16:30"))
    by_hand.edit_account(book, "1", cash=parse_money("7"))
    with pytest.raises(Conflict, match="entered since"):
        undo_import(book)


def test_a_kept_mapping_is_for_files_that_no_custodian_writes() -> None:
    book = empty_book()
    with book.write() as tx:
        keep_mapping(tx, {"account": "Depot", "symbol": "Papier", "quantity": "Menge"})
    assert read_statement(SCHWAB, read_options(book.database)).format == "schwab"
    with pytest.raises(Invalid, match="Depot"):
        read_statement(b"Account,Symbol,Quantity\nA1,AAA,1\n", read_options(book.database))

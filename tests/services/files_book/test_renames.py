"""Clients' names that a later positions file states differently (R-71)."""

from __future__ import annotations

import json

from rebal_tui.broker.files.recognizer import read_statement
from rebal_tui.services.book.book import Book
from rebal_tui.services.files_book import by_hand
from rebal_tui.services.files_book.dialogs import show_statement
from rebal_tui.services.files_book.import_plan import ImportPlan, plan_import
from rebal_tui.services.files_book.importing import undo_import
from rebal_tui.services.reports.book_sentences import BOOK
from tests.broker.files.samples import SCHWAB
from tests.services.files_book.support import MONDAY, account_id, empty_book, imported, set_time

NAMES = {"1": "Ann", "2": "Bo", "3": "Cy"}


def _file(names: dict[str, str], when: str, shares: str = "5") -> bytes:
    rows = [f"{number},{name},VTI,{shares},100" for number, name in names.items()]
    return "\n".join([f"Positions,generated {when}", "Account,Client,Symbol,Shares,Price", *rows]).encode()


def _book(names: dict[str, str]) -> Book:
    """A book after an import with these names, on the next business day."""
    book = empty_book()
    imported(book, _file(names, "2026-11-27 16:30"))
    set_time(book, MONDAY)
    return book


def _stored(book: Book) -> dict[str, str]:
    return {account.account_number: account.name for account in book.accounts.values()}


def _later(book: Book, names: dict[str, str]) -> ImportPlan:
    return imported(book, _file(names, "2026-11-30 16:30"))


def test_names_of_a_later_file_are_stored_counted_audited_and_undone() -> None:
    book = _book(dict.fromkeys(NAMES, ""))
    assert _stored(book) == {"1": "1", "2": "2", "3": "3"}
    content = _file(NAMES, "2026-11-30 16:30")
    shown = show_statement(book, read_statement(content))
    assert shown.lines[0].split() == ["1", "Ann", "cash", "$0.00", "1", "position"]
    assert "1  renamed: 1 → Ann" in shown.lines
    assert shown.plan.text == "3 renamed."

    imported(book, content)

    assert _stored(book) == NAMES
    ((detail,),) = book.database.rows(
        "SELECT detail FROM audit WHERE action = 'files.imported' ORDER BY seq DESC LIMIT 1"
    )
    assert json.loads(detail)["renamed"] == sorted(book.accounts)
    assert "Ann" not in detail
    assert "3 renamed" in BOOK["files.imported"](book, "book", json.loads(detail))
    assert plan_import(book, read_statement(content)).text == "The file was imported already; nothing changes."
    undo_import(book)
    assert _stored(book) == {"1": "1", "2": "2", "3": "3"}


def test_a_renamed_account_is_not_counted_as_unchanged_and_a_file_without_names_renames_nothing() -> None:
    book = _book(NAMES)
    plan = _later(book, {**NAMES, "2": "Bob"})
    assert (plan.text, _stored(book)["2"]) == ("1 renamed, 2 unchanged.", "Bob")
    plan = imported(book, _file(dict.fromkeys(NAMES, ""), "2026-11-30 17:00"))
    assert (plan.text, _stored(book)["2"]) == ("3 unchanged.", "Bob")
    assert plan.shown_names == {"1": "Ann", "2": "Bob", "3": "Cy"}


def test_a_name_that_a_person_entered_is_kept_and_shown() -> None:
    book = _book(NAMES)
    by_hand.edit_account(book, "1", name="Anna")
    by_hand.edit_account(book, "2", full_number="123")
    by_hand.add_account(book, "4", "Di")
    by_hand.add_account(book, "5")
    plan = _later(book, {**NAMES, "2": "Bob", "4": "Diana", "5": "Ed"})
    assert _stored(book) == {"1": "Anna", "2": "Bob", "3": "Cy", "4": "Di", "5": "Ed"}
    assert plan.shown_names == _stored(book)
    assert "2 renamed" in plan.text
    assert "2 names entered by hand kept" in plan.text


def test_an_account_removed_and_imported_again_has_no_name_entered_by_hand() -> None:
    book = empty_book()
    by_hand.add_account(book, "1", "Anna")
    by_hand.remove_account(book, "1")
    imported(book, _file({"1": "Ann"}, "2026-11-27 16:30"))
    set_time(book, MONDAY)
    _later(book, {"1": "Annie"})
    assert _stored(book) == {"1": "Annie"}


def test_a_masked_account_keeps_its_name_as_it_is_a_part_of_the_key() -> None:
    book = empty_book()
    imported(book, SCHWAB)
    with book.write() as tx:
        tx.execute("UPDATE files_accounts SET name = 'Ann' WHERE id = ?", (account_id(book, "...417"),))
    later = SCHWAB.replace(b"$0.25", b"$0.26").replace(b"04:31 PM", b"04:32 PM")
    plan = plan_import(book, read_statement(later))
    assert (plan.renamed, plan.kept_names) == ({}, 1)

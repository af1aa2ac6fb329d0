"""Snapshots of Accounts and Cash. Changed snapshots are reviewed manually."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from rebal_tui.domain.quantities import parse_money
from rebal_tui.services.advisory.withdrawals import request_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule import scheduler
from rebal_tui.tui.app import RebalApp
from tests.services import factories
from tests.tui.driving import press, settle
from tests.tui.test_accounts_flows import app_with_book, small_book
from tests.tui.test_cash_flows import invested

pytestmark = pytest.mark.slow

SIZES = {"80x24": (80, 24), "120x40": (120, 40), "200x60": (200, 60)}


def moving() -> Book:
    """Create a book with two withdrawals that wait for settlement."""
    book = invested()
    request_withdrawal(book, "a", parse_money("9000"))
    request_withdrawal(book, "b", parse_money("3000"))
    scheduler.tick(book)
    return book


def shows(snap_compare: Any, book: Book, keys: tuple[str, ...], size: str) -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await press(pilot, *keys)
        assert isinstance(pilot.app, RebalApp)
        pilot.app.dismiss_notice()
        await settle(pilot)

    assert snap_compare(app_with_book(book), terminal_size=SIZES[size], run_before=before)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("make", "keys"), [(small_book, "3j"), (moving, "5")], ids=["accounts", "cash"])
@pytest.mark.samples(2)
def test_at_every_size(snap_compare: Any, make: Callable[[], Book], keys: str, size: str) -> None:
    shows(snap_compare, make(), tuple(keys), size)


@pytest.mark.parametrize("size", ["80x24", "120x40"])
def test_one_account(snap_compare: Any, size: str) -> None:
    shows(snap_compare, small_book(), ("3", "j", "enter", "t"), size)


@pytest.mark.parametrize("key", ["3", "5"])
def test_empty(snap_compare: Any, key: str) -> None:
    shows(snap_compare, factories.make_book(), (key,), "80x24")


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("pick", ("n",)),
        ("bulk", ("M", "n", "g", "enter")),
        ("result", ("M", "n", "g", "enter", "y")),
        ("deposit", ("j", "d", "2", "5", "0", "0")),
        ("run", ("j", "v", "enter")),
        ("simulate", ("j", "i")),
    ],
)
@pytest.mark.samples(2)
def test_dialogs_of_accounts(snap_compare: Any, name: str, keys: tuple[str, ...]) -> None:
    shows(snap_compare, small_book(), ("3", *keys), "80x24" if name in ("pick", "deposit") else "120x40")


@pytest.mark.parametrize("size", ["80x24", "120x40"])
def test_the_form_of_a_withdrawal(snap_compare: Any, size: str) -> None:
    shows(snap_compare, invested(), ("5", "n", *"adler", "tab", *"9000"), size)


def test_a_refused_amount(snap_compare: Any) -> None:
    shows(snap_compare, invested(), ("5", "n", *"adler", "tab", *"900000"), "80x24")

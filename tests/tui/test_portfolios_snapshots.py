"""Snapshots of Portfolios. Changed snapshots are reviewed manually."""

from __future__ import annotations

import json
from typing import Any

import pytest
from textual.events import Paste
from textual.pilot import Pilot

from rebal_tui.services.book.book import Book
from rebal_tui.services.runs.needs_adjustment import mark_needs_adjustment
from rebal_tui.tui.app import RebalApp
from tests.services import factories
from tests.tui.driving import press, settle
from tests.tui.simulated import app_with_book
from tests.tui.test_portfolio_adjustment_flows import set_tradable
from tests.tui.test_portfolio_versions_flows import with_versions
from tests.tui.test_portfolios_flows import AT, full_book

pytestmark = pytest.mark.slow

SIZES = {"80x24": (80, 24), "120x40": (120, 40), "200x60": (200, 60)}
NEW = ("n", "B", "enter", "enter", "s")
FAULTS = (
    *("n", "enter", "enter", "s", "p", "y", "tab", "6", "0", "enter", "q", "tab", "1", "full_stop", "2", "3", "4"),
    *("down", "down", "5", "enter", "0", "enter", "right", "right", "right", "enter", "3", "2", "ctrl+s"),
)
EDIT = ("j", "e", "tab", "tab", "tab", "end", "ctrl+u", "8", "0", "enter", "g", "tab", "5")
CHANGE = ("e", "tab", "tab", "tab", "end", "ctrl+u", "3", "0", "enter", "tab", "0", "equals_sign")
BAD = {"name": "Pasted", "cooldown": 3, "weights": [{"type": "asset", "symbol": "spy", "percent": "0"}]}


def shows(snap_compare: Any, keys: tuple[str, ...], size: str, book: Book | None = None, paste: str = "") -> None:
    async def before(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        await press(pilot, "2")
        for key in keys:
            await pilot.press(key)
            await pilot.app.workers.wait_for_complete()
        await settle(pilot)
        if paste:
            assert pilot.app.screen.focused is not None
            pilot.app.screen.focused.post_message(Paste(paste))
            await settle(pilot)
        assert isinstance(pilot.app, RebalApp)
        pilot.app.dismiss_notice()
        await settle(pilot)

    assert snap_compare(app_with_book(book or full_book()), terminal_size=SIZES[size], run_before=before)


def in_need() -> Book:
    book = full_book()
    set_tradable(book, "TLT", False)
    with book.write() as tx:
        mark_needs_adjustment(tx, "calm", ["TLT"])
    book.reload_portfolios()
    return book


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("state", ["list", "edit"])
@pytest.mark.samples(2)
def test_at_every_size(snap_compare: Any, state: str, size: str) -> None:
    shows(snap_compare, EDIT if state == "edit" else (), size)


@pytest.mark.parametrize("size", ["80x24", "120x40"])
@pytest.mark.parametrize(
    ("keys", "state"),
    [(NEW, "completions"), (FAULTS, "faults"), ((*CHANGE, "ctrl+s"), "confirm")],
    ids=["completions", "faults", "confirm"],
)
@pytest.mark.samples(2)
def test_the_editor(snap_compare: Any, keys: tuple[str, ...], state: str, size: str) -> None:
    shows(snap_compare, keys, size)


@pytest.mark.parametrize(
    ("key", "name"), [("p", "impact"), ("d", "duplicate"), ("J", "json"), ("enter", "whole")], ids=lambda value: value
)
@pytest.mark.samples(2)
def test_dialogs_over_the_list(snap_compare: Any, key: str, name: str) -> None:
    shows(snap_compare, (key,), "80x24")


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.samples(1)
def test_versions(snap_compare: Any, size: str) -> None:
    shows(snap_compare, ("v",), size, with_versions())


def test_return_to_a_version(snap_compare: Any) -> None:
    shows(snap_compare, ("v", "end", "g"), "80x24", with_versions())


def test_inactivate_confirms_first(snap_compare: Any) -> None:
    shows(snap_compare, ("end", "i"), "80x24")


def test_pasted_faults(snap_compare: Any) -> None:
    shows(snap_compare, ("P",), "80x24", paste=json.dumps(BAD, indent=2))


def test_nothing_pasted_yet(snap_compare: Any) -> None:
    shows(snap_compare, ("P",), "80x24")


@pytest.mark.parametrize("size", ["80x24", "120x40"])
def test_in_need_of_adjustment(snap_compare: Any, size: str) -> None:
    shows(snap_compare, () if size == "120x40" else ("enter",), size, in_need())


def test_an_empty_book(snap_compare: Any) -> None:
    book = factories.make_book(AT)
    factories.fill_book(book, [], [], {})
    shows(snap_compare, (), "80x24", book)

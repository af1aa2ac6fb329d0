"""The keys of a table act before any widget gets them, as their bindings define."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from rebal_tui.tui import textual_patches
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.widgets.table import BookTable
from tests.tui.driving import drive, make_app, press


@pytest.fixture
def passed_on(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys that tables got as events."""
    keys: list[str] = []
    monkeypatch.setattr(textual_patches, "_known", {})  # handlers are looked up once for each class
    monkeypatch.setattr(BookTable, "on_key", lambda _table, event: keys.append(event.key))
    return keys


def test_only_a_key_without_a_binding_and_escape_are_passed_on(passed_on: list[str]) -> None:
    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        table = app.screen.query_one(BookTable)
        second = table.rows[1].account_id
        await press(pilot, "home", "down")
        assert (table.cursor_key, passed_on) == (second, [])
        before = table.view
        await press(pilot, "s", "f12")
        assert table.view != before
        assert passed_on == ["f12"]
        await press(pilot, "slash", "q", "escape", "escape")
        assert not app.screen.query_one("#filter", Input).display
        assert passed_on == ["f12", "escape"], "the first escape is the field's"
        await press(pilot, "ctrl+p")
        assert type(app.screen).__name__ == "CommandPalette"

    drive(script)


def test_a_changed_key_acts_and_the_old_one_does_not() -> None:
    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        table = app.screen.query_one(BookTable)
        before = table.view
        await press(pilot, "s")
        assert table.view == before
        await press(pilot, "g")
        assert table.view != before

    drive(script, make_app(keymap={"list.sort": "g"}))


def test_a_key_of_the_list_does_nothing_under_a_dialog() -> None:
    """A dialog with a table: only keys of the dialog act."""

    async def script(pilot: Pilot[Any], app: RebalApp) -> None:
        table, section = app.screen.query_one(BookTable), app.section
        await press(pilot, "C")
        assert app.screen is not section
        assert isinstance(app.focused, BookTable)
        before = table.view
        await press(pilot, "S")
        assert table.view == before

    drive(script)


class Owner:
    def method(self, one: int, *, two: int = 0) -> None: ...

    anything: Any = lambda *_arguments: None


def plain(one: int, two: int = 2, *rest: int, three: int = 3, **more: int) -> None: ...


@wraps(plain)
def wrapped(*arguments: int) -> None: ...


OWNER = Owner()
FUNCTIONS = [
    plain,
    wrapped,
    lambda: None,
    OWNER.method,
    Owner.method,
    OWNER.anything,
    partial(plain, 1),
    max,
    print,
    Owner,
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_parameters_are_counted_as_their_signature_does(function: Callable[..., Any]) -> None:
    try:
        expected: object = len(inspect.signature(function).parameters)
    except ValueError:
        with pytest.raises(ValueError, match="no signature"):
            textual_patches._count_parameters(function)
    else:
        assert textual_patches._count_parameters(function) == expected

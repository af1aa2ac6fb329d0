"""Memory of the screens is bounded by the visible widgets; counts objects, measures no time."""

import gc
from collections.abc import Iterator
from typing import Any

import pytest
from textual.message import Message
from textual.message_pump import MessagePump
from textual.reactive import ReactiveError, reactive
from textual.widget import Widget

from rebal_tui.tui import textual_patches
from rebal_tui.tui.screens.shared.dialog import ReadScreen
from rebal_tui.tui.widgets.row_strips import STRIP_CACHE_SCREENS
from rebal_tui.tui.widgets.table import BookTable
from tests.tui.driving import drive, press
from tests.tui.textual_internals import cached_lines, cached_queries, caches_without_widget, screen_of

pytestmark = pytest.mark.slow


@pytest.mark.every_frame
def test_rendered_lines_of_removed_widgets_are_freed() -> None:
    """Without the patch, Textual keeps the rendered lines of the last thousand widgets."""

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        for _ in range(4):
            await press(pilot, "1", "question_mark", "escape", "4", "question_mark", "escape")
        gc.collect()
        held = gc.get_objects()
        assert not [one for one in held if isinstance(one, ReadScreen) and one.app is app]
        assert caches_without_widget(held) < 10

    gc.freeze()  # What other tests have left is neither collected nor searched.
    try:
        drive(script)
    finally:
        gc.unfreeze()


def test_the_lookups_that_a_screen_keeps_do_not_grow_with_use() -> None:
    """Textual keeps a thousand query results per screen; those before a change of its widgets are unreachable."""

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        kept = []
        for _ in range(3):
            for _ in range(2):
                await press(pilot, "1", "2", "3", "4")
            modes = ("desk", "portfolios", "accounts", "runs")
            kept.append([cached_queries(screen_of(app, mode)) for mode in modes])
        assert kept[0] == kept[1] == kept[2]

    drive(script)


@pytest.mark.every_frame
def test_a_table_caches_twice_the_visible_rows() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        table = app.screen.query_one(BookTable)
        for _ in range(4):
            await press(pilot, "home", *["pagedown"] * 8)
        assert 0 < len(table._strips) <= STRIP_CACHE_SCREENS * table.size.height

    drive(script, size=(120, 12))


@pytest.mark.every_frame
def test_only_the_visible_section_keeps_rendered_lines() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        await press(pilot, "1", "3", "4", "6", "1")
        for mode in ("desk", "accounts", "runs", "market"):
            screen = screen_of(app, mode)
            lines = sum(cached_lines(widget) for widget in screen.walk_children(Widget))
            rows = sum(len(table._strips) for table in screen.query(BookTable))
            assert (lines + rows > 0) == (mode == "desk")

    drive(script)


def test_handlers_are_those_that_textual_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bool] = []

    def both(self: MessagePump, name: str, message: Message) -> Iterator[Any]:
        expected = list(textual_patches._searched_handlers(self, name, message))
        compared.append(list(textual_patches._handlers(self, name, message)) == expected)
        yield from expected

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        monkeypatch.setattr(MessagePump, "_get_dispatch_methods", both)
        await press(pilot, "2", "n", "a", "tab", "escape", "y", "3", "slash", "x", "escape", "comma", "escape")

    drive(script)
    assert len(compared) > 100
    assert all(compared)


def test_attributes_of_a_widget_are_read_as_textual_reads_them(monkeypatch: pytest.MonkeyPatch) -> None:
    class Sum(Widget):
        first = reactive(1)
        both: reactive[int] = reactive(0)

        def compute_both(self) -> int:
            return self.first + 1

    class Later(Sum):
        def __init__(self) -> None:
            assert self.first == 1

    monkeypatch.setattr(reactive, "__get__", textual_patches._get_stored)
    widget = Sum()
    read = [(widget.first, widget.both)]
    widget.first = 5
    read.append((widget.first, widget.both))
    assert read == [(1, 2), (5, 6)]
    assert isinstance(Sum.first, reactive)
    with pytest.raises(ReactiveError, match="Node is missing data"):
        Later()

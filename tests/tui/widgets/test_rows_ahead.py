"""What the last key would show if it were pressed again is drawn between keys."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Any, overload

import numpy as np
import pytest
from textual.app import ComposeResult
from textual.pilot import Pilot

from rebal_tui.services.view_models.shown_rows import ShownRows
from rebal_tui.tui.widgets import rows_ahead
from rebal_tui.tui.widgets.named_styles import StyledApp
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.table_layout import Column
from rebal_tui.tui.widgets.table_order import View
from rebal_tui.tui.widgets.tabs import Tab, TabBar

pytestmark = pytest.mark.every_frame

COUNT = 60
LONG_SECONDS = 0.05
"""Longer than rows drawn ahead take."""


class Numbers(Sequence[int]):
    """The numbers from 0, as `Columnar` rows; filters are predicates, and column "b" has the reverse order."""

    def __init__(self) -> None:
        self.threads: dict[tuple[object, str | None, bool], threading.Thread] = {}
        """The thread on which each arrangement was first requested."""
        self.texts: set[str] = set()
        """The filter texts requested, which change nothing."""
        self.meanwhile: Callable[[], object] = int
        """Called once while the rows are prepared."""

    def __len__(self) -> int:
        return COUNT

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[int]: ...
    def __getitem__(self, index: int | slice) -> int | Sequence[int]:
        return range(COUNT)[index]

    def arrange(self, accept: Callable[[int], bool] | None, text: str, sort: str | None, reverse: bool) -> Any:
        self.threads.setdefault((accept, sort, reverse), threading.current_thread())
        self.texts.add(text)
        found = [number for number in range(COUNT) if accept is None or accept(number)]
        return np.array(found[:: -1 if (sort == "b") != reverse else 1])

    def has_arranged(self, accept: Callable[[int], bool] | None, text: str, sort: str | None, reverse: bool) -> bool:
        return (accept, sort, reverse) in self.threads and text in self.texts

    def prepare(self, shown: ShownRows) -> None:
        self.arrange(shown.accept, shown.text, shown.sort, shown.reverse)
        meanwhile, self.meanwhile = self.meanwhile, int
        meanwhile()

    def several(self, positions: Any, around: Any) -> Sequence[int]:
        return list(positions.tolist())

    def key_at(self, row_index: int) -> Hashable:
        return row_index

    def row_ids(self) -> Any:
        return np.arange(COUNT)

    def find(self, key: Hashable) -> int | None:
        return key if isinstance(key, int) else None


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what is done between keys, at most two seconds."""
    for _ in range(200):
        if holds():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("nothing was drawn ahead")


Script = Callable[[Pilot[None], BookTable[int], list[int]], Awaitable[None]]


def run(rows: Sequence[int], script: Script) -> None:
    """Run a script with a table, and a list of the rows that it draws."""
    drawn: list[int] = []

    def cell(row: int) -> str:
        drawn.append(row)
        return str(row)

    class TableApp(StyledApp):
        def compose(self) -> ComposeResult:
            names = "a", "b", "c"
            yield BookTable([Column(name, name, 5, cell, sort=lambda row: row) for name in names], lambda row: row)

    async def main() -> None:
        async with TableApp().run_test(size=(40, 12)) as pilot:
            table: BookTable[int] = pilot.app.screen.query_one(BookTable)
            table.focus()
            table.set_rows(rows)
            await pilot.pause()
            await script(pilot, table, drawn)

    asyncio.run(main())


@pytest.mark.parametrize("rows", [Numbers(), tuple(range(COUNT))])
def test_the_next_page_in_the_same_direction_is_drawn_before_its_key(rows: Sequence[int]) -> None:
    async def script(pilot: Pilot[None], table: BookTable[int], drawn: list[int]) -> None:
        await pilot.press("pagedown", "pagedown")
        await until(lambda: 30 in drawn)
        assert 31 not in drawn, "only one page"
        drawn.clear()
        await pilot.press("pagedown")
        assert table.cursor_key == 30
        assert set(drawn) <= set(range(30, 41)), "of these, the key drew none"
        await until(lambda: 40 in drawn)
        await pilot.press("pageup", "pageup")
        drawn.clear()
        await pilot.pause(LONG_SECONDS)
        assert drawn == [], "rows that were drawn are kept"
        assert str(table.cursor_key) == "10"

    run(rows, script)


def test_another_key_ends_it_and_new_rows_begin_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(pilot: Pilot[None], table: BookTable[int], drawn: list[int]) -> None:
        await pilot.press("pagedown", "pagedown", "down")
        drawn.clear()
        await pilot.pause(LONG_SECONDS)
        assert drawn == []
        await pilot.press("pagedown")
        table.clear_line_cache()
        table.set_rows(tuple(range(COUNT)))
        await until(lambda: 41 in drawn)
        monkeypatch.setattr(rows_ahead, "REPEAT_SECONDS", 0.0)
        await pilot.press("pagedown")
        drawn.clear()
        await pilot.pause(LONG_SECONDS)
        assert drawn == [], "the key is not expected any more"

    run(tuple(range(COUNT)), script)


def test_the_next_orders_are_found_on_another_thread_and_the_first_is_drawn() -> None:
    rows = Numbers()

    async def script(pilot: Pilot[None], table: BookTable[int], drawn: list[int]) -> None:
        table.cycle_sort()
        await until(lambda: COUNT - 11 in drawn and (None, "c", False) in rows.threads)
        assert table.view.sort == "a"
        others = [rows.threads[None, sort, False] for sort in ("b", "c")]
        assert all(thread is not threading.main_thread() for thread in others)
        drawn.clear()
        table.cycle_sort()
        await pilot.pause()
        assert (table.view.sort, table.rows[0]) == ("b", COUNT - 1)
        assert COUNT - 1 not in drawn
        table.reverse_sort()
        await until(lambda: (None, "b", True) in rows.threads)
        assert table.rows[0] == 0
        drawn.clear()
        table.reverse_sort()
        await pilot.pause()
        assert (table.view, table.rows[0], drawn) == (View("b"), COUNT - 1, []), "both directions were drawn"

    run(rows, script)


def test_an_expected_filter_is_drawn_with_the_cursor_on_its_row() -> None:
    rows = Numbers()

    def odd(number: int) -> bool:
        return number % 2 == 1

    async def script(pilot: Pilot[None], table: BookTable[int], drawn: list[int]) -> None:
        table.move_to(45)
        await pilot.pause()
        besides: list[int] = []
        table.expect_filter(odd, lambda: besides.append(1))
        table.refresh()
        await until(lambda: COUNT - 1 in drawn)
        assert rows.threads[odd, None, False] is not threading.main_thread()
        drawn.clear()
        table.renew_order()
        table.set_rows(rows, odd)
        table.show_cursor()
        await pilot.pause()
        assert (table.cursor_key, drawn, bool(besides)) == (45, [], True)

    run(rows, script)


def test_an_arrangement_that_fails_is_left_to_the_key_that_asks_for_it() -> None:
    def fails(number: int) -> bool:
        raise ValueError(number)

    async def script(pilot: Pilot[None], table: BookTable[int], drawn: list[int]) -> None:
        table.expect_filter(fails, lambda: None)
        table.refresh()
        await pilot.pause(LONG_SECONDS)
        with pytest.raises(ValueError, match="0"):
            table.set_rows(Numbers(), fails)

    run(Numbers(), script)


def test_new_rows_are_arranged_on_another_thread_until_they_are_as_the_list_is_shown() -> None:
    async def script(pilot: Pilot[None], table: BookTable[int], drawn: list[int]) -> None:
        rows, loop = Numbers(), asyncio.get_running_loop()
        rows.meanwhile = lambda: asyncio.run_coroutine_threadsafe(sort(), loop).result(2)

        async def sort() -> None:
            table.view = View("b")

        await table.prepare(rows)
        orders = [(None, None, False), (None, "b", False)]
        assert list(rows.threads) == orders, "a key sorted the list meanwhile"
        assert all(thread is not threading.main_thread() for thread in rows.threads.values())
        rows.meanwhile = pytest.fail
        await table.prepare(rows)

    run(Numbers(), script)


def test_tabs_with_the_next_one_as_current_are_drawn_before_its_key(monkeypatch: pytest.MonkeyPatch) -> None:
    class Bar(StyledApp):
        def compose(self) -> ComposeResult:
            yield TabBar((Tab("All", "All", figure="7"), Tab("near", "Near", "▲", style="warn")), "All")

    async def main() -> None:
        async with Bar().run_test(size=(40, 3)) as pilot:
            bar = pilot.app.screen.query_one(TabBar)
            bar.current = "near"
            expected = bar.render_line(0)
            bar.current = "All"
            bar.notify_style_update()
            bar.draw_ahead("near")
            assert "[All 7]" in bar.render_line(0).text
            monkeypatch.setattr(bar, "_draw", pytest.fail)
            bar.current = "near"
            assert bar.render_line(0) == expected

    asyncio.run(main())

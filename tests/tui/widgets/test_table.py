import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest
from rich.cells import cell_len
from textual.app import ComposeResult
from textual.message import Message
from textual.pilot import Pilot

from rebal_tui.tui.widgets.named_styles import StyledApp
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.table_layout import Column, header_line, lay_out_columns, widest_texts
from rebal_tui.tui.widgets.table_order import View

pytestmark = pytest.mark.every_frame


@dataclass(frozen=True)
class Row:
    key: str
    name: str
    amount: int


COLUMNS: tuple[Column[Row], ...] = (
    Column("name", "Name", 8, lambda row: row.name, sort=lambda row: row.name, grow=1, max_width=12),
    Column("amount", "Amount", 6, lambda row: str(row.amount), "right", 1, lambda row: row.amount, True),
    Column("key", "Key", 4, lambda row: row.key, priority=2),
)
ROWS = tuple(Row(f"k{index:02d}", f"name {(index * 7) % 30:02d}", index * 3 % 17) for index in range(30))
Script = Callable[[Pilot[None], BookTable[Row], list[Message]], Awaitable[None]]


class TableApp(StyledApp):
    def __init__(self, day: Callable[[Row], date] | None = None) -> None:
        super().__init__()
        self._day = day

    def compose(self) -> ComposeResult:
        yield BookTable(
            COLUMNS, lambda row: row.key, search=lambda row: f"{row.name} {row.key}", day=self._day, empty="No rows."
        )


def table_run(script: Script, size: tuple[int, int] = (40, 12), *, day: Callable[[Row], date] | None = None) -> None:
    async def main() -> None:
        messages: list[Message] = []
        app = TableApp(day)
        async with app.run_test(size=size, message_hook=messages.append) as pilot:
            table: BookTable[Row] = app.screen.query_one(BookTable)
            table.focus()
            table.set_rows(ROWS)
            await pilot.pause()
            await script(pilot, table, messages)

    asyncio.run(main())


def line(table: BookTable[Any], y: int) -> str:
    return table.render_line(y).text


def test_the_text_of_an_empty_table_is_shown_whole() -> None:
    text = "No account is subscribed yet: make a portfolio in 2 Portfolios, then mark accounts with M in 3 Accounts."

    async def script(pilot: Pilot[None], table: BookTable[Row], _: list[Message]) -> None:
        table.set_empty(text)
        table.set_rows(())
        await pilot.pause()
        assert " ".join(line(table, y).strip() for y in range(2, 5)).strip() == text

    table_run(script)


def test_the_header_stays_and_rows_scroll() -> None:
    async def script(pilot: Pilot[None], table: BookTable[Row], _: list[Message]) -> None:
        assert line(table, 0).split() == ["Name", "Amount", "Key"]
        assert line(table, 1).split() == ["name", "00", "0", "k00"]
        await pilot.press("end")
        await pilot.pause()
        assert line(table, 0).split() == ["Name", "Amount", "Key"]
        assert table.cursor_key == "k29"
        assert line(table, 11).split()[-1] == "k29"
        await pilot.press("home", "j", "down", "k")
        assert str(table.cursor_key) == "k01"

    table_run(script)


def test_the_cursor_stays_on_its_row_when_other_rows_come() -> None:
    async def script(pilot: Pilot[None], table: BookTable[Row], messages: list[Message]) -> None:
        table.move_to("k05")
        await pilot.pause()
        highlighted = len([m for m in messages if isinstance(m, BookTable.Highlighted)])
        table.set_rows(tuple(reversed(ROWS)))
        await pilot.pause()
        assert table.cursor_key == "k05"
        assert len([m for m in messages if isinstance(m, BookTable.Highlighted)]) == highlighted

    table_run(script)


def test_another_sort_order_is_shown_from_its_first_row() -> None:
    """Where it was chosen to see what is first, the row that the cursor was on may be far away."""

    async def script(pilot: Pilot[None], table: BookTable[Row], messages: list[Message]) -> None:
        del messages
        table.move_to("k05")
        table.view = View("name", reverse=True)
        await pilot.pause()
        assert [row.name for row in table.rows] == sorted((row.name for row in ROWS), reverse=True)
        assert table.cursor_key == table.rows[0].key
        assert table.scroll_y == 0
        assert "Name▼" in line(table, 0)

    table_run(script)


def test_the_row_under_the_cursor_stays_in_view_when_a_filter_is_cleared() -> None:
    rows = tuple(Row(f"k{n:03}", f"name {n}", n) for n in range(200))

    async def script(pilot: Pilot[None], table: BookTable[Row], messages: list[Message]) -> None:
        del messages
        table.set_rows(rows)
        table.view = View(text="150")
        await pilot.pause()
        assert table.cursor_key == "k150"
        table.view = View()
        await pilot.pause()
        assert table.cursor_key == "k150"
        assert 0 <= 150 - table.scroll_y < table.size.height

    table_run(script)


def test_new_rows_of_a_list_by_time_do_not_push_the_cursor_out_of_view() -> None:
    """At the top of the list, new rows are seen as long as the cursor is in view with them."""
    rows = tuple(Row(f"k{n:03}", f"name {n}", n) for n in range(60, 0, -1))

    async def script(pilot: Pilot[None], table: BookTable[Row], messages: list[Message]) -> None:
        del messages

        async def come(number: int) -> tuple[float, int]:
            """Let a row come above all others; return the first row in view, and the line of the cursor."""
            table.set_rows((Row(f"k{number:03}", "new", number), *table.rows))
            await pilot.pause()
            return table.scroll_y, table.cursor - round(table.scroll_y)

        table.set_rows(rows)
        table.move_to("k052")
        assert await come(61) == (0, 9)
        assert await come(62) == (0, 10)
        assert await come(63) == (1, 10), "the last line stays the last"
        assert await come(64) == (2, 10)
        table.move_to("k056")
        assert await come(65) == (3, 6)
        assert table.cursor_key == "k056"
        table.scroll_to(y=30, animate=False, immediate=True)
        assert (await come(66))[0] == 30, "the user looks elsewhere"

    table_run(script, day=lambda _row: date(2026, 3, 4))


def test_a_filter_that_hides_the_row_under_the_cursor_is_shown_from_its_first_row() -> None:
    async def script(pilot: Pilot[None], table: BookTable[Row], messages: list[Message]) -> None:
        table.move_to("k05")
        table.view = View(text="k1")
        await pilot.pause()
        assert table.cursor_key == "k10"
        last = [m for m in messages if isinstance(m, BookTable.Highlighted)][-1]
        assert last.key == "k10"
        table.move_to("k15")
        table.view = View(text="k15")
        table.view = View(text="k1")
        kept = table.cursor_row
        assert kept is not None
        assert kept.key == "k15", "the cursor stays on a row that is shown"

    table_run(script)


@pytest.mark.parametrize(
    ("key", "reverse", "expected"),
    [
        ("worst", True, " Worst▼ Drift pp  Long…  End"),
        ("drift", False, " Worst ▲Drift pp  Long…  End"),
        ("long", False, " Worst  Drift pp  Long…▲ End"),
        ("end", True, " Worst  Drift pp  Long…  End▼"),
        (None, False, " Worst  Drift pp  Long…  End"),
    ],
)
def test_the_mark_of_the_sort_order_is_never_cut_away(key: str | None, reverse: bool, expected: str) -> None:
    titles = (("worst", "Worst", 5, "left"), ("drift", "Drift pp", 8, "right"), ("long", "Long title", 5, "left"))
    columns = [Column(name, title, width, str, align) for name, title, width, align in titles]
    placed = lay_out_columns([*columns, Column("end", "End", 3, str)], 29)
    assert "".join(text for text, _ in header_line(placed, key, reverse)) == expected


def test_sorting_goes_through_the_columns_on_the_screen() -> None:
    async def script(pilot: Pilot[None], table: BookTable[Row], messages: list[Message]) -> None:
        del messages
        shown = [column.key for column in table.placed_columns if column.sort is not None]
        assert len(shown) < len([column for column in table.columns if column.sort is not None])
        for key in shown:
            assert table.cycle_sort() is None
            assert table.view.sort == key
            await pilot.pause()
        assert table.cycle_sort() == "the default order"
        assert table.view.sort is None

    table_run(script, size=(14, 12))


def test_a_removed_row_passes_the_cursor_to_its_neighbor() -> None:
    async def script(pilot: Pilot[None], table: BookTable[Row], messages: list[Message]) -> None:
        table.move_to("k05")
        table.set_rows(tuple(row for row in ROWS if row.key != "k05"))
        await pilot.pause()
        assert table.cursor_key == "k06"
        last = [m for m in messages if isinstance(m, BookTable.Highlighted)][-1]
        assert last.key == "k06"

    table_run(script)


def test_a_filter_needs_every_word_and_ignores_case() -> None:
    async def script(pilot: Pilot[None], table: BookTable[Row], _: list[Message]) -> None:
        table.view = View(text="NAME k1")
        assert [row.key for row in table.rows] == [f"k{index}" for index in range(10, 20)]
        table.view = View(text="[/]")
        await pilot.pause()
        assert table.cursor_row is None
        assert "No row matches the filter" in line(table, 2)
        table.view = View()
        assert len(table.rows) == table.total == 30

    table_run(script)


def test_marks_are_kept_by_key() -> None:
    async def script(pilot: Pilot[None], table: BookTable[Row], _: list[Message]) -> None:
        await pilot.press("space", "space")
        assert table.marked == {"k00", "k01"}
        assert table.cursor_key == "k02"
        assert line(table, 1).startswith("✓")
        table.view = View("name", reverse=True)
        assert table.marked == {"k00", "k01"}

    table_run(script)


def test_clicks_move_sort_and_open() -> None:
    async def script(pilot: Pilot[None], table: BookTable[Row], messages: list[Message]) -> None:
        await pilot.click(table, offset=(3, 4))
        assert table.cursor_key == "k03"
        assert not [m for m in messages if isinstance(m, BookTable.Opened)]
        await pilot.click(table, offset=(3, 4), times=2)
        await pilot.pause()
        opened = {id(m): m.key for m in messages if isinstance(m, BookTable.Opened)}
        assert list(opened.values()) == ["k03"]
        await pilot.click(table, offset=(line(table, 0).index("Amou"), 0))
        assert table.view == View("amount", True)
        await pilot.click(table, offset=(line(table, 0).index("Amou"), 0))
        assert table.view == View("amount", False)

    table_run(script)


def test_narrow_terminals_drop_the_least_important_columns_first() -> None:
    def titles(width: int) -> list[str]:
        return [placed.column.title for placed in lay_out_columns(COLUMNS, width)]

    assert titles(40) == ["Name", "Amount", "Key"]
    assert titles(20) == ["Name", "Amount"]
    assert titles(12) == ["Name"]
    assert titles(4) == ["Name"], "what always stays is scrolled to instead"


def test_a_dropped_column_makes_room_for_a_smaller_one() -> None:
    columns: tuple[Column[Row], ...] = (
        Column("a", "A", 4, lambda row: row.key),
        Column("b", "B", 20, lambda row: row.key, priority=1),
        Column("c", "C", 3, lambda row: row.key, priority=2),
    )
    assert [placed.column.title for placed in lay_out_columns(columns, 12)] == ["A", "C"]


def test_wide_characters_keep_the_columns_aligned() -> None:
    async def script(pilot: Pilot[None], table: BookTable[Row], _: list[Message]) -> None:
        names = ("日本投資信託会社", "🙂🙂🙂🙂🙂🙂🙂🙂", "plain", "x" * 200)
        table.set_rows(tuple(Row(f"k{index}", name, 7) for index, name in enumerate(names)))
        await pilot.pause()
        ends = set()
        for y in range(1, 5):
            text = line(table, y)
            ends.add(cell_len(text[: text.rindex("7")]))
            assert cell_len(text) == table.scrollable_content_region.width
        assert len(ends) == 1

    table_run(script)


def test_a_changed_row_is_drawn_again_and_an_equal_one_is_not() -> None:
    drawn: list[str] = []

    def cell(row: Row) -> str:
        drawn.append(row.key)
        return row.name

    async def main() -> None:
        app = TableApp()
        async with app.run_test(size=(40, 12)) as pilot:
            table: BookTable[Row] = app.screen.query_one(BookTable)
            table.columns = (Column("name", "Name", 8, cell),)
            table.set_rows(ROWS)
            await pilot.pause()
            line(table, 3)
            drawn.clear()
            table.set_rows(tuple(Row(row.key, row.name, row.amount) for row in ROWS))
            line(table, 3)
            assert drawn == []
            table.set_rows(tuple(Row(row.key, "new", row.amount) for row in ROWS))
            assert "new" in line(table, 3)

    asyncio.run(main())


def test_rows_of_every_list_keep_their_places_for_ten_seconds_after_a_key() -> None:
    async def script(pilot: Pilot[None], table: BookTable[Row], messages: list[Message]) -> None:
        def keys() -> list[str]:
            return [row.key for row in table.rows]

        await pilot.press("j")
        before = keys()
        for _ in range(4):
            await pilot.pause(2.4)
            table.set_rows((Row("new", "new", 1), *reversed(ROWS)))
            assert keys() == [*before, "new"], "a new row comes last"
        assert table.moved >= len(ROWS)
        assert "↕" in line(table, 3)
        await pilot.pause(0.6)
        assert keys() == ["new", *before[::-1]]
        table.set_rows(ROWS)
        await pilot.press("full_stop")
        assert keys() == before
        table.set_rows(tuple(reversed(ROWS)))
        table.renew_order()
        table.set_rows(tuple(reversed(ROWS)))
        assert keys() == before[::-1], "another tab has its own order at once"
        assert table.cursor_key == "k01"

    table_run(script)


def test_a_column_gives_up_the_width_that_its_texts_do_not_need() -> None:
    columns = lay_out_columns(COLUMNS, 24, {"name": 5})
    assert [(placed.column.key, placed.width) for placed in columns] == [("name", 5), ("amount", 6), ("key", 4)]
    assert [placed.column.key for placed in lay_out_columns(COLUMNS, 21, {"name": 2})] == ["name", "amount", "key"]
    assert [placed.column.key for placed in lay_out_columns(COLUMNS, 21)] == ["name", "amount"]


def test_names_are_whole_before_columns_of_low_priority_are_shown() -> None:
    columns: tuple[Column[Row], ...] = (
        Column("name", "Name", 8, lambda row: row.name, grow=1, max_width=30, whole=True),
        Column("state", "State", 6, lambda row: row.name, grow=3, max_width=20),
        Column("key", "Key", 4, lambda row: row.key, priority=5),
    )

    def shown(width: int, *, names_first: bool = True) -> list[tuple[str, int]]:
        placed = lay_out_columns(columns, width, {"name": 20}, names_first=names_first)
        return [(one.column.key, one.width) for one in placed]

    assert shown(30) == [("name", 20), ("state", 6)]
    assert shown(36) == [("name", 20), ("state", 6), ("key", 4)]
    assert shown(24, names_first=False) == [("name", 8), ("state", 6), ("key", 4)], "chosen by the user"


def test_the_longest_name_of_a_list_is_shown_whole_where_there_is_space() -> None:
    columns: tuple[Column[Row], ...] = (
        Column("name", "Name", 8, lambda row: row.name, grow=1, max_width=40, whole=True),
        Column("amount", "Amount", 6, lambda row: ((str(row.amount), "muted"),), grow=1, max_width=60),
    )
    rows = (Row("a", "Andersson, Amanda Josephine", 1), Row("b", "Ng, Bo", 2))
    widest = widest_texts(columns, rows)
    assert widest == {"name": 27, "amount": 1}
    name, _ = lay_out_columns(columns, 60, widest)
    assert name.width == 27


def test_no_width_is_left_beside_a_text_that_is_cut() -> None:
    columns: tuple[Column[Row], ...] = (
        Column("name", "Name", 8, lambda row: row.name, grow=1, max_width=40, whole=True),
        Column("state", "State", 10, lambda row: f"waits until {row.key}", grow=1, max_width=30),
        Column("note", "Note", 10, lambda _row: "", grow=9, max_width=90),
        Column("amount", "Amount", 15, lambda row: str(row.amount), "right"),
    )
    widest = widest_texts(columns, (Row("Tuesday", "Andersson, Amanda", 1),))
    widths = {one.column.key: one.width for one in lay_out_columns(columns, 60, widest)}
    assert widths == {"name": 17, "state": 19, "note": 5, "amount": 7}
    widths = {one.column.key: one.width for one in lay_out_columns(columns, 48, widest)}
    assert widths == {"name": 17, "state": 11, "note": 5, "amount": 7}, "names first"

"""Flows on the Desk by keys: filters as chips, filters of other sections, rows that keep still."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from textual.app import ComposeResult

from rebal_tui.services.queries.desk import desk_snapshot
from rebal_tui.services.view_models.desk import DeskRow
from rebal_tui.tui.screens.desk import columns as desk_columns
from rebal_tui.tui.widgets.list_foot import ListFoot
from rebal_tui.tui.widgets.named_styles import StyledApp
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.text_field import FilterField
from tests.services.factories import set_price
from tests.services.random_books import random_book
from tests.tui.driving import drive, press, screen_text


def test_a_filter_is_a_chip_that_a_click_clears() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        table, total = app.screen.table, app.screen.table.total
        await press(pilot, "slash", *"ruiz")
        assert "/ Filter" not in screen_text(app), "this key types a slash now"
        await press(pilot, "enter")
        shown = len(table.rows)
        assert 0 < shown < total
        assert "/ Filter" in screen_text(app)
        assert f"⌕ ruiz {shown}/{total} ✕" in screen_text(app)
        await pilot.click(ListFoot, offset=(3, 0))
        await press(pilot)
        assert len(table.rows) == total
        assert "⌕" not in screen_text(app)

    drive(script)


@pytest.mark.slow
def test_a_link_to_a_row_that_the_filter_hides_clears_the_filter_and_its_chip() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        links: dict[str, Callable[[str], None]] = {
            "1": app.navigation.show_account,
            "3": app.navigation.show_in_accounts,
            "8": lambda key: app.navigation.show_subject("job", key.removeprefix("jobs:")),
        }
        for section, follow in links.items():
            await press(pilot, section)
            screen, keys = app.screen, [str(key) for key in app.screen.table.keys_shown]
            screen.query_one("#filter", FilterField).value = "evaluation" if section == "8" else "ruiz"
            await press(pilot, "slash", "enter")
            assert "⌕" in screen_text(app)
            hidden = next(key for key in keys if key not in screen.table.keys_shown)
            app.go("portfolios")
            follow(hidden)
            await press(pilot)
            assert app.screen is screen
            assert screen.table.cursor_key == hidden
            assert len(screen.table.rows) == len(keys)
            assert "⌕" not in screen_text(app)
            assert not screen.query_one("#filter", FilterField).value

    drive(script)


@pytest.mark.slow
def test_runs_of_an_account_show_the_client_and_the_digit_clears_them() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        client = app.screen.table.cursor_row.client
        await press(pilot, "4")
        runs = app.screen.table
        count = len(runs.rows)
        await press(pilot, "1", "r")
        assert f"⌕ {client} {len(runs.rows)}/{count} ✕" in screen_text(app)
        await press(pilot, "4")
        assert len(runs.rows) == count
        assert "⌕" not in screen_text(app)
        await press(pilot, "slash", *"buy", "enter", "1", "4")
        assert app.screen.filter_text == "buy", "what was typed here stays"

    drive(script)


@pytest.mark.slow
def test_a_term_that_cannot_be_read_is_named_while_it_is_typed() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        await press(pilot, "slash", *"drift>x")
        assert "drift>x: expected a number, such as drift>5 (above +5 or below -5)" in screen_text(app)
        await press(pilot, "backspace", "5")
        assert "expected a number" not in screen_text(app)

    drive(script)


def test_the_firm_is_summed_up_above_the_list() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        del pilot
        assert "AUM " in screen_text(app)
        assert "open orders 2, $1,635   traded today $0.15 M" in screen_text(app)

    drive(script)


class _Live(StyledApp):
    def compose(self) -> ComposeResult:
        yield BookTable(desk_columns.columns(), lambda row: row.account_id)


@pytest.mark.every_frame
def test_rows_keep_their_places_after_a_key_and_a_period_sorts_them() -> None:
    book = random_book(Random(5))

    def keys(table: BookTable[Any]) -> list[str]:
        rows: list[DeskRow] = list(table.rows)
        return [row.account_id for row in rows]

    async def main() -> None:
        app = _Live()
        async with app.run_test(size=(120, 30)) as pilot:
            table = app.query_one(BookTable)
            table.focus()
            table.set_rows(desk_snapshot(book).rows)
            before = keys(table)
            await pilot.press("j")
            cursor = table.cursor_key
            set_price(book, "SPY", "900")
            snapshot = desk_snapshot(book)
            table.set_rows(snapshot.rows)
            assert keys(table) == before
            assert table.moved > 0
            assert "↕" in "".join(table.render_line(y).text for y in range(1, 12))
            values = {row.account_id: row.band_used for row in table.rows}
            assert values == {row.account_id: row.band_used for row in snapshot.rows}, "figures are live"
            await pilot.press("full_stop")
            assert keys(table) != before
            assert table.moved == 0
            assert table.cursor_key == cursor

    asyncio.run(main())

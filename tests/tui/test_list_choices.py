"""Columns and filters of a list that the user chose, and remembered in the settings file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from rebal_tui.domain.quantities import parse_money
from rebal_tui.services.advisory.cash import deposit
from rebal_tui.services.advisory.withdrawals import request_withdrawal
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.settings import read_settings
from rebal_tui.tui.widgets.stable_order import HOLD_SECONDS
from rebal_tui.tui.widgets.table_layout import LOW_PRIORITY, full_width
from rebal_tui.tui.widgets.table_order import View
from tests.tui.driving import drive, make_app, press, screen_text, shown_messages
from tests.tui.simulated import market_book, run

pytestmark = pytest.mark.slow


def reopened(path: Path) -> RebalApp:
    return make_app(settings=read_settings(path))


@pytest.mark.slow
def test_chosen_columns_are_shown_and_remembered(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"

    async def choose(pilot: Any, app: RebalApp) -> None:
        header = screen_text(app).splitlines()
        assert any("Equity" in line and "Portfolio" in line for line in header)
        await press(pilot, "C", "down", "space", "enter")  # Portfolio is the second column

    async def look(pilot: Any, app: RebalApp) -> None:
        header = next(line for line in screen_text(app).splitlines() if "Client" in line)
        assert "Equity" in header
        assert "Portfolio" not in header
        await press(pilot, "C", "d")
        assert any("Portfolio" in line for line in screen_text(app).splitlines())

    drive(choose, reopened(path), (200, 60))
    assert "portfolio" not in read_settings(path).settings.columns["desk"]
    drive(look, reopened(path), (200, 60))
    assert read_settings(path).settings.columns == {}


LONG_TEXTS = {
    "9": {"client": "Estate of Konstantin Papadopoulos (IRA)", "portfolio": "Conservative Income, taxable"},
    "2": {
        "name": "Global Opportunities",
        "conditions": "±2.5 pp or ±30 % of target · monthly on the 1st · cooldown 10 d",
    },
    "5": {
        "client": "Mahlangu, Fatima (IRA)",
        "line": "✓ sold  ✓ settled  ✓ journaled  ✓ resubscribed  by journal 6664bc60",
    },
}
"""Long texts of lists, by the key of the section and the key of the column."""


@pytest.mark.slow
def test_a_wide_terminal_has_room_for_long_texts_beside_the_panel() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        for key, texts in LONG_TEXTS.items():
            await press(pilot, key)
            table = app.screen.table
            widest = {column: len(text) for column, text in texts.items()}
            columns = [column for column in table.columns if column.priority <= LOW_PRIORITY]
            assert full_width(columns, widest) <= table.scrollable_content_region.width, key

    run(flow, market_book(), "1", (200, 60))


def equities(app: RebalApp) -> list[int]:
    assert isinstance(app.screen, ListScreen)
    return [row.equity for row in app.screen.table.rows]


def test_the_order_of_a_column_is_named_by_what_it_is_sorted_by() -> None:
    async def script(pilot: Any, app: RebalApp) -> None:
        assert isinstance(app.screen, ListScreen)
        app.screen.table.view = View("worst", reverse=True)
        await press(pilot, "O")
        assert "now, most of its band used first" in screen_text(app)
        await press(pilot, "down", "enter")
        assert "Sorted by Drift pp, largest first; saved." in shown_messages(app), "by size, whatever its sign"

    drive(script)


@pytest.mark.slow
def test_the_column_to_sort_by_is_chosen_reversed_and_remembered(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"

    async def choose(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "O", "down", "down", "down", "enter")  # the default order, Client, Portfolio, Equity
        assert shown_messages(app)[-1] == "Sorted by Equity $, descending; saved."
        assert equities(app) == sorted(equities(app), reverse=True)
        assert read_settings(path).settings.sort == {"desk": "-equity"}

    async def look(pilot: Any, app: RebalApp) -> None:
        assert equities(app) == sorted(equities(app), reverse=True)
        await press(pilot, "O")
        assert "now, descending" in screen_text(app)
        await press(pilot, "enter")
        assert equities(app) == sorted(equities(app))
        await press(pilot, "O", "home", "enter")
        assert equities(app) != sorted(equities(app))

    drive(choose, reopened(path))
    drive(look, reopened(path))
    assert read_settings(path).settings.sort == {}


def test_who_leaves_the_default_order_is_told_once_the_key_that_brings_it_back() -> None:
    async def script(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "s")
        assert shown_messages(app) == ["Sorted by the next column; O chooses one, or the default order."]
        await press(pilot, "s", "s")
        assert len(shown_messages(app)) == 1

    drive(script)


@pytest.mark.slow
def test_at_least_one_column_stays_and_escape_changes_nothing(tmp_path: Path) -> None:
    async def script(pilot: Any, app: RebalApp) -> None:
        before = screen_text(app)
        assert isinstance(app.screen, ListScreen)
        count = len([column for column in app.screen.table.columns if column.title])
        await press(pilot, "C", *["space"] * count, "enter")
        assert "Choose at least one column." in shown_messages(app)[-1]
        await press(pilot, "escape")
        assert screen_text(app).splitlines()[3:-1] == before.splitlines()[3:-1]

    drive(script, reopened(tmp_path / "settings.toml"))


@pytest.mark.slow
def test_a_filter_is_saved_under_a_name_applied_and_deleted(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"

    async def save(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "slash", *"ruiz", "enter", "F", *"family", "ctrl+s")
        assert "⌕ family" in screen_text(app)

    async def apply(pilot: Any, app: RebalApp) -> None:
        assert isinstance(app.screen, ListScreen)
        table = app.screen.table
        await press(pilot, "F", *"fam", "enter")
        assert 0 < len(table.rows) < table.total
        assert f"⌕ family {len(table.rows)}/{table.total}" in screen_text(app)
        await press(pilot, "4", "1")
        assert table.view.text == "ruiz", "a filter chosen here stays"
        await press(pilot, "F", "ctrl+d", "escape", "escape")
        assert len(table.rows) == table.total
        assert app.screen.query_one("#filter", Input).value == ""

    drive(save, reopened(path))
    assert read_settings(path).settings.filters == {"desk": {"family": "ruiz"}}
    drive(apply, reopened(path))
    assert read_settings(path).settings.filters == {}
    assert not read_settings(path).faults


def test_choices_that_cannot_be_read_are_named_and_ignored(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    filters = '[filters.desk]\n"a" = 5\n[filters.runs]\n"b" = "buy"\n'
    path.write_text(f'[columns]\ndesk = "client"\n[sort]\ndesk = 5\nruns = "none"\n{filters}')
    found = read_settings(path)
    assert found.settings.columns == {}
    assert found.settings.filters == {"runs": {"b": "buy"}}
    assert [fault.location.removeprefix(f"{path}: ") for fault in found.faults] == [
        "columns.desk",
        "sort.desk",
        "filters.desk.a",
    ]


@pytest.mark.slow
def test_a_filter_that_is_opened_again_is_replaced_by_typing_and_continued_after_an_arrow_key() -> None:
    async def flow(pilot: Any, app: RebalApp) -> None:
        assert isinstance(app.screen, ListScreen)
        await press(pilot, "slash", *"rui", "enter", "slash", "right", "z")
        assert app.screen.filter_text == "ruiz"
        await press(pilot, "enter", "slash", "o")
        assert app.screen.filter_text == "o"
        assert "^u Empty the filter" in screen_text(app)
        await press(pilot, "left", "ctrl+u")
        assert app.screen.filter_text == ""

    drive(flow)


def test_the_tabs_of_every_list_count_the_rows_that_the_filter_finds() -> None:
    book = market_book(4)
    for dollars in ("100", "250"):
        deposit(book, "a", parse_money(dollars))

    async def flow(pilot: Any, app: RebalApp) -> None:
        for section, text, whole, found in (
            ("1", "gold", 4, 1),
            ("3", "gold", 4, 1),
            ("2", "gold", 2, 1),
            ("5", "250", 2, 1),
        ):
            await press(pilot, section)
            assert f"[All {whole}]" in screen_text(app)
            await press(pilot, "slash", *text)
            assert f"[All {found}]" in screen_text(app), "while it is typed, too"
            await press(pilot, "enter")
            assert f"{text} {found}/{whole} " in screen_text(app)
            await press(pilot, "t")
            assert f" All {found} " in screen_text(app)
            await press(pilot, "escape")
            assert f" All {whole} " in screen_text(app)

    run(flow, book, "1")


def test_a_filter_that_finds_nothing_in_a_tab_is_applied_to_all_rows_by_enter() -> None:
    async def flow(pilot: Any, app: RebalApp) -> None:
        for section in ("1", "3"):
            await press(pilot, section, "t")
            assert "[All" not in screen_text(app)
            screen: Any = app.screen
            tab = screen.tile_label
            await press(pilot, "slash", *"gold")
            assert "[All" not in screen_text(app), "the tab stays while the filter is typed"
            await press(pilot, "enter")
            assert "[All 1]" in screen_text(app)
            assert f"No row of “{tab}” matches the filter" in screen_text(app)
            assert screen.table.cursor_key is not None

    run(flow, market_book(4), "1")


def test_a_key_in_a_dialog_keeps_the_order_of_every_list_below_it() -> None:
    book = market_book(4)
    request_withdrawal(book, "a", parse_money("9000"))

    async def flow(pilot: Any, app: RebalApp) -> None:
        for section in ("1", "2", "3", "4", "5", "6", "8"):
            # The second key forgets the order, and the heartbeat reads nothing new.
            await press(pilot, section, section)
            await app.run_heartbeat()
            await press(pilot, "C")
            screen: Any = app.section
            await pilot.pause(2 * HOLD_SECONDS)
            assert app.screen is not screen
            assert screen.table.kept_since is None, section
            await press(pilot, "down")
            assert screen.table.kept_since is not None, section
            await press(pilot, "escape")

    run(flow, book, "1")

"""Runs section: its filter searches the whole book."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from rebal_tui.domain.runs import RunType
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries import accounts
from rebal_tui.services.queries.runs import run_view, runs_snapshot
from rebal_tui.services.runs.manual import create_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.screens.runs import columns as run_columns
from rebal_tui.tui.screens.runs.screen import RunsScreen
from rebal_tui.tui.screens.shared.run_lines import run_lines
from tests.services import factories
from tests.tui.driving import press, screen_text, settle, shown_messages
from tests.tui.test_accounts_flows import run, type_text


def with_three_runs() -> Book:
    """Automatic runs of accounts a and b on 2 March 2026, and a manual one of b on 4 March."""
    book = factories.make_book("2026-03-02 09:30")
    accounts = [factories.account("a", "50000"), factories.account("b", "20000")]
    factories.fill_book(book, accounts, [factories.balanced()], {"a": "balanced", "b": "balanced"})
    scheduler.tick(book)
    factories.advance_to(book, "2026-03-04 10:00")
    create_run(book, "b", RunType.FULL_REBALANCE)
    factories.advance(book, 10)
    return book


def shown(app: RebalApp) -> list[str]:
    assert isinstance(app.section, RunsScreen)
    return [row.session for row in app.section.table.rows]


def test_a_run_that_nobody_approved_is_canceled_and_no_longer_to_review() -> None:
    book = factories.review_book()
    (waiting,) = runs_snapshot(book).rows
    factories.advance_to(book, "2026-03-02 15:31")
    (expired,) = runs_snapshot(book).rows
    groups = [[group for group in run_columns.GROUPS if run_columns.in_group(row, group)] for row in (waiting, expired)]
    assert groups == [["Unfinished", "Review"], ["Canceled"]]
    status = next(column for column in run_columns.columns() if column.key == "status")
    assert [status.cell(row) for row in (waiting, expired)] == [(("◇ to review", "key"),), (("◌ canceled", "muted"),)]
    text = "\n".join("".join(part for part, _ in line) for line in run_lines(run_view(book, expired.id))(80, 40))
    assert "Review not approved" in text


@pytest.mark.slow
def test_runs_that_are_not_listed_are_found_by_words_by_date_and_by_their_id(monkeypatch: pytest.MonkeyPatch) -> None:
    book = with_three_runs()
    monkeypatch.setattr(RunsScreen, "ROWS_AT_ONCE", 1)
    monkeypatch.setattr(RunsScreen, "MAX_ROWS", 1)
    first = factories.all_runs(book)[0]

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        assert shown(app) == ["2026-03-04"]
        await press(pilot, "slash")
        await type_text(pilot, "n-a")
        await settle(pilot)
        assert shown(app) == ["2026-03-02"]
        await press(pilot, "enter")
        assert "n-a 1/3" in screen_text(app)
        await press(pilot, "escape", "slash")
        await type_text(pilot, "date<2026-03-04")
        await press(pilot, "enter")
        assert shown(app) == ["2026-03-02"]
        assert "date<2026-03-04 2/3" in screen_text(app)
        await press(pilot, "escape")
        assert shown(app) == ["2026-03-04"]
        app.navigation.show_run(first.id)
        await settle(pilot)
        assert isinstance(app.section, RunsScreen)
        assert (app.section.table.cursor_key, len(shown(app))) == (first.id, 1)

    run(flow, book, (120, 40), section="4")


@pytest.mark.slow
def test_a_search_begins_on_its_first_run_unless_it_finds_that_of_the_cursor() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        assert isinstance(app.section, RunsScreen)
        table = app.section.table
        await press(pilot, "end")
        last = table.cursor_key
        await press(pilot, "slash")
        await type_text(pilot, "n-")
        await settle(pilot)
        assert (len(shown(app)), table.cursor_key) == (3, last)
        table.move_to(next(row.id for row in table.rows if row.account_id == "a"))
        await type_text(pilot, "b")
        await settle(pilot)
        assert (len(shown(app)), table.cursor_key) == (2, table.rows[0].id)

    run(flow, with_three_runs(), (120, 40), section="4")


def test_older_runs_are_loaded_when_the_cursor_comes_to_the_last_row(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each time as many more, and no further than `MAX_ROWS`; the cursor stays in its row."""
    book = with_three_runs()
    monkeypatch.setattr(RunsScreen, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(RunsScreen, "MAX_ROWS", 2)

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        assert "[All 2 of 3]" in screen_text(app)
        await press(pilot, "end")
        assert shown_messages(app)[-1].startswith("2 runs are loaded; for older ones filter by a date")
        assert isinstance(app.section, RunsScreen)
        app.section.older.most = 4
        await press(pilot, "home", "end")
        assert shown_messages(app)[-1] == "3 runs loaded; these are all."
        assert "[All 3]" in screen_text(app)
        table = app.section.table
        assert [row.session for row in table.rows] == ["2026-03-04", "2026-03-02", "2026-03-02"]
        assert table.cursor_key == table.rows[1].id
        await press(pilot, "t", "t", "t")
        assert "Success 2 of 3]" in screen_text(app), "a tab begins with its newest runs"
        await press(pilot, "t")
        assert "[▲ Adjusted 0]" in screen_text(app)

    run(flow, book, (120, 40), section="4")


@pytest.mark.slow
def test_older_runs_of_an_account_are_loaded_on_its_page(monkeypatch: pytest.MonkeyPatch) -> None:
    book = with_three_runs()
    create_run(book, "b", RunType.INVEST_CASH)
    monkeypatch.setattr(accounts, "NEWEST_RUNS", 2)

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "down", "enter", "t", "t", "t")
        assert "[Runs 2+]" in screen_text(app)
        await press(pilot, "end")
        assert shown_messages(app)[-1] == "3 runs loaded; these are all."
        assert "[Runs 3]" in screen_text(app)

    run(flow, book, (120, 40), section="3")


@pytest.mark.slow
def test_a_run_made_since_is_first_when_runs_is_opened_again() -> None:
    """A key keeps the order of the rows shown, not that of rows seen for the first time."""
    book = with_three_runs()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "3")
        made = create_run(book, "a", RunType.INVEST_CASH)
        await press(pilot, "4")
        assert isinstance(app.section, RunsScreen)
        assert next(iter(app.section.table.rows)).id == made.id
        assert "moved" not in screen_text(app)
        await press(pilot, "3", "T", "slash", *"zz")
        assert "No row of “Reserved” matches the filter; escape clears it, then" in screen_text(app)

    run(flow, book, section="4")


def test_a_filter_moves_no_column_and_help_lists_tab_beside_a_detail() -> None:
    book = factories.make_book("2026-03-02 09:30")
    names = {"a": "The Estate of Felix Ruiz-Castellanos", "b": "Ng, Ada"}
    some = [replace(factories.account(one, "50000"), name=name) for one, name in names.items()]
    factories.fill_book(book, some, [factories.balanced()], dict.fromkeys(names, "balanced"))
    scheduler.tick(book)

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        (titles,) = [line for line in screen_text(app).splitlines() if "Client" in line and "Status" in line]
        assert len(shown(app)) == 2
        await press(pilot, "slash")
        await type_text(pilot, "ng")
        await settle(pilot)
        assert isinstance(app.section, RunsScreen)
        assert len(shown(app)) == 1
        assert titles in screen_text(app).splitlines()
        for width, switches in ((80, False), (160, True)):
            await pilot.resize_terminal(width, 24)
            await settle(pilot)
            text = "".join(part for line in app.section.help_builder()(width, 24) for part, _ in line)
            assert ("Switch between the list and its detail" in text) is switches, "only where a detail is shown"

    run(flow, book, (80, 24), section="4")

"""Exceptions section: what needs a person and open alerts, driven by keys with the real services."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from textual.widgets import Input

from rebal_tui.domain.quantities import Percent
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.guards import apply_guards
from rebal_tui.services.simulation import simulator
from rebal_tui.services.view_models.log import AlertView
from rebal_tui.store import jobs
from rebal_tui.tui.screens.exceptions import lines
from rebal_tui.tui.screens.exceptions.lines import Ended
from rebal_tui.tui.screens.exceptions.screen import ExceptionsScreen
from rebal_tui.tui.screens.shared.dialog import ReadScreen
from rebal_tui.tui.sections import EXCEPTIONS, REVIEW, Section
from rebal_tui.tui.widgets.status import StatusBar, section_of
from tests.services.factories import new_york
from tests.tui.driving import press, screen_text, shown_messages
from tests.tui.simulated import SIZES, at_time, market_book, run, run_heartbeat, shows
from tests.tui.test_log_flows import alerted

pytestmark = pytest.mark.slow
AT = new_york("2026-03-02 10:01")


def test_an_alert_is_acknowledged_and_leads_to_its_account() -> None:
    book = market_book()
    alerted(book, "a")

    async def flow(pilot: Any, app: Any) -> None:
        assert "! 1 exception, 1 alert" in screen_text(app)
        assert "Exceptions 1" in screen_text(app)
        await press(pilot, "a")
        assert any("An exception lasts until its cause ends. To do: have the broker" in text
                   for text in shown_messages(app))  # fmt: skip
        await press(pilot, "j", "enter")
        assert isinstance(app.screen_stack[-1], ReadScreen)
        assert "a acknowledges this alert" in screen_text(app)
        assert "About: Client a (" in screen_text(app)
        await press(pilot, "escape", "g")
        assert app.current_mode == Section.ACCOUNTS
        assert app.screen.table.cursor_key == "a"
        await press(pilot, "escape", "a")
        assert jobs.open_alerts(book.database) == []
        assert "Alerts 0" in screen_text(app)
        assert "1 alert" not in screen_text(app)

    run(flow, book, "0")


def test_a_row_that_ends_stays_in_its_place_until_the_rows_are_sorted() -> None:
    book = market_book()
    alerted(book, "a", "b", "c")

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "T", "down")
        keys = [lines.row_key(row) for row in app.screen.table.rows]
        await press(pilot, "a")
        assert [lines.row_key(row) for row in app.screen.table.rows] == keys
        assert app.screen.table.cursor_key == keys[1]
        assert "✓ ended 10:01" in screen_text(app)
        assert "▲ Alerts 2" in screen_text(app), "it is not counted"
        await press(pilot, "a", "l", "g")
        assert len([text for text in shown_messages(app) if "nothing is left to do" in text]) == 3
        await press(pilot, "enter")
        assert "It leaves the list" in screen_text(app)
        await press(pilot, "escape", "full_stop")
        await run_heartbeat(pilot, app)
        assert [lines.row_key(row) for row in app.screen.table.rows] == [keys[0], keys[2]]

    run(flow, book, "0")


def test_ended_rows_keep_their_places_among_the_others_and_their_time() -> None:
    first, second, third = (AlertView(key, AT, "restricted", "a", "", "") for key in (1, 2, 3))
    shown = lines.with_ended((first, second, third), (first,), AT)
    assert shown == [first, Ended(second, AT), Ended(third, AT)]
    assert lines.with_ended(shown, (third,), AT + timedelta(minutes=1)) == [
        Ended(first, AT + timedelta(minutes=1)), Ended(second, AT), third,
    ]  # fmt: skip


def hold_spy(book: Book) -> None:
    """Put SPY on hold with an unexplained price jump."""
    apply_guards(book, replace(book.settings.guards, jump_guard=True))
    simulator.shock(book, "SPY", Percent(-5_000))
    assert list(book.asset_holds) == ["SPY"]


def test_all_marked_alerts_are_acknowledged_at_once() -> None:
    book = market_book()
    alerted(book, "a", "b", "c")

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "T")
        assert [row.kind for row in app.screen.table.rows] == ["restricted"] * 3
        await press(pilot, "space", "space", "a")
        assert len(jobs.open_alerts(book.database)) == 1
        assert "2 alerts acknowledged." in shown_messages(app)
        assert app.screen.table.marked == frozenset()

    run(flow, book, "0")


def test_an_asset_on_hold_is_answered_once_for_all_its_accounts() -> None:
    book = market_book()
    hold_spy(book)

    async def flow(pilot: Any, app: Any) -> None:
        row = app.screen.table.cursor_row
        assert (row.symbol, row.accounts) == ("SPY", 5)
        await press(pilot, "l")
        assert "5 accounts" in screen_text(app)
        await press(pilot, "n")
        assert list(book.asset_holds) == ["SPY"]
        await press(pilot, "l", "y")
        assert book.asset_holds == {}
        assert not [one for one in app.screen.table.rows if getattr(one, "symbol", None) == "SPY"]

    run(flow, book, "0")


def test_an_exception_that_no_key_can_answer_says_what_to_do_and_goes_to_its_subject() -> None:
    book = market_book()
    alerted(book, "b")

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "l")
        assert app.current_mode == Section.ACCOUNTS
        assert app.screen.table.cursor_key == "b"
        assert "To do: have the broker lift its block." in shown_messages(app)
        await press(pilot, "0", "escape")
        assert app.current_mode == Section.ACCOUNTS

    run(flow, book, "0")


def test_on_a_narrow_terminal_the_whole_reason_is_below_the_list() -> None:
    book = market_book()
    alerted(book, "a", "b")

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "j")
        text = screen_text(app)
        assert "Client b (N-b): an ACH deposit was returned." in text
        assert "have the broker lift its block" in text
        assert "most urgent first, then by client" in text
        await press(pilot, "s")
        assert "most urgent first" not in screen_text(app)

    run(flow, book, "0", (80, 24))


def test_cursor_filter_and_half_typed_text_survive_a_heartbeat() -> None:
    book = market_book()
    alerted(book, "a", "b", "c")

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "j", "slash", *"cl")
        key = app.screen.table.cursor_key
        alerted(book, "d")
        at_time(book, "2026-03-02 10:15")
        await run_heartbeat(pilot, app)
        assert app.screen.query_one("#filter", Input).value == "cl"
        assert app.screen.query_one("#filter", Input).has_focus
        assert app.screen.table.cursor_key == key

    run(flow, book, "0")


def test_a_row_that_comes_after_the_key_of_the_section_does_not_push_the_others_down() -> None:
    book = market_book()
    alerted(book, "b", "c")

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "3", "0")
        before = [row.text for row in app.screen.table.rows]
        alerted(book, "a")
        hold_spy(book)
        await run_heartbeat(pilot, app)
        after = [row.text for row in app.screen.table.rows]
        assert len(after) > len(before)
        assert after[: len(before)] == before

    run(flow, book, "0")


def test_the_key_of_the_section_leads_to_the_most_urgent_row_and_escape_to_the_row_left() -> None:
    book = market_book()
    alerted(book, "b", "c")

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "down", "down")
        third = app.screen.table.cursor_key
        await press(pilot, "enter", "escape")
        assert app.screen.table.cursor_key == third
        await press(pilot, "g", "escape")
        assert (app.current_mode, app.screen.table.cursor_key) == (EXCEPTIONS, third)
        await press(pilot, "3")
        hold_spy(book)
        await press(pilot, "0")
        await run_heartbeat(pilot, app)
        assert (app.screen.table.cursor, app.screen.table.cursor_row.symbol) == (0, "SPY"), (
            "it came since the last visit"
        )
        await press(pilot, "down")
        second = app.screen.table.cursor_key
        alerted(book, "a")
        await run_heartbeat(pilot, app)
        assert app.screen.table.cursor_key == second, "only the key of the section moves it"

    run(flow, book, "0")


def test_the_parts_of_the_status_line_lead_to_what_they_report() -> None:
    book = market_book()
    alerted(book, "a")

    async def flow(pilot: Any, app: Any) -> None:
        line = screen_text(app).splitlines()[0]
        await pilot.click(StatusBar, offset=(line.index("1 alert"), 0))
        await press(pilot)
        assert app.current_mode == EXCEPTIONS
        assert isinstance(app.screen, ExceptionsScreen)
        await pilot.click(StatusBar, offset=(line.index("PAUSED"), 0))
        await press(pilot)
        assert app.current_mode == Section.MARKET

    run(flow, book, "1")
    assert section_of("◇ 4 to review") == REVIEW
    assert section_of(" my book") == section_of(" · ") == ""


@pytest.mark.parametrize("size", SIZES)
def test_the_list_looks_right(snap_compare: Any, size: str) -> None:
    shows(snap_compare, troubled(), ("0",), SIZES[size])


def test_a_book_without_exceptions_looks_right(snap_compare: Any) -> None:
    shows(snap_compare, market_book(), ("0",), SIZES["80x24"])


def troubled() -> Book:
    """Create a book with restricted accounts, their alerts, and an asset on hold."""
    book = market_book()
    alerted(book, "a", "b", "c")
    hold_spy(book)
    return book

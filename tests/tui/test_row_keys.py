"""Keys that work on a row are shown only while a row is there, and only those that can work on it."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from rebal_tui.tui import actions
from rebal_tui.tui.action_table import ACTIONS
from rebal_tui.tui.actions import find
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.row_actions import NEEDS_ROW
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.sections import EXCEPTIONS, LIST_SECTIONS, LISTS, REVIEW, Section
from rebal_tui.tui.widgets.key_bar import KeyBar
from tests.tui.driving import press, settle, shown_messages
from tests.tui.simulated import market_book, run
from tests.tui.test_log_flows import alerted
from tests.tui.test_review_flows import queue_book

pytestmark = pytest.mark.slow


def shown_keys(app: RebalApp, section: str) -> set[str]:
    """Return the ids of the section's actions in the bottom line."""
    found = (find(key.action, section, LISTS) for key in app.screen.query_one(KeyBar).keys)
    return {action.id for action in found if action is not None}


def test_every_id_is_that_of_an_action() -> None:
    assert {action.id for action in ACTIONS} >= NEEDS_ROW


def test_without_a_row_no_key_is_shown_that_needs_one() -> None:
    book = queue_book(2)

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        for section in LIST_SECTIONS:
            app.action_go(section)
            await settle(pilot)
            screen = app.screen
            assert isinstance(screen, ListScreen)
            before = shown_keys(app, section)
            screen.filter_by("zzz")
            await settle(pilot)
            assert not screen.table.rows, section
            assert shown_keys(app, section).isdisjoint(NEEDS_ROW), section
            for action in actions.section_actions(section):
                if action.id in NEEDS_ROW:
                    await app.run_action(action.method, screen)
                    assert "elect" in shown_messages(app)[-1] or "to mark" in shown_messages(app)[-1], action.id
            assert len(app.screen_stack) == 1, section
            screen.filter_by("")
            app.dismiss_notice()
            await settle(pilot)
            assert shown_keys(app, section) == before, section
            if section not in (Section.CASH, EXCEPTIONS):
                assert before & NEEDS_ROW, section

    run(flow, book, "1", (200, 40))


def test_marked_accounts_keep_their_keys_although_the_filter_hides_them() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        screen = app.screen
        assert isinstance(screen, ListScreen)
        await press(pilot, "space")
        screen.filter_by("zzz")
        await settle(pilot)
        assert shown_keys(app, Section.ACCOUNTS) & NEEDS_ROW == {
            "accounts.subscribe", "accounts.move", "accounts.unsubscribe",
        }  # fmt: skip
        screen.table.marked = frozenset()
        await settle(pilot)
        assert shown_keys(app, Section.ACCOUNTS).isdisjoint(NEEDS_ROW)

    run(flow, market_book(), "3", (200, 40))


def test_an_alert_is_acknowledged_and_an_exception_resolved() -> None:
    book = market_book()
    alerted(book, "a")

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        answers = {"exceptions.answer", "log.acknowledge"}
        assert shown_keys(app, EXCEPTIONS) & answers == {"exceptions.answer"}
        await press(pilot, "j")
        assert shown_keys(app, EXCEPTIONS) & answers == {"log.acknowledge"}
        await press(pilot, "space", "k")
        assert shown_keys(app, EXCEPTIONS) & answers == answers, "the marked alerts can be acknowledged from any row"
        await press(pilot, "a")
        assert shown_keys(app, EXCEPTIONS) & answers == {"exceptions.answer"}

    run(flow, book, "0", (200, 40))


def test_an_active_portfolio_cannot_be_reactivated() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        assert "portfolios.edit" in shown_keys(app, Section.PORTFOLIOS)
        assert "portfolios.reactivate" not in shown_keys(app, Section.PORTFOLIOS)
        app.action_go(REVIEW)
        await settle(pilot)
        assert shown_keys(app, REVIEW).isdisjoint(NEEDS_ROW), "nothing awaits approval"

    run(flow, market_book(), "2", (200, 40))

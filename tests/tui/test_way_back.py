"""Escape leads back to the section from which another one was opened."""

from __future__ import annotations

from typing import Any

import pytest

from rebal_tui.tui.screens.accounts.screen import AccountsScreen
from rebal_tui.tui.screens.runs.screen import RunsScreen
from rebal_tui.tui.sections import Section
from tests.tui.driving import press
from tests.tui.simulated import market_book, run

pytestmark = pytest.mark.slow


def test_escape_goes_back_through_the_sections_until_a_section_is_chosen() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "j", "j")
        account = app.screen.table.cursor_key
        await press(pilot, "r")
        assert isinstance(app.screen, RunsScreen)
        assert app.screen.filter_text
        await press(pilot, "escape")
        assert isinstance(app.screen, AccountsScreen)
        assert app.screen.table.cursor_key == account
        await press(pilot, "o", "a")
        assert app.current_mode == Section.DESK, "from Accounts to Portfolios to the Desk"
        await press(pilot, "escape")
        assert app.current_mode == Section.PORTFOLIOS
        await press(pilot, "escape")
        assert app.current_mode == Section.ACCOUNTS
        await press(pilot, "o", "4", "2", "escape")
        assert app.current_mode == Section.PORTFOLIOS, "a key of a section is no link"

    run(flow, market_book(), "3")


def test_a_withdrawal_that_is_not_requested_leads_back_and_a_typed_filter_is_cleared_first() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "w")
        assert app.current_mode == Section.CASH
        await press(pilot, "escape")
        assert app.current_mode == Section.ACCOUNTS
        await press(pilot, "r", "slash", "z", "enter", "escape")
        assert app.current_mode == Section.RUNS
        assert not app.screen.filter_text
        await press(pilot, "escape")
        assert app.current_mode == Section.ACCOUNTS

    run(flow, market_book(), "3")

"""Settings of an account and what its subscription decides otherwise, by keys (R-64, R-65, R-67)."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from rebal_tui.domain.portfolios import MinimumTrade
from rebal_tui.domain.quantities import Percent, parse_money
from rebal_tui.domain.trading_rules import AccountSettings, Overrides
from rebal_tui.services.advisory.trade_settings import set_overrides
from rebal_tui.services.book.book import Book
from rebal_tui.tui.app import RebalApp
from tests.services import factories
from tests.tui.driving import press, screen_text, shown_messages
from tests.tui.test_accounts_flows import run, small_book, type_text
from tests.tui.test_accounts_snapshots import shows

pytestmark = pytest.mark.slow

BY_THE_15TH = (factories.monthly("15"),)


def one_account() -> Book:
    """An account whose subscription has conditions of its own, which no field of the form shows."""
    book = factories.simple_book("2026-03-02 10:14")
    set_overrides(book, book.subscriptions["a"].id, Overrides(conditions=BY_THE_15TH))
    return book


async def change(pilot: Pilot[Any], *values: str) -> None:
    """Type the fields of the form in order, each in place of its content."""
    for number, value in enumerate(values):
        if number:
            await press(pilot, "tab")
        await press(pilot, "end", *["backspace"] * 9)
        await type_text(pilot, value)


def test_settings_are_changed_and_what_has_no_field_stays() -> None:
    book = one_account()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "R", "e")
        app.screen.query_one("#field-whole").focus()
        await change(pilot, "whole", "250", "0.5", "31", "no")
        await press(pilot, "enter")
        text = screen_text(app)
        assert "Whole shares only." in text
        assert "Minimum trade $250.00 or 0.5 %, set for this account." in text
        assert "Cooldown 31 days, set for the subscription." in text
        assert "Automatic runs need no review." in text
        await press(pilot, "y")
        assert shown_messages(app)[-1].startswith("Changed: settings of Client a")

    run(flow, book)
    assert book.rules_view.settings["a"] == AccountSettings(True, MinimumTrade(parse_money("250"), Percent(50)))
    assert book.rules_view.overrides["a"] == Overrides(31, BY_THE_15TH, None, False)


def test_faults_are_said_at_their_fields() -> None:
    book = one_account()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "R", "e")
        app.screen.query_one("#field-whole").focus()
        await change(pilot, "maybe", "x", "101", "1.5", "perhaps")
        text = screen_text(app)
        assert "expected whole or fractions" in text
        assert "expected yes or no" in text
        assert "expected 0 to 100, at most two decimals" in text
        assert "expected whole days from 0 to" in text
        await press(pilot, "enter", "escape")

    run(flow, book)
    assert book.rules_view.settings == {}


def test_several_accounts_have_no_common_settings() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "M", "R", "e")
        assert "Settings are those of one account" in shown_messages(app)[-1]

    run(flow, small_book())


@pytest.mark.parametrize("size", ["80x24", "120x40"])
@pytest.mark.samples(1)
def test_the_form(snap_compare: Any, size: str) -> None:
    shows(snap_compare, one_account(), ("3", "R", "e"), size)

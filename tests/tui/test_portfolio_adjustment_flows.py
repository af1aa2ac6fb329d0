"""A portfolio that needs adjustment: its ineligible assets are named, replaced or eligible again."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from textual.events import Paste
from textual.pilot import Pilot

from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.services.book.book import Book
from rebal_tui.services.runs.needs_adjustment import mark_needs_adjustment
from rebal_tui.services.simulation import simulator
from rebal_tui.services.view_models.portfolios import PortfolioRow
from rebal_tui.store import assets
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.screens.exceptions.screen import ExceptionsScreen
from rebal_tui.tui.screens.portfolios.editor import PortfolioEditor
from rebal_tui.tui.screens.portfolios.page import PortfolioPage
from rebal_tui.tui.screens.portfolios.screen import PortfoliosScreen
from rebal_tui.tui.screens.shared.confirm import ConfirmScreen
from rebal_tui.tui.widgets.tabs import ALL
from tests.tui.driving import press, screen_text, settle, shown_messages
from tests.tui.simulated import market_book
from tests.tui.simulated import run as run_section
from tests.tui.test_portfolios_flows import footer, full_book, run, status_of, type_text
from tests.tui.test_portfolios_json_flows import GOOD

pytestmark = pytest.mark.slow


def set_tradable(book: Book, symbol: str, tradable: bool) -> None:
    changed = replace(book.assets[symbol], tradable=tradable)
    with book.database.write() as tx:
        assets.save(tx, [changed])
    book.reload_assets()


def test_needs_adjustment_names_ineligible_assets_until_fixed() -> None:
    book = full_book()
    set_tradable(book, "TLT", False)
    with book.write() as tx:
        mark_needs_adjustment(tx, "calm", ["TLT"])
    book.reload_portfolios()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        assert isinstance(app.screen, PortfoliosScreen)
        assert app.screen.table.cursor_key == "calm"
        text = screen_text(app)
        assert "■ needs adjustment" in text
        assert "■ TLT is not tradable" in text
        await press(pilot, "r")
        assert "Calm still needs adjustment: TLT is not tradable." in shown_messages(app)
        await press(pilot, "e", "shift+tab", "shift+tab", "end")
        await type_text(pilot, "er")
        assert "✓ ready" in footer(app)
        await press(pilot, "ctrl+s", "y")
        assert book.portfolios["calm"].name == "Calmer"
        assert status_of(book, "calm") == PortfolioStatus.NEEDS_ADJUSTMENT
        await press(pilot, "e")
        await type_text(pilot, "SPY")
        await press(pilot, "ctrl+s")
        assert "Save and reactivate Calmer?" in screen_text(app)
        await press(pilot, "enter")
        assert status_of(book, "calm") == PortfolioStatus.NEEDS_ADJUSTMENT, "it cannot be undone, so enter is no"
        said = "Not done: enter was Cancel. In the question, y is Save and reactivate."
        assert said in shown_messages(app)
        await press(pilot, "ctrl+s", "y")
        assert status_of(book, "calm") == PortfolioStatus.ACTIVE

    run(flow, book)
    assert book.portfolios["calm"].weights.of("SPY") == 9000


def test_a_portfolio_with_eligible_assets_again_can_be_reactivated() -> None:
    book = full_book()
    set_tradable(book, "TLT", False)
    with book.write() as tx:
        mark_needs_adjustment(tx, "calm", ["TLT"])
    book.reload_portfolios()
    set_tradable(book, "TLT", True)

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "0")
        text = " ".join(screen_text(app).split())
        assert "TLT can be bought again" in text
        assert "reactivate the portfolio" in text
        await press(pilot, "l")
        assert isinstance(app.screen, PortfoliosScreen)
        assert "TLT can be bought again. Nothing trades until" in screen_text(app)
        await press(pilot, "r")
        assert isinstance(app.screen, ConfirmScreen)
        assert status_of(book, "calm") == PortfolioStatus.NEEDS_ADJUSTMENT
        await press(pilot, "y")

    run(flow, book)
    assert status_of(book, "calm") == PortfolioStatus.ACTIVE


def test_an_exception_leads_to_the_portfolio_whose_asset_is_not_tradable() -> None:
    book = market_book()
    simulator.set_tradable(book, "GLD", False)

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        text = screen_text(app)
        assert "! asset to replace" in text
        assert "Gold: GLD is not tradable" in text
        await press(pilot, "enter")
        assert isinstance(app.screen, PortfolioPage)
        text = screen_text(app)
        assert "! GLD is not tradable" in text
        assert "Nothing trades after the next evaluation that needs GLD" in " ".join(text.split())
        await press(pilot, "e")
        assert isinstance(app.screen, PortfolioEditor)
        await press(pilot, "escape")
        assert isinstance(app.screen, PortfolioPage)
        await press(pilot, "escape")
        assert isinstance(app.screen, ExceptionsScreen), "back where the page was opened"
        assert "gold" in str(app.screen.table.cursor_key)
        await press(pilot, "2")
        assert isinstance(app.screen, PortfoliosScreen)
        text = screen_text(app)
        assert "! Asset to replace 1" in text
        assert "! active" in text
        assert app.screen.table.cursor_key == "gold"
        await press(pilot, "0", "l")
        assert isinstance(app.screen, PortfolioEditor)
        await type_text(pilot, "TLT")
        await press(pilot, "ctrl+s", "y")
        assert "TLT" in book.portfolios["gold"].weights.symbols
        assert isinstance(app.screen, ExceptionsScreen), "and where the editor was opened"
        assert "✓ ended 10:01" in screen_text(app)
        assert "Asset to replace" not in screen_text(app)

    run_section(flow, book, "0")


def test_a_portfolio_that_was_just_stored_is_shown_although_a_tab_or_a_filter_hid_it() -> None:
    book = full_book()
    set_tradable(book, "TLT", False)
    with book.write() as tx:
        mark_needs_adjustment(tx, "calm", ["TLT"])
    book.reload_portfolios()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        screen = app.screen
        assert isinstance(screen, PortfoliosScreen)
        screen.set_tile(PortfolioStatus.NEEDS_ADJUSTMENT)
        await press(pilot, "e")
        await type_text(pilot, "SPY")
        await press(pilot, "ctrl+s", "y")
        assert (screen.tile, screen.table.cursor_key) == (ALL, "calm"), "the repaired one left the tab"
        screen.set_tile(PortfolioStatus.NEEDS_ADJUSTMENT)
        app.screen.post_message(Paste(json.dumps(GOOD)))
        await settle(pilot)
        await press(pilot, "ctrl+s")
        row = screen.table.cursor_row
        assert screen.tile == ALL
        assert isinstance(row, PortfolioRow)
        assert row.name == "Pasted"
        screen.show_only("growth")
        await press(pilot, "d", "end")
        await type_text(pilot, "2")
        await press(pilot, "enter")
        row = screen.table.cursor_row
        assert isinstance(row, PortfolioRow)
        assert row.name == "Growth copy2"
        assert screen.filter_text == "growth", "a filter that finds it stays"

    run(flow, book)

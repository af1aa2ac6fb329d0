"""Versions of a portfolio: their differences, and the way back, by keys with the real services."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from rebal_tui.services.advisory.portfolios import update_portfolio
from rebal_tui.services.book.book import Book
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.screens.portfolios.versions import VersionsScreen
from tests.tui.driving import press, screen_text, shown_messages
from tests.tui.test_portfolios_flows import full_book, go_to_portfolio, on_the_list, run, weights_of


def with_versions() -> Book:
    """Return `full_book` after two edits of Balanced."""
    book = full_book()
    first = book.portfolios["balanced"]
    growth = book.portfolios["growth"].weights
    update_portfolio(book, "balanced", PortfolioBody("Balanced", "", growth, 7, first.conditions))
    body = PortfolioBody("Balanced II", "", growth, 30, first.conditions[:1], review=True)
    update_portfolio(book, "balanced", body)
    return book


@pytest.mark.slow
def test_versions_show_their_differences_and_one_can_be_returned_to() -> None:
    book = with_versions()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await go_to_portfolio(pilot, app, "balanced")
        await press(pilot, "v")
        assert isinstance(app.screen, VersionsScreen)
        text = " ".join(screen_text(app).split())
        assert "±20 % of target removed, Name Balanced → Balanced II" in text
        assert "TLT 35 % removed, cash 5 % removed, GLD 20 % added" in text
        assert "Changes in version 3" in text
        assert "Cooldown 7 d 30 d" in text
        assert "Version 2 Version 3 Change" in text
        assert "Condition ±20 % of target –" in text
        assert "Unchanged: all weights, other conditions, other settings." in text
        assert "This is the present content." in text
        await press(pilot, "g")
        assert "version 3 of Balanced II is its present content" in " ".join(shown_messages(app))
        await press(pilot, "end")
        text = " ".join(screen_text(app).split())
        assert "The first version known" in text
        assert "SPY 80 % 60 % -20.00" in text
        await press(pilot, "g")
        text = " ".join(screen_text(app).split())
        assert "outside their bands" in text
        assert "Now Version 1 Change" in text
        await press(pilot, "enter")
        assert on_the_list(app)
        assert "Balanced II is as in version 1. u undoes it." in shown_messages(app)
        assert weights_of(book) == (6000, 3500, 500)
        assert (book.portfolios["balanced"].name, book.portfolios["balanced"].cooldown_days) == ("Balanced", 7)
        await press(pilot, "u")
        assert book.portfolios["balanced"].name == "Balanced II"

    run(flow, book)

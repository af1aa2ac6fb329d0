"""The Portfolios place, driven by keys over real services."""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from textual.events import Paste
from textual.pilot import Pilot

from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus
from rebal_tui.services.book import Book
from rebal_tui.services.book_thread import BookThread
from rebal_tui.services.evaluation import mark_needs_adjustment
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.book_backend import BookBackend
from rebal_tui.tui.screens.dialog import ConfirmScreen, ReadScreen
from rebal_tui.tui.screens.portfolio_editor import PortfolioEditor
from rebal_tui.tui.screens.portfolio_paste import PasteScreen
from rebal_tui.tui.screens.portfolios import PortfoliosScreen
from tests.services import worlds
from tests.tui.driving import WIDE, press, said, screen_text, settle

AT = "2026-03-04 12:00"
Flow = Callable[[Pilot[Any], RebalApp], Awaitable[None]]


def full_book() -> Book:
    """Balanced with two subscribers (one far outside), Growth with none, Calm with a calendar and one subscriber."""
    book = worlds.make_book(AT)
    worlds.fill_book(
        book,
        [
            worlds.account("a", "5000", {"SPY": "150", "TLT": "350"}),
            worlds.account("b", "5000", {"SPY": "200", "TLT": "150"}),
            worlds.account("c", "10000", {"TLT": "900"}),
        ],
        [
            worlds.balanced(),
            worlds.balanced("growth", {"SPY": "80", "GLD": "20"}, cash="0"),
            worlds.balanced("calm", {"TLT": "90"}, cash="10", cooldown=30, conditions=[worlds.monthly("15")]),
        ],
        {"a": "balanced", "b": "balanced", "c": "calm"},
        {"a": worlds.new_york("2026-01-05 10:00"), "b": worlds.new_york("2026-01-05 10:00")},
    )
    return book


def app_over(book: Book) -> RebalApp:
    return RebalApp(BookBackend(BookThread(lambda: book)), heartbeat=False)


def run(flow: Flow, book: Book, size: tuple[int, int] = WIDE) -> RebalApp:
    """Start on Portfolios and run the flow."""
    import asyncio

    app = app_over(book)

    async def main() -> None:
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            await press(pilot, "2")
            await flow(pilot, app)

    asyncio.run(main())
    return app


async def type_text(pilot: Pilot[Any], text: str) -> None:
    names = {" ": "space", ".": "full_stop", "-": "minus", "=": "equals_sign", "%": "percent_sign"}
    for char in text:
        await pilot.press(names.get(char, char))
    await settle(pilot)


async def go_to_portfolio(pilot: Pilot[Any], app: RebalApp, portfolio_id: str) -> None:
    assert isinstance(app.screen, PortfoliosScreen)
    app.screen.show_portfolio(portfolio_id)
    await settle(pilot)
    assert app.screen.table.cursor_key == portfolio_id


def named(book: Book, name: str) -> Portfolio:
    return next(portfolio for portfolio in book.portfolios.values() if portfolio.name == name)


def test_the_list_and_its_detail() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        print(screen_text(app))
        await press(pilot, "n")
        print(screen_text(app))
        await type_text(pilot, "Mine")
        await press(pilot, "enter","enter")
        await type_text(pilot, "s")
        print(screen_text(app))
        await press(pilot, "enter")
        await type_text(pilot, "60=")
        await press(pilot, "enter")
        print(screen_text(app))

    run(flow, full_book())
    run(flow, full_book(), (80, 24))
    assert 0

"""Pages of one object: they follow the book, time continues meanwhile, and every page shows whether it does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from rebal_tui.domain.cash import WithdrawalStage
from rebal_tui.domain.quantities import Percent, parse_money
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.market.clock import HeartbeatClock
from rebal_tui.services.advisory.withdrawals import request_withdrawal
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation import simulator
from rebal_tui.store import cash as store
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.screens.account.page import AccountPage
from rebal_tui.tui.screens.exceptions.screen import ExceptionsScreen
from rebal_tui.tui.screens.market.keys import HELD_POLL_SECONDS
from rebal_tui.tui.screens.portfolios.page import PortfolioPage
from rebal_tui.tui.screens.shared.form import FormScreen
from rebal_tui.tui.screens.shared.row_page import GONE, RowPage
from rebal_tui.tui.sections import Section
from rebal_tui.tui.widgets.lines import LinesView
from rebal_tui.tui.widgets.page_title import time_texts, title_line
from tests.tui.driving import press, screen_text, shown_messages
from tests.tui.simulated import at_time, market_book, run, run_heartbeat
from tests.tui.views import status

pytestmark = pytest.mark.slow


def test_accelerated_time_goes_on_while_a_page_is_open_and_stops_for_a_preview() -> None:
    book = market_book(2)
    clock = book.clock
    assert isinstance(clock, HeartbeatClock)
    real = [0.0]
    clock._monotonic, clock._since = lambda: real[0], 0.0
    clock.resume()

    async def seconds_in_a_second(pilot: Any, app: RebalApp) -> float:
        await run_heartbeat(pilot, app)
        before = clock.tick()
        real[0] += 1
        return (clock.tick() - before).total_seconds()

    async def flow(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "enter")
        assert await seconds_in_a_second(pilot, app) == clock.speed
        await run_heartbeat(pilot, app)
        title = screen_text(app).splitlines()[0]
        assert f"SIMULATED ×{clock.speed:g} · 02 Mar 10:" in title
        assert "stopped" not in title
        await press(pilot, "p")
        assert await seconds_in_a_second(pilot, app) == 0
        await run_heartbeat(pilot, app)
        assert "(time stopped)" in screen_text(app).splitlines()[0]

    run(flow, book, "3")


def test_the_page_of_a_withdrawal_follows_it_and_keeps_its_place() -> None:
    """Also when the tab of the list hides the finished withdrawal."""
    book = market_book(2)
    identity = request_withdrawal(book, "a", parse_money("9000")).id

    async def flow(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "t", "enter")
        page = app.screen
        assert isinstance(page, RowPage)
        assert "▸ selling" in screen_text(app)
        assert "c Cancel withdrawal" in screen_text(app)
        page.query_one(LinesView).scroll_to(y=2, animate=False, immediate=True)
        with book.write() as tx:
            now = store.withdrawal(book.database, identity)
            store.update_withdrawal(tx, replace(now, stage=WithdrawalStage.COMPLETED))
            tx.changed()
        await app._pull()
        await press(pilot)
        assert "▸ selling" not in screen_text(app)
        assert page.query_one(LinesView).scroll_y == 2
        page.query_one(LinesView).scroll_home(animate=False, immediate=True)
        await press(pilot)
        assert "✓ resubscribed" in screen_text(app)
        assert "Cancel withdrawal" not in screen_text(app)

    run(flow, book, "5", (80, 12))


def test_a_page_says_that_its_row_is_gone() -> None:
    book = market_book(2)
    simulator.set_tradable(book, "GLD", False)

    async def flow(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "t", "t", "enter")
        assert isinstance(app.screen, RowPage)
        assert GONE not in screen_text(app)
        simulator.set_tradable(book, "GLD", True)
        await app._pull()
        await press(pilot)
        assert "✓ ended 10:01" in screen_text(app)
        assert isinstance(app.section, ExceptionsScreen)
        app.section.table.action_sort_now()
        simulator.shock(book, "SPY", Percent(-100))
        await app._pull()
        await press(pilot)
        assert GONE in screen_text(app)

    run(flow, book, "0")


def test_the_latest_decision_keeps_its_row_when_the_account_is_evaluated_again() -> None:
    book = market_book(2)
    at_time(book, "2026-03-03 10:01")
    scheduler.tick(book)

    async def flow(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "enter", "t", "t", "t", "t")
        page = app.screen
        assert isinstance(page, AccountPage)
        table = page._table("Decisions")
        before = [decision.at for _, decision in table.rows]
        assert len(before) == 2
        at_time(book, "2026-03-03 10:16")
        await run_heartbeat(pilot, app)
        await press(pilot)
        after = [decision.at for _, decision in table.rows]
        assert (after[0] > before[0], after[1:]) == (True, before[1:]), "at once, although rows keep their order"
        assert table.cursor_row == table.rows[0]

    run(flow, book, "1")


def test_the_page_of_a_portfolio_follows_prices_and_keeps_the_cursor_and_the_order() -> None:
    book = market_book(4)
    sandbox = book.sandbox
    assert sandbox is not None

    async def flow(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "enter", "down")
        page = app.screen
        assert isinstance(page, PortfolioPage)
        before, key = [row.account_id for row in page.table.rows], page.table.cursor_key
        sandbox.deposit(before[-1], parse_money("30000"), book.now())
        simulator.shock(book, "SPY", Percent(-1000))
        await app._pull()
        await press(pilot)
        rows = page.table.rows
        assert [row.account_id for row in rows] == before, "no row moves so soon after a key"
        assert page.table.cursor_key == key
        assert rows[-1].cash == parse_money("35000")
        assert all(row.cash == parse_money("5000") for row in rows[:-1])

    run(flow, book, "2")


@pytest.mark.parametrize(("accounts", "rows"), [(2, 15), (8, 10)])
def test_details_of_a_portfolio_take_the_rows_that_few_subscribers_leave_free(accounts: int, rows: int) -> None:
    """In a body of 18 rows, 1 subscriber needs 3 rows with the titles; many get 40 %."""

    async def flow(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "enter")
        page = app.screen
        assert isinstance(page, PortfolioPage)
        facts = page.query_one("#portfolio-facts", LinesView)
        facts.show(lambda _width, _height: [(("a line", ""),)] * 30)
        await press(pilot)
        assert (facts.size.height, page.table.size.height) == (rows, 18 - rows - 1)

    run(flow, market_book(accounts), "2", (80, 20))


def test_a_title_names_the_mode_and_the_time_where_there_is_room() -> None:
    stopped = replace(status(), mode="SIMULATED ×60 (time stopped)")
    assert time_texts(stopped)[-1] == "time stopped"
    for width in range(12, 90):
        line = title_line("Withdrawal · Whitfield, Irene · 9,000.00", stopped, width)
        assert sum(len(text) for text, _ in line) == width
        assert "time stopped" in line[1][0], "a title is cut before that is left out"
    assert title_line("Help", None, 20) == (("Help".ljust(20), "title"), ("", "muted"))


def test_a_step_of_a_day_shows_its_progress_and_waits_while_time_is_held() -> None:
    book = market_book(2)
    clock = book.clock
    assert isinstance(clock, HeartbeatClock)

    async def flow(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "enter", "D")
        async with app.time_held():
            await pilot.press("y")
            await asyncio.sleep(3 * HELD_POLL_SECONDS)
            at = clock.now()
            await app._pull()
            await pilot.pause()
            assert "▶▶ to 03 Mar 10:01 · 02 Mar 10:15" in screen_text(app), "one part is made, and a page shows it, too"
            await asyncio.sleep(3 * HELD_POLL_SECONDS)
            assert clock.now() == at
            await pilot.press("escape")
            await app._pull()
            await pilot.pause()
            assert "▶▶ to 03 Mar 10:01" in screen_text(app)
            await pilot.press("D")
            await pilot.press("y")
            await pilot.pause()
            assert "time already advances to Tue 03 Mar 10:01" in " ".join(shown_messages(app))
        await press(pilot)
        assert (clock.stepping_to, f"{clock.now().astimezone(NEW_YORK):%d %H:%M}") == (None, "03 10:01")
        assert "Advanced: Tue 03 Mar 10:01, " in " ".join(shown_messages(app))

    run(flow, book, "3")


@pytest.mark.slow
def test_the_page_is_open_again_after_an_action_of_its_keys() -> None:
    """As it was, whether the action is of its own list or of Accounts, shows a notice at once, or asks first."""
    book = market_book(3)

    async def flow(pilot: Any, app: RebalApp) -> None:
        def shows_page(section: Section) -> bool:
            page = app.screen
            here = isinstance(page, AccountPage) and page.account_id == account_id and "[Positions 2]" in text()
            return here and app.current_mode == section

        def text() -> str:
            return screen_text(app)

        await press(pilot, "1", "down", "enter", "t")
        page = app.screen
        assert isinstance(page, AccountPage)
        account_id = page.account_id
        assert shows_page(Section.DESK)
        await press(pilot, "n")
        assert shows_page(Section.DESK)
        assert "follows a portfolio already" in shown_messages(app)[-1]
        await press(pilot, "d")
        assert (app.current_mode, isinstance(app.screen, FormScreen)) == (Section.ACCOUNTS, True)
        await press(pilot, "escape")
        assert shows_page(Section.DESK)
        await press(pilot, "p")
        assert "Preview" in text()
        await press(pilot, "escape")
        assert shows_page(Section.DESK)
        await press(pilot, "w", "escape")
        assert shows_page(Section.DESK), "this key goes to Cash, and escape there leads back"
        await press(pilot, "1", "2", "enter", "enter", "t")
        assert isinstance(app.screen, AccountPage)
        account_id = app.screen.account_id
        await press(pilot, "U", "n")
        assert shows_page(Section.PORTFOLIOS)
        await press(pilot, "escape")
        assert isinstance(app.screen, PortfolioPage)

    run(flow, book, "3", (200, 40))

"""Pages below a list: the next row, the keys of the list, and the run of a preview."""

from __future__ import annotations

from typing import Any

import pytest

from rebal_tui.domain.portfolios import BandType, DriftBand
from rebal_tui.domain.quantities import Percent, parse_money
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.queries.runs import runs_snapshot
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.questions import Question
from rebal_tui.tui.screens.account.page import AccountPage
from rebal_tui.tui.screens.portfolios.page import PortfolioPage
from rebal_tui.tui.screens.settings.screen import SettingsScreen
from rebal_tui.tui.screens.shared.confirm import ConfirmScreen
from rebal_tui.tui.screens.shared.dialog import ReadScreen
from rebal_tui.tui.screens.shared.export import ExportScreen
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.screens.shared.row_page import RowPage
from rebal_tui.tui.sections import Section
from rebal_tui.tui.widgets.lines import nothing
from rebal_tui.tui.widgets.table import BookTable
from tests.services import factories
from tests.tui.driving import drive, press, screen_text, shown_messages
from tests.tui.simulated import market_book, run

pytestmark = pytest.mark.slow


def the_list(app: RebalApp) -> ListScreen:
    owner = app.screen_stack[0]
    assert isinstance(owner, ListScreen)
    return owner


@pytest.mark.slow
def test_brackets_turn_to_the_next_and_the_previous_row() -> None:
    async def script(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "4", "enter")
        rows = the_list(app).table.rows
        for key, row in (("right_square_bracket", rows[1]), ("left_square_bracket", rows[0])):
            await press(pilot, key)
            assert isinstance(app.screen, RowPage)
            assert f"Run {row.id[:8]} · {row.client}" in screen_text(app)
            assert app.screen.copied == row.id
            assert "] Next run" in screen_text(app)
            assert ("c Cancel run" in screen_text(app)) is (row is rows[0]), "an ended run cannot be canceled"
        await press(pilot, "left_square_bracket")
        assert "This is the first row." in shown_messages(app)

    drive(script)


@pytest.mark.slow
def test_the_keys_of_the_list_work_on_its_pages() -> None:
    async def script(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "4", "enter")
        assert "esc Back  ] Next run  x Export  ? Help  c Cancel run" in screen_text(app)
        await press(pilot, "x")
        assert isinstance(app.screen, ExportScreen)
        await press(pilot, "escape", "question_mark")
        text = screen_text(app)
        assert "Page of the run" in text
        assert "Cancel run. " in text
        assert "Settings. " in text
        assert "Quit rebal-tui" not in text, "q leaves this page"
        assert "Focus Next" not in text
        assert "super+c" not in text
        await press(pilot, "question_mark")
        assert isinstance(app.screen, RowPage)
        client = app.screen_stack[0].query_one(BookTable).rows[0].account_id
        await press(pilot, "d")
        assert app.current_mode == Section.DESK
        assert the_list(app).table.cursor_key == client

    drive(script)


@pytest.mark.slow
def test_an_account_page_turns_and_its_keys_act_on_its_account_alone() -> None:
    book = market_book()

    async def flow(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "M", "enter", "t", "right_square_bracket")
        page = app.screen
        assert isinstance(page, AccountPage)
        row = the_list(app).table.rows[1]
        assert page.account_id == row.account_id
        assert f"Account {row.account_number} · {row.client}" in screen_text(app)
        await press(pilot, "U")
        assert isinstance(app.screen, ConfirmScreen)
        await press(pilot, "y")
        assert row.account_id not in book.subscriptions
        assert len(book.subscriptions) == subscribed - 1

    subscribed = len(book.subscriptions)
    run(flow, book, "3")


@pytest.mark.slow
def test_an_account_page_of_the_desk_has_the_actions_of_the_account() -> None:
    book = market_book(3)

    async def flow(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "down", "enter")
        page = app.screen
        assert isinstance(page, AccountPage)
        account_id = page.account_id
        assert "U Unsubscribe" in screen_text(app)
        await press(pilot, "t", "t", "t")
        assert "No run yet. It was rebalanced on Mon 02 Feb 2026, before this book has its runs." in screen_text(app)
        await press(pilot, "U")
        assert app.current_mode == Section.ACCOUNTS
        assert isinstance(app.screen, ConfirmScreen)
        await press(pilot, "y")
        assert account_id not in book.subscriptions
        assert len(book.subscriptions) == 2

    run(flow, book, "1", (200, 50))


@pytest.mark.slow
def test_the_keys_of_the_app_work_on_pages() -> None:
    async def script(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "enter", "comma")
        assert isinstance(app.screen, SettingsScreen)
        await press(pilot, "escape")
        assert isinstance(app.screen, AccountPage)
        await press(pilot, "question_mark", "4")
        assert app.current_mode == Section.RUNS
        assert len(app.screen_stack) == 1
        await press(pilot, "1")
        assert len(app.screen_stack) == 1, "the account's page is closed"

    drive(script)


def test_a_page_above_a_question_does_not_drop_the_question() -> None:
    async def script(pilot: Any, app: RebalApp) -> None:
        app.confirm(Question("Sell?", "Sell"), lambda _note: None)
        app.push_screen(ReadScreen("Lines", nothing))
        await press(pilot, "4")
        assert isinstance(app.screen, ReadScreen)
        assert shown_messages(app) == ["Answer or leave the question below this page first."]

    drive(script)


def test_a_page_does_not_act_on_another_row_than_its_own() -> None:
    async def script(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "enter")
        the_list(app).table.action_move(1)
        await press(pilot, "p")
        assert isinstance(app.screen, AccountPage)
        assert "This row is not under the cursor of its list" in " ".join(shown_messages(app))

    drive(script)


@pytest.mark.slow
def test_the_page_of_a_portfolio_lists_its_subscribers_worst_first_and_opens_them() -> None:
    book = market_book(4)
    assert book.sandbox is not None
    book.sandbox.deposit("b", parse_money("30000"), book.now())
    sync(book)

    async def flow(pilot: Any, app: RebalApp) -> None:
        the_list(app).table.go_to("balanced")
        await press(pilot, "enter")
        assert isinstance(app.screen, PortfolioPage)
        rows = app.screen.query_one(BookTable).rows
        assert [row.account_id for row in rows] == ["b", "a", "c"]
        text = screen_text(app)
        for part in ("3 accounts, $", "Drift pp", "-13.85", "drift beyond", "a Show subscribers"):
            assert part in text, text
        await press(pilot, "enter")
        assert isinstance(app.screen, AccountPage)
        assert "· Client b" in screen_text(app)
        await press(pilot, "t")
        assert "[Positions 2]" in screen_text(app)
        await press(pilot, "right_square_bracket")
        assert "· Client a" in screen_text(app), "the next subscriber, not the next portfolio"
        app.make_report = lambda subject, _fmt: subject.id
        await press(pilot, "x")
        assert "Report of Client a" in screen_text(app)
        await press(pilot, "escape", "p")
        assert (app.current_mode, the_list(app).table.cursor_key) == (Section.ACCOUNTS, "a")
        assert "Preview" in screen_text(app)
        await press(pilot, "escape", "2", "enter", "a")
        assert app.current_mode == Section.DESK
        assert the_list(app).table.view.text == "Balanced"

    run(flow, book, "2", (80, 24))


def page_of_portfolio(assets: int) -> Book:
    """A book with a portfolio of this number of assets, which has two bands, a calendar and a cooldown."""
    symbols = [f"A{number:02}" for number in range(assets)]
    weights = {symbol: str(95 // assets) for symbol in symbols} | {symbols[0]: str(95 - 95 // assets * (assets - 1))}
    bands = (DriftBand(BandType.ABSOLUTE, Percent(500)), DriftBand(BandType.RELATIVE, Percent(2000)))
    model = factories.balanced(weights=weights, cooldown=30, conditions=(*bands, factories.monthly("15")))
    return factories.simple_book(follows=model, prices=dict.fromkeys(symbols, "10"))


@pytest.mark.parametrize(("assets", "size"), [(19, (80, 24)), (40, (80, 24)), (19, (120, 40))])
def test_the_page_of_a_portfolio_shows_all_weights_and_conditions(assets: int, size: tuple[int, int]) -> None:
    """In 80×24, too: several weights on a line, and a key in the bottom line where that is not enough."""

    async def flow(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "enter")
        wanted = (" cash  ", "±5 percentage points", "±20 % of target", "on the 15th", "cooldown 30 days")
        text = screen_text(app)
        fits = all(part in text for part in wanted)
        assert "enter Open account" in text
        if fits:
            assert "Scroll details" not in text
            assert assets == 19
            await press(pilot, "tab")
            assert isinstance(app.focused, BookTable), "nothing else takes the focus"
        else:
            assert assets == 40
            assert "tab Scroll details" in text
            await press(pilot, "tab", "end")
            text = screen_text(app)
            assert "cooldown 30 days" in text
            assert "Client a" in text, "the subscribers stay in sight"
            assert "enter Open account" not in text
        await press(pilot, "question_mark")
        text = screen_text(app)
        assert ("Open account" in text, "Scroll details" in text) == (fits, not fits)
        assert "Focus Previous" not in text, "words of a toolkit"

    run(flow, page_of_portfolio(assets), "2", size)


@pytest.mark.slow
@pytest.mark.parametrize("section", ["1", "3"])
def test_a_preview_becomes_the_run_it_shows(section: str) -> None:
    book = market_book()

    async def flow(pilot: Any, app: RebalApp) -> None:
        await press(pilot, "p", "f1")
        assert "Help · Preview" in screen_text(app)
        await press(pilot, "escape")
        assert "v Run this plan" in screen_text(app)
        await press(pilot, "v")
        assert isinstance(app.screen, ConfirmScreen)
        assert app.screen.question.title == "Full rebalance of Client a?"
        await press(pilot, "n")
        assert runs_snapshot(book).total == 0
        await press(pilot, "v", "y")
        assert runs_snapshot(book).total == 1

    run(flow, book, section)

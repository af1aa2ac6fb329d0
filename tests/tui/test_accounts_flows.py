"""Accounts section: all key-driven flows with the real services."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.quantities import parse_money, parse_qty
from rebal_tui.domain.runs import RunStatus, RunType
from rebal_tui.market.clock import FixedClock
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.reconciliation.reconcile import reconcile
from rebal_tui.services.runs.manual import create_run
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.book_backend import BookBackend
from rebal_tui.tui.screens.account.page import NAMED, AccountPage
from rebal_tui.tui.screens.accounts.screen import AccountsScreen
from rebal_tui.tui.screens.cash.screen import CashScreen
from rebal_tui.tui.screens.shared.confirm import ConfirmScreen
from rebal_tui.tui.screens.shared.dialog import ReadScreen
from rebal_tui.tui.screens.shared.form import FormScreen
from rebal_tui.tui.screens.shared.picker import PickScreen
from rebal_tui.tui.sections import Section
from rebal_tui.tui.undo import NOTHING
from rebal_tui.tui.widgets.tabs import ALL
from tests.services import factories
from tests.tui.driving import WIDE, press, screen_text, settle, shown_messages

pytestmark = pytest.mark.slow

Flow = Callable[["Pilot[Any]", RebalApp], Awaitable[None]]
TWELVE = "abcdefghijkl"


def small_book() -> Book:
    """Create twelve accounts of $10,000 or more on 2 March 2026, 10:00.

    `a` to `c` follow Balanced; `l` is restricted.
    """
    book = factories.make_book("2026-03-02 10:00")
    accounts = [
        factories.account(
            name,
            str(10_000 + 1_000 * index),
            {"SPY": "20"} if index % 3 == 0 else None,
            ["ach_return"] if name == "l" else [],
        )
        for index, name in enumerate(TWELVE)
    ]
    growth = factories.balanced("growth", {"SPY": "80", "GLD": "20"}, cash="0")
    follows = {"a": "balanced", "b": "balanced", "c": "balanced"}
    factories.fill_book(book, accounts, [factories.balanced(), growth], follows)
    scheduler.tick(book)
    return book


def app_with_book(book: Book, **options: Any) -> RebalApp:
    return RebalApp(BookBackend(BookThread(lambda: book)), heartbeat=False, **options)


def run(flow: Flow, book: Book, size: tuple[int, int] = WIDE, section: str = "3") -> RebalApp:
    """Start the app, press the key of a section and run the flow."""
    app = app_with_book(book)

    async def main() -> None:
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            await press(pilot, section)
            await flow(pilot, app)

    asyncio.run(main())
    return app


async def type_text(pilot: Pilot[Any], text: str) -> None:
    names = {" ": "space", ".": "full_stop", "-": "minus", ",": "comma", "·": "middle_dot"}
    for char in text:
        await pilot.press(names.get(char, char))
    await settle(pilot)


async def time_to(pilot: Pilot[Any], app: RebalApp, book: Book, at: str) -> None:
    """Set the clock and run one heartbeat."""
    assert isinstance(book.clock, FixedClock)
    book.clock.set(factories.new_york(at))
    await app.run_heartbeat()
    await settle(pilot)


async def at_account(pilot: Pilot[Any], app: RebalApp, account_id: str) -> None:
    assert isinstance(app.screen, AccountsScreen)
    app.screen.show_account(account_id)
    await settle(pilot)
    assert app.screen.table.cursor_key == account_id


async def mark(pilot: Pilot[Any], app: RebalApp, names: str) -> None:
    for name in names:
        await at_account(pilot, app, name)
        await press(pilot, "space")


def confirmation(app: RebalApp) -> str:
    """Return the text of the open confirmation, with its effects and their amounts."""
    assert isinstance(app.screen, ConfirmScreen)
    question = app.screen.question
    effects = [f"{effect.text} {effect.amount}".strip() for effect in question.effects]
    return " · ".join([question.text, *effects])


def sound(book: Book) -> None:
    """Assert that all invariants of the simulated broker hold."""
    assert book.broker.invariants() == []  # type: ignore[attr-defined]


def test_the_list_puts_exceptions_first_and_the_detail_shows_everything() -> None:
    book = small_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        rows = app.screen.table.rows  # type: ignore[attr-defined]
        assert rows[0].account_id == "l"
        text = screen_text(app)
        for part in ("All 12", "With exceptions 1", "Unsubscribed 9", "an ACH deposit was returned", "Withdrawable"):
            assert part in text
        await at_account(pilot, app, "a")
        text = screen_text(app)
        for part in (
            "Client a",
            "N-a",
            "Balanced",
            "Positions",
            "SPY",
            "TLT",
            "Decisions",
            "full rebalance",
            "buy",
        ):
            assert part in text
        await press(pilot, "t")
        assert [row.account_id for row in app.screen.table.rows] == ["l"]  # type: ignore[attr-defined]
        await press(pilot, "escape", "slash", "b", "a", "l", "a", "n", "enter")
        assert {row.account_id for row in app.screen.table.rows} == set("abc")  # type: ignore[attr-defined]

    run(flow, book, (160, 50))


def test_ten_accounts_are_subscribed_with_an_outcome_each() -> None:
    book = small_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await mark(pilot, app, "cdefghijkl")
        await press(pilot, "n")
        assert isinstance(app.screen, PickScreen)
        await type_text(pilot, "grow")
        assert "to which portfolio? · 1 with one already: m moves" in screen_text(app)
        await press(pilot, "enter")
        assert isinstance(app.screen, ConfirmScreen)
        text = screen_text(app)
        assert "Subscribe to Growth?" in text
        assert "Subscribe 9 accounts to Growth" in text
        assert "The next evaluation creates 8 first runs" in confirmation(app)
        assert "1 would be refused" in confirmation(app)
        assert "subscription already exists: account N-c follows a portfolio" in text
        texts = [item.text for item in app.screen.question.items]
        assert "no run until the broker lifts the block: an ACH deposit was returned" in texts
        await press(pilot, "n")
        assert set(book.subscriptions) == set("abc")
        assert shown_messages(app)[-1] == "Not done: subscribe to Growth."
        await press(pilot, "n", "g", "enter", "enter")
        assert isinstance(app.screen, ReadScreen)
        text = screen_text(app)
        assert "9 accounts done · 1 refused" in text
        assert "subscription already exists" in text
        assert {a for a, s in book.subscriptions.items() if s.portfolio_id == "growth"} == set("defghijkl")
        assert book.subscriptions["c"].portfolio_id == "balanced"
        await press(pilot, "escape")
        assert app.screen.table.marked == {"c"}
        assert "Subscribed: 9 accounts, 1 refused. u undoes it." in shown_messages(app)
        await time_to(pilot, app, book, "2026-03-02 10:15")
        assert {run.account_id for run in factories.all_runs(book) if run.portfolio_id == "growth"} == set("defghijk")

    run(flow, book)
    sound(book)


def test_first_runs_do_what_their_preview_shows() -> None:
    book = small_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await mark(pilot, app, "de")
        await press(pilot, "n", "g", "enter")
        assert "creates 2 first runs: 4 orders" in confirmation(app)
        await press(pilot, "up", "enter")
        assert isinstance(app.screen, ReadScreen)
        assert "first run after the subscription" in screen_text(app)
        await press(pilot, "escape", "y")
        await time_to(pilot, app, book, "2026-03-02 10:15")
        made = [run for run in factories.all_runs(book) if run.portfolio_id == "growth"]
        assert len(made) == 2
        orders = book.database.row(
            "SELECT count(*) FROM orders WHERE run IN (SELECT key FROM runs WHERE portfolio IN"
            " (SELECT key FROM portfolios WHERE id = 'growth'))"
        )
        assert orders == (4,)

    run(flow, book)


def test_marked_accounts_are_moved_and_unsubscribed() -> None:
    book = small_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await mark(pilot, app, "ab")
        await press(pilot, "m")
        assert "Move 2 marked accounts to which portfolio?" in screen_text(app)
        assert "followed now by 2 of them" in screen_text(app)
        await press(pilot, "g", "enter")
        text = screen_text(app)
        assert "Move 2 accounts to Growth" in text
        assert "leaves Balanced; " in text
        await press(pilot, "y")
        assert isinstance(app.screen, AccountsScreen)
        assert "Moved: 2 accounts. u undoes it." in shown_messages(app)
        assert {book.subscriptions[name].portfolio_id for name in "ab"} == {"growth"}
        await press(pilot, "u")
        assert "Undone: moved 2 accounts to Growth." in shown_messages(app)
        assert {book.subscriptions[name].portfolio_id for name in "ab"} == {"balanced"}
        await mark(pilot, app, "ab")
        await press(pilot, "m", "g", "enter", "y")
        await time_to(pilot, app, book, "2026-03-03 09:30")
        moved = [run for run in factories.all_runs(book) if run.portfolio_id == "growth"]
        assert {(run.account_id, run.status) for run in moved} == {
            ("a", RunStatus.COMPLETED_SUCCESS),
            ("b", RunStatus.COMPLETED_SUCCESS),
        }
        await at_account(pilot, app, "c")
        await press(pilot, "u")
        assert "an evaluation has run since" in shown_messages(app)[-1]
        await press(pilot, "u")
        assert shown_messages(app)[-1] == NOTHING
        await press(pilot, "U")
        assert "no sells, no more runs" in screen_text(app)
        await press(pilot, "y")
        assert set(book.subscriptions) == {"a", "b"}
        await press(pilot, "U")
        assert "account N-c follows no portfolio" in shown_messages(app)

    run(flow, book)
    sound(book)


@pytest.mark.parametrize("section", ["3", "9"])
def test_the_bottom_line_offers_to_mark_all_at_every_width(section: str) -> None:
    async def flow(_pilot: Pilot[Any], app: RebalApp) -> None:
        assert "M Mark all" in screen_text(app).splitlines()[-1]

    run(flow, factories.review_book(), (80, 24), section=section)


@pytest.mark.parametrize(("columns", "shown"), [(200, True), (120, False)])
def test_the_bottom_line_shows_the_key_of_the_next_tab_where_all_others_fit(columns: int, shown: bool) -> None:
    async def flow(_pilot: Pilot[Any], app: RebalApp) -> None:
        assert ("x Export  t Next tab" in screen_text(app).splitlines()[-1]) == shown

    run(flow, factories.review_book(), (columns, 40))


def test_mark_all_shown_respects_the_filter() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        assert isinstance(app.screen, AccountsScreen)
        await press(pilot, *["t"] * 4)
        await press(pilot, "M")
        assert app.screen.table.marked == set("defghijkl")
        assert "✓ Marked 9" in screen_text(app)
        await press(pilot, "t", "t", "t")
        assert app.screen.tile == ALL, "the count of marks is no tab to choose"
        await press(pilot, "T")
        assert "✓ Marked 9" in screen_text(app)
        await press(pilot, "n")
        assert "Subscribe 9 marked accounts (9 of them not shown)" in screen_text(app)
        await press(pilot, "escape")
        app.screen.table.marked = frozenset("d")
        await press(pilot, "n")
        assert "Subscribe Client d (not shown) to which portfolio?" in screen_text(app)
        await press(pilot, "escape")
        app.screen.table.marked = frozenset("defghijkl")
        await press(pilot, *["T"] * 2)
        await press(pilot, "M")
        assert not app.screen.table.marked
        assert "Marked" not in screen_text(app)

    run(flow, small_book())


def test_a_deposit_is_invested_at_the_next_evaluation() -> None:
    book = small_book()
    before = book.accounts["a"].cash

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await at_account(pilot, app, "a")
        await press(pilot, "d")
        assert isinstance(app.screen, FormScreen)
        await type_text(pilot, "12x")
        assert "✗ expected a plain decimal number" in screen_text(app)
        await press(pilot, "backspace", "backspace", "backspace")
        await type_text(pilot, "2,500")
        assert "The next evaluation invests" in " ".join(screen_text(app).split())
        await press(pilot, "enter")
        assert "$2,500.00 arrives in the account of Client a" in screen_text(app)
        assert book.accounts["a"].cash == before
        await press(pilot, "y")
        assert book.accounts["a"].cash == before + parse_money("2500")
        assert isinstance(app.screen, AccountsScreen)
        await time_to(pilot, app, book, "2026-03-03 09:30")
        last = factories.all_runs(book)[-1]
        assert (last.account_id, last.type) == ("a", RunType.INVEST_CASH)
        assert book.accounts["a"].cash < before + parse_money("2500")

    run(flow, book)
    sound(book)


def test_a_restriction_is_set_and_lifted() -> None:
    book = small_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await at_account(pilot, app, "a")
        await press(pilot, "i")
        await type_text(pilot, "trading blocked")
        await press(pilot, "enter")
        assert book.accounts["a"].restrictions == {Restriction.TRADING_BLOCKED}
        assert app.screen.table.rows[0].account_id != "a", "rows keep their places after a key"  # type: ignore[attr-defined]
        assert app.screen.table.cursor_key == "a"  # type: ignore[attr-defined]
        await press(pilot, "full_stop")
        assert app.screen.table.rows[0].account_id == "a"  # type: ignore[attr-defined]
        assert "trading is blocked" in screen_text(app)
        await press(pilot, "i")
        assert "☑ trading blocked" in screen_text(app)
        await press(pilot, "enter")
        assert not book.accounts["a"].restrictions
        await press(pilot, "i")
        await type_text(pilot, "status")
        await press(pilot, "enter")
        await type_text(pilot, "closed")
        await press(pilot, "enter")
        assert book.accounts["a"].status is AccountStatus.ACCOUNT_CLOSED

    run(flow, book)


def test_a_deposit_is_returned_and_a_holding_is_transferred_in() -> None:
    book = small_book()
    cash = book.accounts["e"].cash

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await at_account(pilot, app, "e")
        await press(pilot, "i")
        await type_text(pilot, "return")
        await press(pilot, "enter")
        await type_text(pilot, "1000")
        await press(pilot, "enter", "y")
        assert book.accounts["e"].cash == cash - parse_money("1000")
        assert book.accounts["e"].restrictions == {Restriction.ACH_RETURN}
        await press(pilot, "i")
        await type_text(pilot, "transfer in")
        await press(pilot, "enter")
        await type_text(pilot, "nope")
        await press(pilot, "tab")
        await type_text(pilot, "x")
        text = screen_text(app)
        assert "✗ unknown asset NOPE" in text
        assert "✗ expected a plain decimal number" in text
        await press(pilot, "shift+tab", "ctrl+u")
        await type_text(pilot, "gld")
        await press(pilot, "tab", "ctrl+u")
        await type_text(pilot, "3.5")
        await press(pilot, "enter", "y")
        assert book.accounts["e"].holding("GLD") == parse_qty("3.5")

    run(flow, book)
    sound(book)


def test_a_manual_partial_liquidation_after_its_preview_and_its_release() -> None:
    book = small_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await at_account(pilot, app, "a")
        await press(pilot, "v")
        await type_text(pilot, "liqui")
        await press(pilot, "enter")
        await type_text(pilot, "900000")
        assert "✗ amount too large" in screen_text(app)
        await press(pilot, "enter")
        assert isinstance(app.screen, FormScreen)
        await press(pilot, "ctrl+u")
        await type_text(pilot, "3000")
        text = screen_text(app)
        assert "sold to raise" in text
        count = len(factories.all_runs(book))
        await press(pilot, "enter")
        assert "Reserved in the account of Client a $3,000.00" in confirmation(app)
        assert len(factories.all_runs(book)) == count
        await press(pilot, "y")
        last = factories.all_runs(book)[-1]
        assert (last.type, last.amount) == (RunType.PARTIAL_LIQUIDATION, parse_money("3000"))
        assert book.extras["a"].reserve == parse_money("3000")
        assert "Reserved cash 3,000.00" in screen_text(app)
        await press(pilot, "l")
        assert "The next evaluation invests it" in confirmation(app)
        await press(pilot, "y")
        assert book.extras["a"].reserve == 0
        await press(pilot, "l")
        assert "account N-a has no reserved cash" in shown_messages(app)

    run(flow, book)
    sound(book)


def test_a_manual_full_rebalance_of_an_account_without_a_portfolio() -> None:
    book = small_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await at_account(pilot, app, "d")
        await press(pilot, "v", "enter")
        assert "use which weights for this run?" in screen_text(app)
        await press(pilot, "g", "enter")
        text = screen_text(app)
        assert "Full rebalance of Client d?" in text
        assert "GLD" in text
        await press(pilot, "y")
        last = factories.all_runs(book)[-1]
        assert (last.account_id, last.status, last.portfolio_id) == ("d", RunStatus.COMPLETED_SUCCESS, None)
        assert "d" not in book.subscriptions

    run(flow, book)
    sound(book)


def test_the_account_view_follows_prices_and_keeps_its_cursor() -> None:
    book = small_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await at_account(pilot, app, "a")
        await press(pilot, "enter")
        page = app.screen
        assert isinstance(page, AccountPage)
        text = screen_text(app)
        assert "Holdings" in text
        assert "Why" in text
        assert "s Sort" not in text
        await press(pilot, "question_mark")
        assert "Next tab. A count with + is at least as many" in screen_text(app)
        await press(pilot, "escape", "s", "t")
        assert "s Sort" in screen_text(app)
        assert "The overview has no rows to sort; t shows the next tab." in shown_messages(app)
        assert "Unsettled" not in screen_text(app) or "settled" in screen_text(app)
        await press(pilot, "j", "t", "j")
        text = screen_text(app)
        assert "buy" in text
        assert "settles 03 Mar" in text
        create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("2000"))
        await app.run_heartbeat()
        await settle(pilot)
        assert screen_text(app).count("settles 03 Mar") > text.count("settles 03 Mar")
        assert page._table("Cash").cursor_key == 1
        await press(pilot, "t", "t")
        assert "▶ full rebalance" in screen_text(app)
        await press(pilot, "end", "enter")
        text = screen_text(app)
        assert "first rebalance of this subscription" in text
        assert "R-14" not in text
        assert isinstance(app.screen, ReadScreen)
        await press(pilot, "escape", "t")
        assert "Ended 3 runs: 3 completed success." in screen_text(app)
        assert NAMED in shown_messages(app)
        await press(pilot, "T", "T", "enter")
        assert app.current_mode == Section.RUNS
        await press(pilot, "1", "enter")
        assert isinstance(app.screen, AccountPage)
        assert app.screen.account_id == app.screen_stack[0].table.cursor_key  # type: ignore[attr-defined]

    run(flow, book)


def test_jumps_to_the_desk_the_runs_the_portfolio_and_the_withdrawal_form() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await at_account(pilot, app, "b")
        await press(pilot, "a")
        assert app.current_mode == Section.DESK
        assert app.screen.table.cursor_key == "b"  # type: ignore[attr-defined]
        await press(pilot, "3", "r")
        assert app.current_mode == Section.RUNS
        await press(pilot, "3", "o")
        assert app.current_mode == Section.PORTFOLIOS
        await press(pilot, "3", "w")
        assert isinstance(app.section, CashScreen)
        assert app.screen.query_one("#field-account", Input).value == "Client b · N-b"
        assert app.focused is app.screen.query_one("#field-amount")
        await press(pilot, "escape", "3")
        await at_account(pilot, app, "d")
        await press(pilot, "a", "o", "p")
        for text in (
            "This account follows no portfolio, so it is not on the Desk.",
            "This account follows no portfolio.",
        ):
            assert text in shown_messages(app)

    run(flow, small_book())


def test_a_heartbeat_keeps_cursor_marks_filter_and_half_typed_text() -> None:
    book = small_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await at_account(pilot, app, "f")
        await press(pilot, "space")
        at = app.screen.table.cursor_key  # type: ignore[attr-defined]
        await press(pilot, "d")
        await type_text(pilot, "12")
        factories.set_price(book, "SPY", "410.00")
        await app.run_heartbeat()
        await settle(pilot)
        assert app.screen.query_one("#field-amount", Input).value == "12"
        await press(pilot, "escape")
        assert app.screen.table.cursor_key == at  # type: ignore[attr-defined]
        assert app.screen.table.marked == {"f"}  # type: ignore[attr-defined]

    run(flow, book)


def test_an_empty_book_is_shown_as_empty_and_every_key_explains_itself() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        assert "No accounts yet" in screen_text(app)
        for key in ("n", "m", "U", "p", "v", "d", "w", "l", "i", "r", "a", "o", "y", "enter", "space"):
            await press(pilot, key)
            assert isinstance(app.screen, AccountsScreen)
        await press(pilot, "M")
        assert "No account selected." in shown_messages(app)
        assert "No account to mark." in shown_messages(app)

    run(flow, factories.make_book())


def test_a_single_refusal_is_one_line_before_any_confirmation() -> None:
    book = small_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await at_account(pilot, app, "a")
        await press(pilot, "n")
        assert isinstance(app.screen, AccountsScreen)
        assert "This account follows a portfolio already; m moves it to another." in shown_messages(app)
        await press(pilot, "m", "b", "enter")
        assert "account N-a already follows this portfolio" in shown_messages(app)
        await mark(pilot, app, "bc")
        await press(pilot, "m", "b", "enter")
        assert "No change possible · 2 accounts refused" in screen_text(app)
        await press(pilot, "escape")
        assert isinstance(app.screen, AccountsScreen)

    run(flow, book)


def test_a_paused_account_shows_its_differences_and_resumes_with_the_brokers_figures() -> None:
    book = small_book()
    book.database.connection.execute("UPDATE sim_accounts SET cash = cash + ? WHERE id = 'd'", (parse_money("250"),))
    reconcile(book)
    ours = book.accounts["d"].cash

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        table = app.screen.table  # type: ignore[attr-defined]
        assert table.move_to("b")
        await press(pilot, "c")
        assert any("is not paused; there are no differences" in text for text in shown_messages(app))
        assert table.move_to("d")
        await press(pilot, "c")
        assert isinstance(app.screen, ConfirmScreen)
        shown = screen_text(app)
        for part in ("Apply the broker's figures?", "Book → broker", "13,000.00", "13,250.00"):
            assert part in shown
        await press(pilot, "escape")
        assert set(book.holds) == {"d"}
        assert book.accounts["d"].cash == ours
        await press(pilot, "c", "y")
        assert "Released: Client d." in shown_messages(app)
        assert not book.holds
        assert book.accounts["d"].cash == ours + parse_money("250")

    run(flow, book)

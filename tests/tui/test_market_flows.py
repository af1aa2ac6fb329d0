"""Market section: key-driven flows with the real services."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest
from textual.widgets import Button, Input, Static

from rebal_tui.domain.orders import OrderStatus
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.runs import RunStatus
from rebal_tui.market.clock import HeartbeatClock
from rebal_tui.services.book.guards import apply_guards
from rebal_tui.services.queries import market as market_queries
from rebal_tui.services.view_models.standing import Tile
from rebal_tui.store import run_orders
from rebal_tui.tui.screens.market.corporate_action import CorporateActionScreen
from rebal_tui.tui.screens.market.lines import chart, sampled
from rebal_tui.tui.screens.market.screen import MarketScreen
from rebal_tui.tui.screens.market.shock import ShockScreen, read_percent
from rebal_tui.tui.screens.shared.confirm import ConfirmScreen
from rebal_tui.tui.screens.shared.dialog import ReadScreen
from rebal_tui.tui.sections import Section
from tests.services.factories import all_runs
from tests.tui.driving import press, screen_text, shown_messages
from tests.tui.simulated import SIZES, at_time, market_book, run, run_heartbeat, shows, sound, write


@pytest.mark.slow
def test_accelerated_time_stops_while_help_is_open() -> None:
    book = market_book()
    clock = book.clock
    assert isinstance(clock, HeartbeatClock)
    real = [0.0]
    clock._monotonic, clock._since = lambda: real[0], 0.0
    clock.resume()

    async def minutes_in_a_second(pilot, app) -> float:  # type: ignore[no-untyped-def]
        await run_heartbeat(pilot, app)
        before = clock.tick()
        real[0] += 1
        return (clock.tick() - before).total_seconds() / 60

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        assert await minutes_in_a_second(pilot, app) == clock.speed / 60
        await press(pilot, "question_mark")
        assert await minutes_in_a_second(pilot, app) == 0
        assert app.mode_shown == f"SIMULATED ×{clock.speed:g} (time stopped)"
        await press(pilot, "escape")
        assert await minutes_in_a_second(pilot, app) == clock.speed / 60
        clock.set_speed(1)
        await press(pilot, "question_mark")
        assert await minutes_in_a_second(pilot, app) == 1 / 60, "time that is not accelerated never stops"

    run(script, book, "6")


def dated_messages(app: Any) -> list[str]:
    """The messages that were shown, without the last digit of their times: simulated time passes between keys."""
    return [re.sub(r"(02 Mar 10:0)\d", r"\1_", message) for message in shown_messages(app)]


@pytest.mark.slow
def test_a_shock_shows_its_impact_then_applies_it_and_causes_runs() -> None:
    book = market_book()

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "slash", *"spy", "enter", "o")
        assert isinstance(app.screen, ShockScreen)
        await write(pilot, "-3")
        effect = str(app.screen.query_one("#shock-effect", Static).content)
        assert effect.endswith("0 now, 0 of 5 after it."), "no run follows"
        await write(pilot, "0")
        effect = str(app.screen.query_one("#shock-effect", Static).content)
        assert effect.startswith("SPY -30 %, immediately and permanently. Accounts outside a drift band: 0 now, 5 of")
        assert "The next evaluation creates their runs" in effect
        assert market_queries.outside(book) == 0, "nothing moves before it is confirmed"
        await press(pilot, "enter")
        assert "Shock prices?" in screen_text(app)
        assert "0 now, 5 of 5 after it" in " ".join(screen_text(app).replace("│", "").split())
        assert market_queries.outside(book) == 0, "enter alone moves nothing"
        await press(pilot, "y")
        assert market_queries.outside(book) == 5
        assert "SPY -30 %: 5 more accounts outside: 5 of 5, 02 Mar 10:0_; b shows them." in dated_messages(app)
        assert "SPY -30 %: 5 more outside, 02 Mar 10:0" in screen_text(app), "it stays when prices move on"
        assert "■ 5 of 5 accounts outside" in screen_text(app)
        assert all_runs(book) == []
        at_time(book, "2026-03-02 10:15")
        await run_heartbeat(pilot, app)
        assert {one.status for one in all_runs(book)} == {RunStatus.COMPLETED_SUCCESS}
        assert len(all_runs(book)) == 5
        assert "● 0 of 5 accounts outside" in screen_text(app)

    run(flow, book, "6")
    sound(book)


@pytest.mark.slow
def test_the_accounts_that_a_shock_moved_out_of_their_bands_are_shown_on_the_desk() -> None:
    book = market_book()

    async def shock(pilot: Any, symbol: str, percent: str) -> None:
        await press(pilot, "6", "slash", "backspace", "backspace", "backspace", *symbol, "enter", "o")
        await write(pilot, percent)
        await press(pilot, "enter", "y")

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "b")
        assert "No account left its bands at the last change of the market." in shown_messages(app)
        assert "newly outside" not in screen_text(app), "neither in the bottom line nor in the panel"
        await shock(pilot, "gld", "-30")
        assert "GLD -30 %: 1 more account outside: 1 of 5, 02 Mar 10:0_; b shows it." in dated_messages(app)
        assert "b Show newly outside" in screen_text(app)
        assert "show accounts newly outside a band" in screen_text(app)
        await shock(pilot, "tlt", "-30")
        assert "TLT -30 %: 4 more accounts outside: 5 of 5, 02 Mar 10:0_; b shows them." in dated_messages(app)
        await press(pilot, "b")
        assert app.current_mode == Section.DESK
        assert {row.account_id for row in app.screen.table.rows} == {"a", "b", "c", "d"}
        assert "left their bands: TLT -30 % 4/5" in screen_text(app)
        await press(pilot, "slash")
        await write(pilot, "n-b")
        await press(pilot, "enter")
        assert [row.account_id for row in app.screen.table.rows] == ["b"]
        assert "left their bands: TLT -30 % · n-b 1/5" in screen_text(app)
        await press(pilot, "escape", "escape")
        assert app.current_mode == Section.MARKET
        await press(pilot, "b")
        assert "[All 4]" in screen_text(app), "tabs count the rows that the filter shows"
        tabs = {tab.key: int(tab.figure) for tab in app.screen.tiles.tabs}
        while app.screen.tile != Tile.OUTSIDE:
            await press(pilot, "t")
            assert len(app.screen.table.rows) == tabs[app.screen.tile], "and keep it"
            assert "⌕ left their bands" in screen_text(app)
        assert len(app.screen.table.rows) == 4
        await press(pilot, "escape")
        assert app.current_mode == Section.MARKET, "back in the section where it was requested"
        await press(pilot, "1")
        assert len(app.screen.table.rows) == 5
        assert "left their bands" not in screen_text(app)
        await press(pilot, "6", "b", "1")
        assert len(app.screen.table.rows) == 5, "the key of a section clears what another section has set"

    run(flow, book, "6")


def test_the_accounts_that_left_their_bands_are_shown_in_the_order_after_the_shock() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "6", "slash", *"spy", "enter", "o")
        await write(pilot, "-30")
        await press(pilot, "enter", "y", "b")
        assert [row.account_id for row in app.screen.table.rows] == ["e", "a", "b", "c", "d"]

    run(flow, market_book(), "1")


def test_a_button_that_cannot_be_pressed_yet_has_one_line_also_in_the_colors_of_the_terminal() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        app.theme = "ansi-dark"
        await press(pilot, "o")
        buttons = {button.id: button for button in app.screen.query(Button)}
        assert buttons["shock"].disabled
        assert {button.region.height for button in buttons.values()} == {1}

    run(flow, market_book(2), "6")


@pytest.mark.slow
def test_a_shock_of_all_assets_and_faults_next_to_their_fields() -> None:
    book = market_book()
    before = book.assets["SPY"].price

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "o")
        percent = app.screen.query_one("#shock-percent", Input)
        assert "[GLD] All prices" in screen_text(app), "the asset under the cursor, until all prices are chosen"
        await press(pilot, "down")
        assert "[All prices]" in screen_text(app)
        await press(pilot, "enter")
        assert "expected a percentage, such as -8 or 2.5" in screen_text(app), "the example is no value"
        await write(pilot, "-100")
        shown = " ".join(screen_text(app).replace("│", "").split())
        assert "above -100 and at most 1000, such as -8 or 2.5" in shown
        assert app.screen.query_one("#shock", Button).disabled
        await press(pilot, "enter")
        assert isinstance(app.screen, ShockScreen), "nothing is lost and nothing is done"
        percent.value = "12.5"
        await press(pilot, "f1")
        assert "How much the prices change at once" in screen_text(app), "the dialog explains its field itself"
        await press(pilot, "enter", "y")
        assert isinstance(app.screen, MarketScreen)
        assert before is not None
        assert book.assets["SPY"].price == before * 1125 // 1000

    run(flow, book, "6")


def test_left_and_right_choose_what_a_shock_changes_until_a_percentage_is_typed() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "o")
        assert "← → ↑ ↓ choose which" in screen_text(app)
        await press(pilot, "right")
        assert "[All prices]" in screen_text(app)
        await press(pilot, "left")
        assert "[GLD]" in screen_text(app)
        await press(pilot, *"85", "left", *"-")
        assert app.screen.query_one("#shock-percent", Input).value == "8-5", "they move the cursor of a text"
        assert "[GLD]" in screen_text(app)
        await press(pilot, "tab", "right")
        assert "[All prices]" in screen_text(app)

    run(flow, market_book(2), "6")


@pytest.mark.slow
def test_an_asset_that_is_not_tradable_keeps_its_accounts_and_prices_in_view() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "o", *"-17.31", "enter", "y", "U", "y")
        header, row = screen_text(app).splitlines()[4:6]
        assert " -17.31 % " in row
        assert " ✗ not tradable " in row
        assert "Price trend  Status          Accounts" in header
        assert row[header.index("Accounts") :].split()[0] == "1"

    run(flow, market_book(), "6")


@pytest.mark.parametrize("text", ["", "0", "-100", "1000.01", "1e3", "--5", "٣", "5,5", "1.234", "nan"])
def test_invalid_shocks_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected a percentage"):
        read_percent(text)


def test_valid_shocks_are_parsed() -> None:
    assert [read_percent(text) for text in ("-8", "+2.5 %", "−3", "1000")] == [-800, 250, -300, 100_000]


@pytest.mark.slow
def test_a_halted_asset_accepts_orders_and_fills_them_when_trading_resumes() -> None:
    book = market_book()

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "slash", *"spy", "enter", "h")
        assert isinstance(app.screen, ConfirmScreen)
        await press(pilot, "n")
        assert book.sandbox is not None
        assert book.sandbox.halted() == frozenset()
        await press(pilot, "h", "y")
        assert book.sandbox.halted() == {"SPY"}
        assert "■ halted" in screen_text(app)
        await press(pilot, "o", *"30", "enter", "y")
        at_time(book, "2026-03-02 10:15")
        await run_heartbeat(pilot, app)
        placed = [order for one in all_runs(book) for _, order, _ in run_orders.of_run(book.database, one.id)]
        assert {order.status for order in placed if order.symbol == "SPY"} <= {OrderStatus.NEW, OrderStatus.ACCEPTED}
        assert {one.status for one in all_runs(book)} == {RunStatus.IN_PROGRESS}
        await press(pilot, "h", "y")
        assert "● tradable" in screen_text(app)
        at_time(book, "2026-03-02 10:30")
        await run_heartbeat(pilot, app)
        await run_heartbeat(pilot, app)
        assert {one.status for one in all_runs(book)} == {RunStatus.COMPLETED_SUCCESS}

    run(flow, book, "6")
    sound(book)


@pytest.mark.slow
def test_an_asset_on_hold_is_released_for_all_its_accounts() -> None:
    book = market_book()
    apply_guards(book, replace(book.settings.guards, jump_guard=True))

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "slash", *"spy", "enter", "l")
        assert "SPY is not on hold." in shown_messages(app)
        await press(pilot, "o")
        await write(pilot, "-50")
        await press(pilot, "enter", "y")
        assert list(book.asset_holds) == ["SPY"]
        assert "■ on hold" in screen_text(app)
        at_time(book, "2026-03-02 10:15")
        await run_heartbeat(pilot, app)
        assert all_runs(book) == []
        await press(pilot, "l", "n")
        assert list(book.asset_holds) == ["SPY"]
        await press(pilot, "l", "y")
        assert book.asset_holds == {}
        assert "● tradable" in screen_text(app)
        at_time(book, "2026-03-02 10:30")
        await run_heartbeat(pilot, app)
        assert len(all_runs(book)) == 5

    run(flow, book, "6")
    sound(book)


@pytest.mark.slow
def test_an_untradable_asset_marks_its_portfolios_at_the_evaluation() -> None:
    book = market_book()

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "slash", *"gld", "enter", "U")
        question = " ".join(screen_text(app).replace("│", " ").split())
        assert "The broker will reject buys of GLD, not sells." in question
        assert "1 active portfolio with it is an exception at once, with an alert." in question
        assert "At the next evaluation that needs GLD, the whole portfolio needs adjustment" in question
        await press(pilot, "y")
        assert "✗ not tradable" in screen_text(app)
        assert "1 exception, 1 alert" in screen_text(app)
        assert book.portfolios["gold"].status.value == "active"
        at_time(book, "2026-03-02 10:15")
        await run_heartbeat(pilot, app)
        assert book.portfolios["gold"].status is PortfolioStatus.NEEDS_ADJUSTMENT
        assert book.portfolios["balanced"].status is PortfolioStatus.ACTIVE
        assert "1 exception, 1 alert" in screen_text(app)
        await press(pilot, "U", "y")
        assert "● tradable" in screen_text(app)

    run(flow, book, "6")


@pytest.mark.slow
def test_stepping_a_day_confirms_first_and_counts() -> None:
    book = market_book()

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "D", "n")
        assert book.today().day == 2
        assert shown_messages(app)[-1] == "Not done: advance to the next session."
        await press(pilot, "D", "enter")
        assert book.today().day == 2
        assert shown_messages(app)[-1] == "Not done: enter was Cancel. In the question, y is Advance."
        await press(pilot, "D", "y")
        assert book.today().day == 3
        assert "Advanced: Tue 03 Mar 10:01, 0 of 5 accounts outside, as before." in shown_messages(app)

    run(flow, book, "6")


@pytest.mark.slow
def test_a_live_market_shows_that_it_is_not_simulated() -> None:
    from tests.services.factories import simple_book

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "o", "h", "U")
        assert isinstance(app.screen, MarketScreen)
        assert shown_messages(app).count("Available with the simulated broker only.") == 3

    run(flow, simple_book(), "6")


@pytest.mark.slow
def test_asset_details_name_its_holders() -> None:
    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "slash", *"gld", "enter", "enter")
        assert isinstance(app.screen, ReadScreen)
        text = screen_text(app)
        for part in ("Held by", "Client e", "Portfolios", "Gold", "45.00"):
            assert part in text

    run(flow, market_book(), "6")


def test_charts_end_with_the_newest_price() -> None:
    prices: Any = tuple(range(100, 200))
    assert sampled(prices, 10)[-1] == 199
    assert len(sampled(prices, 10)) == 10
    assert chart(prices[:3], 5)[0] == (("  ▁▄█", "good-bar"),)
    assert len(chart(prices, 30, 4)) == 4


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.samples(1)
def test_the_market_looks_right(snap_compare: Any, size: str) -> None:
    book = market_book()

    def prepare() -> None:
        at_time(book, "2026-03-02 10:14")

    shows(snap_compare, book, ("6", "o", *"10", "enter", "y", "j", "h", "y", "full_stop"), SIZES[size], prepare)


@pytest.mark.slow
@pytest.mark.parametrize("size", ["80x24", "120x40"])
@pytest.mark.samples(1)
def test_the_form_looks_right(snap_compare: Any, size: str) -> None:
    shows(snap_compare, market_book(), ("6", "o", *"-25"), SIZES[size])


@pytest.mark.slow
def test_a_fault_looks_right(snap_compare: Any) -> None:
    shows(snap_compare, market_book(), ("6", "o", *"5e9"), SIZES["80x24"])


@pytest.mark.slow
def test_a_corporate_action_is_previewed_and_then_applied_to_every_holder() -> None:
    book = market_book()
    price = book.assets["SPY"].price
    assert price is not None

    async def flow(pilot: Any, app: Any) -> None:
        await press(pilot, "slash", *"spy", "enter", "c")
        assert isinstance(app.screen, CorporateActionScreen)
        effect = app.screen.query_one("#action-effect", Static)
        await write(pilot, "split")
        assert "ratio is required for a split" in str(effect.content)
        await press(pilot, "tab")
        await write(pilot, "10")
        assert str(effect.content).startswith("SPY 10 for 1: ")
        assert "in 5 accounts now, effective at once" in str(effect.content)
        assert book.assets["SPY"].price == price
        await press(pilot, "enter")
        assert "Corporate action applied: SPY 10 for 1: 5 accounts, 0 unexplained." in shown_messages(app)

    run(flow, book, "6")
    assert book.assets["SPY"].price == price // 10
    sound(book)

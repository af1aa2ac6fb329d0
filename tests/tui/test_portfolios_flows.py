"""Portfolios section: key-driven flows with the real services."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from textual.events import Paste
from textual.pilot import Pilot
from textual.widget import Widget

from rebal_tui.domain.assets import AssetStatus
from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus, PortfolioUpdate
from rebal_tui.services.book.book import Book
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.screens.portfolios.editor import PortfolioEditor
from rebal_tui.tui.screens.portfolios.impact import ImpactScreen
from rebal_tui.tui.screens.portfolios.screen import PortfoliosScreen
from rebal_tui.tui.screens.shared.confirm import ConfirmScreen
from rebal_tui.tui.screens.shared.dialog import ReadScreen
from rebal_tui.tui.widgets.table import BookTable
from tests.services import factories
from tests.tui import simulated
from tests.tui.driving import WIDE, press, screen_text, settle, shown_messages

pytestmark = pytest.mark.slow

AT = "2026-03-04 12:00"


def full_book() -> Book:
    """Create Balanced with two subscribers (one far outside), Growth with none, Calm with a calendar and one."""
    book = factories.make_book(AT)
    factories.fill_book(
        book,
        [
            factories.account("a", "5000", {"SPY": "150", "TLT": "350"}),
            factories.account("b", "5000", {"SPY": "200", "TLT": "150"}),
            factories.account("c", "10000", {"TLT": "900"}),
        ],
        [
            factories.balanced(),
            factories.balanced("growth", {"SPY": "80", "GLD": "20"}, cash="0"),
            factories.balanced("calm", {"TLT": "90"}, cash="10", cooldown=30, conditions=[factories.monthly("15")]),
        ],
        {"a": "balanced", "b": "balanced", "c": "calm"},
        {"a": factories.new_york("2026-01-05 10:00"), "b": factories.new_york("2026-01-05 10:00")},
    )
    return book


def run(flow: simulated.Flow, book: Book, size: tuple[int, int] = WIDE) -> RebalApp:
    """Start the app in Portfolios and run the flow."""
    return simulated.run(flow, book, "2", size)


async def type_text(pilot: Pilot[Any], text: str) -> None:
    names = {" ": "space", ".": "full_stop", "-": "minus", "=": "equals_sign", "%": "percent_sign"}
    await pilot.press(*(names.get(char, char) for char in text))
    await settle(pilot)


async def go_to_portfolio(pilot: Pilot[Any], app: RebalApp, portfolio_id: str) -> None:
    assert isinstance(app.screen, PortfoliosScreen)
    app.screen.show_portfolio(portfolio_id)
    await settle(pilot)
    assert app.screen.table.cursor_key == portfolio_id


def named(book: Book, name: str) -> Portfolio:
    return next(portfolio for portfolio in book.portfolios.values() if portfolio.name == name)


async def fill(pilot: Pilot[Any], text: str) -> None:
    """Replace the text of the focused field."""
    await pilot.press("end", "ctrl+u")
    await type_text(pilot, text)


def editor_of(app: RebalApp) -> PortfolioEditor:
    assert isinstance(app.screen, PortfolioEditor)
    return app.screen


def on_the_list(app: RebalApp) -> bool:
    """Return whether no dialog is open."""
    return app.screen is app.section


def status_of(book: Book, portfolio_id: str) -> str:
    return book.portfolios[portfolio_id].status


def footer(app: RebalApp) -> str:
    """Return the lines with the sum and whether the form can be saved."""
    return "\n".join(screen_text(app).splitlines()[-3:-1])


def test_the_list_and_its_detail_show_everything() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        text = screen_text(app)
        for part in (
            "All 3",
            "● active",
            "Balanced",
            "200,000.00",
            "60.00",
            "±5 percentage points",
            "cooldown 7 days",
            "Client b",
        ):
            assert part in text
        assert text.index("▶ Client b") < text.index("● Client a")
        await go_to_portfolio(pilot, app, "calm")
        text = screen_text(app)
        assert "monthly on the 15th" in text
        assert "next Fri 13 Mar 2026 · Wed 15 Apr 2026" in text
        await press(pilot, "enter")
        assert "Client c" in screen_text(app)
        await press(pilot, "escape", "t")
        assert "No portfolio matches these filters" in screen_text(app)
        await press(pilot, "escape", "slash")
        await type_text(pilot, "gld")
        assert isinstance(app.screen, PortfoliosScreen)
        assert [row.id for row in app.screen.table.rows] == ["growth"]

    run(flow, full_book())


def test_an_empty_book_shows_how_to_start() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        assert "No portfolio yet: n creates one, P creates one from pasted weights." in screen_text(app)
        for key in ("e", "p", "d", "i", "r", "J", "a", "y"):
            await press(pilot, key)
            assert on_the_list(app)
        assert set(shown_messages(app)) == {"No portfolio selected."}

    book = factories.make_book(AT)
    factories.fill_book(book, [], [], {})
    run(flow, book, (80, 24))


@pytest.mark.parametrize("size", [(80, 24), WIDE], ids=["narrow", "wide"])
@pytest.mark.samples(1)
def test_a_portfolio_is_created_by_keys_only(size: tuple[int, int]) -> None:
    book = full_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n")
        assert "cannot be saved: name" in footer(app)
        await type_text(pilot, "All Weather")
        await press(pilot, "enter")
        await type_text(pilot, "for every season")
        await press(pilot, "enter")
        await type_text(pilot, "t")
        assert "TLT" in screen_text(app)
        await press(pilot, "enter")
        await type_text(pilot, "30")
        assert "70.00 missing" in footer(app)
        await press(pilot, "enter")
        await type_text(pilot, "s")
        await press(pilot, "enter")
        await type_text(pilot, "50.5")
        await press(pilot, "enter")
        await type_text(pilot, "gld")
        await press(pilot, "tab")
        await type_text(pilot, "=")
        assert "100.00" in footer(app)
        assert "✓ ready" in footer(app)
        await press(pilot, "enter")
        await type_text(pilot, "5")
        assert "5.00 too much" in footer(app)
        await press(pilot, "up")
        await type_text(pilot, "0=")
        assert "✓ ready" in footer(app)
        await press(pilot, "down", "down")
        await type_text(pilot, "5")
        await press(pilot, "enter")
        await type_text(pilot, "20")
        await press(pilot, "enter", "right", "right")
        assert "day" in footer(app)
        await press(pilot, "enter", "tab")
        await type_text(pilot, "31")
        text = screen_text(app)
        assert (
            "next Tue 31 Mar 2026 · Thu 30 Apr 2026 · Fri 29 May 2026 · Tue 30 Jun 2026"
            in " ".join(text.replace("▏", " ").split())
            or size[0] > 80
        )
        await press(pilot, "enter", "right", "tab")
        await fill(pilot, "14")
        assert "days after each full rebalance" in screen_text(app)
        await press(pilot, "tab", "right")
        await press(pilot, "ctrl+s")
        assert on_the_list(app)
        assert "Created All Weather." in shown_messages(app)
        assert "All Weather" in screen_text(app)

    run(flow, book, size)
    made = named(book, "All Weather")
    assert [(w.symbol, w.percent) for w in made.weights.assets] == [("TLT", 3000), ("SPY", 5050), ("GLD", 1450)]
    assert made.weights.cash == 500
    assert [str(band.sub_type) for band in made.bands] == ["absolute", "relative"]
    assert made.calendar is not None
    assert (made.calendar.sub_type, made.calendar.day) == ("monthly", "31")
    assert made.on_update
    assert (made.cooldown_days, made.review, made.description) == (14, True, "for every season")


def test_arrows_stay_in_their_column_of_the_weights() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await go_to_portfolio(pilot, app, "balanced")
        await press(pilot, "e")
        editor = editor_of(app)
        first, second = editor._rows

        async def reached(*keys: str) -> Widget | None:
            await press(pilot, *keys)
            return editor.focused

        first.percent.focus()
        assert await reached("down") is second.percent
        assert await reached("down") is editor.query_one("#cash")
        assert await reached("up", "up") is first.percent
        assert await reached("up") is first.percent, "up neither steps the figure nor leaves it for a text"
        first.symbol.focus()
        assert await reached("down") is second.symbol
        assert await reached("up", "up") is editor.query_one("#description")
        assert await reached("down") is first.percent, "a number typed next does not replace the symbol"
        assert await reached("shift+tab") is first.symbol
        await press(pilot, "ctrl+r", "ctrl+r")
        editor.query_one("#description").focus()
        assert await reached("down") is editor._rows[0].symbol, "a line without a symbol needs one first"

    run(flow, full_book())


def test_arrows_move_to_a_field_that_is_in_sight_on_a_small_terminal() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n")
        fields = []
        for key in ("down",) * 14 + ("up",) * 3:
            await pilot.press(key)
            await pilot.pause()
            focused = editor_of(app).focused
            assert focused is not None
            fields.append(focused)
            assert editor_of(app).query_one("#edit-form").region.contains_region(focused.region), focused
        assert len(set(fields)) >= 12

    run(flow, full_book(), (80, 24))


def test_a_sum_that_is_not_100_cannot_be_saved_and_is_explained() -> None:
    book = full_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n")
        await type_text(pilot, "Short")
        await press(pilot, "enter", "enter")
        await type_text(pilot, "spy")
        await press(pilot, "enter")
        await type_text(pilot, "99.99")
        assert "weights: the sum is 99.99: 0.01 missing" in footer(app)
        await press(pilot, "ctrl+s")
        assert isinstance(app.screen, PortfolioEditor)
        assert any("the sum is 99.99" in text for text in shown_messages(app))
        await fill(pilot, "100.01")
        assert "0.01 too much" in footer(app)
        await press(pilot, "ctrl+s")
        assert isinstance(app.screen, PortfolioEditor)
        row = editor_of(app)._rows[0]
        assert app.focused is row.percent
        await press(pilot, "ctrl+n", *"tlt", "tab", "5", "up", "ctrl+s")
        assert app.focused is row.percent, "a sum names no field, so the cursor stays"

    run(flow, book)
    assert len(book.portfolios) == 3


def test_the_cursor_goes_to_the_part_of_a_line_that_is_wrong() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n", *"ab", "enter", "enter", *"esgv", "tab", *"100", "ctrl+s")
        row = editor_of(app)._rows[0]
        assert any("weight line 1: ESGV is unknown" in text for text in shown_messages(app))
        assert row.symbol.has_focus
        await press(pilot, "end", "ctrl+u", *"spy", "tab", "backspace", *".123", "ctrl+s")
        assert row.percent.has_focus

    run(flow, full_book())


def test_every_fault_is_shown_next_to_its_field() -> None:
    book = full_book()
    book.assets["GLD"] = type(book.assets["GLD"])(
        "id-GLD", "GLD", "Gold", "ARCA", AssetStatus.ACTIVE, False, True, book.assets["GLD"].price
    )

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        def line_with(part: str) -> str:
            form = (line.partition("▏")[0] for line in screen_text(app).splitlines())
            return next(line for line in form if part in line)

        await press(pilot, "n", "enter", "enter")
        await type_text(pilot, "GLD")
        await press(pilot, "tab")
        await type_text(pilot, "50")
        assert "GLD is not tradable" in line_with("GLD  ")
        await press(pilot, "enter")
        await type_text(pilot, "XXX")
        await press(pilot, "tab")
        await type_text(pilot, "1.234")
        assert "at most two decimals" in line_with("XXX  ")
        await fill(pilot, "1.23")
        assert "XXX is unknown" in line_with("XXX  ")
        await press(pilot, "enter")
        await type_text(pilot, "GLD")
        await press(pilot, "tab")
        await type_text(pilot, "1")
        assert screen_text(app).count("duplicate asset GLD") >= 1
        await press(pilot, "ctrl+r")
        assert app.focused is editor_of(app).query_one("#cash"), "not in a line that is right"
        await press(pilot, "up", "ctrl+r")
        assert "XXX" not in screen_text(app)
        editor = editor_of(app)
        for name in ("band-0", "cooldown"):
            editor.query_one(f"#{name}").focus()
            await fill(pilot, "1.2.3")
        assert "expected above 0" in line_with("absolute drift")
        assert "expected a whole number of days" in line_with("cooldown")
        editor.query_one("#calendar").focus()
        await press(pilot, "space", "tab")
        await type_text(pilot, "Sun")
        assert "expected Monday" in line_with("day  ")
        await fill(pilot, "fri")
        assert "next Fri 06 Mar 2026" in screen_text(app)

    run(flow, book, (160, 40))


def test_tab_behind_the_last_percent_adds_a_line_while_the_sum_is_below_100() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n", "enter", "enter", *"spy", "tab", *"60", "tab", *"tlt", "tab", *"30", "tab")
        assert "= Rest to cash" in screen_text(app)
        assert "a number goes to cash" in screen_text(app)
        lines = [(row.line.symbol, row.line.percent) for row in editor_of(app)._rows]
        assert lines == [("SPY", "60"), ("TLT", "30"), ("", "")]
        await press(pilot, "tab")
        assert app.focused is editor_of(app).query_one("#cash"), "one tab leaves a blank line"
        await press(pilot, "shift+tab", "shift+tab", "enter")
        assert app.focused is editor_of(app).query_one("#cash"), "as enter does"
        await press(pilot, "up", *"10", "tab")
        assert len(editor_of(app)._rows) == 3
        assert app.focused is editor_of(app).query_one("#cash")
        assert "Rest to" not in screen_text(app), "nothing is left of 100"
        assert "Scale to 100" not in screen_text(app)

    run(flow, full_book())


def test_rest_and_normalize_reach_100_exactly() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n")
        await type_text(pilot, "Thirds")
        await press(pilot, "enter", "enter")
        for index, symbol in enumerate(("spy", "tlt", "gld")):
            await type_text(pilot, symbol)
            await press(pilot, "tab")
            await type_text(pilot, "1")
            if index < 2:
                await press(pilot, "enter")
        await type_text(pilot, "%")
        lines = [row.line.percent for row in editor_of(app)._rows]
        assert lines == ["33.34", "33.33", "33.33"]
        assert "✓ ready" in footer(app)
        await type_text(pilot, "0=")
        assert editor_of(app)._rows[2].line.percent == "33.33"
        await press(pilot, "up")
        await fill(pilot, "90")
        await press(pilot, "down")
        await type_text(pilot, "0=")
        assert any("No percent is left for this line: the others sum to 123.34" in text for text in shown_messages(app))

    run(flow, full_book())


def test_unsaved_changes_need_confirmation() -> None:
    book = full_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "e", "escape")
        assert on_the_list(app)
        await press(pilot, "e", "end")
        await type_text(pilot, "x")
        await press(pilot, "escape")
        assert isinstance(app.screen, ConfirmScreen)
        await press(pilot, "n")
        assert editor_of(app)._read().name == "Balancedx"
        await press(pilot, "escape", "y")
        assert on_the_list(app)
        await press(pilot, "n", "x", "f5")
        assert "so there is no impact" in screen_text(app)
        await press(pilot, "escape")
        assert editor_of(app)._read().name == "x", "escape closes what f5 said, and asks nothing"
        assert "impact" not in screen_text(app).casefold(), "nor is the key offered"
        await press(pilot, "escape")
        assert isinstance(app.screen, ConfirmScreen)

    run(flow, book)
    assert book.portfolios["balanced"].name == "Balanced"


def test_a_change_shows_its_impact_before_it_is_saved() -> None:
    book = full_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await go_to_portfolio(pilot, app, "balanced")
        await press(pilot, "p")
        text = screen_text(app)
        assert "outside their bands    1" in text
        assert "outside after" not in text, "nothing changes"
        await press(pilot, "escape", "e", "tab", "tab", "tab")
        await fill(pilot, "30")
        await press(pilot, "enter", "tab")
        await type_text(pilot, "0=")
        await press(pilot, "f5")
        assert isinstance(app.screen, ImpactScreen)
        assert "1 → 2" in screen_text(app)
        assert "2 orders, in range → outside" in screen_text(app)
        first = app.screen.query_one(BookTable).cursor_row
        await press(pilot, "enter")
        assert isinstance(app.screen, ReadScreen)
        assert first is not None
        assert first.name in screen_text(app)
        assert "Holdings" in screen_text(app)
        assert "enter shows all" not in screen_text(app), "enter opens nothing there"
        await press(pilot, "escape", "escape")
        await press(pilot, "ctrl+s")
        assert isinstance(app.screen, ConfirmScreen)
        text = " ".join(screen_text(app).split())
        assert "Save Balanced?" in text
        assert "SPY 60 % → 30 %, TLT 35 % → 65 %." in text
        assert "outside their bands 1 → 2" in text
        assert "would trade 2 accounts" in text
        assert "resulting orders 4" in text
        assert "2 orders, in range → outside" in text
        await press(pilot, "n")
        assert book.portfolios["balanced"].weights.of("SPY") == 6000
        await press(pilot, "ctrl+s", "enter")
        assert on_the_list(app)
        assert "Saved Balanced. u undoes it." in shown_messages(app)
        assert "30.00" in screen_text(app)
        assert weights_of(book) == (3000, 6500, 500)
        await press(pilot, "u")
        assert "Undone: the edit of Balanced." in shown_messages(app)
        assert weights_of(book) == (6000, 3500, 500)

    run(flow, book)


def weights_of(book: Book) -> tuple[int, int, int]:
    weights = book.portfolios["balanced"].weights
    return weights.of("SPY"), weights.of("TLT"), weights.cash


def test_duplicate_asks_for_a_name() -> None:
    book = full_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await go_to_portfolio(pilot, app, "growth")
        await press(pilot, "d", "end", "ctrl+u")
        assert "expected a name" in screen_text(app)
        await press(pilot, "enter")
        await type_text(pilot, "All Growth")
        await press(pilot, "enter")
        assert isinstance(app.screen, PortfoliosScreen)
        table = app.screen.table
        assert table.rows[0].name == "All Growth", "it is sorted in at once"
        assert table.cursor_key == table.rows[0].id

    run(flow, book)
    assert named(book, "All Growth").weights == book.portfolios["growth"].weights


def test_inactivate_is_refused_with_subscribers_and_undone_by_reactivate() -> None:
    book = full_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await go_to_portfolio(pilot, app, "balanced")
        await press(pilot, "i")
        assert any("2 subscribers: Client b; Client a" in text for text in shown_messages(app))
        assert on_the_list(app)
        await press(pilot, "r")
        assert "Balanced is already active." in shown_messages(app)
        await go_to_portfolio(pilot, app, "growth")
        await press(pilot, "i", "y")
        assert status_of(book, "growth") == PortfolioStatus.INACTIVE
        assert "◌ inactive" in screen_text(app)
        await press(pilot, "e")
        assert any("reactivate it first" in text for text in shown_messages(app))
        await press(pilot, "r")

    run(flow, book)
    assert status_of(book, "growth") == PortfolioStatus.ACTIVE


def test_heartbeats_leave_half_typed_text_unchanged() -> None:
    book = full_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "j", "slash")
        await type_text(pilot, "a")
        await press(pilot, "enter")
        await press(pilot, "j", "e", "end")
        await type_text(pilot, " half")
        factories.set_price(book, "SPY", "500.00")
        await app.run_heartbeat()
        await settle(pilot)
        assert editor_of(app)._read().name.endswith(" half")
        await press(pilot, "escape", "y")
        assert isinstance(app.screen, PortfoliosScreen)
        assert app.screen.table.view.text == "a"

    run(flow, book)


@pytest.mark.parametrize("name", ["[@click=app.quit]x[/]", "日本投資信託 🙂" * 20], ids=["markup", "wide"])
@pytest.mark.samples(1)
def test_hostile_names_are_shown_as_they_are(name: str) -> None:
    book = factories.make_book(AT)
    hostile = factories.balanced()
    hostile = type(hostile)(
        "h", name, name, hostile.status, hostile.weights, 7, hostile.conditions, hostile.created_at,
        hostile.updated_at, hostile.changed_at,
    )  # fmt: skip
    factories.fill_book(book, [factories.account("a", "1000")], [hostile], {"a": "h"})

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        for key in ("enter", "e", "d", "p", "J"):
            assert name[:5] in screen_text(app)
            await press(pilot, key)
            assert name[:5] in screen_text(app) or on_the_list(app)
            await press(pilot, "escape")
        await press(pilot, "e", "ctrl+e")
        app.screen.focused.post_message(Paste("\x1b[2J\u202e"))  # type: ignore[union-attr]
        await settle(pilot)
        assert "\x1b" not in screen_text(app)
        assert app.is_running

    run(flow, book, (80, 24))


KEYS = (
    *"nepdirJPatTsSyjk/=%5x ", "tab", "shift+tab", "enter", "escape", "up", "down", "left", "right", "ctrl+s", "ctrl+n",
    "ctrl+r", "f5", "backspace", "home", "end",
)  # fmt: skip


@pytest.mark.parametrize("seed", [1])
def test_random_keys_break_nothing(seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    book = full_book()
    rng = random.Random(seed)
    names = {"/": "slash", "=": "equals_sign", "%": "percent_sign", " ": "space"}

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        for _ in range(10):
            await pilot.press(*(names.get(key, key) for key in rng.choices(KEYS, k=10)))
            await app.run_heartbeat()
            await settle(pilot)
        await settle(pilot)
        assert app.is_running
        assert not [text for text in shown_messages(app) if "failed" in text or "Error" in text]

    app = run(flow, book, (80, 24) if seed % 2 else WIDE)
    assert app.return_code in (0, None)
    for portfolio in book.portfolios.values():
        assert sum(w.percent for w in portfolio.weights.assets) + portfolio.weights.cash == 10_000
    assert len(factories.all_runs(book)) <= 3


def test_the_condition_on_an_update_is_shown_and_removed_by_keys() -> None:
    book = factories.make_book(AT)
    stored = factories.balanced(conditions=[*factories.balanced().conditions, PortfolioUpdate()])
    factories.fill_book(book, [], [stored], {})

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await go_to_portfolio(pilot, app, "balanced")
        assert "±5 pp or ±20 % of target · on update" in screen_text(app)
        assert "◆ when weights or conditions change" in screen_text(app)
        await press(pilot, "e")
        editor_of(app).query_one("#on-update").focus()
        await press(pilot, "left", "ctrl+s")
        assert on_the_list(app)
        assert "· on update" not in screen_text(app)

    run(flow, book, (200, 60))
    assert book.portfolios["balanced"].conditions == factories.balanced().conditions

"""A list copied from a spreadsheet becomes the weights of a new portfolio, and fast typing loses nothing."""

from __future__ import annotations

from typing import Any

import pytest
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import Input

from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.screens.portfolios.editor import PortfolioEditor
from tests.tui.driving import press, screen_text, settle, shown_messages
from tests.tui.test_key_bursts import burst, until
from tests.tui.test_portfolios_flows import editor_of, full_book, go_to_portfolio, on_the_list, run

pytestmark = pytest.mark.slow

LIST = "Symbol\tWeight\r\nSPY\t45.5\r\nTLT\t31.50%\r\nGLD\t20\r\ncash\t3\r\n"
READ = [("SPY", "45.5"), ("TLT", "31.50"), ("GLD", "20")]


def weights(app: RebalApp) -> list[tuple[str, str]]:
    assert isinstance(app.screen, PortfolioEditor)
    return [(line.symbol, line.percent) for line in app.screen._read().lines]


async def paste(pilot: Pilot[Any], app: RebalApp, text: str) -> None:
    assert app.screen.focused is not None
    app.screen.focused.post_message(Paste(text))
    await settle(pilot)


@pytest.mark.parametrize("fields", [0, 2, 3, 4])
@pytest.mark.samples(1)
def test_a_pasted_list_fills_the_weights_from_any_of_their_fields(fields: int) -> None:
    """From the name, symbol, percent and cash."""

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n", *(["tab"] * fields))
        await paste(pilot, app, LIST)
        assert weights(app) == READ
        assert "reaches 100.00" in screen_text(app)
        assert "Pasted 3 weights and cash 3." in shown_messages(app)
        await paste(pilot, app, "SPY\t60\nTLT\tmost\n")
        assert weights(app) == [("SPY", "60"), ("TLT", "")]
        assert "Pasted 2 weights; line 2: expected a number such as 1234.56, got 'most'." in shown_messages(app)
        await paste(pilot, app, "SPY\t60.5\nTLT\t39,5\n")
        assert weights(app) == [("SPY", "60"), ("TLT", "")]
        assert "different decimal marks" in shown_messages(app)[-1]

    run(flow, full_book())


def test_other_text_is_pasted_into_its_field_and_what_is_left_out_is_said() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n")
        await paste(pilot, app, "Growth 60")
        assert app.screen.query_one("#name").value == "Growth 60"  # type: ignore[attr-defined]
        await press(pilot, "tab")
        await paste(pilot, app, "For clients\nwho wait")
        assert app.screen.query_one("#description").value == "For clients"  # type: ignore[attr-defined]
        assert "Only the first line was pasted." in shown_messages(app)
        assert weights(app) == [("", "")]

    run(flow, full_book())


def test_a_list_under_paste_opens_the_form_with_its_weights() -> None:
    book = full_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "P")
        await paste(pilot, app, LIST)
        assert "✓ 3 weights and cash 3: SPY 45.5, TLT 31.50, GLD 20" in screen_text(app)
        assert "^s Continue" in screen_text(app)
        await press(pilot, "ctrl+s")
        assert weights(app) == READ
        await press(pilot, *"Trio", "ctrl+s")
        assert "Created Trio" in " ".join(shown_messages(app))
        assert on_the_list(app)

    run(flow, book)
    assert "Trio" in [one.name for one in book.portfolios.values()]


def test_a_list_with_two_decimal_marks_is_refused_in_the_words_of_the_panel() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "P")
        await paste(pilot, app, "SPY\t60.5\nTLT\t39,5\n")
        assert "different decimal marks" in screen_text(app)
        await press(pilot, "ctrl+s")
        assert shown_messages(app)[-1].startswith("Nothing was created: ")
        assert "different decimal marks; expected one." in shown_messages(app)[-1]

    run(flow, full_book())


def test_other_text_than_weights_and_json_is_refused_by_naming_both() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "P")
        await paste(pilot, app, "model.json")
        assert "· expected weights, a symbol and a percent on each line, or JSON" in screen_text(app)
        assert "This looks like the name of a file: ctrl+o opens one." in screen_text(app)
        await press(pilot, "ctrl+s")
        assert shown_messages(app)[-1].startswith("Nothing was created: expected weights, ")

    run(flow, full_book())


def test_what_is_typed_behind_enter_goes_to_the_new_line() -> None:
    """Keys that arrive in one burst, as from an unbracketed paste, are in their fields."""

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n", "tab", "tab")
        burst(app, *("SPY", "[enter]", "40", "[enter]", "TLT", "[enter]", "30", "[enter]", "GLD", "[enter]", "25"))
        typed = [("SPY", "40"), ("TLT", "30"), ("GLD", "25")]
        await until(pilot, lambda: weights(app) == typed)
        assert weights(app) == typed

    run(flow, full_book())


def test_a_letter_typed_into_a_percentage_begins_another_symbol_of_the_line() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await go_to_portfolio(pilot, app, "balanced")
        await press(pilot, "e")
        first = editor_of(app)._rows[0]
        first.percent.focus()
        await press(pilot, *"gld")
        assert first.symbol.has_focus
        assert (first.symbol.value, first.percent.value) == ("GLD", "60.00")

    run(flow, full_book())


def test_a_number_is_never_a_symbol() -> None:
    """Typed over a symbol it is the percent of that line; in the blank last line that tab leads to, it is cash."""

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await go_to_portfolio(pilot, app, "balanced")
        await press(pilot, "e")
        editor = editor_of(app)
        (first, second), cash = editor._rows, editor.query_one("#cash", Input)
        symbols = (first.symbol.value, second.symbol.value)
        first.symbol.focus()
        await pilot.pause()
        burst(app, *"42.5")
        await until(pilot, lambda: first.percent.value == "42.5")
        assert (first.symbol.value, app.focused) == (symbols[0], first.percent)
        assert f"it went to the percent of {symbols[0]}." in shown_messages(app)[-1]
        second.symbol.focus()
        await press(pilot, "end", "7")
        assert (second.symbol.value, second.percent.value) == (symbols[1], "7"), "behind a symbol, too"
        burst(app, "[tab]", *"12")
        await until(pilot, lambda: cash.value == "12" and len(editor._rows) == 2)
        assert app.focused is cash
        assert "it went to cash" in shown_messages(app)[-1]
        await press(pilot, "ctrl+n")
        editor._rows[-1].symbol.post_message(Paste("9"))
        await settle(pilot)
        assert (cash.value, len(editor._rows)) == ("9", 2), "a pasted number, too"

    run(flow, full_book())


def test_digits_that_continue_a_symbol_stay_in_it() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n", "tab", "tab", *"XS2")
        assert editor_of(app)._rows[0].line.symbol == "XS2"
        await press(pilot, "ctrl+u", "5")
        assert (editor_of(app)._rows[0].line.symbol, editor_of(app)._rows[0].line.percent) == ("", "5")

    run(flow, full_book())

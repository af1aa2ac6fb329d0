"""Portfolio editor: where `=` puts what is left of 100, and percentages that cannot be read."""

from __future__ import annotations

from typing import Any

import pytest
from textual.pilot import Pilot

from rebal_tui.tui.app import RebalApp
from tests.tui.driving import press, screen_text, shown_messages
from tests.tui.test_portfolios_flows import editor_of, fill, full_book, run

pytestmark = pytest.mark.slow

TO_CASH, TO_LINE = "= Rest to cash", "= Rest to this line"
NEW = ("n", "enter", "enter")


def weights(app: RebalApp) -> list[str]:
    """The percentages as typed, cash last."""
    form = editor_of(app)._read()
    return [*(line.percent for line in form.lines), form.cash]


def key_bar(app: RebalApp) -> str:
    return screen_text(app).rstrip().splitlines()[-1]


def test_the_rest_goes_to_cash_from_a_line_with_a_percentage_and_the_edit_stays() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, *NEW, *"spy", "tab", *"60", "tab", *"gld", "tab", *"40", "up", *"59")
        assert TO_CASH in key_bar(app)
        await press(pilot, "equals_sign")
        assert weights(app) == ["59", "40", "1.00"]
        assert "The rest went to cash: 1.00." in shown_messages(app)
        await press(pilot, *"58")
        assert weights(app) == ["58", "40", "1.00"], "what is typed replaces the percentage"
        await press(pilot, "down", "down", "equals_sign", *"3")
        assert weights(app) == ["58", "40", "3"]
        assert "The rest went to cash: 2.00." not in shown_messages(app), "it is where the cursor is"

    run(flow, full_book())


def test_the_rest_goes_to_a_line_without_a_percentage_which_is_then_selected() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, *NEW, *"spy", "tab", *"60", "tab")
        assert TO_CASH in key_bar(app), "a line without a symbol"
        await press(pilot, *"gld", "tab")
        assert TO_LINE in key_bar(app)
        await press(pilot, "0")
        assert TO_LINE in key_bar(app)
        await press(pilot, "1")
        assert TO_LINE not in key_bar(app)
        assert TO_CASH in key_bar(app)
        await press(pilot, "backspace", "equals_sign")
        assert weights(app) == ["60", "40.00", ""]
        await press(pilot, "3")
        assert weights(app) == ["60", "3", ""]
        await press(pilot, "percent_sign", "4")
        assert weights(app) == ["95.24", "4", ""]

    run(flow, full_book())


def test_the_rest_goes_to_cash_from_the_blank_line_as_a_number_does() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, *NEW, *"spy", "tab", *"60", "tab")
        assert "a number goes to cash" in screen_text(app)
        await press(pilot, "equals_sign")
        assert weights(app) == ["60", "", "40.00"]

    run(flow, full_book())


def test_the_rest_is_offered_only_where_something_is_left() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, *NEW, *"spy", "tab", *"60", "tab", *"gld", "tab", *"50")
        assert "Rest to" not in key_bar(app)
        assert "Scale to 100" in key_bar(app)
        await press(pilot, "equals_sign")
        assert weights(app) == ["60", "50", ""]
        assert "No percent is left for cash: the others sum to 110.00." in shown_messages(app)
        await press(pilot, "up", *"30")
        assert TO_CASH in key_bar(app)
        await press(pilot, "down", "down", "tab")
        assert "Rest to" not in key_bar(app), "the field of a band"
        await press(pilot, "equals_sign")
        assert "Move the cursor to a weight line or to cash first." in shown_messages(app)

    run(flow, full_book())


def test_a_percentage_that_cannot_be_read_is_no_part_of_a_sum() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, *NEW, *"spy", "tab", *"40.0039", "tab", *"gld", "tab", *"60", "tab")
        await press(pilot, "up", *"100")
        assert "reaches 100.00" not in screen_text(app)
        assert "?  ▲ a percent cannot be read" in screen_text(app)
        await fill(pilot, "60")
        assert "Rest to" not in key_bar(app)
        assert "Scale to" not in key_bar(app)
        await press(pilot, "equals_sign")
        assert weights(app)[:2] == ["40.0039", "60"]
        assert "The percent of weight line 1 cannot be read: correct it first." in shown_messages(app)
        await press(pilot, "up")
        assert TO_LINE in key_bar(app)
        await press(pilot, "equals_sign")
        assert weights(app)[:2] == ["40.00", "60"]
        assert "✓ reaches 100.00" in screen_text(app)

    run(flow, full_book())

"""How a confirmation shows the effects of a yes and the accounts that it concerns."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from textual.containers import Vertical
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widgets import Button

from rebal_tui.tui.questions import Effect, Item, NoteField, Question
from rebal_tui.tui.screens.shared.confirm import ConfirmScreen, effect_lines
from rebal_tui.tui.segments import Line
from rebal_tui.tui.widgets.named_styles import StyledApp
from rebal_tui.tui.widgets.table import BookTable

LONG_NAME = "Holloway Family Trust, Vermont"
LONG_TEXT = "blocked: ACH return, options-restricted; cooldown until Mon 21 Dec 2026, in range → outside"


def test_the_amount_of_an_effect_stands_behind_its_last_word() -> None:
    effect = Effect("The next evaluation creates 60 first runs: 245 orders, turnover", "$1,360,908.79")
    lines = ["".join(text for text, _ in line) for line in effect_lines([effect])(69, 20)]
    assert len(lines) == 2
    assert lines[0].startswith("• The next evaluation")
    assert "$" not in lines[0]
    assert lines[1].endswith(" $1,360,908.79")
    assert len(lines[1]) == 69
    assert " ".join(" ".join(lines).split()).endswith("turnover $1,360,908.79")


def asked(items: list[Item], size: tuple[int, int]) -> tuple[int, str]:
    """Show a question about the items; return the width of its dialog and the text of its first row."""

    async def look() -> tuple[int, str]:
        async with StyledApp().run_test(size=size) as pilot:
            await pilot.app.push_screen(ConfirmScreen(Question("Save Growth?", "Save", items=items)))
            await pilot.pause()
            table = pilot.app.screen.query_one(BookTable)
            width = pilot.app.screen.query_one(Vertical).outer_size.width
            return width, table.render_lines(Region(0, 1, table.size.width, 1))[0].text

    return asyncio.run(look())


@pytest.mark.parametrize(("columns", "width"), [(80, 78), (120, 117), (200, 135)])
def test_a_confirmation_is_as_wide_as_its_texts_need(columns: int, width: int) -> None:
    shown, row = asked([Item("a", LONG_NAME, LONG_TEXT)], (columns, 30))
    assert shown == width
    assert (LONG_NAME in row and LONG_TEXT in row) == (columns == 200)


def test_the_text_of_an_item_without_an_amount_takes_its_room() -> None:
    waits = Item("b", "Nguyen, Bruno", "cooldown until 21 Dec 2026, in range → outside")
    trades = Item("a", "Osei, Ivo", f"{waits.text}, and more", "1,234,567.00")
    assert asked([waits, trades], (80, 30))[1].rstrip().endswith("in range → outside")
    assert asked([trades, waits], (80, 30))[1].rstrip().endswith("…  1,234,567.00")


def test_a_long_reason_is_shown_whole_on_a_wide_screen() -> None:
    reason = "excess cash $1,234.56 reaches the minimum $10.00 (cash $1,617.81, cash target $383.25"
    text = f"invest cash, 3 orders: {reason}, that of the last completed run)"
    items = [Item("a", "Kowalczyk Family Trust", text, "1,234.56")]
    width, row = asked(items, (200, 30))
    assert width <= 196
    assert text in row
    assert text not in asked(items, (160, 30))[1]


def test_a_confirmation_with_short_texts_keeps_its_width() -> None:
    assert asked([Item("a", "Ada", "3 orders", "100.00")], (200, 30))[0] == 116


def test_the_first_lines_of_a_plan_are_in_view_on_a_low_screen() -> None:
    def plan(_width: int, _height: int) -> list[Line]:
        return [((f"line {number}", ""),) for number in range(20)]

    async def look() -> tuple[int, int, int]:
        async with StyledApp().run_test(size=(80, 24)) as pilot:
            effects = [Effect("3 sells are sent", "$5.00"), Effect("4 buys are sent", "$5.00"), Effect("Cash", "$5.00")]
            question = Question("Reject?", "Reject", effects=effects, lines=plan, note=NoteField("why?", required=True))
            await pilot.app.push_screen(ConfirmScreen(question))
            await pilot.pause()
            details = pilot.app.screen.query_one("#confirm-lines")
            before = details.size.height
            await pilot.press("ctrl+j")
            await pilot.pause()
            return before, details.size.height, pilot.app.screen.query_one("#confirm-buttons").region.bottom

    assert asyncio.run(look()) == (15, 14, 23), "the fault of the note takes one of them"


async def labels_after(pilot: Pilot[Any], *keys: str) -> list[str]:
    """Press keys; return the labels of the buttons."""
    await pilot.press(*keys)
    await pilot.pause()
    return [str(button.label) for button in pilot.app.screen.query(Button)]


def test_the_button_that_enter_presses_says_so_and_no_button_moves() -> None:
    async def look() -> None:
        async with StyledApp().run_test(size=(80, 24)) as pilot:
            await pilot.app.push_screen(ConfirmScreen(Question("Withdraw?", "Withdraw")))
            buttons = list(pilot.app.screen.query(Button))
            assert await labels_after(pilot) == ["Cancel (n, enter)", "Withdraw (y)"]
            before = [button.region for button in buttons]
            assert await labels_after(pilot, "right") == ["Cancel (n)", "Withdraw (y, enter)"]
            assert [button.region for button in buttons] == before
            assert await labels_after(pilot, "tab") == ["Cancel (n, enter)", "Withdraw (y)"]
            await pilot.app.push_screen(ConfirmScreen(Question("Subscribe?", "Subscribe", undoable=True)))
            assert await labels_after(pilot) == ["Cancel (n)", "Subscribe (y, enter)"]

    asyncio.run(look())


def test_a_button_is_as_wide_as_its_longest_label() -> None:
    async def look() -> None:
        async with StyledApp().run_test(size=(80, 24)) as pilot:
            await pilot.app.push_screen(
                ConfirmScreen(Question("Reject?", "Reject", note=NoteField("why?", required=True)))
            )
            buttons = list(pilot.app.screen.query(Button))
            assert await labels_after(pilot) == ["Cancel (esc)", "Reject (ctrl+enter)"]
            before = [button.region for button in buttons]
            assert await labels_after(pilot, "enter") == ["Cancel (n)", "Reject (y, enter)"]
            assert await labels_after(pilot, "left") == ["Cancel (n, enter)", "Reject (y)"]
            assert [button.region for button in buttons] == before

    asyncio.run(look())

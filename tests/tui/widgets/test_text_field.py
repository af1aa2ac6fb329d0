"""A field draws the same cells as Textual's input does by way of Rich."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest
from rich.style import Style
from textual.app import App, ComposeResult
from textual.strip import Strip
from textual.widgets import Input
from textual.widgets.input import Selection

from rebal_tui.tui.widgets.text_field import OnlyChoice, TextField

WIDE = "\u65e5\u672c\u8a9e text"
TEXTS = ("", "a", "an ruiz", "\u00dcn\u00efcode", WIDE, "e\u0301cole", "x" * 45, "drift>5 portfolio:growth", "a\tb")


def cells(strip: Strip) -> list[tuple[str, Style | None]]:
    return [(character, segment.style) for segment in strip for character in segment.text]


@pytest.mark.parametrize("width", [12, 40])
def test_a_field_draws_what_textual_draws(width: int) -> None:
    class Fields(App[None]):
        def compose(self) -> ComposeResult:
            yield TextField(placeholder="filter", compact=True)
            yield TextField("other", suggester=OnlyChoice(["other one"]))

    async def main() -> None:
        chance = Random(1)
        async with Fields().run_test(size=(width, 8)) as pilot:
            field, other = pilot.app.query(TextField)
            for focused in (other, field):
                focused.focus()
                await pilot.pause()
                for text in TEXTS:
                    field.value = text
                    for at in (0, len(text), chance.randint(0, len(text))):
                        field.cursor_position = at
                        assert cells(field.render_line(0)) == cells(Input.render_line(field, 0)), (text, at)
            field.selection = Selection(1, 3)
            await pilot.pause()
            for one in (field, other):
                assert cells(one.render_line(0)) == cells(Input.render_line(one, 0))

    asyncio.run(main())


def test_a_long_text_is_shown_from_its_beginning_when_the_focus_leaves_it() -> None:
    class Fields(App[None]):
        def compose(self) -> ComposeResult:
            yield TextField("one two three four five six", select_on_focus=False, compact=True)
            yield TextField("other")

    async def main() -> None:
        async with Fields().run_test(size=(12, 8)) as pilot:
            field, other = pilot.app.query(TextField)

            async def shown(focused: TextField) -> str:
                focused.focus()
                await pilot.pause()
                return field.render_line(0).text.strip()

            field.cursor_position = len(field.value)
            end = "ur five six"
            assert [await shown(one) for one in (field, other, field)] == [end, "one two three", end]

    asyncio.run(main())


def test_a_typed_letter_is_drawn_without_rich(monkeypatch: pytest.MonkeyPatch) -> None:
    def late(_field: Input, _y: int) -> Any:
        raise AssertionError("drawn by way of Rich")

    class Fields(App[None]):
        def compose(self) -> ComposeResult:
            yield TextField("a")

    async def main() -> None:
        async with Fields().run_test() as pilot:
            monkeypatch.setattr(Input, "render_line", late)
            await pilot.press("end", "b")
            assert pilot.app.query_one(TextField).render_line(0).text.strip() == "ab"

    asyncio.run(main())

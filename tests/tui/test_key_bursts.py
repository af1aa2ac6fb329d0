"""Keys that arrive in one burst act in the order in which they were typed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from textual.events import Event, Key, Paste
from textual.pilot import Pilot
from textual.widgets import Input

from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.key_order import KeyOrder
from rebal_tui.tui.screens.shared.confirm import ConfirmScreen
from rebal_tui.tui.screens.shared.tiled_list_screen import TiledListScreen
from rebal_tui.tui.widgets.tabs import ALL
from tests.tui.driving import press, screen_text, settle, shown_messages
from tests.tui.test_cash_flows import invested, run

pytestmark = pytest.mark.slow


def typed(*parts: str) -> list[Event]:
    """The events of text, of keys named in brackets, and of pasted text behind `paste:`."""
    events: list[Event] = []
    for part in parts:
        if part.startswith("["):
            events.append(Key(part[1:-1], None))
        elif part.startswith("paste:"):
            events.append(Paste(part.removeprefix("paste:")))
        else:
            events += [Key(character, character) for character in part]
    return events


def burst(app: RebalApp, *parts: str) -> None:
    """Give events to the app as its driver does when it reads them in one piece."""
    for event in typed(*parts):
        app.post_message(event)


async def until(pilot: Pilot[Any], done: Callable[[], bool]) -> None:
    """Wait up to 5 s, because waiting keys are not in a queue that `settle` knows; then once more for what follows."""
    for _ in range(250):
        if done():
            break
        await pilot.pause(0.02)
    await settle(pilot)


@pytest.mark.parametrize(
    ("parts", "fields"),
    [
        (("abc", "[backspace]", "d"), ("abd", "")),
        (("abc", "[home]", "x"), ("xabc", "")),
        (("abc", "[ctrl+u]", "xyz"), ("xyz", "")),
        (("a", "[tab]", "1500", "[backspace]", "5"), ("a", "1505")),
        (("a", "[tab]", "paste:15", "[backspace]", "2", "[shift+tab]", "b"), ("b", "12")),
        (("ab", "[left]", "paste:xy", "z"), ("axyzb", "")),
    ],
)
def test_a_field_holds_what_was_typed(parts: tuple[str, ...], fields: tuple[str, str]) -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n")
        burst(app, *parts)
        await until(pilot, lambda: tuple(field.value for field in app.screen.query(Input))[:2] == fields)
        assert tuple(field.value for field in app.screen.query(Input))[:2] == fields

    run(flow, invested())


def test_enter_confirms_the_amount_that_was_typed_and_asks_once() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n")
        burst(app, "client a", "[tab]", "1500", "[backspace]", "5", "[enter]")
        await until(pilot, lambda: isinstance(app.screen, ConfirmScreen))
        text = " ".join(screen_text(app).split())
        assert "$1,505.00" in text, text
        assert "$1,500.00" not in text

    run(flow, invested())


def test_a_long_text_in_one_burst_passes_the_queues_of_the_screen_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each character, 2,000 digits took ten seconds."""
    rounds, begin_round = 0, KeyOrder._begin_round

    def counted(order: KeyOrder, event: Event, left: int) -> None:
        nonlocal rounds
        rounds += 1
        begin_round(order, event, left)

    monkeypatch.setattr(KeyOrder, "_begin_round", counted)

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n", "tab")
        await settle(pilot)
        before = rounds
        burst(app, "1" * 300, "[backspace]", "2")
        await until(pilot, lambda: app.focused.value == "1" * 299 + "2")  # type: ignore[union-attr]
        assert app.focused.value == "1" * 299 + "2"  # type: ignore[union-attr]
        assert rounds - before <= 12, "of the first and the last digit, of backspace and of the digit behind it"

    run(flow, invested())


def test_keys_for_a_section_that_opens_wait_for_its_rows() -> None:
    """The filter tabs are known with the first rows; without them, `t` did nothing."""

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await settle(pilot)
        for key in ("4", "2", "3"):
            burst(app, key, "t")
            await until(pilot, lambda: isinstance(app.screen, TiledListScreen) and app.screen.tile != ALL)
            assert isinstance(app.screen, TiledListScreen)
            assert app.screen.tile != ALL

    run(flow, invested())


def test_keys_for_a_form_wait_until_it_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the book was busy, they acted on the list below the form."""

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "2")
        await settle(pilot)
        ask, free = app.ask, asyncio.Event()

        async def asked_late(*args: Any) -> Any:
            await free.wait()
            return await ask(*args)

        monkeypatch.setattr(app, "ask", asked_late)
        burst(app, "n")
        await pilot.pause(0.05)
        burst(app, "Own Mix")
        await pilot.pause(0.05)
        assert app.screen is app.section
        free.set()
        await until(pilot, lambda: isinstance(app.focused, Input) and app.focused.value == "Own Mix")
        assert isinstance(app.focused, Input)
        assert app.focused.value == "Own Mix"
        assert len(app.screen_stack) == 2

    run(flow, invested())


def test_pasted_text_has_no_control_characters() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "n", "tab")
        burst(app, "paste:15\x1b[31m\x9b00\x07")
        await until(pilot, lambda: app.focused.value != "")  # type: ignore[union-attr]
        assert app.focused.value == "15[31m00"  # type: ignore[union-attr]

    run(flow, invested())


def test_ctrl_c_says_in_plain_text_how_to_quit() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "ctrl+c")
        assert [text for text in shown_messages(app) if "quit" in text] == [
            "To quit, press q outside a field. In a field, ctrl+c copies."
        ]

    run(flow, invested())

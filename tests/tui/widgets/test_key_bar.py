"""The bottom line in narrow terminals: no truncated keys, and help and command palette always shown; with a mouse."""

import pytest
from textual.app import App

from rebal_tui.tui.sections import Section
from rebal_tui.tui.widgets.key_bar import KeyBar
from tests.tui.driving import drive, press, screen_text

pytestmark = pytest.mark.slow


def bar_of(app: App[None]) -> KeyBar:
    return app.screen.query_one(KeyBar)


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.samples(1)
def test_the_bar_has_whole_keys_only_and_always_help_and_find(width: int) -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        for section in Section:
            await press(pilot, section.key)
            line = screen_text(app).splitlines()[-1].rstrip()
            assert line.endswith("^p Find")
            gap = " " * (1 if width <= 100 else 2)
            assert line.strip() == gap.join(f"{key.display} {key.description}" for key in bar_of(app).keys)
            assert "? Help" in line or "? More" in line

    drive(script, size=(width, 24))


def test_the_bar_has_more_keys_when_the_terminal_grows() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        await press(pilot, "3")
        before = len(bar_of(app).keys)
        await pilot.resize_terminal(200, 24)
        await press(pilot, "j")
        assert len(bar_of(app).keys) > before
        assert "Withdraw" in screen_text(app).splitlines()[-1]

    drive(script, size=(80, 24))


def test_an_action_with_a_changed_key_keeps_its_place() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        before = [key.action for key in bar_of(app).keys]
        assert before[0] == "preview"
        app.set_keymap({"desk.preview": "g"})
        await press(pilot, "j")
        assert [key.action for key in bar_of(app).keys] == before
        assert screen_text(app).splitlines()[-1].startswith("g Preview run")

    drive(script, size=(80, 24))


def test_a_click_on_a_key_does_what_the_key_does() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        line = screen_text(app).splitlines()[-1]
        await pilot.click(KeyBar, offset=(line.index("? More"), 0))
        await pilot.pause()
        assert screen_text(app).startswith(" Help")
        assert screen_text(app).splitlines()[-1].startswith("esc Back"), "not by its other key, q"
        await press(pilot, "escape")
        gap = line.index("? More") - 1
        await pilot.hover(KeyBar, offset=(gap + 1, 0))
        await pilot.click(KeyBar, offset=(gap, 0))
        await pilot.pause()
        assert screen_text(app).splitlines()[-1] == line, "a gap between two keys does nothing"

    drive(script, size=(80, 24))


def test_beside_a_notice_a_click_on_a_key_does_what_the_key_does() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        app.say("Saved.")
        await pilot.pause()
        line = screen_text(app).splitlines()[-1]
        await pilot.click(KeyBar, offset=(line.index("? More"), 0))
        await pilot.pause()
        assert "Help · Desk" in screen_text(app)
        await press(pilot, "escape")
        for length, height in ((60, 1), (74, 2)):
            app.say(f"{'long ' * length}"[:length].strip() + ".")
            await pilot.pause()
            assert "? More" in screen_text(app).splitlines()[-1]
            assert bar_of(app).size.height == height
        app.say("Saved.")
        await pilot.pause()
        await pilot.click(KeyBar, offset=(3, 0))
        await pilot.pause()
        assert "Notices since the start" in screen_text(app)

    drive(script, size=(80, 24))

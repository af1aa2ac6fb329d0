"""The footer in narrow terminals: whole keys only, and always the way to all others."""

import gc

import pytest

from rebal_tui.tui.sections import Section
from tests.tui.driving import drive, press, screen_text
from tests.tui.textual_internals import FooterKey

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_footer_has_whole_keys_only_and_always_help_and_find(width: int) -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        for section in Section:
            await press(pilot, section.key)
            line = screen_text(app).splitlines()[-1].rstrip()
            assert line.endswith("^p Find")
            assert "? Help" in line
            shown = [key for key in app.screen.query("FooterKey") if key.description in line]
            assert len(shown) == len(app.screen.query("FooterKey"))

    drive(script, size=(width, 24))


def test_the_footer_has_more_keys_when_the_terminal_grows() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        await press(pilot, "2")
        before = len(app.screen.query("FooterKey"))
        await pilot.resize_terminal(200, 24)
        await press(pilot, "j")
        assert len(app.screen.query("FooterKey")) > before
        assert "Paste JSON" in screen_text(app).splitlines()[-1]

    drive(script, size=(80, 24))


def keys_in_memory() -> int:
    gc.collect()
    return sum(isinstance(one, FooterKey) for one in gc.get_objects())


def test_keys_that_are_gone_from_the_footer_are_not_kept_in_memory() -> None:
    """Other keys at each change of the focus, all day long, cost no memory that is not given back.

    What other tests left counts for nothing: a key without a parent takes the app that runs now for its own.
    """

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        del app
        before = keys_in_memory()
        for _ in range(12):
            await press(pilot, "1", "2", "3")
        await pilot.pause()
        assert keys_in_memory() - before < 200

    drive(script, size=(120, 24))

"""Footer in narrow terminals: no truncated keys, and help and command palette always shown."""

import gc

import pytest

from rebal_tui.tui.sections import Section
from tests.tui.driving import drive, press, screen_text
from tests.tui.textual_internals import FooterKey

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("width", [40, 80, 120])
@pytest.mark.samples(1)
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


def test_keys_removed_from_the_footer_are_freed() -> None:
    """Frequent changes of the footer must not leak keys.

    Counts the increase only: keys of other tests remain in memory, and without a parent they report the current app.
    """

    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        del app
        before = keys_in_memory()
        for _ in range(6):
            await press(pilot, "1", "2", "3")
        await pilot.pause()
        assert keys_in_memory() - before < 100

    drive(script, size=(120, 24))

"""A terminal with 16 colors: no text has the color of its background, also under the cursor."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.color import ColorSystem
from rich.console import Console

from rebal_tui.tui import themes
from rebal_tui.tui.app import RebalApp
from tests.tui import textual_internals
from tests.tui.driving import drive, make_app, press

pytestmark = pytest.mark.every_frame


def test_themes_are_replaced_only_where_there_are_16_colors() -> None:
    shown = {system: [themes.for_terminal(one, system) for one in themes.CYCLE] for system in ("standard", "truecolor")}
    assert shown == {
        "standard": ["ansi-dark", "ansi-light", "ansi-dark", "ansi-dark", "ansi-light"],
        "truecolor": list(themes.CYCLE),
    }


@pytest.mark.slow
def test_the_settings_keep_the_theme_that_16_colors_replace(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(pilot: Any, app: Any) -> None:
        assert app.theme == "ansi-dark"
        await press(pilot, "comma", "ctrl+s")
        assert app.settings_file.settings.theme == themes.DARK.name
        await press(pilot, "ctrl+t", "comma", "ctrl+s")
        assert app.settings_file.settings.theme == themes.CYCLE[(themes.CYCLE.index("ansi-dark") + 1) % 5]

    monkeypatch.setattr(RebalApp, "is_headless", False)
    app = make_app()
    app.console = Console(file=io.StringIO(), color_system="standard", force_terminal=True)
    drive(script, app)


def test_text_under_the_cursor_is_seen_with_16_colors(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(pilot: Any, app: Any) -> None:
        await press(pilot, "down")
        lines = textual_internals.drawn(app.screen)
        shown = [(one.text.strip(), one.style) for line in lines for one in line if one.style and one.text.strip()]
        assert any(style.reverse and len(text) > 1 for text, style in shown)
        for text, style in shown:
            color, behind = style.color, style.bgcolor
            if color is not None and behind is not None and not behind.is_default:
                seen = (color.downgrade(ColorSystem.STANDARD), behind.downgrade(ColorSystem.STANDARD))
                assert seen[0].number != seen[1].number, text

    monkeypatch.setattr(RebalApp, "is_headless", False)
    app = make_app()
    app.console = Console(file=io.StringIO(), color_system="standard", force_terminal=True)
    drive(script, app)

"""A remembered style is the one that Textual finds: each widget of a screen is compared after every change."""

from __future__ import annotations

import pytest
from textual.dom import DOMNode

from rebal_tui.tui.style_memory import RememberingStylesheet
from rebal_tui.tui.widgets.pane import Pane
from tests.tui.driving import drive, press
from tests.tui.textual_internals import apply_textuals_own, rules_of


@pytest.mark.slow
@pytest.mark.parametrize(
    "keys",
    [
        pytest.param(("1", "slash", "2", "1", "slash"), id="sections and their filters"),
        pytest.param(("2", "n", "tab", "tab", "escape"), id="a form and its fields"),
        pytest.param(("4", "question_mark", "escape", "ctrl+k", "escape"), id="dialogs"),
    ],
)
def test_all_styles_are_those_that_textual_finds(keys: tuple[str, ...]) -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        for theme in ("rebal-dark", "rebal-light"):
            app.theme = theme
            for key in keys:
                await press(pilot, key)
                nodes = [app, *app.screen.walk_children(with_self=True)]
                shown = {node: rules_of(node) for node in nodes}
                apply_textuals_own(app)
                assert {node: rules_of(node) for node in nodes} == shown, (theme, key)

    drive(script)


def test_a_field_looks_as_before_when_the_focus_has_left_it() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        field = app.screen.query_one("#filter")
        unfocused = rules_of(field)
        await press(pilot, "slash")
        assert rules_of(field) != unfocused
        await press(pilot, "escape")
        assert rules_of(field) == unfocused

    drive(script)


def test_what_is_below_a_disabled_widget_looks_disabled_until_it_is_enabled() -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        nodes = [app, *app.screen.walk_children(with_self=True)]
        looks = [{node: rules_of(node) for node in nodes}]
        pane = app.screen.query(Pane).first()
        for above in (pane, app.screen, pane, app.screen):
            above.disabled = not above.disabled
            await pilot.pause()
            looks.append({node: rules_of(node) for node in nodes})
            apply_textuals_own(app)
            assert {node: rules_of(node) for node in nodes} == looks[-1]
        assert looks[0] != looks[1] != looks[2] != looks[4]

    drive(script)


def test_styles_that_a_widget_has_are_not_set_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def script(pilot, app) -> None:  # type: ignore[no-untyped-def]
        app.refresh_css(animate=False)
        changed: list[DOMNode] = []
        monkeypatch.setattr(RememberingStylesheet, "replace_rules", lambda self, node, *_, **__: changed.append(node))
        app.refresh_css(animate=False)
        assert not [node for node in changed if not isinstance(node, Pane)], (
            "only a pane's styles depend on its siblings"
        )

    drive(script)

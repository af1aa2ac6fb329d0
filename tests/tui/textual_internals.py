"""All uses of private Textual APIs in tests, so that changes in a new version are fixed in one module."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, cast

import pytest
from textual import _time
from textual._compositor import Compositor, LayoutUpdate
from textual._styles_cache import StylesCache
from textual.app import App
from textual.css.model import RuleSet
from textual.css.styles import RulesMap
from textual.css.stylesheet import Stylesheet
from textual.design import ColorSystem
from textual.dom import DOMNode
from textual.pilot import Pilot
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, TextArea

from rebal_tui.tui.partial_frames import CellsUpdate, Piece
from rebal_tui.tui.style_memory import Found, RememberingStylesheet
from tests.tui.virtual_time import VirtualTime, now


def drawn(screen: Screen[Any]) -> list[Strip]:
    """Return the rendered lines of a screen."""
    return screen._compositor.render_strips()


def screen_of(app: App[Any], mode: str) -> Screen[Any]:
    """Return the base screen of a mode, visible or not."""
    return app._screen_stacks[mode][0]


def cached_queries(screen: Screen[Any]) -> int:
    """Return the number of cached `query_one` results."""
    return len(screen._query_one_cache)


def cached_lines(widget: Widget) -> int:
    """Return the number of cached rendered lines of a widget."""
    return len(widget._styles_cache._cache)


def caches_without_widget(held: Iterable[object]) -> int:
    """Return how many of the objects are styles caches of widgets that are not among the objects."""
    held = list(held)
    cached = {id(one._styles_cache) for one in held if isinstance(one, Widget)}
    return sum(isinstance(one, StylesCache) and id(one) not in cached for one in held)


def print_errors(app: App[Any]) -> None:
    """Print the crash output as on exit."""
    app._print_error_renderables()


def record_layouts(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list that grows by one item with every layout."""
    times: list[object] = []
    reflow = Compositor.reflow

    def counted(self: Compositor, *args: Any, **options: Any) -> Any:
        times.append(args)
        return reflow(self, *args, **options)

    monkeypatch.setattr(Compositor, "reflow", counted)
    return times


def use_loop_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make Textual timers use the time of the running event loop."""
    monkeypatch.setattr(_time, "get_time", now)


def wait_for_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a pilot wait until the event loop has nothing left, instead of sending a message to every widget."""

    async def waited(self: Pilot[Any], timeout: float = 30.0) -> bool:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTime)
        await loop.nothing_left()
        return self.app._exception is None

    monkeypatch.setattr(Pilot, "_wait_for_screen", waited)


def draw_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the frames that nobody sees: without a terminal, only a test that looks at the screen draws it."""
    update = Compositor.render_update

    def drawn_if_seen(self: Compositor, full: bool = False, **options: Any) -> Any:
        if full:
            return update(self, full, **options)
        self._dirty_regions.clear()
        return None

    monkeypatch.setattr(Compositor, "render_update", drawn_if_seen)


def keep_cursors_visible(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stop the blinking of cursors, so that a picture does not depend on its time."""
    monkeypatch.setattr(Input, "_toggle_cursor", lambda _self: None)
    monkeypatch.setattr(TextArea, "_toggle_cursor_blink_visible", lambda _self: None)


def read_styles_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read style sheets and generate the colors of a theme once in a process, as all apps have the same ones.

    Rules are hashed by identity.
    """
    parse, generate = Stylesheet._parse_rules, ColorSystem.generate

    def parsed(self: Stylesheet, *args: Any, **options: Any) -> list[RuleSet]:
        key = (_variables_of(self), args, tuple(sorted(options.items())))
        if key not in _PARSED:
            _PARSED[key] = parse(self, *args, **options)
        return _PARSED[key]

    def mapped(self: Stylesheet) -> dict[str, list[RuleSet]]:
        if self._rules_map is None:
            key = tuple(self.rules)
            if key not in _MAPS:
                _MAPS[key] = _map_rules(self)
            self._rules_map = _MAPS[key]
        return self._rules_map

    def generated(self: ColorSystem) -> dict[str, str]:
        key = tuple(tuple(value.items()) if isinstance(value, dict) else value for value in vars(self).values())
        if key not in _COLORS:
            _COLORS[key] = generate(self)
        return dict(_COLORS[key])

    monkeypatch.setattr(Stylesheet, "_parse_rules", parsed)
    monkeypatch.setattr(Stylesheet, "rules_map", property(mapped))
    monkeypatch.setattr(ColorSystem, "generate", generated)
    monkeypatch.setattr(RuleSet, "__hash__", object.__hash__)


def _variables_of(sheet: Stylesheet) -> frozenset[tuple[str, str]]:
    """The variables of a style sheet: the same object for equal ones, hashed once as long as the sheet keeps them."""
    known = sheet.__dict__.get("_hashed_variables")
    if known is None or known[0] is not sheet._variables:
        found = frozenset(sheet._variables.items())
        known = sheet.__dict__["_hashed_variables"] = (sheet._variables, _VARIABLES.setdefault(found, found))
    return cast(frozenset[tuple[str, str]], known[1])


def remember_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    """Share the rules that were found for a widget between the apps of a process."""
    monkeypatch.setattr(RememberingStylesheet, "_nothing_found", lambda _self: _FOUND)


def rules_of(node: DOMNode) -> tuple[RulesMap, dict[str, RulesMap]]:
    """The style rules of a widget and of each of its component classes."""
    components = {name: dict(styles.base._rules) for name, styles in node._component_styles.items()}
    return cast(RulesMap, dict(node.styles.base._rules)), cast(dict[str, RulesMap], components)


def apply_textuals_own(app: App[Any]) -> None:
    """Apply the app's styles to all widgets of the screen as Textual finds them."""
    own = Stylesheet(variables=dict(app.stylesheet._variables))
    own.source = dict(app.stylesheet.source)
    own.parse()
    for node in (app, *app.screen.walk_children(with_self=True)):
        node._component_styles.clear()
        own.apply(node)


_PARSED: dict[object, list[RuleSet]] = {}
_VARIABLES: dict[frozenset[tuple[str, str]], frozenset[tuple[str, str]]] = {}
_MAPS: dict[tuple[RuleSet, ...], dict[str, list[RuleSet]]] = {}
_COLORS: dict[object, dict[str, str]] = {}
_map_rules = cast(Callable[[Stylesheet], dict[str, list[RuleSet]]], cast(property, Stylesheet.rules_map).fget)
_FOUND: dict[tuple[RuleSet, ...], Found] = {}


def forget_errors(app: App[Any]) -> None:
    """Forget the errors that the app survived, which `run_test` would raise at the end."""
    app._exception = None


def record_lost_frames(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Return a list of the frames that are rendered during a batch update, which no terminal gets."""
    lost: list[object] = []
    display = App._display

    def recorded(self: App[Any], screen: Screen[Any], frame: Any) -> None:
        if self._batch_count and frame is not None:
            lost.append(frame)
        display(self, screen, frame)

    monkeypatch.setattr(App, "_display", recorded)
    return lost


def record_pieces(monkeypatch: pytest.MonkeyPatch) -> list[Piece]:
    """Return a list of the pieces of every frame that a terminal would get, in their order; a frame drawn in full adds
    its lines.
    """
    pieces: list[Piece] = []
    display = App._display

    def recorded(self: App[Any], screen: Screen[Any], frame: Any) -> None:
        if not self._batch_count:
            if isinstance(frame, CellsUpdate):
                pieces.extend(frame.pieces)
            elif isinstance(frame, LayoutUpdate):
                pieces.extend((0, y, Strip.join(line)) for y, line in enumerate(frame.strips))
        display(self, screen, frame)

    monkeypatch.setattr(App, "_display", recorded)
    return pieces

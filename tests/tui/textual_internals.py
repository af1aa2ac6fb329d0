"""Every private part of Textual that the tests read or change. What a new version moves is mended here alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
from textual import _time
from textual._compositor import Compositor
from textual._styles_cache import StylesCache
from textual.app import App
from textual.css.model import RuleSet
from textual.css.stylesheet import Stylesheet
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets._footer import FooterKey

from tests.tui.virtual_time import now

__all__ = ["FooterKey"]


def drawn(screen: Screen[Any]) -> list[Strip]:
    """What the terminal shows of a screen, line by line."""
    return screen._compositor.render_strips()


def notified(app: App[Any]) -> list[str]:
    """The messages that are shown."""
    return [str(notification.message) for notification in app._notifications]


def screen_of(app: App[Any], mode: str) -> Screen[Any]:
    """The lowest screen of a mode, in sight or not."""
    return app._screen_stacks[mode][0]


def cached_queries(screen: Screen[Any]) -> int:
    """How many answers to `query_one` are kept."""
    return len(screen._query_one_cache)


def cached_lines(widget: Widget) -> int:
    """How many drawn lines a widget keeps."""
    return len(widget._styles_cache._cache)


def caches_without_widget(held: Iterable[object]) -> int:
    """How many of these objects are drawn lines of a widget that is not among them."""
    held = list(held)
    cached = {id(one._styles_cache) for one in held if isinstance(one, Widget)}
    return sum(isinstance(one, StylesCache) and id(one) not in cached for one in held)


def print_errors(app: App[Any]) -> None:
    """Write what a crash leaves to the terminal, as leaving does."""
    app._print_error_renderables()


def record_layouts(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows with each time that a screen places its widgets."""
    times: list[object] = []
    reflow = Compositor.reflow

    def counted(self: Compositor, *args: Any, **options: Any) -> Any:
        times.append(args)
        return reflow(self, *args, **options)

    monkeypatch.setattr(Compositor, "reflow", counted)
    return times


def use_loop_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Timers reckon in the time of the event loop they run in."""
    monkeypatch.setattr(_time, "get_time", now)


def read_styles_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every app of a process reads the same style sheets: once is enough. A rule is known by what it is, at once."""
    parse = Stylesheet._parse_rules

    def parsed(self: Stylesheet, *args: Any, **options: Any) -> list[RuleSet]:
        key = (frozenset(self._variables.items()), args, tuple(sorted(options.items())))
        if key not in _PARSED:
            _PARSED[key] = parse(self, *args, **options)
        return _PARSED[key]

    monkeypatch.setattr(Stylesheet, "_parse_rules", parsed)
    monkeypatch.setattr(RuleSet, "__hash__", object.__hash__)


_PARSED: dict[object, list[RuleSet]] = {}

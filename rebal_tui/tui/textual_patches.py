"""What Textual would keep in memory of widgets that are gone."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from textual._styles_cache import StylesCache
from textual.color import Color
from textual.screen import Screen
from textual.style import Style
from textual.widget import Widget

from rebal_tui.tui.widgets.table import BookTable


@lru_cache(maxsize=1_024)
def _border_styles(base: Color, background: Color) -> tuple[Style, Style]:
    return Style(background=base + background), Style(background=base)


def _inner_and_outer(_of: StylesCache, base: Color, background: Color) -> tuple[Style, Style]:
    """The styles inside and outside of a widget's border."""
    return _border_styles(base, background)


def patch_styles_cache() -> None:
    """Let what was drawn of a widget go with it: Textual's own cache of two colours holds the drawn lines of the last
    thousand widgets as well, dialogs and footer keys among them."""
    StylesCache.get_inner_outer = _inner_and_outer  # type: ignore[assignment, method-assign]


def clear_line_cache(screen: Screen[Any]) -> None:
    """Let go of the drawn lines of a screen out of sight, some 2 kB each; it is drawn anew when it comes back."""
    for widget in screen.walk_children(Widget, with_self=True):
        widget._styles_cache.clear()
        if isinstance(widget, BookTable):
            widget.clear_line_cache()

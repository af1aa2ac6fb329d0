"""Patches for Textual caches that keep removed widgets in memory."""

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
    """Return the styles inside and outside a widget's border."""
    return _border_styles(base, background)


def patch_styles_cache() -> None:
    """Replace `StylesCache.get_inner_outer` with a cache keyed by colors only.

    Textual's own cache also refers to the `StylesCache` of each widget. It keeps the rendered lines of the last
    thousand widgets in memory, including dialogs and footer keys.
    """
    StylesCache.get_inner_outer = _inner_and_outer  # type: ignore[assignment, method-assign]  # replaces it


def clear_line_cache(screen: Screen[Any]) -> None:
    """Free the rendered lines of a hidden screen, about 2 kB each; the screen renders them again when shown."""
    for widget in screen.walk_children(Widget, with_self=True):
        widget._styles_cache.clear()
        if isinstance(widget, BookTable):
            widget.clear_line_cache()

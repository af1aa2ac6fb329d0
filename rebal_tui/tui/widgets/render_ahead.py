"""Rendering, between keys, of what the next key may show."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from textual.timer import Timer
from textual.widget import Widget

T = TypeVar("T")
DELAY_SECONDS = 0.01
"""Time from a frame to the first part."""
PAUSE_SECONDS = 0.002
"""Time between two parts, in which keys are handled."""
PART = 10
"""How much is rendered at once: a key may have to wait for it."""


class RenderAhead(Generic[T]):
    """Renders in short steps, so that no key waits long; a new frame starts again with the rows of the next key."""

    def __init__(self, view: Widget, wanted: Callable[[], Iterator[T]], render: Callable[[T], bool]) -> None:
        """`wanted` is what to render, the most likely first; `render` returns False for what was rendered before."""
        self._view = view
        self._wanted = wanted
        self._render = render
        self._timer: Timer | None = None

    def start(self) -> None:
        """Render a while after this frame; each call postpones it."""
        if self._timer is None:
            self._timer = self._view.set_timer(DELAY_SECONDS, self._render_part)
        else:
            self._timer.reset()

    def _render_part(self) -> None:
        self._timer = None
        if not self._view.is_attached or self._view.app.screen is not self._view.screen:
            return
        rendered = 0
        for one in self._wanted():
            rendered += self._render(one)
            if rendered >= PART:
                self._timer = self._view.set_timer(PAUSE_SECONDS, self._render_part)
                return

"""The way back to a page whose key has closed it: the page is opened again once the action of the key is over."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from textual.app import App
    from textual.screen import Screen

Opens: TypeAlias = "Callable[[], Coroutine[Any, Any, None]]"
"""Opens a page again."""


class _Return(NamedTuple):
    """Where an action was run, whether the cursor there is still on its row, and what opens the page again."""

    section: Screen[None]
    on_row: Callable[[], bool]
    open_again: Opens


class WayBack:
    """Remembers at most one page. It is forgotten when the user is elsewhere, or on another row, after the action."""

    def __init__(self, app: App[Any], work: Callable[[Coroutine[Any, Any, None]], object]) -> None:
        """`work` runs a coroutine in the background."""
        self._app, self._work = app, work
        self._return: _Return | None = None

    def after_action(self, section: Screen[None], on_row: Callable[[], bool], open_again: Opens) -> None:
        """Call `open_again` once the action that was just run in `section` is over, if `on_row` is then true."""
        self._return = _Return(section, on_row, open_again)
        self.check()

    def check(self) -> None:
        """Open the page if the action is over: no dialog is open and no work goes on. Called whenever one ends."""
        app, wanted = self._app, self._return
        if wanted is None:
            return
        stack = app.screen_stack
        if stack[0] is not wanted.section:
            self._return = None
        elif len(stack) == 1 and all(worker.is_finished for worker in app.workers):
            self._return = None
            if wanted.on_row():
                self._work(wanted.open_again())

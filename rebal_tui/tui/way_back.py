"""The return to a page that was closed by a key pressed on it: the page opens again once the
action of the key is over.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from textual.app import App
    from textual.screen import Screen

Opens: TypeAlias = "Callable[[], Coroutine[Any, Any, None]]"
"""Opens the closed page again."""


class _Return(NamedTuple):
    """The section in which an action was run, whether its cursor is still on the same row,
    and what opens the page again.
    """

    section: Screen[None]
    on_row: Callable[[], bool]
    open_again: Opens


class WayBack:
    """Remembers at most one closed page. If the user has gone to another section or row, the
    page is not opened again.
    """

    def __init__(self, app: App[Any], work: Callable[[Coroutine[Any, Any, None]], object]) -> None:
        """`work` runs a coroutine in the background."""
        self._app, self._work = app, work
        self._return: _Return | None = None

    def after_action(self, section: Screen[None], on_row: Callable[[], bool], open_again: Opens) -> None:
        """Call `open_again` once the action that was just run in `section` is over, if `on_row()` is true then."""
        self._return = _Return(section, on_row, open_again)
        self.check()

    def check(self) -> None:
        """Open the page if the action is over: no dialog is open and no background work runs.

        Called whenever a dialog closes or background work ends.
        """
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

"""Goes back to the section from which the present one was opened, or to a page that was closed to run an action.

A key pressed on a page can close the page and run an action; the page opens again when that action is over.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeAlias, runtime_checkable

if TYPE_CHECKING:
    from textual.app import App
    from textual.screen import Screen

Opens: TypeAlias = "Callable[[], Coroutine[Any, Any, None]]"
"""Opens the closed page again."""


@runtime_checkable
class KeepsRows(Protocol):
    """A section that keeps the order of its rows for some time after a key."""

    def keep_order(self) -> None:
        """Called for each key and click while this section is shown, and when the user comes back to it."""


class _Return(NamedTuple):
    """The section in which an action was run; a function that returns whether its cursor is still on the same row; and
    the function that opens the page again.
    """

    section: Screen[None]
    on_row: Callable[[], bool]
    open_again: Opens


class _Origin(NamedTuple):
    """A section from which something in section `at` was opened; `opens` is whether a page or form opens there."""

    section: str
    at: str
    opens: bool


MAX_ORIGINS = 20
"""How many sections are remembered at most to go back to; older ones are forgotten."""


class WayBack:
    """Remembers at most one closed page, and the sections from which others were opened.

    If the user has gone to another section or row, the page is not opened again; if to another section, the remembered
    sections are forgotten.
    """

    def __init__(self, app: App[Any], work: Callable[[Coroutine[Any, Any, None]], object]) -> None:
        """`work` runs a coroutine in the background."""
        self._app, self._work = app, work
        self._return: _Return | None = None
        self._origins: list[_Origin] = []
        self._was_open = False
        """Whether the page or form that the last origin opens has been seen open."""

    def came_from(self, section: str, at: str, *, opens: bool) -> None:
        """Remember that `section` has opened something in the section `at`: a page or form (`opens`), or only the list
        of `at`.
        """
        if section != at:
            self._origins = [*self._origins[1 - MAX_ORIGINS :], _Origin(section, at, opens)]
            self._was_open = False

    def forget(self) -> None:
        """Forget the closed page and the sections to go back to, because the user has chosen another section."""
        self._return = None
        self._origins.clear()

    def go_back(self) -> bool:
        """Go back to the section from which the present one was opened; returns False if there is no such section."""
        origin = self._origins.pop() if self._origins else None
        if origin is None or origin.at != self._app.current_mode:
            self._origins.clear()
            return False
        self._was_open = False
        self._app.switch_mode(origin.section)
        section = self._app.screen_stack[0]
        if isinstance(section, KeepsRows):
            section.keep_order()
        return True

    def after_action(self, section: Screen[None], on_row: Callable[[], bool], open_again: Opens) -> None:
        """Call `open_again` when the action that was just run in `section` is over, if `on_row()` is true then."""
        self._return = _Return(section, on_row, open_again)
        self.check()

    def check(self) -> None:
        """Open the closed page again if the action is over: no dialog is open and no background work runs.

        If no page is to be opened again, and a page or form that another section opened has been closed, go back to
        that section.

        Called whenever a dialog closes or background work ends.
        """
        app, wanted = self._app, self._return
        stack = app.screen_stack
        is_over = len(stack) == 1 and all(worker.is_finished for worker in app.workers)
        if wanted is None:
            self._check_origin(is_open=len(stack) > 1, is_over=is_over)
        elif stack[0] is not wanted.section:
            # A section that leads back to that of the page may do so now.
            if not self._origins:
                self._return = None
            self._check_origin(is_open=len(stack) > 1, is_over=is_over)
        elif is_over:
            self._return = None
            if wanted.on_row():
                self._work(wanted.open_again())

    def _check_origin(self, *, is_open: bool, is_over: bool) -> None:
        origin = self._origins[-1] if self._origins else None
        if origin is None or not origin.opens or origin.at != self._app.current_mode:
            return
        self._was_open = self._was_open or is_open
        if self._was_open and is_over:
            self.go_back()

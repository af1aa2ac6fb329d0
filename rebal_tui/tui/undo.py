"""The change that key `u` undoes, offered for 10 seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from textual.app import App
    from textual.timer import Timer

    from rebal_tui.services.advisory.undo import Undo

UNDO_SECONDS = 10.0
"""How long a change can be undone by its key."""
NOTHING = f"Nothing to undo: for {UNDO_SECONDS:.0f} s, u undoes a subscription, a move, an unsubscription or an edit."


class UndoOffer:
    """Holds at most one change that can be undone; a later change replaces it."""

    def __init__(self, app: App[None], ended: Callable[[], None]) -> None:
        """`ended` is called when a change can no longer be undone because its time is over."""
        self._app = app
        self._ended = ended
        self._change: Undo | None = None
        self._what = ""
        self._timer: Timer | None = None

    def offer(self, change: Undo | None, what: str) -> None:
        """Offer to undo `change`, named `what` in messages, in place of any earlier one; a
        `change` of None is not offered.
        """
        self.clear()
        if change is not None:
            self._change, self._what = change, what
            self._timer = self._app.set_timer(UNDO_SECONDS, self._time_over)

    def _time_over(self) -> None:
        self.clear()
        self._ended()

    def clear(self) -> None:
        """Withdraw the offer."""
        self._change = None
        if self._timer is not None:
            self._timer.stop()
            self._timer = None

    def take(self) -> tuple[Undo, str] | None:
        """Return the offered change and its name, and withdraw the offer; None if there is none."""
        found = (self._change, self._what) if self._change is not None else None
        self.clear()
        return found

    @property
    def hint(self) -> str:
        """Text to add to the message about a change: that `u` undoes it, or why it cannot be undone.

        Starts with a space. Empty if no change is offered.
        """
        return "" if self._change is None else self._change.refused or " u undoes it."

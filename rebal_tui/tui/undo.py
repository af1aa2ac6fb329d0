"""The change that `u` undoes, offered for a short time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from textual.app import App
    from textual.timer import Timer

    from rebal_tui.services.advisory.undo import Undo

UNDO_SECONDS = 10.0
"""How long a change can be undone by its key."""
NOTHING = f"Nothing to undo: for {UNDO_SECONDS:.0f} s, u undoes a subscription, a move, an unsubscription or an edit."


class UndoOffer:
    """Holds at most one change; a later one replaces it."""

    def __init__(self, app: App[None]) -> None:
        self._app = app
        self._change: Undo | None = None
        self._what = ""
        self._timer: Timer | None = None

    def offer(self, change: Undo | None, what: str) -> None:
        """Offer to undo `change`, whose name in messages is `what`; a `change` of None is ignored."""
        self.clear()
        if change is not None:
            self._change, self._what = change, what
            self._timer = self._app.set_timer(UNDO_SECONDS, self.clear)

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
        """` u undoes it.` for the end of a message while an undo is offered, or why it is not possible; else empty."""
        return "" if self._change is None else self._change.refused or " u undoes it."

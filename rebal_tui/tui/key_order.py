"""Keeps fast input in order: a key, paste or click is handled only after the one before it has taken effect."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from textual.app import App
from textual.dom import DOMNode
from textual.events import Event, InputEvent, Key, Paste
from textual.message_pump import MessagePump
from textual.timer import Timer
from textual.widgets import Input

LOST_AFTER_SECONDS = 2.0
"""After this time, the next event is handled even if the end of the one before was not noticed.

Such an event went to a widget that was removed.
"""
FOLLOW_SECONDS = 0.01
"""Delay before checking whether a key has taken effect, if no other event comes: a check would delay the repaint."""
_ROUNDS = 2
"""How often a callback follows a key through the message queues.

The first callback follows the key itself, the second the messages of the key's action.
"""


class PassesOnKeys:
    """A field that may pass a typed character to another field and move the focus there; the next character must
    wait.
    """


class KeyOrder:
    """Gives the app one input event at a time, each only after the one before has taken full effect.

    Textual gives a key to the focused widget as soon as it arrives. A field inserts a printable character at once,
    but leaves backspace, tab and enter to bindings. They get the key only after it has passed the message queues of
    all widgets above the field. In fast input, the text behind such a key overtakes it: typing `1500`, backspace, `5`
    gives 1500 (15005 without its last digit), not 1505.
    """

    def __init__(self, app: App[Any], unready: Callable[[], bool]) -> None:
        """`unready`: whether the app is still loading rows or opening a dialog. If it is true after an event, later
        events wait until `ready` is called.
        """
        self._app = app
        self._unready = unready
        self._handled: Event | None = None
        self._given: Event | None = None
        """The last event that the app has given to a widget."""
        self._done: Event | None = None
        """The event after which later events wait for `ready`."""
        self._waiting: deque[Event] = deque()
        self._rounds = _ROUNDS
        self._lost: Timer | None = None
        self._looking: asyncio.TimerHandle | None = None

    def accept(self, event: Event) -> bool:
        """Return True if the app may handle an input event now; else queue it, and pass it to the app again later."""
        if self._handled is None:
            self._handled = event
        elif event is not self._handled:
            self._waiting.append(event)
            if self._lost is None:
                self._lost = self._app.set_timer(LOST_AFTER_SECONDS, self._give_up)
            self._look_for_end()
            return False
        return True

    def follow(self, event: Event) -> None:
        """Make the next event wait until `event`, which the app has just handled, has taken full effect.

        To notice the end, a callback is sent through the same message queues behind the key. A second callback
        follows the messages of the key's action, such as a field's `Submitted`. If the app has run the action
        already, one callback is enough.
        """
        self._rounds = _ROUNDS if event.is_forwarded else 1
        if not isinstance(event, Key | Paste):
            self._next(event)
        elif event is self._handled:
            self._given = event
            self._looking = asyncio.get_running_loop().call_later(FOLLOW_SECONDS, self._look_for_end)
            if self._waiting:
                self._look_for_end()

    def _look_for_end(self) -> None:
        """Start looking for the end of the event that the app has handled, unless that was started already.

        A character typed behind another one does not wait for that end: rows that are filtered by the first one may
        take long.
        """
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()
        event = self._handled
        if event is None or event is not self._given:
            return
        if self._is_typed(event) and self._waiting_is_typed():
            self._next(event)
        elif looking is not None:
            self._begin_round(event, self._rounds)

    def _waiting_is_typed(self) -> bool:
        return bool(self._waiting) and self._is_typed(self._waiting[0])

    def _is_typed(self, event: Event) -> bool:
        """Whether an event is a character that the focused field inserts at once. Such
        characters need not wait for each other.
        """
        if not self._app.screen_stack:  # At the end of the program.
            return False
        field = self._app.focused
        inserts = isinstance(field, Input) and not isinstance(field, PassesOnKeys)
        return isinstance(event, Key) and event.is_printable and inserts

    def forget(self) -> None:
        """Drop all waiting events."""
        self._waiting.clear()

    def ready(self) -> None:
        """If the app no longer waits for a dialog or for rows (`unready`), handle the events that waited for that."""
        if self._unready():
            return
        event, self._done = self._done, None
        if event is not None:
            self._next(event)

    def _begin_round(self, event: Event, rounds: int) -> None:
        if not self._app.screen_stack:
            self._next(event)
            return
        if rounds == 0:
            if event is self._handled and self._unready():
                self._done = event
            else:
                self._next(event)
            return
        focused: DOMNode = self._app.focused or self._app.screen
        self._pass_on(focused.ancestors_with_self, event, rounds)

    def _pass_on(self, queues: Sequence[MessagePump], event: Event, rounds: int) -> None:
        """Send a callback through the message queues, one after the other, behind everything queued there.

        `queues` are those of a widget and of the widgets above it.
        """
        for at, queue in enumerate(queues):
            if queue.call_later(self._pass_on, queues[at + 1 :], event, rounds):
                return
        self._begin_round(event, rounds - 1)

    def _next(self, event: Event) -> None:
        if event is not self._handled:
            return
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        if self._lost is not None:
            self._lost.stop()
            self._lost = None
        self._handled = self._waiting.popleft() if self._waiting else None
        if self._handled is not None:
            if self._waiting:
                self._lost = self._app.set_timer(LOST_AFTER_SECONDS, self._give_up)
            self._app.post_message(self._handled)

    def _give_up(self) -> None:
        self._lost = None
        if self._handled is not None:
            self._next(self._handled)


def from_terminal(event: Event) -> bool:
    """Whether an event is input from the terminal and has not been passed to a widget yet."""
    return isinstance(event, InputEvent | Paste) and not event.is_forwarded

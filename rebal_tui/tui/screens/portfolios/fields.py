"""Fields of the portfolio editor: inputs that accept certain characters, bars of choices, and notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import ClassVar, Protocol, runtime_checkable

from textual.binding import Binding, BindingType
from textual.events import Key, Paste
from textual.widgets import Static

from rebal_tui.tui.host import host_of
from rebal_tui.tui.text import printable, ui_text
from rebal_tui.tui.widgets.tabs import Tab, TabBar
from rebal_tui.tui.widgets.text_field import TextField


@runtime_checkable
class TakesPastes(Protocol):
    """A screen that may take a pasted text as a whole, whichever field it is pasted into."""

    def take_paste(self, text: str) -> bool:
        """Use a pasted text; returns False if the field should insert it instead."""


class PlainInput(TextField):
    """An input that accepts only `ALLOWED_CHARACTERS` (None: all printable ones). Other keys
    act as keys of the screen.
    """

    ALLOWED_CHARACTERS: ClassVar[frozenset[str] | None] = None

    def __init__(self, value: str = "", *, placeholder: str = "", id: str | None = None, classes: str = "") -> None:
        super().__init__(value, placeholder=placeholder, id=id, classes=classes, compact=True)
        self.cursor_blink = False

    def check_consume_key(self, key: str, character: str | None) -> bool:
        allowed = self.ALLOWED_CHARACTERS
        return super().check_consume_key(key, character) and (allowed is None or character in allowed)

    async def _on_key(self, event: Key) -> None:
        if event.is_printable and not self.check_consume_key(event.key, event.character):
            event.prevent_default()

    def _on_paste(self, event: Paste) -> None:
        """Insert the first pasted line, unless the screen takes the whole text.

        Unprintable characters become `�`; characters that are not allowed are left out.
        """
        event.prevent_default()
        event.stop()
        screen = self.screen
        if isinstance(screen, TakesPastes) and screen.take_paste(event.text):
            return
        lines = event.text.splitlines()
        if any(line.strip() for line in lines[1:]):
            host_of(self).say("Only the first line was pasted.", "warning")
        text = "".join(
            c
            for c in printable(lines[0] if lines else "")
            if self.ALLOWED_CHARACTERS is None or c in self.ALLOWED_CHARACTERS
        )
        self.replace(text, *self.selection)


class PercentInput(PlainInput):
    """An input for a number, such as a percentage or a number of days."""

    ALLOWED_CHARACTERS: ClassVar[frozenset[str] | None] = frozenset("0123456789.")


class DayInput(PlainInput):
    """An input for a weekday, a day of the month, or a day of the year."""

    ALLOWED_CHARACTERS: ClassVar[frozenset[str] | None] = frozenset(
        "0123456789-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    )


class ChoiceBar(TabBar, can_focus=True):
    """Choices in a row, one of them chosen with left, right, space or a click."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "choose(-1)", show=False),
        Binding("right,space", "choose(1)", show=False),
    ]
    DEFAULT_CSS = """
    ChoiceBar { width: 1fr; background: $surface; }
    ChoiceBar:focus { background: $primary 15%; text-style: underline; }
    """

    def __init__(
        self, choices: Sequence[str], current: str, *, id: str, labels: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """`labels` has the labels of choices whose label is not the choice itself."""
        super().__init__(tuple(Tab(choice, labels.get(choice, choice)) for choice in choices), current, id=id)

    def action_choose(self, direction: int) -> None:
        self.post_message(self.Chosen(self, self.step(direction)))


class Note(Static):
    """A note next to a field; updated only when its text or kind changes."""

    def __init__(self, *, id: str | None = None, classes: str = "note") -> None:
        super().__init__("", id=id, classes=classes, markup=False)
        self._shown_note = ("", "fine")

    def say(self, text: str, kind: str = "fine") -> None:
        """Show a text; `kind` is `fault` (invalid), `todo` (still to be filled in) or `fine`."""
        if (text, kind) == self._shown_note:
            return
        self._shown_note = (text, kind)
        self.update(ui_text(text), layout=self.styles.is_auto_height)
        for name in ("fault", "todo"):
            self.set_class(name == kind, name)

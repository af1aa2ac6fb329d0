"""Text fields that can be edited without laying out their screen again."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.events import Blur, Focus, Key
from textual.geometry import Region, Size
from textual.keys import KEY_NAME_REPLACEMENTS
from textual.message import Message
from textual.reactive import Reactive
from textual.strip import Strip
from textual.suggester import Suggester
from textual.widgets import Input

from rebal_tui.domain.text import searchable

MAX_LISTED = 200
"""If more choices match a text, none is listed; a longer text has fewer matches."""

SIGN_KEYS = frozenset(KEY_NAME_REPLACEMENTS.values())
"""The keys of signs whose names Textual shortens, so that it does not find their characters again."""


class TextField(Input):
    """An input of fixed width.

    Textual's own input lays out the whole screen at every key, because the width of its text changes, and so repaints
    every widget. It also renders its text with Rich, which takes half of the time needed to handle a key.
    """

    virtual_size = Reactive(Size(0, 0), layout=False)

    def _on_focus(self, _event: Focus) -> None:
        """Show the cursor, which `_on_blur` may have scrolled out of view."""
        self.scroll_to_region(Region(self._cursor_offset, 0, 1, 1), force=True, animate=False)

    def _on_blur(self, _event: Blur) -> None:
        """Show the beginning of a text that is longer than the field."""
        self.scroll_to(0, animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        """Return the text with its cursor. Selections, suggestions, passwords and
        highlighted text are left to Textual.
        """
        text, at = self.value, self.cursor_position
        suggests = len(self._suggestion) > len(text)
        plain = text.isprintable() and not (self.password or self.highlighter or suggests)
        if y or not text or not plain or not self.selection.is_empty:
            return super().render_line(y)
        style, width = self.rich_style, self.scrollable_content_region.width + 1
        segments = [Segment(text, style)]
        if self.has_focus and self._cursor_visible:
            lit = style + self.get_component_rich_style("input--cursor")
            parts = (text[:at], style), (text[at : at + 1] or " ", lit), (text[at + 1 :], style)
            segments = [Segment(part, look) for part, look in parts if part]
        scrolled = self.scroll_offset.x
        return Strip(segments).crop(scrolled, scrolled + width).extend_cell_length(width, style)


class FilterField(TextField):
    """The filter of a list. Opened again, its text is selected: typing replaces it, an arrow key keeps it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+u", "empty", "Empty the filter")]

    def __init__(self, *, placeholder: str, id: str) -> None:
        super().__init__(placeholder=placeholder, id=id, compact=True, select_on_focus=False)

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Return whether the key types a character. For some keys, such as `/`, Textual does not know the character, so
        the bottom line would show an action for a key that types text.
        """
        return super().check_consume_key(key, character) or key in SIGN_KEYS

    def open(self, typed: str = "") -> None:
        """Show the field and give it the focus; `typed` is added to the field's text. If `typed` is empty, the text is
        selected.
        """
        self.display = True
        self.value += typed
        self.cursor_position = len(self.value)
        self.screen.set_focus(self)
        if not typed:
            self.select_all()

    def action_empty(self) -> None:
        self.clear()


class OnlyChoice(Suggester):
    """Suggests a choice if it is the only one that begins with the typed text."""

    def __init__(self, choices: Iterable[str]) -> None:
        super().__init__(case_sensitive=True)
        self._choices = [(searchable(choice), choice) for choice in choices]

    def of(self, text: str) -> str | None:
        """Return the only choice that begins with a text, ignoring case and accents; None
        for an empty text or no such choice.
        """
        start = searchable(text)
        found = (choice for folded, choice in self._choices if folded.startswith(start))
        first = next(found, None) if start else None
        return first if next(found, None) is None else None

    def matching(self, text: str) -> list[str]:
        """Return the choices that contain every word of a text.

        The list is empty if the text is empty, if more than `MAX_LISTED` choices match, or if the text names one
        choice: in full, or by the account number at its end, as `N-12` names `Ruiz · N-12`.
        """
        words = searchable(text.replace("·", " ")).split()
        found: list[str] = []
        for folded, choice in self._choices if words else ():
            if text.strip() in (choice, choice.rpartition(" · ")[2]):
                return []
            if all(word in folded for word in words):
                found.append(choice)
        return found if len(found) <= MAX_LISTED else []

    async def get_suggestion(self, value: str) -> str | None:
        return self.of(value)


class CompletedField(TextField):
    """A field with a suggestion that tab and enter accept, as keys right and end do in every field.

    If several choices contain all words of the text, tab, enter and down post `Several`, so that the screen lets the
    user choose one. The screen sets `declined` if the user wants none; tab and enter then pass, until the text changes
    or the focus has left the field.
    """

    declined = ""
    """The text for which the user wanted none of the choices."""

    class Several(Message):
        """Tab, enter or down was pressed, and several choices match the text."""

        def __init__(self, field: CompletedField, choices: list[str]) -> None:
            super().__init__()
            self.field = field
            self.choices = choices

    async def _on_key(self, event: Key) -> None:
        if event.key not in ("tab", "enter", "down") or not isinstance(self.suggester, OnlyChoice):
            return
        if event.key != "down":
            self.value = self.suggester.of(self.value) or self.value
        offered = event.key == "down" or self.value != self.declined
        choices = self.suggester.matching(self.value) if offered else []
        if len(choices) > 1:
            event.stop()
            event.prevent_default()
            self.post_message(self.Several(self, choices))

    def _on_blur(self, _event: Blur) -> None:
        """Offer the choices again when the field is visited again. Textual calls the handlers of all base classes."""
        self.declined = ""

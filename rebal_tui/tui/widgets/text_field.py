"""Text fields that are edited without a new layout of their screen."""

from __future__ import annotations

from collections.abc import Iterable

from rich.segment import Segment
from textual.events import Key
from textual.geometry import Size
from textual.message import Message
from textual.reactive import Reactive
from textual.strip import Strip
from textual.suggester import Suggester
from textual.widgets import Input

from rebal_tui.domain.text import fold

MAX_LISTED = 200
"""Above so many choices, a text has to be longer before one of them can be chosen from a list."""


class TextField(Input):
    """An input of fixed width. Textual's lays out the whole screen at every key, because the width of its text changes,
    and that repaints every widget; and it renders its text by way of Rich, which takes half of the time of a key."""

    virtual_size = Reactive(Size(0, 0), layout=False)

    def render_line(self, y: int) -> Strip:
        """Return the text with its cursor; all that looks otherwise is left to Textual."""
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


class OnlyChoice(Suggester):
    """Offers a choice if it is the only one that begins with the text."""

    def __init__(self, choices: Iterable[str]) -> None:
        super().__init__(case_sensitive=True)
        self._choices = [(fold(choice), choice) for choice in choices]

    def of(self, text: str) -> str | None:
        """The only choice that begins with a text, in any case and without regard to accents; None for no text."""
        start = fold(text)
        found = (choice for folded, choice in self._choices if folded.startswith(start))
        first = next(found, None) if start else None
        return first if next(found, None) is None else None

    def matching(self, text: str) -> list[str]:
        """The choices that have all words of a text.

        None for no text, for a choice or the key that it ends in, such as `N-12` of `Ruiz · N-12`, and where there are
        more than `MAX_LISTED`.
        """
        words = fold(text.replace("·", " ")).split()
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
    """A field whose only possible completion is accepted by tab and enter, as by right and end.

    Where several choices have all words of the text, these keys ask for one of them, until its screen declines that
    for this text.
    """

    declined = ""
    """The text for which no choice was wanted."""

    class Several(Message):
        """Tab or enter was pressed, and several choices match the text."""

        def __init__(self, field: CompletedField, choices: list[str]) -> None:
            super().__init__()
            self.field = field
            self.choices = choices

    async def _on_key(self, event: Key) -> None:
        if event.key not in ("tab", "enter") or not isinstance(self.suggester, OnlyChoice):
            return
        self.value = self.suggester.of(self.value) or self.value
        choices = self.suggester.matching(self.value) if self.value != self.declined else []
        if len(choices) > 1:
            event.stop()
            event.prevent_default()
            self.post_message(self.Several(self, choices))

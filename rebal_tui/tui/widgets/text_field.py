"""Text fields that are edited without a new layout of their screen."""

from __future__ import annotations

from collections.abc import Iterable

from textual.events import Key
from textual.geometry import Size
from textual.reactive import Reactive
from textual.suggester import Suggester
from textual.widgets import Input

from rebal_tui.domain.text import fold


class TextField(Input):
    """An input of fixed width. Textual's lays out the whole screen at every key, because the width of its text changes,
    and that repaints every widget."""

    virtual_size = Reactive(Size(0, 0), layout=False)


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

    async def get_suggestion(self, value: str) -> str | None:
        return self.of(value)


class CompletedField(TextField):
    """A field whose only possible completion is accepted by tab and enter, as by right and end."""

    async def _on_key(self, event: Key) -> None:
        if event.key in ("tab", "enter") and isinstance(self.suggester, OnlyChoice):
            self.value = self.suggester.of(self.value) or self.value

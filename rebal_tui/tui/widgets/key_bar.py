"""Footer with as many available keys as fit; help and command palette are always shown."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

ALWAYS_SHOWN_ACTIONS = frozenset({"help", "command_palette"})
"""Actions that list all other actions; their keys are never left out."""


class KeyBar(Footer):
    """A footer that omits keys from its end when the terminal is too narrow. Keys are never truncated."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._available_width = 0

    def compose(self) -> ComposeResult:
        # Textual keeps a reference to every key that watched `compact`, about 10 kB each, until its watchers run.
        self.mutate_reactive(Footer.compact)
        # Query results are cached by the number of DOM changes: recomposing makes all of them unreachable.
        self.screen._query_one_cache.clear()
        keys = list(super().compose())
        gap = 1 if self.screen.has_class("-narrow") else 2
        self._available_width = self.app.size.width
        available_width = self._available_width + gap - sum(_width(key, gap) for key in keys if _always(key))
        for key in keys:
            if not _always(key):
                available_width -= _width(key, gap)
            if available_width >= 0 or _always(key):
                yield key

    def on_resize(self, _event: events.Resize) -> None:
        if self.app.size.width != self._available_width:
            self.refresh(recompose=True)


def _always(key: Widget) -> bool:
    return isinstance(key, FooterKey) and key.action in ALWAYS_SHOWN_ACTIONS


def _width(key: Widget, gap: int) -> int:
    """Width in cells of a key with its label and the gap after it."""
    return cell_len(f"{key.key_display} {key.description}") + gap if isinstance(key, FooterKey) else 0

"""The keys that work here and now, as many as there is room for; the way to the others is always among them."""

from __future__ import annotations

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.widget import Widget
from textual.widgets import Footer
from textual.widgets._footer import FooterKey

ALWAYS_SHOWN_ACTIONS = frozenset({"help", "command_palette"})
"""The actions that tell of all the others: they keep their room."""


class KeyBar(Footer):
    """A footer that leaves whole keys out from its end where the terminal is too narrow, and cuts none in two."""

    def __init__(self) -> None:
        super().__init__(show_command_palette=False, compact=True)
        self._available_width = 0

    def compose(self) -> ComposeResult:
        # Textual keeps every key that ever watched `compact`, some 10 kB each, until the watchers are called.
        self.mutate_reactive(Footer.compact)
        # What was found on the screen is kept under the number of its changes: with new keys none is found again.
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
    """The columns of a key with its label and the gap after it."""
    return cell_len(f"{key.key_display} {key.description}") + gap if isinstance(key, FooterKey) else 0

"""A form that is larger than the screen: it scrolls to the field with the focus, never by keys of its own."""

from __future__ import annotations

from textual.containers import VerticalScroll


class FormScroll(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls with the focus and the mouse, and has no keys.

    Keys that only scroll could move the focused field out of sight, and the next text typed would go there unseen.
    """

"""A form that can be larger than the screen: it scrolls to the focused field, and has no keys for scrolling."""

from __future__ import annotations

from textual.containers import VerticalScroll


class FormScroll(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls with the focus and the mouse, and has no keys.

    Keys that only scroll could move the focused field out of sight, and text typed next would go there unseen.
    """

"""A form that can be larger than the screen: it scrolls to the focused field, and has no keys for scrolling."""

from __future__ import annotations

from textual.containers import VerticalScroll


class FormScroll(VerticalScroll, can_focus=False, inherit_bindings=False):
    """A container that scrolls to the focused field, and with the mouse wheel; no key scrolls it.

    Such a key could move the focused field out of sight, and text typed next would go into it unseen.
    """

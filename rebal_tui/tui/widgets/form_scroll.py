"""A form that is larger than the screen: it scrolls to the field with the focus, never by keys of its own."""

from __future__ import annotations

from textual.containers import VerticalScroll


class FormScroll(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls with the focus and the mouse.

    Keys that only scroll would leave the focus on a field out of sight, which takes what is typed next.
    """

"""Conversion of external text for widgets: plain, printable, never markup."""

from __future__ import annotations

from textual.content import Content

from rebal_tui.domain.text import without_joiners


def printable(text: str) -> str:
    """Return the text with every control character (also line breaks), invisible or unassigned character replaced by
    `�`.

    The invisible joiners (U+200C, U+200D) of Persian, Hindi and similar scripts are removed.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "�" for char in without_joiners(text))


def ui_text(text: str, style: str = "") -> Content:
    """Return text as Textual `Content`, so that widgets parse no markup in it; line breaks stay.

    `style` must never come from data.
    """
    lines = "\n".join(printable(line) for line in text.split("\n"))
    return Content.styled(lines, style) if style else Content(lines)

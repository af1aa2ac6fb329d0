"""The one way from outside text to a widget: plain, printable, never markup."""

from __future__ import annotations

from textual.content import Content


def printable(text: str) -> str:
    """The text with every control, invisible or unassigned character replaced by `�`, on one line."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else "�" for char in text)


def ui_text(text: str, style: str = "") -> Content:
    """Text as content that no widget reads markup in. `style` is ours, never data."""
    lines = "\n".join(printable(line) for line in text.split("\n"))
    return Content.styled(lines, style) if style else Content(lines)

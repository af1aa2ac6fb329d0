"""Removes control characters from pasted text, so that no part of it acts as a key."""

from __future__ import annotations

import unicodedata

START, END = "\x1b[200~", "\x1b[201~"
"""Marks that a terminal sends before and after pasted text; some terminals leave control characters in the text."""
_KEPT = "\t\n\r"


def plain_paste(text: str) -> str:
    """Return the text without control characters other than tabs and line ends."""
    if text.isprintable():
        return text
    return "".join(char for char in text if char in _KEPT or unicodedata.category(char) != "Cc")


class PasteFilter:
    """Removes control characters from pasted text in the terminal's input, which arrives in pieces.

    An ESC in pasted text would end the paste for Textual's parser, which would then read the rest as keys.
    """

    def __init__(self) -> None:
        self._inside = False
        self._mark = ""
        """The part of `START` or `END` read so far: of `START` it is passed on at once, of `END` it is held back."""

    @property
    def inside(self) -> bool:
        """Whether the control sequence that begins a paste (`START`) has arrived, but not yet the one that ends it
        (`END`).
        """
        return self._inside

    @property
    def starting(self) -> bool:
        """Whether the input so far ends with the first part of the control sequence `START`, which must not be read as
        keys.
        """
        return not self._inside and len(self._mark) > 1

    def feed(self, text: str) -> str:
        """Filter a piece of input, and return the text to pass to the parser."""
        return "".join([self._pasted(char) if self._inside else self._typed(char) for char in text])

    def end(self) -> str:
        """End a paste whose final control sequence (`END`) does not arrive; returns the text to pass to the parser,
        empty if no paste has begun.
        """
        if not self._inside:
            return ""
        self._inside, self._mark = False, ""
        return END

    def _typed(self, char: str) -> str:
        if START.startswith(self._mark + char):
            self._mark += char
        else:
            self._mark = char if char == START[0] else ""
        if self._mark == START:
            self._inside, self._mark = True, ""
        return char

    def _pasted(self, char: str) -> str:
        if END.startswith(self._mark + char):
            self._mark += char
            if self._mark != END:
                return ""
            self._inside, self._mark = False, ""
            return END
        held, self._mark = self._mark, char if char == END[0] else ""
        return plain_paste(held + ("" if self._mark else char))

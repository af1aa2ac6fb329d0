"""Text from outside: what may be stored and shown."""

from __future__ import annotations

import unicodedata

MAX_NAME_LENGTH = 200
MAX_NOTE_LENGTH = 2_000
_REJECTED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def display_text(text: str, limit: int = MAX_NAME_LENGTH) -> str:
    """The text in NFC, refused when it holds control, invisible or unassigned characters or is too long.

    Raises `ValueError` naming the first offending code point, so that no escape code, direction override or
    zero-width character is ever stored or reaches a terminal.
    """
    normalized = unicodedata.normalize("NFC", text)
    for position, char in enumerate(normalized):
        if unicodedata.category(char) in _REJECTED_CATEGORIES:
            raise ValueError(f"control or invisible character U+{ord(char):04X} at position {position + 1}")
    if len(normalized) > limit:
        raise ValueError(f"expected at most {limit} characters, got {len(normalized)}")
    return normalized


def name_text(text: str) -> str:
    """A name: display text that is not blank."""
    name = display_text(text.strip())
    if not name:
        raise ValueError("expected a name, got nothing")
    return name

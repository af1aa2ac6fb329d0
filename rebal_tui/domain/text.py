"""Text for people: validation of what comes from outside, counts and days in words."""

from __future__ import annotations

import unicodedata
from datetime import date, datetime

from rebal_tui.domain.sessions import NEW_YORK

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MAX_NAME_LENGTH = 200
MAX_NOTE_LENGTH = 2_000
_REJECTED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def display_text(text: str, limit: int = MAX_NAME_LENGTH) -> str:
    """The text in NFC form.

    Raises `ValueError` when the text has more than `limit` characters, or a control, invisible, private-use or
    unassigned character; the message names the first such code point. This prevents escape codes, direction overrides
    and zero-width characters from being stored or sent to a terminal.
    """
    normalized = unicodedata.normalize("NFC", text)
    for position, char in enumerate(normalized):
        if unicodedata.category(char) in _REJECTED_CATEGORIES:
            raise ValueError(f"control or invisible character U+{ord(char):04X} at position {position + 1}")
    if len(normalized) > limit:
        raise ValueError(f"expected at most {limit} characters, got {len(normalized)}")
    return normalized


def count_text(number: int, noun: str) -> str:
    """`1 order`, `12,000 orders`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def day_text(day: date) -> str:
    """`Thu 02 Jan 2020`, in every locale."""
    return f"{WEEKDAYS[day.weekday()]} {day.day:02d} {MONTHS[day.month - 1]} {day.year}"


def minute_text(at: datetime) -> str:
    """`Thu 02 Jan 2020 10:45`, New York time."""
    local = at.astimezone(NEW_YORK)
    return f"{day_text(local.date())} {local:%H:%M}"


def name_text(text: str) -> str:
    """A name: stripped display text. Raises `ValueError` when it is blank or fails `display_text`."""
    name = display_text(text.strip())
    if not name:
        raise ValueError("expected a name, got nothing")
    return name

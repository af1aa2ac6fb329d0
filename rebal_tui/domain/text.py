"""Text for people: validation of text from outside, and counts and days in words."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime
from types import MappingProxyType

from rebal_tui.domain.sessions import NEW_YORK

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MAX_NAME_LENGTH = 200
MAX_NOTE_LENGTH = 2_000
_REJECTED_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_JOINERS = "\u200c\u200d"
_JOINED = r"[\u0620-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17ff\u1820-\u18aa]"
"""Letters and marks of scripts that write joiners: Arabic, Syriac, the scripts of India, Burmese, Khmer, Mongolian."""
_WRITTEN_JOINER = re.compile(f"(?<={_JOINED})[{_JOINERS}](?={_JOINED})")
_UNDECOMPOSED = MappingProxyType(
    dict(zip("øłđħıŧŋæœðþ", ("o", "l", "d", "h", "i", "t", "n", "ae", "oe", "d", "th"), strict=True))
)
"""Letters that Unicode does not decompose, as they are typed without them."""


def display_text(text: str, limit: int = MAX_NAME_LENGTH) -> str:
    """The text in NFC form.

    Raises `ValueError` when the text has more than `limit` characters, or a control, invisible, private-use or
    unassigned character; the message names the first such code point. This prevents escape codes, direction overrides
    and zero-width characters from being stored or sent to a terminal. A joiner (U+200C, U+200D) between two letters of
    a script that needs joiners, such as Persian or Hindi, is kept.
    """
    normalized = unicodedata.normalize("NFC", text)
    for position, char in enumerate("" if is_plain(normalized) else normalized):
        if unicodedata.category(char) in _REJECTED_CATEGORIES and not _WRITTEN_JOINER.match(normalized, position):
            raise ValueError(f"control or invisible character U+{ord(char):04X} at position {position + 1}")
    if len(normalized) > limit:
        raise ValueError(f"expected at most {limit} characters, got {len(normalized)}")
    return normalized


def is_plain(text: str) -> bool:
    """Whether the text has visible ASCII characters and spaces only, as most texts do; faster than a check of each."""
    return text.isascii() and text.isprintable()


def without_joiners(text: str) -> str:
    """The text without joiners (see `display_text`), because terminals disagree about the width of joined text."""
    return text if text.isascii() else _WRITTEN_JOINER.sub("", text)


class _Folded(dict[int, str]):
    """The letters that each folded character stands for, by code point; computed when first needed."""

    def __missing__(self, code: int) -> str:
        char = chr(code)
        if unicodedata.combining(char) or char in _JOINERS:
            folded = ""
        elif unicodedata.category(char) == "Cs":
            folded = "\ufffd"  # A lone surrogate, which a terminal can send, cannot be encoded or stored.
        elif char.isalpha():
            parts = unicodedata.normalize("NFKD", char).casefold()
            folded = "".join(_UNDECOMPOSED.get(part, part) for part in parts if not unicodedata.combining(part))
        else:
            folded = char
        self[code] = folded
        return folded


_FOLDED = _Folded()
_APOSTROPHES = ("'", "\u2019", "\u02bc")
_INNER_COMMA = re.compile(r"(?<=[^\W\d_]),(?=[^\W\d_])")


def fold(text: str) -> str:
    """The text for searching and sorting: without case, accents and joiners, so that `muller` finds Müller.

    A lone surrogate becomes a replacement character, so that the result can be encoded.
    """
    return text.lower() if text.isascii() else text.casefold().translate(_FOLDED)


def searchable(text: str) -> str:
    """The folded text without apostrophes and with a space after a comma between letters: `obrien,jane` and
    `O'Brien, Jane` find each other.
    """
    folded = fold(text)
    for mark in _APOSTROPHES:
        folded = folded.replace(mark, "")
    inner = folded.count(",") != folded.count(", ")
    return _INNER_COMMA.sub(", ", folded) if inner else folded


def sentence(text: str) -> str:
    """A message as a sentence: with a capital letter and one period. A path at its beginning is not capitalized."""
    first = text.partition(" ")[0].rstrip(":")
    begins = text if any(char in first for char in "/\\.~") else f"{text[:1].upper()}{text[1:]}"
    return f"{begins.rstrip('.')}." if text else ""


def count_text(number: int, noun: str) -> str:
    """A count with its noun in the right number, such as `1 order` or `12,000 orders`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def weekday_text(day: date) -> str:
    """A date such as `Thu 02 Jan`, the same in every locale."""
    return f"{WEEKDAYS[day.weekday()]} {day.day:02d} {MONTHS[day.month - 1]}"


def weekday_time_text(at: datetime) -> str:
    """A time in New York such as `Thu 02 Jan 09:30`, the same in every locale."""
    local = at.astimezone(NEW_YORK)
    return f"{weekday_text(local.date())} {local:%H:%M}"


def next_time_text(at: datetime, now: datetime) -> str:
    """A later time in New York: `10:45` on the day of `now`, `02 Jan 09:30` on another day."""
    local = at.astimezone(NEW_YORK)
    if local.date() == now.astimezone(NEW_YORK).date():
        return f"{local:%H:%M}"
    return f"{local.day:02d} {MONTHS[local.month - 1]} {local:%H:%M}"


def day_text(day: date) -> str:
    """A date such as `Thu 02 Jan 2020`, the same in every locale."""
    return f"{weekday_text(day)} {day.year}"


def minute_text(at: datetime) -> str:
    """A time in New York such as `Thu 02 Jan 2020 10:45`, the same in every locale."""
    local = at.astimezone(NEW_YORK)
    return f"{day_text(local.date())} {local:%H:%M}"


def name_text(text: str) -> str:
    """A name without blanks around it. Raises `ValueError` when it is blank or `display_text` refuses it."""
    name = display_text(text.strip())
    if not name:
        raise ValueError(f"expected a name of 1 to {MAX_NAME_LENGTH} characters")
    return name

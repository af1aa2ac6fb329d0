"""Days and months as words of a filter: `23 nov`, `nov 23`, `11/23`, `11/23/2026`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
    "december",
)  # fmt: skip
_DAY = re.compile(r"([0-9]{4})?-[0-9]{2}-[0-9]{2}")


def with_days(words: Sequence[str]) -> list[str]:
    """The words, with each day as in the date `2026-11-23`: `23 nov`, `nov 23` and `11/23` become `-11-23`."""
    found: list[str] = []
    for word in map(_slashed_day, words):
        day = _month_and_day(found[-1], word) if found else ""
        if day:
            found[-1] = day
        else:
            found.append(word)
    return found


def is_day(word: str) -> bool:
    """Whether a word of `with_days` is a day, with or without a year."""
    return _DAY.fullmatch(word) is not None


def names_day(word: str, day: date) -> bool:
    """Whether a word of `with_days` is this day, of any year if it names none."""
    return is_day(word) and day.isoformat().endswith(word)


def month_number(word: str) -> int:
    """The number of the month whose name begins with `word`, which has three letters or more; 0 for other words."""
    return next((n for n, known in enumerate(_MONTHS, 1) if len(word) > 2 and known.startswith(word)), 0)


def _slashed_day(word: str) -> str:
    """A day such as `11/23`, `11/23/26` or `11/23/2026` as the end of a date, or a date; any other word as it is."""
    found = re.fullmatch(r"([0-9]{1,2})/([0-9]{1,2})(?:/(20)?([0-9]{2}))?", word)
    if found is None:
        return word
    month, day, year = int(found[1]), int(found[2]), found[4]
    if not (1 <= month <= 12 and 1 <= day <= 31):
        return word
    return f"{f'20{year}' if year else ''}-{month:02}-{day:02}"


def _month_and_day(one: str, other: str) -> str:
    for day, name in ((one, other), (other, one)):
        month = month_number(name)
        if month and len(day) < 3 and day.isascii() and day.isdecimal() and 1 <= int(day) <= 31:
            return f"-{month:02}-{int(day):02}"
    return ""

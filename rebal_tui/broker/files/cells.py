"""Exact conversion of cells: numbers, symbols, times."""

from __future__ import annotations

import re
from datetime import date, datetime, time

from rebal_tui.domain.quantities import MAX_NANO, NANO, parse_scaled
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.domain.text import display_text

_ATTO_DECIMALS = 18
ABSENT = frozenset({"", "--", "-", "n/a", "na", "null", "none", "—", "–"})
_POINT = re.compile(r"(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)?(?:\.[0-9]*)?", re.ASCII)
_AS_IT_IS = re.compile(r"[1-9][0-9]{0,8}(?:\.[0-9]{1,9})?|0(?:\.[0-9]{1,9})?", re.ASCII)
"""Numbers that are plain decimals already; most cells are."""
_COMMA = re.compile(r"(?:[0-9]+|[0-9]{1,3}(?:[.'][0-9]{3})+)?(?:,[0-9]*)?", re.ASCII)
_MARKS = re.compile(r"[\s$%\u00a0\u202f]")
_CLASS_SHARE = re.compile(r"([A-Z]{1,6})[/ .]([A-Z]{1,2})", re.ASCII)
_CUSIP = re.compile(r"[0-9A-Z]{8}[0-9]", re.ASCII)
_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9.\-]{0,20}", re.ASCII)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_QUOTED_CHARACTERS = 40
MAX_DIGITS = 36
"""Maximum characters of a number; the whole part of any amount that a book can hold has at most ten digits."""

_ISO = re.compile(r"([0-9]{4})[-/]([0-9]{1,2})[-/]([0-9]{1,2})", re.ASCII)
_US = re.compile(r"([0-9]{1,2})[/-]([0-9]{1,2})[/-]([0-9]{4})", re.ASCII)
_DOTTED = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})", re.ASCII)
_COMPACT = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})", re.ASCII)
_NAMED = re.compile(r"([A-Za-z]{3})[a-z]*[ -]([0-9]{1,2}),?[ -]([0-9]{4})", re.ASCII)
_CLOCK = re.compile(r"\b([0-9]{1,2}):([0-9]{2})(?::([0-9]{2}))?\s*([AaPp])?\.?\s*[Mm]?", re.ASCII)

AsOf = datetime | date
"""A time with its zone, or a date where the file has no time of day."""


def is_absent(cell: str) -> bool:
    """Whether a cell has no value, which is not the same as zero: it is empty, or has a mark such as `--` or `n/a`."""
    return cell.strip().casefold() in ABSENT


def plain_number(cell: str, decimal: str = ".") -> str | None:
    """A cell's number as a plain decimal such as `-1234.56`; None when the cell has no value.

    `decimal` is the decimal mark of the cell. Accepts `$`, `%`, blanks, thousands separators, `+`, a minus sign before
    or after the number, and parentheses for negative numbers. Raises `ValueError` for anything else, also for an
    exponent.
    """
    if decimal == "." and _AS_IT_IS.fullmatch(cell):
        return cell
    if is_absent(cell):
        return None
    text = _MARKS.sub("", cell)
    negative = False
    if text.startswith("(") and text.endswith(")"):
        negative, text = True, text[1:-1]
    for mark in ("-", "\u2212"):
        if text.startswith(mark):
            negative, text = not negative, text[1:]
        elif text.endswith(mark):
            negative, text = not negative, text[:-1]
    text = text.removeprefix("+")
    pattern, thousands = (_POINT, ",") if decimal == "." else (_COMMA, ".'")
    if not any(char.isdigit() for char in text) or not pattern.fullmatch(text):
        raise ValueError(f"expected a number such as 1234{decimal}56")
    if len(text) > MAX_DIGITS:
        raise ValueError(f"expected at most {MAX_DIGITS} characters")
    for mark in thousands:
        text = text.replace(mark, "")
    whole, _, fraction = text.replace(",", ".").partition(".")
    whole = whole.lstrip("0") or "0"
    plain = f"{whole}.{fraction}" if fraction else whole
    return f"-{plain}" if negative and plain.strip("0.") else plain


def decimals_of(plain: str) -> int:
    """The number of digits after the decimal point of a plain number."""
    return len(plain.partition(".")[2])


def attos(plain: str) -> int:
    """A plain number in units of 10⁻¹⁸, the unit of quantity × price. Raises `ValueError` for more than 18 digits
    before or after the point.
    """
    whole, _, fraction = plain.partition(".")
    if len(fraction) > _ATTO_DECIMALS or len(whole) > _ATTO_DECIMALS:
        raise ValueError(f"expected at most {_ATTO_DECIMALS} digits before and after the decimal mark")
    return parse_scaled(plain, _ATTO_DECIMALS)


def nanos(plain: str) -> int:
    """A plain number in billionths, rounded half to even. Raises `ValueError` outside ±9,000,000,000."""
    units = attos(plain)
    if abs(units) > MAX_NANO * NANO:
        raise ValueError("expected an amount within ±9,000,000,000")
    whole, rest = divmod(units, NANO)
    return whole + (1 if rest * 2 > NANO or (rest * 2 == NANO and whole % 2) else 0)


def quoted(cell: str) -> str:
    """A cell in quotation marks for a message: shortened, without invisible characters; `nothing` if empty."""
    try:
        shown = display_text(cell[: _QUOTED_CHARACTERS + 1])
    except ValueError:
        shown = ascii(cell[:_QUOTED_CHARACTERS])[1:-1]
    return (
        f"'{shown[:_QUOTED_CHARACTERS]}…'" if len(shown) > _QUOTED_CHARACTERS else f"'{shown}'" if shown else "nothing"
    )


def symbol_of(cell: str) -> str:
    """A symbol in the program's form: upper case, no footnote marks, a dot before a share class; "" for no value."""
    if is_absent(cell):
        return ""
    text = cell.strip().rstrip("*").strip().upper()
    match = _CLASS_SHARE.fullmatch(text)
    return f"{match[1]}.{match[2]}" if match else text


def is_symbol(symbol: str) -> bool:
    """Whether a text can be the symbol of an asset."""
    return _SYMBOL.fullmatch(symbol) is not None


def is_cusip(symbol: str) -> bool:
    """Whether a text in place of a symbol is a CUSIP, by which no asset can be traded."""
    return _CUSIP.fullmatch(symbol) is not None and any(char.isdigit() for char in symbol[:8])


def as_of_in(text: str) -> AsOf | None:
    """The first date in a text, with its time of day in New York if the text has one; None without a date."""
    for pattern, order in ((_ISO, "ymd"), (_US, "mdy"), (_DOTTED, "dmy"), (_NAMED, "bdy")):
        match = pattern.search(text)
        if match is None:
            continue
        day = _day(dict(zip(order, match.groups(), strict=True)))
        if day is None:
            continue
        clock = _CLOCK.search(text[: match.start()] + " " + text[match.end() :])
        return _at(day, clock) if clock else day
    match = _COMPACT.match(text)
    if match is None:
        return None
    return _day(dict(zip("ymd", match.groups(), strict=True)))


def _day(parts: dict[str, str]) -> date | None:
    if "b" in parts:
        name = parts["b"].casefold()
        if name not in _MONTHS:
            return None
        month = _MONTHS.index(name) + 1
    else:
        month = int(parts["m"])
    try:
        day = date(int(parts["y"]), month, int(parts["d"]))
    except ValueError:
        return None
    return day if 2004 <= day.year <= 2096 else None


def _at(day: date, clock: re.Match[str]) -> AsOf:
    hour, minute, second = int(clock[1]), int(clock[2]), int(clock[3] or 0)
    if clock[4]:
        hour = hour % 12 + (12 if clock[4] in "Pp" else 0)
    try:
        return datetime.combine(day, time(hour, minute, second), NEW_YORK)
    except ValueError:
        return day

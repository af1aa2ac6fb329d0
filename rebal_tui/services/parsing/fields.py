"""Parsers of JSON fields, each raising `ValueError` with the expected form, and the list of errors found."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeVar

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import Money, Price, Qty, parse_money, parse_price, parse_qty
from rebal_tui.domain.text import display_text, name_text
from rebal_tui.services.parsing.exact_json import Number

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)
Parse = Callable[[object], T]
"""Converts a parsed JSON value. Raises `ValueError` with the expected form."""

MAX_FAULTS = 1_000
MAX_COUNTED = 20_000
SYMBOL_PATTERN = r"[A-Z][A-Z0-9.\-]{0,15}"
MAX_ID = 64
TIME_PATTERN = (
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})[Tt]([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)

_SYMBOL = re.compile(SYMBOL_PATTERN, re.ASCII)
_TIME = re.compile(TIME_PATTERN, re.ASCII)
_YEARS = range(1970, 2200)
_SHOWN = 60


class Faults(list[Fault]):
    """Errors found while parsing: at most 1,000 with their messages; `more` counts the rest.

    After 20,000 more it raises `Invalid` itself, to save the time of further parsing.
    """

    def __init__(self) -> None:
        super().__init__()
        self.more = 0

    @property
    def full(self) -> bool:
        return len(self) >= MAX_FAULTS

    def add(self, location: str, message: str) -> None:
        """Add an error, or only count it if the list is full."""
        if self.full:
            self.count_only()
        else:
            self.append(Fault(location, message))

    def count_only(self) -> None:
        """Count one more error without storing it."""
        self.more += 1
        if self.more > MAX_COUNTED:
            raise Invalid([*self, Fault("", f"and more than {MAX_COUNTED:,} more faults; not read to the end")])

    @property
    def omitted(self) -> list[Fault]:
        """One entry that states how many errors were only counted, to follow the others; empty if there were none."""
        return [Fault("", f"and {self.more:,} more faults")] if self.more else []


def shown(value: object) -> str:
    """A value as quoted in an error message: short, on one line, without control characters."""
    if isinstance(value, Number):
        return _shortened(value)
    if isinstance(value, str):
        text = _shortened(value)
        return json.dumps(text, ensure_ascii=not text.isprintable())
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return _shortened(str(value)) if isinstance(value, (int, float)) else "another value"


def field_hint(name: str, known: Collection[str]) -> str:
    """A hint for an unknown field: the closest known field, or all known fields."""
    near = difflib.get_close_matches(name[:_SHOWN], known, n=1, cutoff=0.6)
    return f"did you mean {near[0]}?" if near else f"expected {', '.join(sorted(known))}"


def _shortened(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def decimal_text(value: object, expected: str) -> str:
    """A decimal as text: text stays as it is, and a JSON number is written without an exponent.

    Raises `ValueError` with the text `expected` for anything else; floats are refused because they are inexact.
    """
    if isinstance(value, Number):
        return value.plain
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 10**18:
        return str(value)
    raise ValueError(expected)


def amount(parse: Callable[[str], T], expected: str) -> Parse[T]:
    """A function that parses a decimal, given as a number or as text; `expected` is its error message."""

    def read(value: object) -> T:
        try:
            return parse(decimal_text(value, expected))
        except ValueError:
            raise ValueError(expected) from None

    return read


def whole_number(value: object, most: int, expected: str) -> int:
    """Parse a whole number from 0 to `most`; `expected` is the error message."""
    text = decimal_text(value, expected)
    if not text.isascii() or not text.isdigit() or len(text) > len(str(most)) or int(text) > most:
        raise ValueError(expected)
    return int(text)


def money(value: object) -> Money:
    return amount(parse_money, "expected dollars within ±9,000,000,000 with at most nine decimals")(value)


def price(value: object) -> Price:
    return amount(parse_price, "expected a price above 0 and up to 9,000,000,000 with at most nine decimals")(value)


def qty(value: object) -> Qty:
    """Parse a number of shares above zero."""
    expected = "expected a quantity above 0 and up to 9,000,000,000 with at most nine decimals"
    return amount(_positive_qty, expected)(value)


def _positive_qty(text: str) -> Qty:
    shares = parse_qty(text)
    if shares <= 0:
        raise ValueError
    return shares


def string(value: object) -> str:
    if not isinstance(value, str) or isinstance(value, Number):
        raise ValueError("expected text")
    return value


def name(value: object) -> str:
    return name_text(string(value))


def identity(value: object) -> str:
    """Parse an id: 1 to 64 visible characters without leading or trailing blanks."""
    text = display_text(string(value), MAX_ID)
    if not text or text != text.strip():
        raise ValueError(f"expected an id of 1 to {MAX_ID} characters without leading or trailing blanks")
    return text


def symbol(value: object) -> str:
    if not isinstance(value, str) or isinstance(value, Number) or not _SYMBOL.fullmatch(value):
        raise ValueError("expected a symbol such as SPY or BRK.B")
    return value


def boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def choice(kind: type[E]) -> Parse[E]:
    """A function that parses the values of an enum; case matters."""

    def read(value: object) -> E:
        try:
            return kind(string(value))
        except ValueError:
            raise ValueError(f"expected {one_of([member.value for member in kind])}") from None

    return read


def one_of(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def timestamp(value: object) -> datetime:
    """Parse an RFC 3339 time with an offset and convert it to UTC; digits beyond microseconds are dropped."""
    expected = "expected a time with an offset, such as 2026-03-02T15:00:00Z, between 1970 and 2199"
    match = _TIME.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(expected)
    day, time, fraction, offset = match.groups()
    micros = (fraction or "").ljust(6, "0")[:6]
    try:
        at = datetime.fromisoformat(f"{day}T{time}.{micros}{offset.upper()}").astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(expected) from None
    if at.year not in _YEARS:
        raise ValueError(expected)
    return at

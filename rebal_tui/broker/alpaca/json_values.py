"""Exact values from Alpaca's JSON. Numbers are never converted to floats; malformed input raises `Malformed`."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NoReturn

from rebal_tui.domain.quantities import MAX_NANO, Money, Price, Qty
from rebal_tui.domain.text import MAX_NAME_LENGTH, MAX_NOTE_LENGTH, display_text, is_plain

Json = Mapping[str, Any]

_DECIMAL = re.compile(r"(-?)([0-9]{1,18})(?:\.([0-9]{1,40}))?", re.ASCII)
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


class Malformed(ValueError):
    """A response that does not match the API's specification."""


def parse(text: str | bytes) -> Any:
    """Parse JSON. Numbers with a fraction or an exponent remain text. Raises `Malformed`."""
    try:
        return json.loads(text, parse_float=str, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}") from None


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def as_object(value: Any) -> Json:
    if not isinstance(value, dict):
        raise Malformed("expected an object")
    return value


def as_list(value: Any) -> list[Json]:
    if not isinstance(value, list):
        raise Malformed("expected a list")
    return [as_object(item) for item in value]


def text_of(data: Json, name: str, default: str | None = None) -> str:
    """The text in a field; `default` when the field is missing or null.

    Raises `Malformed` when the field is missing without a default, or is not a text.
    """
    value = data.get(name)
    if value is None:
        if default is None:
            raise Malformed(f"{name} is missing")
        return default
    if not isinstance(value, str):
        raise Malformed(f"{name}: expected a string")
    return displayable(value, MAX_NOTE_LENGTH)


def id_of(data: Json, name: str = "id") -> str:
    """The id in a field: printable ASCII without characters special in a path or a query. Raises `Malformed`."""
    value = data.get(name)
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_.:-]{1,128}", value, re.ASCII):
        raise Malformed(f"{name}: expected an id")
    return value


def displayable(text: str, limit: int = MAX_NAME_LENGTH) -> str:
    """External text without characters that cannot be displayed, cut to `limit` characters."""
    if is_plain(text):
        return text[:limit]
    normalized = unicodedata.normalize("NFC", text)
    return display_text(
        "".join(char for char in normalized if unicodedata.category(char) not in _INVISIBLE)[:limit], limit
    )


def flag(data: Json, name: str, default: bool = False) -> bool:
    value = data.get(name)
    if value is None:
        return default
    if not isinstance(value, bool):
        raise Malformed(f"{name}: expected true or false")
    return value


def timestamp(data: Json, name: str) -> datetime:
    """The timestamp in a field, in UTC, truncated to microseconds. Raises `Malformed`."""
    found = timestamp_or_none(data, name)
    if found is None:
        raise Malformed(f"{name} is missing")
    return found


def timestamp_or_none(data: Json, name: str) -> datetime | None:
    value = data.get(name)
    if value is None or value == "":
        return None
    try:
        at = datetime.fromisoformat(value)
        if at.tzinfo is None:
            raise ValueError
        return at.astimezone(UTC)
    except (TypeError, ValueError, OverflowError):
        raise Malformed(f"{name}: expected a timestamp with an offset") from None


def nano(data: Json, name: str) -> int | None:
    """The decimal in a field, in billionths, rounded down; None when the field is missing, null or empty.

    Raises `Malformed` for anything else and outside ±9,000,000,000.
    """
    value = data.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise Malformed(f"{name}: expected a decimal")
    match = _DECIMAL.fullmatch(str(value))
    if match is None:
        raise Malformed(f"{name}: expected a decimal")
    sign, whole, fraction = match.groups()
    digits = (fraction or "").ljust(9, "0")
    units = int(whole + digits[:9])
    if sign:
        units = -units - bool(digits[9:].strip("0"))
    if abs(units) > MAX_NANO:
        raise Malformed(f"{name}: expected a decimal within ±9,000,000,000")
    return units


def money(data: Json, name: str) -> Money:
    """The dollars in a field, in billionths, rounded down. Raises `Malformed` when missing."""
    return Money(_required(data, name))


def money_or_none(data: Json, name: str) -> Money | None:
    units = nano(data, name)
    return None if units is None else Money(units)


def qty(data: Json, name: str) -> Qty:
    """The shares in a field, in billionths, rounded down. Raises `Malformed` when missing."""
    return Qty(_required(data, name))


def qty_or_none(data: Json, name: str) -> Qty | None:
    units = nano(data, name)
    return None if units is None else Qty(units)


def price_or_none(data: Json, name: str) -> Price | None:
    """The dollars per share in a field; None when missing, null, or not above 0."""
    units = nano(data, name)
    return None if units is None or units <= 0 else Price(units)


def price(data: Json, name: str) -> Price:
    """The dollars per share in a field, above 0. Raises `Malformed`."""
    found = price_or_none(data, name)
    if found is None:
        raise Malformed(f"{name}: expected a price above 0")
    return found


def _required(data: Json, name: str) -> int:
    units = nano(data, name)
    if units is None:
        raise Malformed(f"{name} is missing")
    return units

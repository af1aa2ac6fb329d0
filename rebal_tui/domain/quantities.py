"""Exact quantities as scaled integers, with their parsers and formatters.

`Money`, `Qty` and `Price` count billionths (nine decimals); `Percent` counts hundredths of a percent, so that 100.00 %
is 10_000. A quantity times a price is a `Value`, exact in billionths of billionths of a dollar. No function here uses a
float.
"""

from __future__ import annotations

import re
from typing import NewType

Money = NewType("Money", int)
Qty = NewType("Qty", int)
Price = NewType("Price", int)
Percent = NewType("Percent", int)
Value = NewType("Value", int)

NANO = 1_000_000_000
"""Units of `Money`, `Qty` and `Price` in one dollar or one share."""
ATTO = NANO * NANO
"""Units of `Value` in one dollar."""
CENT = NANO // 100
DOLLAR = Money(NANO)
HUNDRED_PERCENT = Percent(10_000)
"""100.00 %."""
MAX_NANO = 9_000_000_000 * NANO
"""Largest magnitude of an input amount, $9 billion or 9 billion shares; its unit count fits a signed 64-bit integer."""

_PLAIN = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,18})?", re.ASCII)
_TOO_LONG = re.compile(r"-?0*[1-9][0-9]{18,}(?:\.[0-9]+)?", re.ASCII)
"""A plain decimal outside every range, with more digits before the point than `_PLAIN` reads."""


def parse_scaled(text: str, decimals: int) -> int:
    """The number of units of 10**-decimals in a plain decimal such as `-12.50`.

    Raises `ValueError` with the expected format for anything else: exponents, signs other than one minus, separators,
    spaces, non-ASCII digits, or more decimals than the scale has (not counting trailing zeros).
    """
    if not _PLAIN.fullmatch(text):
        raise ValueError("expected a plain decimal number such as 1234.56")
    whole, _, fraction = text.removeprefix("-").partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > decimals:
        raise ValueError(f"expected at most {decimals} decimals")
    units = int(whole + fraction.ljust(decimals, "0"))
    return -units if text.startswith("-") else units


def _amount(text: str, what: str) -> int:
    units = MAX_NANO + 1 if _TOO_LONG.fullmatch(text) else parse_scaled(text, 9)
    if not -MAX_NANO <= units <= MAX_NANO:
        raise ValueError(f"expected {what} within ±9,000,000,000")
    return units


def parse_money(text: str) -> Money:
    """Dollars from a plain decimal with at most nine decimals. Raises `ValueError` outside ±9,000,000,000."""
    return Money(_amount(text, "an amount"))


def parse_qty(text: str) -> Qty:
    """Shares from a plain decimal with at most nine decimals. Raises `ValueError` outside ±9,000,000,000."""
    return Qty(_amount(text, "a quantity"))


def parse_price(text: str) -> Price:
    """Dollars per share, at most nine decimals. Raises `ValueError` unless above 0 and at most 9,000,000,000."""
    units = _amount(text, "a price")
    if units <= 0:
        raise ValueError("expected a price above 0")
    return Price(units)


def parse_percent(text: str) -> Percent:
    """A percentage with at most two decimals; the caller checks sign and range."""
    return Percent(parse_scaled(text, 2))


def format_scaled(units: int, decimals: int, at_least: int = 0) -> str:
    """`units` of 10**-`decimals` as a plain decimal, without trailing zeros but with at least `at_least` decimals."""
    sign = "-" if units < 0 else ""
    whole, fraction = divmod(abs(units), 10**decimals)
    digits = str(fraction).rjust(decimals, "0").rstrip("0").ljust(at_least, "0")
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"


def money_text(amount: Money) -> str:
    """Dollars as the API writes them, with at least two decimals, such as `30000.00` or `30443.177578017`."""
    return format_scaled(amount, 9, 2)


def qty_text(qty: Qty) -> str:
    """Shares as the API writes them, such as `72.865432211`."""
    return format_scaled(qty, 9)


def price_text(price: Price) -> str:
    """Dollars per share as the API writes them, such as `417.8`."""
    return format_scaled(price, 9)


def percent_text(percent: Percent) -> str:
    """A percentage as the API writes it, such as `5` or `12.5`."""
    return format_scaled(percent, 2)


def market_value(qty: Qty, price: Price) -> Value:
    """The exact value of a quantity at a price, in billionths of billionths of a dollar."""
    return Value(qty * price)


def floor_money(value: Value) -> Money:
    """Dollars of a value, rounded down to a billionth."""
    return Money(value // NANO)


def floor_cents(value: Value) -> Money:
    """Dollars of a value, rounded down to the cent (R-8)."""
    return Money(value // (ATTO // 100) * CENT)


def ceil_cents(amount: Money) -> Money:
    """An amount rounded up to the cent."""
    return Money(-(-amount // CENT) * CENT)


def nearest_cents(amount: Money) -> Money:
    """An amount rounded to the nearest cent, half a cent away from zero, as every amount is printed.

    Figures rounded down would not add up: each part of a sum would lack up to a cent. The fills of an order for $10.00
    can sum to some billionths of a dollar less, which would be $9.99. Only the largest amount that a person may enter
    is rounded down, so that it can be entered as printed.
    """
    cents = (abs(amount) + CENT // 2) // CENT
    return Money(cents * CENT if amount >= 0 else -cents * CENT)


def value_cents(value: Value) -> Money:
    """Dollars of a value, rounded to the nearest cent, half a cent away from zero."""
    cents = (abs(value) + ATTO // 200) // (ATTO // 100)
    return Money(cents * CENT if value >= 0 else -cents * CENT)


def share_of(value: Value, percent: Percent) -> Value:
    """`percent` (hundredths of a percent) of a value, rounded down to a billionth of a billionth of a dollar."""
    return Value(value * percent // HUNDRED_PERCENT)

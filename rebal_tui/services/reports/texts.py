"""Texts of figures and times in reports: shares, prices, percentages, New York time."""

from __future__ import annotations

import re
from datetime import datetime
from fractions import Fraction

from rebal_tui.domain.quantities import NANO, Money, Price, Qty, Value, format_scaled, nearest_cents, value_cents
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.domain.text import day_text, minute_text
from rebal_tui.engine import trace_text

__all__ = [
    "cents",
    "day_text",
    "dollars",
    "minute_text",
    "money",
    "percent_cell",
    "price_cell",
    "shares",
    "time_text",
    "words",
]

NONE = "–"
CENT = NANO // 100
_BELOW_A_CENT = re.compile(r"-?\$0\.00\d+")


def cut_text(text: str) -> str:
    """A text that the engine wrote, with amounts below a cent shown as `$0.00` instead of with all their decimals."""
    return _BELOW_A_CENT.sub("$0.00", text)


def dollars(value: Value) -> str:
    """A value as text, such as `$104,311.20`, to the nearest cent."""
    return trace_text.money(value_cents(value))


def money(amount: Money) -> str:
    """An amount in billionths of a dollar as text, such as `$104,311.20`, to the nearest cent."""
    return trace_text.money(nearest_cents(amount))


def shares(qty: Qty | None) -> str:
    """A number of shares with all its decimals, such as `1,072.8654`; `–` for None."""
    if qty is None:
        return NONE
    sign = "-" if qty < 0 else ""
    whole, fraction = divmod(abs(qty), NANO)
    digits = format_scaled(fraction, 9).partition(".")[2]
    return f"{sign}{whole:,}{'.' if digits else ''}{digits}"


def cents(amount: Fraction) -> Money:
    """An average price in billionths of a dollar, rounded half to even to the cent."""
    return Money(round(amount / CENT) * CENT)


def price_cell(price: Price | None) -> str:
    """A price such as `$417.80`; `–` for None."""
    return NONE if price is None else f"${format_scaled(price, 9, 2)}"


def percent_cell(hundredths: int | None) -> str:
    """A percentage such as `60.00 %`, given in hundredths of a percent; `–` for None."""
    if hundredths is None:
        return NONE
    sign = "-" if hundredths < 0 else ""
    whole, fraction = divmod(abs(hundredths), 100)
    return f"{sign}{whole}.{fraction:02d} %"


def words(code: str) -> str:
    """A code in words: `full rebalance` for `full_rebalance`, `excess cash` for `EXCESS_CASH`."""
    return code.replace("_", " ").lower()


def time_text(at: datetime) -> str:
    """The New York time of day, such as `10:45:12`."""
    return at.astimezone(NEW_YORK).strftime("%H:%M:%S")

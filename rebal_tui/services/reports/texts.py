"""Texts of figures and times in reports: shares, prices, percentages, New York time."""

from __future__ import annotations

from datetime import datetime
from fractions import Fraction

from rebal_tui.domain.quantities import NANO, Money, Price, Qty, format_scaled
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.domain.text import day_text, minute_text
from rebal_tui.engine.trace_text import dollars, money

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


def whole_cents(amount: Money) -> Money:
    """An amount of 0 or more as it is printed, without the part of a cent, so that printed parts add up."""
    return Money(amount // CENT * CENT)


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

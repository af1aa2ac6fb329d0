"""Figures and times of reports: dollars, shares, New York time."""

from __future__ import annotations

from datetime import datetime

from rebal_tui.domain.quantities import NANO, Price, Qty, format_scaled
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.domain.text import day_text, minute_text
from rebal_tui.engine.trace_text import dollars, money

__all__ = ["day_text", "dollars", "minute_text", "money", "percent_cell", "price_cell", "shares", "time_text", "words"]

NONE = "–"


def shares(qty: Qty | None) -> str:
    """`1,072.8654`, all digits; `–` for None."""
    if qty is None:
        return NONE
    sign = "-" if qty < 0 else ""
    whole, fraction = divmod(abs(qty), NANO)
    digits = format_scaled(fraction, 9).partition(".")[2]
    return f"{sign}{whole:,}{'.' if digits else ''}{digits}"


def price_cell(price: Price | None) -> str:
    """`$417.80`; `–` for None."""
    return NONE if price is None else f"${format_scaled(price, 9, 2)}"


def percent_cell(hundredths: int | None) -> str:
    """`60.00 %`, from hundredths of a percent; `–` for None."""
    if hundredths is None:
        return NONE
    sign = "-" if hundredths < 0 else ""
    whole, fraction = divmod(abs(hundredths), 100)
    return f"{sign}{whole}.{fraction:02d} %"


def words(code: str) -> str:
    """`full rebalance` from `full_rebalance`, `excess cash` from `EXCESS_CASH`."""
    return code.replace("_", " ").lower()


def time_text(at: datetime) -> str:
    """`10:45:12`, New York time."""
    return at.astimezone(NEW_YORK).strftime("%H:%M:%S")

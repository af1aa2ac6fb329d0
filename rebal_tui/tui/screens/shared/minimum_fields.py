"""The two fields of a form for a minimum trade, in dollars and in percent of equity, and their parsers (R-64)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rebal_tui.domain.portfolios import MinimumTrade
from rebal_tui.domain.quantities import HUNDRED_PERCENT, Money, Percent, money_text, parse_percent, percent_text
from rebal_tui.tui.amounts import read_dollars


def _amount(text: str) -> Money | None:
    if not text.strip():
        return None
    amount = read_dollars(text)
    if amount < 0:
        raise ValueError("expected 0 or more")
    return amount


def _percent(text: str) -> Percent | None:
    plain = text.strip().removesuffix("%").strip()
    if not plain:
        return None
    try:
        percent = parse_percent(plain)
    except ValueError:
        percent = Percent(-1)
    if not 0 <= percent <= HUNDRED_PERCENT:
        raise ValueError("expected 0 to 100, at most two decimals")
    return percent


MINIMUMS: dict[str, tuple[str, str, Callable[[str], Any]]] = {
    "minimum_amount": (
        "Minimum trade $",
        "per order; empty: $1. Those of a subscription, account or portfolio come first; excess cash is invested from "
        "$10.00 on",
        _amount,
    ),
    "minimum_percent": ("Minimum trade %", "% of equity; the larger of $ and % counts", _percent),
}
"""The fields by name: label, hint for the minimum trade of the book, and parser."""


def minimum_texts(minimum: MinimumTrade | None) -> dict[str, str]:
    """Return the texts of both fields by field name; empty texts for None."""
    if minimum is None:
        return dict.fromkeys(MINIMUMS, "")
    return {"minimum_amount": money_text(minimum.amount), "minimum_percent": percent_text(minimum.percent)}


def minimum_of(read: Mapping[str, Any]) -> MinimumTrade | None:
    """Return the minimum trade from the parsed values of both fields; None if both are empty."""
    amount, percent = read["minimum_amount"], read["minimum_percent"]
    if amount is None and percent is None:
        return None
    return MinimumTrade(amount or Money(0), percent or Percent(0))

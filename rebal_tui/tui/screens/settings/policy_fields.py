"""The policy of the book (such as evaluation times) in the settings form: its fields and parsers."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time
from typing import Any

from rebal_tui.services.book.policy_options import MAX_EVALUATE_MINUTES, MAX_FRESH_SECONDS, MAX_ORDERS_PER_MINUTE

REVIEWS = {"portfolios": False, "all": True}
"""Which automatic runs await review, and the value of `BookPolicy.review`: those of portfolios with review, or all."""
REVIEW_WORDS = {"portfolios": "automatic runs of portfolios with review", "all": "every automatic run"}


def read_times(text: str) -> tuple[time, ...]:
    """Parse `10:00, 14:30` into sorted, unique New York times. Raises `ValueError` with the expected format."""
    try:
        times = [time.fromisoformat(part.strip()) for part in text.split(",") if part.strip()]
    except ValueError:
        raise ValueError("expected New York times such as 10:00, 14:30") from None
    if any(at.second or at.microsecond or at.tzinfo for at in times):
        raise ValueError("expected New York times such as 10:00, 14:30")
    return tuple(sorted(set(times)))


def read_months(text: str) -> tuple[int, ...]:
    """Parse `3, 6, 9, 12` into sorted months, 1 to 12. Raises `ValueError` with the expected format."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    months = sorted({int(part) for part in parts if part.isascii() and part.isdecimal() and len(part) < 3})
    if not parts or len(months) != len(set(parts)) or not all(1 <= month <= 12 for month in months):
        raise ValueError("expected months from 1 to 12, such as 3, 6, 9, 12")
    return tuple(months)


def read_whole(text: str, low: int, high: int) -> int:
    """Parse an integer from `low` to `high`, inclusive. Raises `ValueError` with the expected range."""
    plain = text.strip()
    if not (plain.isascii() and plain.isdecimal() and len(plain) < 9 and low <= int(plain) <= high):
        raise ValueError(f"expected a whole number from {low} to {high}")
    return int(plain)


TYPED: dict[str, tuple[str, str, Callable[[str], Any]]] = {
    "evaluate_minutes": (
        "Evaluate every",
        "minutes, from the open on",
        lambda t: read_whole(t, 1, MAX_EVALUATE_MINUTES),
    ),
    "evaluate_at": ("or at", "New York times in place of the minutes, such as 10:00, 14:30", read_times),
    "quarterly_months": ("Quarterly in", "months of quarterly conditions", read_months),
    "fresh_seconds": (
        "Max. price age",
        "seconds; nothing trades on an older price; 0: any age",
        lambda t: read_whole(t, 0, MAX_FRESH_SECONDS),
    ),
    "orders_per_minute": (
        "Orders/minute",
        "sent at most; 0: no limit",
        lambda t: read_whole(t, 0, MAX_ORDERS_PER_MINUTE),
    ),
}
"""Text fields of the book policy by name: label, hint and parser."""


def policy_text(value: object) -> str:
    """Format a value of the book's policy, such as its evaluation times, as the text of its field."""
    if isinstance(value, tuple):
        return ", ".join(item.isoformat("minutes") if hasattr(item, "isoformat") else str(item) for item in value)
    return str(value)

"""The age of the positions and prices of a files book, for the status line."""

from __future__ import annotations

from datetime import datetime, timedelta

from rebal_tui.services.book.book import Book
from rebal_tui.services.book.files_settings import positions_as_of
from rebal_tui.services.evaluation.account import situation_prices_stale


def files_text(book: Book, now: datetime) -> str:
    """The ages of positions and prices as text, such as `positions 2 h old · prices 2 h old`.

    Ends with `stale` when the prices are too old for an evaluation (R-72).
    """
    positions, prices = positions_as_of(book.database), book.price_cache.newest
    return f"positions {_age(positions, now)} · prices {_age(prices, now)}" + (
        ", stale" if situation_prices_stale(book, now) else ""
    )


def _age(at: datetime | None, now: datetime) -> str:
    if at is None:
        return "none"
    age = max(now - at, timedelta(0))
    hours = int(age.total_seconds()) // 3_600
    if hours >= 48:
        return f"{hours // 24} d old"
    return f"{hours} h old" if hours else f"{int(age.total_seconds()) // 60} min old"

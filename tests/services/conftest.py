"""An empty simulated book with a fixed clock, and a file to import into it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from rebal_tui.bootstrap import memory_book
from rebal_tui.domain.quantities import parse_price
from rebal_tui.services.book.book import Book

NOON = datetime(2026, 3, 4, 17, tzinfo=UTC)
"""12:00 in New York on a Wednesday with a session."""
PRICES = {"SPY": "500", "TLT": "100", "GLD": "200"}


@pytest.fixture
def book() -> Iterator[Book]:
    opened = memory_book(NOON, prices={symbol: parse_price(price) for symbol, price in PRICES.items()})
    yield opened
    opened.database.close()


@pytest.fixture
def balanced() -> dict[str, Any]:
    """The portfolio of the API's own documentation page."""
    return {
        "name": "Balanced",
        "description": "A balanced portfolio of stocks and bonds",
        "weights": [
            {"type": "cash", "percent": "5"},
            {"type": "asset", "symbol": "SPY", "percent": "60"},
            {"type": "asset", "symbol": "TLT", "percent": "35"},
        ],
        "cooldown_days": 7,
        "rebalance_conditions": [
            {"type": "drift_band", "sub_type": "absolute", "percent": "5"},
            {"type": "drift_band", "sub_type": "relative", "percent": "20"},
        ],
    }


@pytest.fixture
def raw_book(balanced: dict[str, Any]) -> dict[str, Any]:
    return {
        "as_of": "2026-03-04T12:00:00.123456789-05:00",
        "assets": [
            {"symbol": "SPY", "name": "S&P 500", "price": "500"},
            {"symbol": "TLT", "price": 100},
            {"symbol": "GLD", "price": None, "tradable": False},
        ],
        "accounts": [
            {
                "id": "a1",
                "account_number": "900001",
                "name": "Ada Ng",
                "cash": "50000.00",
                "positions": [{"symbol": "GLD", "qty": "1.5", "avg_entry_price": "180.25"}],
            },
            {"id": "a2", "account_number": "900002", "name": "=cmd|' /C calc'!A0", "restrictions": ["ach_return"]},
        ],
        "portfolios": [{**balanced, "id": "p1"}],
        "subscriptions": [{"account_id": "a1", "portfolio_id": "p1", "last_rebalanced_at": None}],
    }


@pytest.fixture
def as_text(raw_book: dict[str, Any]) -> Callable[[], str]:
    """The file's current content as text."""
    return lambda: json.dumps(raw_book, ensure_ascii=False)

"""Amounts of a trade list."""

from __future__ import annotations

import csv
import io

from rebal_tui.broker.files.trade_formats import WriteOptions, generic
from rebal_tui.broker.files.trade_lines import TradeLine, TradeList
from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import parse_price, parse_qty


def test_estimated_amounts_are_whole_cents_as_in_the_plans_of_the_runs() -> None:
    """3 shares at $10.1155 are $30.3465."""
    line = TradeLine(1, "1", False, "", Side.SELL, "AAA", parse_qty("3"), parse_price("10.1155"), "generic")
    rows = csv.DictReader(io.StringIO(generic(TradeList(1, (line,), 0), WriteOptions())))
    assert [row["estimated_amount"] for row in rows] == ["30.35"]

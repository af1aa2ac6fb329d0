"""The price of a symbol in the API's market data snapshot."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Any

from rebal_tui.broker.alpaca import json_values
from rebal_tui.broker.alpaca.json_values import Malformed
from rebal_tui.domain.quantities import Price

log = logging.getLogger(__name__)


def quoted_price(data: Any) -> tuple[Price, datetime] | None:
    """The price and its timestamp from the API's market data snapshot of one symbol.

    None when the snapshot has no price or is malformed.
    """
    if not isinstance(data, dict):
        return None
    try:
        trade, quote = data.get("latestTrade"), data.get("latestQuote")
        found: tuple[Price, datetime] | None = None
        if isinstance(trade, dict):
            price, at = json_values.price_or_none(trade, "p"), json_values.timestamp_or_none(trade, "t")
            found = (price, at) if price is not None and at is not None else None
        if isinstance(quote, dict):
            bid, ask, at = (
                json_values.price_or_none(quote, "bp"),
                json_values.price_or_none(quote, "ap"),
                json_values.timestamp_or_none(quote, "t"),
            )
            if bid and ask and at and bid <= ask <= bid * 101 // 100 and (found is None or at > found[1]):
                found = Price((bid + ask) // 2), at
        return found
    except Malformed as error:
        log.warning("invalid snapshot: %s", error)
        return None

"""The delay of the broker's market data: with a delayed data plan, prices are 15 minutes old."""

from __future__ import annotations

from datetime import datetime, timedelta

from rebal_tui.broker.alpaca import json_values
from rebal_tui.broker.alpaca.client import AlpacaClient, Denied
from rebal_tui.broker.alpaca.json_values import Malformed
from rebal_tui.broker.failures import BrokerUnavailable

PROBE_SYMBOL = "SPY"
"""An asset that trades every second of a session."""


def price_delay(client: AlpacaClient, now: datetime) -> timedelta | None:
    """The age at `now` of the newest price of `PROBE_SYMBOL`, None when there is no price.

    Raises `BrokerUnavailable` when market data cannot be read.
    """
    try:
        answer = json_values.as_object(client.get_data("/v2/stocks/snapshots", {"symbols": PROBE_SYMBOL}))
        snapshot = answer.get(PROBE_SYMBOL)
        if not isinstance(snapshot, dict):
            return None
        parts = (snapshot.get(name) for name in ("latestTrade", "latestQuote"))
        times = [json_values.timestamp_or_none(part, "t") for part in parts if isinstance(part, dict)]
    except (Denied, Malformed) as error:
        raise BrokerUnavailable(f"market data cannot be read: {error}") from None
    found = [at for at in times if at is not None]
    return max(timedelta(0), now - max(found)) if found else None

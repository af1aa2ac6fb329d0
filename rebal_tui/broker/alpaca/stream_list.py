"""The event streams that the adapter reads: their paths, where each starts, and how to identify their events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum

from rebal_tui.broker.alpaca import json_values
from rebal_tui.broker.alpaca.json_values import Json, Malformed

TRADES = "trades"
JOURNALS = "journals"
ACCOUNTS = "accounts"
ACTIVITIES = "activities"
CORPORATE_ACTIONS = "corporate_actions"
INTERNAL = "own"
"""Stream name of the events that this program itself queues, so that the book reads an account or the assets again."""

_MAX_ID_CHARS = 64


class Host(Enum):
    """Which of the API's hosts serves a stream."""

    BROKER = "broker"
    STREAMING = "streaming"


@dataclass(frozen=True, slots=True)
class Stream:
    """An event stream.

    `id_fields` are the fields that together identify an event, so that an event received again is recognized. `by_day`
    is whether the start of the stream is requested as a date, not as a timestamp. If the book has no event of the
    stream yet, the stream starts `lookback` before the time at which the book was created.
    """

    name: str
    path: str
    id_fields: tuple[str, ...]
    by_day: bool = False
    host: Host = Host.BROKER
    params: Mapping[str, str] = field(default_factory=dict)
    lookback: timedelta = timedelta(0)


_ACTION_TYPES = (
    "forward_split", "reverse_split", "unit_split", "stock_dividend", "spin_off", "cash_merger", "stock_merger",
    "stock_and_cash_merger", "name_change", "reorganization", "redemption", "equity_partial_call",
    "rights_distribution", "worthless_removal",
)  # fmt: skip
"""Types of corporate actions requested. Cash dividends are left out: they are most of 50,000 events a day, and each
paid one is an activity of its account."""

TRADE_STREAM = Stream(TRADES, "/v2/events/trades", ("event_id",))
STREAMS = (
    TRADE_STREAM,
    Stream(JOURNALS, "/v2/events/journals/status", ("event_id",)),
    Stream(ACCOUNTS, "/v1/events/accounts/status", ("event_ulid",), by_day=True),
    Stream(ACTIVITIES, "/v2beta1/events/activities", ("ref_id", "status")),
    Stream(
        CORPORATE_ACTIONS, "/v1beta1/events/corporate-actions", ("event_id",), host=Host.STREAMING,
        params={"region": "us", "type": ",".join(f"{name}_corporateaction_event" for name in _ACTION_TYPES)},
        lookback=timedelta(days=90),
    ),
)  # fmt: skip
"""The status is part of the id of an activity: an activity that changes its status is a new event."""


def event_id(stream: Stream, data: Json) -> str:
    """The id of an event; an event that is received again has the same id. Raises `Malformed`."""
    parts = [data[name] for name in stream.id_fields if data.get(name)] or [data.get("event_id")]
    if len(parts) == 1 and isinstance(parts[0], int) and not isinstance(parts[0], bool):
        return str(parts[0])
    if not all(isinstance(part, str) for part in parts) or not 0 < len(text := ":".join(parts)) <= _MAX_ID_CHARS:
        raise Malformed(f"{' and '.join(stream.id_fields)}: expected an id")
    return text


def event_time(data: Json, now: datetime) -> datetime:
    """The event's own timestamp, `now` when it has none or a malformed one."""
    try:
        return json_values.timestamp_or_none(data, "at") or json_values.timestamp_or_none(data, "timestamp") or now
    except Malformed:
        return now.astimezone(UTC)

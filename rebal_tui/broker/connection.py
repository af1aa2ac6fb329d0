"""State of the connection to a broker on the network: event streams, and the broker's clock minus this computer's."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

STEADY_CONNECTION = timedelta(seconds=10)
"""A connection that has lasted at least this long is steady; one that the broker accepts and drops at once is not."""


@dataclass(frozen=True, slots=True)
class StreamState:
    """The state of one event stream.

    `connected_since` is None while the stream is not being read. `down_since` is when the connection was lost, or when
    the first attempt began; it is None once the stream is steady again or has delivered an event. `last_message_at` is
    when anything last arrived on the stream, also a heartbeat message of the broker. `attempts` counts the failed
    attempts since `down_since`, and `last_error` is why the last of them failed. `refused` is True when the broker
    answered the last attempt with a 4xx status other than 429: another attempt is unlikely to succeed.
    """

    name: str
    connected_since: datetime | None = None
    down_since: datetime | None = None
    last_message_at: datetime | None = None
    last_error: str = ""
    attempts: int = 0
    refused: bool = False

    def steady(self, now: datetime) -> bool:
        """Whether the stream has been read for `STEADY_CONNECTION` without a break."""
        return self.connected_since is not None and now - self.connected_since >= STEADY_CONNECTION

    def down_for(self, now: datetime) -> timedelta:
        """How long ago the connection of the stream was lost; 0 while the stream is steady."""
        return timedelta(0) if self.down_since is None or self.steady(now) else now - self.down_since


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """The event streams, and the broker's clock minus this computer's.

    `skew` is this difference, measured by the HTTP header `Date` of the last response, None before the first; it is 0
    when the two clocks agree within one second, the resolution of that header. `requests` is how many requests a minute
    the broker allows, `requests_left` how many of them are left; both are None before the first report.
    """

    streams: tuple[StreamState, ...] = ()
    skew: timedelta | None = None
    requests: int | None = None
    requests_left: int | None = None


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The rate limit that the broker last reported: `limit` requests a minute, `remaining` of them until `reset_at`.

    A broker with such a limit has an attribute `rate_limit`, which is None until the first report.
    """

    limit: int
    remaining: int
    reset_at: datetime

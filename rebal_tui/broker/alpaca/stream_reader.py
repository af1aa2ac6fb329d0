"""One connection to an event stream: sending the request, and reading lines and events."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import httpx

from rebal_tui.broker.alpaca import json_values
from rebal_tui.broker.alpaca.client import AlpacaClient
from rebal_tui.broker.alpaca.json_values import Malformed
from rebal_tui.broker.alpaca.stream_list import Host, Stream, event_id, event_time
from rebal_tui.domain.sessions import new_york_day

log = logging.getLogger(__name__)

STREAM_TIMEOUT = httpx.Timeout(10.0, read=90.0)
"""A stream on which nothing arrives for the read timeout (seconds), not even a heartbeat message, is dead."""
MAX_EVENT_BYTES = 4 * 1024 * 1024
_LOST_MESSAGE_WORDS = ("dropped", "error")


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """An event as received from a stream; `body` is its JSON."""

    stream: Stream
    event_id: str
    at: datetime
    body: str


class StreamFault(httpx.HTTPError):
    """A stream cannot be read further; `status` is the HTTP status of a refusal, None if the stream broke later."""

    def __init__(self, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.status = status

    @property
    def refused(self) -> bool:
        """Whether another attempt is unlikely to succeed: a 4xx status other than 429."""
        return self.status is not None and 400 <= self.status < 500 and self.status != httpx.codes.TOO_MANY_REQUESTS


def read_stream(
    client: AlpacaClient, stream: Stream, since: datetime, now: Callable[[], datetime], until: datetime | None = None
) -> Iterator[ReceivedMessage | None]:
    """Yield the events of a stream from `since` on. Also yields None when the stream opens, for each heartbeat message
    of the broker, and for each malformed event.

    Without `until`, the stream ends only when the broker ends it. A malformed event is logged. Raises `StreamFault`
    when the broker refuses the stream or reports that it lost messages, and `httpx.HTTPError` when the connection
    fails.
    """
    endpoints = client.endpoints
    base = endpoints.broker if stream.host is Host.BROKER else endpoints.streaming
    params = {**stream.params, "since": _start(stream, since)}
    if until is not None:
        params["until"] = _start(stream, until)
    headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
    sent_at = now()
    with client.http.stream(
        "GET", base + stream.path, params=params, headers=headers, timeout=STREAM_TIMEOUT
    ) as response:
        if stream.host is Host.BROKER:
            client.clock_skew.note(response.headers.get("Date"), sent_at, now())
        if response.status_code != httpx.codes.OK:
            raise StreamFault(f"HTTP {response.status_code}", response.status_code)
        yield None
        data: list[str] = []
        for line in _lines(response.iter_bytes()):
            if line.startswith(":"):
                _check_comment(line[1:])
                yield None
            elif line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
            elif not line and data:
                yield _message(stream, "\n".join(data), now)
                data = []


def _start(stream: Stream, at: datetime) -> str:
    return new_york_day(at).isoformat() if stream.by_day else at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _message(stream: Stream, body: str, now: Callable[[], datetime]) -> ReceivedMessage | None:
    try:
        data = json_values.as_object(json_values.parse(body))
        identity = event_id(stream, data)
    except Malformed as error:
        log.warning("stream %s: invalid event: %s", stream.name, error)
        return None
    return ReceivedMessage(stream, identity, event_time(data, now()), body)


def _lines(parts: Iterator[bytes]) -> Iterator[str]:
    """The lines of a stream, ended by CR, LF or both."""
    rest = b""
    for part in parts:
        *lines, rest = (rest + part).replace(b"\r\n", b"\n").split(b"\n")
        if len(rest) > MAX_EVENT_BYTES:
            raise StreamFault("an event is too large")
        for line in lines:
            yield line.rstrip(b"\r").decode("utf-8", "replace")


def _check_comment(comment: str) -> None:
    """Raise `StreamFault` for a comment line about lost messages, so that the next connection reads the messages again.

    Most comment lines are heartbeat messages of the broker.
    """
    if any(word in comment for word in _LOST_MESSAGE_WORDS):
        raise StreamFault(f"stream message:{json_values.displayable(comment)}")

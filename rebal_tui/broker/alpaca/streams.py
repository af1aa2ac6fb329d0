"""Event streams on threads of their own; a dropped connection resumes shortly before its last event."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx

from rebal_tui.broker.alpaca import json_values
from rebal_tui.broker.alpaca.client import AlpacaClient
from rebal_tui.broker.alpaca.events import Stream, event_id, event_time
from rebal_tui.broker.alpaca.json_values import Malformed
from rebal_tui.domain.sessions import new_york_day

log = logging.getLogger(__name__)

RESUME_OVERLAP = timedelta(minutes=5)
"""How far before the last event a stream resumes: ids of the same millisecond arrive in any order."""
STREAM_TIMEOUT = httpx.Timeout(10.0, read=90.0)
"""A stream on which nothing arrives for the read timeout (seconds), not even a heartbeat, is dead."""
MIN_RECONNECT_SECONDS, MAX_RECONNECT_SECONDS = 1.0, 60.0
_LOST_MESSAGE_WORDS = ("dropped", "error")
MAX_EVENT_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReceivedMessage:
    """An event as received."""

    stream: Stream
    event_id: str
    at: datetime
    body: str


class Listener:
    """Reads one stream until it is stopped, and puts its events into a queue."""

    def __init__(
        self,
        client: AlpacaClient,
        stream: Stream,
        begin: datetime,
        now: Callable[[], datetime],
        messages: queue.SimpleQueue[ReceivedMessage],
    ) -> None:
        """`begin` is the time of the last known event."""
        self._client = client
        self._stream = stream
        self._last = begin
        self._now = now
        self._messages = messages
        self._stop = threading.Event()
        self._connected = threading.Event()
        self.last_error = ""
        self._thread = threading.Thread(target=self._run, name=f"alpaca-{stream.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread at the next line it receives or when the client is closed."""
        self._stop.set()

    @property
    def connected(self) -> bool:
        """Whether the stream is currently being read."""
        return self._connected.is_set()

    def _run(self) -> None:
        pause = MIN_RECONNECT_SECONDS
        while not self._stop.is_set():
            try:
                self._listen()
                pause, self.last_error = MIN_RECONNECT_SECONDS, ""
            except (httpx.HTTPError, OSError, RuntimeError) as error:
                self.last_error = f"{type(error).__name__}: {error}"
                if not self._stop.is_set():
                    log.info("stream %s: %s", self._stream.name, self.last_error)
            finally:
                if self._connected.is_set():
                    pause = MIN_RECONNECT_SECONDS
                self._connected.clear()
            self._stop.wait(pause)
            pause = min(pause * 2, MAX_RECONNECT_SECONDS)

    def _listen(self) -> None:
        since = self._last - RESUME_OVERLAP
        text = new_york_day(since).isoformat() if self._stream.by_day else since.isoformat().replace("+00:00", "Z")
        url = self._client.endpoints.broker + self._stream.path
        headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
        with self._client.http.stream(
            "GET", url, params={"since": text}, headers=headers, timeout=STREAM_TIMEOUT
        ) as response:
            if response.status_code != httpx.codes.OK:
                raise httpx.HTTPError(f"HTTP {response.status_code}")
            self._connected.set()
            self._read(response)

    def _read(self, response: httpx.Response) -> None:
        data: list[str] = []
        for line in _lines(response.iter_bytes()):
            if self._stop.is_set():
                return
            if line.startswith(":"):
                _check_comment(line[1:])
            elif line.startswith("data:"):
                data.append(line[5:].removeprefix(" "))
            elif not line and data:
                self._enqueue("\n".join(data))
                data = []

    def _enqueue(self, body: str) -> None:
        try:
            data = json_values.as_object(json_values.parse(body))
            identity = event_id(self._stream, data)
        except Malformed as error:
            log.warning("stream %s: invalid event: %s", self._stream.name, error)
            return
        at = event_time(data, self._now())
        self._last = max(self._last, at)
        self._messages.put(ReceivedMessage(self._stream, identity, at, body))


def _lines(parts: Iterator[bytes]) -> Iterator[str]:
    """The lines of a stream, ended by CR, LF or both."""
    rest = b""
    for part in parts:
        *lines, rest = (rest + part).replace(b"\r\n", b"\n").split(b"\n")
        if len(rest) > MAX_EVENT_BYTES:
            raise httpx.HTTPError("an event is too large")
        for line in lines:
            yield line.rstrip(b"\r").decode("utf-8", "replace")


def _check_comment(comment: str) -> None:
    """Raise `httpx.HTTPError` for a comment about lost messages, so that the next connection reads them again.

    Most comments are heartbeats.
    """
    if any(word in comment for word in _LOST_MESSAGE_WORDS):
        raise httpx.HTTPError(f"stream message:{json_values.displayable(comment)}")

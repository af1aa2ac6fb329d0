"""Event streams, each read by its own thread. After a lost connection, a stream is read again from 5 minutes before its
last event.
"""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import httpx

from rebal_tui.broker.alpaca.client import AlpacaClient
from rebal_tui.broker.alpaca.stream_list import Stream
from rebal_tui.broker.alpaca.stream_reader import ReceivedMessage, StreamFault, read_stream
from rebal_tui.broker.connection import StreamState

log = logging.getLogger(__name__)

RESUME_OVERLAP = timedelta(minutes=5)
"""How far before the last event a stream resumes: ids of the same millisecond arrive in any order."""
MIN_RECONNECT_SECONDS, MAX_RECONNECT_SECONDS = 1.0, 60.0
CLOSED = "the broker closed the stream"


class Listener:
    """Reads one stream on a thread of its own until it is stopped, and puts its events into a queue.

    The pause between two attempts to connect doubles from `MIN_RECONNECT_SECONDS` to `MAX_RECONNECT_SECONDS`. After a
    connection that lasted `STEADY_CONNECTION` or delivered a new event, the next pause is `MIN_RECONNECT_SECONDS`.
    """

    def __init__(
        self,
        client: AlpacaClient,
        stream: Stream,
        begin: datetime,
        now: Callable[[], datetime],
        messages: queue.SimpleQueue[ReceivedMessage],
        *,
        wait: Callable[[float], object] | None = None,
    ) -> None:
        """`begin` is the time of the last known event. `wait` waits for seconds; by default, `stop` ends a wait."""
        self._client = client
        self._stream = stream
        self._last = begin
        self._now = now
        self._messages = messages
        self._stop = threading.Event()
        self._wait = wait or self._stop.wait
        self._lock = threading.Lock()
        self._state = StreamState(stream.name, down_since=now())
        self._thread = threading.Thread(target=self.run, name=f"alpaca-{stream.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Stop the thread when it receives the next line or when the HTTP client is closed."""
        self._stop.set()

    @property
    def state(self) -> StreamState:
        """The current state of the stream."""
        with self._lock:
            return self._state

    def run(self) -> None:
        """Read the stream, and reconnect whenever the connection ends, until stopped."""
        pause = MIN_RECONNECT_SECONDS
        while not self._stop.is_set():
            before, error, refused = self._last, CLOSED, False
            try:
                self._read()
            except (httpx.HTTPError, OSError, RuntimeError) as fault:
                error, refused = str(fault) or type(fault).__name__, isinstance(fault, StreamFault) and fault.refused
            if self._stop.is_set():
                return
            log.info("stream %s: %s", self._stream.name, error)
            if self._last != before or self.state.steady(self._now()):
                pause = MIN_RECONNECT_SECONDS
            self._note_failure(error, refused)
            self._wait(pause)
            pause = min(pause * 2, MAX_RECONNECT_SECONDS)

    def _read(self) -> None:
        for message in read_stream(self._client, self._stream, self._last - RESUME_OVERLAP, self._now):
            if self._stop.is_set():
                return
            if message is not None:
                self._last = max(self._last, message.at)
                self._messages.put(message)
            self._note_message(delivered=message is not None)

    def _note_message(self, *, delivered: bool) -> None:
        now = self._now()
        with self._lock:
            state = replace(self._state, connected_since=self._state.connected_since or now, last_message_at=now)
            if delivered or state.steady(now):
                state = replace(state, down_since=None, attempts=0, last_error="")
            self._state = replace(state, refused=False)

    def _note_failure(self, error: str, refused: bool) -> None:
        now = self._now()
        with self._lock:
            state = self._state
            self._state = replace(
                state,
                connected_since=None,
                down_since=state.down_since or now,
                last_error=error,
                attempts=state.attempts + 1,
                refused=refused,
            )

"""Reads an event stream for the self-test, which checks that it opens and delivers events."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime

import httpx

from rebal_tui.broker.alpaca.client import AlpacaClient
from rebal_tui.broker.alpaca.stream_list import Stream
from rebal_tui.broker.alpaca.stream_reader import read_stream

_MAX_EVENTS = 1_000
"""How many of the last events of a stream are kept, for `saw`."""


class StreamProbe:
    """Reads a stream on a thread of its own until it is stopped."""

    def __init__(self, client: AlpacaClient, stream: Stream, begin: datetime, now: Callable[[], datetime]) -> None:
        """`begin` is the time from which events are requested."""
        self.name = stream.name
        self._client = client
        self._stream = stream
        self._begin = begin
        self._now = now
        self._answered = threading.Event()
        self._stopped = threading.Event()
        self._received: list[str] = []
        self._lock = threading.Lock()
        self.error = ""
        threading.Thread(target=self._run, name=f"self-test-{stream.name}", daemon=True).start()

    def answered(self, seconds: float) -> bool:
        """Wait up to this many real seconds until the stream opens or fails; returns whether either has happened.

        After that, `error` is "" if the stream is open, else the reason why it failed.
        """
        return self._answered.wait(seconds)

    def saw(self, text: str) -> bool:
        """Whether an event that contains a text, such as an order's id, has arrived on the stream."""
        with self._lock:
            return any(text in event for event in self._received)

    def stop(self) -> None:
        """Stop reading at the next message, or when the HTTP client is closed."""
        self._stopped.set()

    def _run(self) -> None:
        try:
            for message in read_stream(self._client, self._stream, self._begin, self._now):
                self._answered.set()
                if self._stopped.is_set():
                    return
                if message is not None:
                    with self._lock:
                        self._received = [*self._received, message.body][-_MAX_EVENTS:]
        except (httpx.HTTPError, OSError, RuntimeError) as error:
            self.error = str(error) or type(error).__name__
        finally:
            self._answered.set()

"""Whether an event stream opens and delivers."""

from __future__ import annotations

import threading
from datetime import datetime

import httpx

from rebal_tui.broker.alpaca.client import AlpacaClient

_TIMEOUT = httpx.Timeout(10.0, read=60.0)
_MAX_BYTES = 1024 * 1024
"""What is kept of a stream to look for an event."""


class StreamProbe:
    """Reads a stream on a thread of its own until it is stopped."""

    def __init__(self, client: AlpacaClient, name: str, url: str, params: dict[str, str], begin: datetime) -> None:
        """`begin` is the time from which events are asked for."""
        self.name = name
        self._client = client
        self._url = url
        self._params = {**params, "since": begin.isoformat().replace("+00:00", "Z")}
        self._answered = threading.Event()
        self._stopped = threading.Event()
        self._received = b""
        self._lock = threading.Lock()
        self.error = ""
        threading.Thread(target=self._run, name=f"self-test-{name}", daemon=True).start()

    def answered(self, seconds: float) -> bool:
        """Whether the broker answered within some real seconds; `error` is "" when the stream is open."""
        return self._answered.wait(seconds)

    def saw(self, text: str) -> bool:
        """Whether a text, such as an order's id, has arrived on the stream."""
        with self._lock:
            return text.encode() in self._received

    def stop(self) -> None:
        """Stop at the next bytes, or when the client is closed."""
        self._stopped.set()

    def _run(self) -> None:
        try:
            headers = {"Accept": "text/event-stream", "Cache-Control": "no-store"}
            with self._client.http.stream(
                "GET", self._url, params=self._params, headers=headers, timeout=_TIMEOUT
            ) as response:
                if response.status_code != httpx.codes.OK:
                    self.error = f"HTTP {response.status_code}"
                    return
                self._answered.set()
                for part in response.iter_bytes():
                    if self._stopped.is_set():
                        return
                    with self._lock:
                        self._received = (self._received + part)[-_MAX_BYTES:]
        except (httpx.HTTPError, OSError, RuntimeError) as error:
            self.error = type(error).__name__
        finally:
            self._answered.set()

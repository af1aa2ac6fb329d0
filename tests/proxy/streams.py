"""The event streams of the program: events are delivered on request, and each delivery waits until it is read."""

from __future__ import annotations

import json
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Any

import httpx

_WAIT = 10.0


@dataclass(frozen=True, slots=True)
class Delivered:
    """An event as the program receives it."""

    id: str
    kind: str
    data: dict[str, Any]

    def encoded(self) -> bytes:
        return f"id: {self.id}\nevent: {self.kind}\ndata: {json.dumps(self.data)}\n\n".encode()


class OpenStream(httpx.SyncByteStream):
    """One open stream. The program's thread reads it; `push` puts events into it."""

    def __init__(self, path: str, start: dict[str, str]) -> None:
        self.path = path
        self.start = start
        self.closed = False
        self._parts: deque[bytes] = deque([b": begin\n\n"])
        self._changed = threading.Condition()
        self._waiting = False

    def __iter__(self) -> Iterator[bytes]:
        while True:
            with self._changed:
                while not self._parts and not self.closed:
                    self._waiting = True
                    self._changed.notify_all()
                    self._changed.wait()
                self._waiting = False
                if self.closed:
                    return
                part = self._parts.popleft()
            yield part

    def push(self, events: list[Delivered]) -> None:
        """Deliver events, or a heartbeat without any, and wait until the program has read them all."""
        until = monotonic() + _WAIT
        with self._changed:
            self._parts.extend([event.encoded() for event in events] or [b": heartbeat\n\n"])
            self._changed.notify_all()
            while not self.closed and (self._parts or not self._waiting):
                assert monotonic() < until, f"{self.path} is not read"
                self._changed.wait(1)

    def close(self) -> None:
        """End the stream, as the program does when it closes the response, and as a cut connection does."""
        with self._changed:
            self.closed = True
            self._changed.notify_all()

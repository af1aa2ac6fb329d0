"""Limits on connections: how many may be open, and how long one may take to send a request."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from rebal_tui.systems import max_open_files

MAX_CONNECTIONS = 1_000
MIN_CONNECTIONS = 8
RESERVED_DESCRIPTORS = 48
"""File descriptors kept free for the book, its backups, logs and a broker."""
HEAD_SECONDS = 10.0
BODY_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """`connections` may be open at once. A request's head must be complete `head_seconds` after its connection was
    opened or the previous response ended, its body `body_seconds` after the head."""

    connections: int
    head_seconds: float = HEAD_SECONDS
    body_seconds: float = BODY_SECONDS


def connection_limits() -> ConnectionLimits:
    """The limits of this process, well below its limit of open files."""
    files = max_open_files()
    most = MAX_CONNECTIONS if files is None else files - RESERVED_DESCRIPTORS
    return ConnectionLimits(max(MIN_CONNECTIONS, min(MAX_CONNECTIONS, most)))


def limited_protocol(limits: ConnectionLimits) -> type[H11Protocol]:
    """The HTTP protocol of uvicorn under these limits."""

    class Limited(_LimitedProtocol):
        pass

    Limited.limits = limits
    return Limited


class _LimitedProtocol(H11Protocol):
    """Closes a connection whose request does not arrive in time.

    When the limit is reached, a new connection replaces the one that has been without a request for longest. A client
    that sends its request at once is served even while others hold every connection open.
    """

    limits: ClassVar[ConnectionLimits]

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.waiting_since = 0.0
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        if len(self.connections) >= self.limits.connections and not self._close_longest_waiting():
            transport.abort()
            self.transport = transport
            return
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        if self in self.connections:
            super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        was_waiting = self.is_waiting
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self.is_waiting:
            # A partial head: the deadline stays where it is, or trickled bytes would move it forever.
            if self._deadline is None:
                self._await_head()
        elif self.cycle.more_body:
            if was_waiting or self._deadline is None:
                self._set_deadline(self.limits.body_seconds)
        else:
            self._cancel_deadline()

    def on_response_complete(self) -> None:
        self._cancel_deadline()
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self.is_waiting:
            self.waiting_since = self.loop.time()
        elif self.cycle.more_body:
            self._set_deadline(self.limits.body_seconds)

    def send_400_response(self, msg: str) -> None:
        """Answer malformed data, as far as the response that was begun or ended before allows an answer."""
        if not self.is_waiting:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            super().send_400_response(msg)
        else:
            self.transport.close()

    @property
    def is_waiting(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def _close_longest_waiting(self) -> bool:
        waiting = [one for one in self.connections if isinstance(one, _LimitedProtocol) and one.is_waiting]
        if not waiting:
            return False
        oldest = min(waiting, key=lambda one: one.waiting_since)
        self.connections.discard(oldest)
        oldest.transport.abort()
        return True

    def _await_head(self) -> None:
        self.waiting_since = self.loop.time()
        self._set_deadline(self.limits.head_seconds)

    def _set_deadline(self, seconds: float) -> None:
        self._cancel_deadline()
        self._deadline = self.loop.call_later(seconds, self._abort)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _abort(self) -> None:
        self._deadline = None
        self.transport.abort()

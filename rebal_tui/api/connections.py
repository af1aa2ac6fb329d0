"""Limits on connections: how many may be open, and how long a client may take to send a request or read a response."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from rebal_tui.api.chunk_turns import ChunkTurns
from rebal_tui.api.strict_http import GentleTransport, StrictConnection
from rebal_tui.systems import max_open_files

HeaderList = Sequence[tuple[bytes, bytes]]

MAX_CONNECTIONS = 1_000
MIN_CONNECTIONS = 8
RESERVED_DESCRIPTORS = 48
"""File descriptors kept free for the book, its backups, logs and a broker."""
MAX_HEAD_BYTES = 64 * 1024
"""Bytes of a request line with its headers; the longest documented query is 48 kB, percent-encoded."""
READ_BYTES = 4 * 1024
"""Bytes read at once: asyncio would read 256 kB, which take long to parse as chunks of some bytes."""
HEAD_SECONDS = 10.0
KEEP_ALIVE_SECONDS = 75
"""Seconds without a request after which a connection is closed: more than the 60 that proxies keep theirs, so that
none is closed just when its next request arrives."""
BODY_SECONDS = 30.0
UNREAD_SECONDS = 30.0
MIN_READ_BYTES = 16 * 1024
"""Bytes of a response that a client must read in each `UNREAD_SECONDS`, unless fewer are left."""
SHUTDOWN_SECONDS = 2.0
"""Seconds that clients have at a shutdown to send the rest of a body or to read the rest of a response."""
LINGER_SECONDS = 2.0
"""Seconds for which the rest of a request is read and dropped after a response that ends its connection."""
FRESH_SECONDS = 1.0
"""Seconds that a new connection has to send a request before it may be closed in favor of another."""
STUCK_SECONDS = 2.0
"""Seconds with a part of a response unread after which a connection is closed before one without a request."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many `connections` may be open at once, and time limits in seconds.

    The head of a request must be complete `head_seconds` after its connection was opened or the previous response
    ended, the body `body_seconds` after the head. A client must read `MIN_READ_BYTES` of a response every
    `unread_seconds`. At a shutdown, bodies and responses under way get `shutdown_seconds`. A client that is still
    sending when the response ends the connection has `linger_seconds` to stop and receive it, before the connection is
    closed.

    When all connections are in use, a new one replaces another, chosen in this order: a connection whose client has
    left a part of its response unread for `stuck_seconds`; one without a request for `fresh_seconds`; one whose client
    sends requests before it has the earlier responses.
    """

    connections: int
    head_seconds: float = HEAD_SECONDS
    body_seconds: float = BODY_SECONDS
    unread_seconds: float = UNREAD_SECONDS
    stuck_seconds: float = STUCK_SECONDS
    shutdown_seconds: float = SHUTDOWN_SECONDS
    linger_seconds: float = LINGER_SECONDS
    fresh_seconds: float = FRESH_SECONDS


def connection_limits() -> ConnectionLimits:
    """The default limits. The number of connections stays below the number of files that this process may open."""
    files = max_open_files()
    most = MAX_CONNECTIONS if files is None else files - RESERVED_DESCRIPTORS
    return ConnectionLimits(max(MIN_CONNECTIONS, min(MAX_CONNECTIONS, most)))


@dataclass(frozen=True, slots=True)
class MalformedResponse:
    """The response of status 400 to data that is not HTTP: its body, and a function that returns its headers."""

    body: bytes = b"malformed request"
    headers: Callable[[], HeaderList] = tuple


def limited_protocol(limits: ConnectionLimits, malformed: MalformedResponse | None = None) -> type[H11Protocol]:
    """A subclass of uvicorn's HTTP protocol with these limits. `malformed` is the response to data that is not HTTP."""

    class Limited(_LimitedProtocol):
        pass

    Limited.limits, Limited.malformed, Limited.chunk_turns = limits, malformed or MalformedResponse(), ChunkTurns()
    return Limited


class _LimitedProtocol(H11Protocol):
    """Closes a connection whose request does not arrive in time, or whose response is not read.

    When the limit is reached, a new connection replaces the one that has been stuck for longest in a response that its
    client does not read, else the one that has been without a request for longest, else one whose client sent requests
    before it had the responses to earlier ones, as those of this API do not. A client that sends its request at once is
    served even while others hold every connection open.

    A connection ends with a response that was sent before its request's body had arrived.
    """

    limits: ClassVar[ConnectionLimits]
    malformed: ClassVar[MalformedResponse]
    chunk_turns: ClassVar[ChunkTurns]
    closing: ClassVar[bool] = False
    """Whether the server is shutting down: connections that were accepted meanwhile would hold it up."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._strict = StrictConnection(h11.SERVER, self.config.h11_max_incomplete_event_size or MAX_HEAD_BYTES)
        self.conn = self._strict
        self._gentle: GentleTransport | None = None
        self.waiting_since = 0.0
        self.unread_since: float | None = None
        self.pipelined_since: float | None = None
        self._awaits_turn = False
        self._deadline: asyncio.TimerHandle | None = None
        self._unread_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        full = len(self.connections) >= self.limits.connections
        if self.closing or (full and not self._make_room()):
            transport.abort()
            self.transport = transport
            return
        self._gentle = GentleTransport(transport, self._close_gently)
        super().connection_made(self._gentle.as_transport())
        transport.max_size = READ_BYTES  # type: ignore[attr-defined]  # what asyncio's own transports read at once
        # Writing pauses while any byte is unsent, so that `unread_since` is known.
        transport.set_write_buffer_limits(high=0)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cancel_deadline()
        self._response_was_read()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._lingers:
            return
        if self._awaits_turn:
            self.transport.pause_reading()
            self.conn.receive_data(data)
            return
        was_waiting = self.is_waiting
        super().data_received(data)
        self._after_parsing(was_waiting)

    def _after_parsing(self, was_waiting: bool) -> None:
        if self.transport.is_closing():
            return
        if self._strict.is_held:
            self._awaits_turn = True
            self.transport.pause_reading()
            self.chunk_turns.add(self._parse_in_turn)
        if self.is_waiting:
            # A partial head: the deadline stays where it is, or trickled bytes would move it forever.
            if self._deadline is None:
                self._await_head()
        elif self.cycle.more_body:
            if was_waiting or self._deadline is None:
                self._set_deadline(self.limits.body_seconds)
        else:
            self._cancel_deadline()

    def _parse_in_turn(self) -> bool:
        """Parse a part of a body of small chunks; whether there was one to parse."""
        self._awaits_turn = False
        if self.transport.is_closing():
            return False
        self._strict.go_on()
        self.handle_events()
        self._after_parsing(was_waiting=False)
        if not self._awaits_turn and not self.flow.read_paused:
            self.transport.resume_reading()
        return True

    def on_response_complete(self) -> None:
        if self._lingers:
            return
        self._cancel_deadline()
        if self.cycle.more_body:
            # What nobody reads is not worth parsing.
            self._linger()
            return
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self.is_waiting:
            self.waiting_since = self.loop.time()
            return
        if self.pipelined_since is None:
            self.pipelined_since = self.loop.time()
        if self.cycle.more_body:
            self._set_deadline(self.limits.body_seconds)

    def pause_writing(self) -> None:
        super().pause_writing()
        self.unread_since = self.loop.time()
        self._await_reading()

    def resume_writing(self) -> None:
        self._response_was_read()
        super().resume_writing()

    def shutdown(self) -> None:
        type(self).closing = True
        if self._lingers:
            self.transport.abort()
            return
        super().shutdown()
        self.loop.call_later(self.limits.shutdown_seconds, self._abort_if_client_is_late)

    def _abort_if_client_is_late(self) -> None:
        # uvicorn would cancel the request, and log that as an error of the application.
        if self.unread_since is not None or (self.cycle is not None and self.cycle.more_body):
            self.transport.abort()

    def _should_upgrade(self) -> bool:
        # A server may ignore an upgrade (RFC 9110); uvicorn would log it, and advise to install a library.
        return False

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - of uvicorn, always the same text
        """Answer malformed data with status 400, unless a response has begun on the connection; then only close it."""
        if not self.is_waiting:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = self.malformed.body
            length = (b"content-length", str(len(body)).encode())
            headers = [*self.malformed.headers(), length, (b"connection", b"close")]
            self.transport.write(self.conn.send(h11.Response(status_code=400, headers=headers, reason=b"Bad Request")))
            self.transport.write(self.conn.send(h11.Data(data=body)))
            self.transport.write(self.conn.send(h11.EndOfMessage()))
            self._linger()
        else:
            self.transport.close()

    def _close_gently(self) -> None:
        if self.conn.their_state is h11.SEND_BODY:
            self._linger()
        elif self._gentle is not None:
            self._gentle.transport.close()

    def _linger(self) -> None:
        if self._gentle is not None and not self._gentle.is_closing():
            self._gentle.linger()
            self._set_deadline(self.limits.linger_seconds)

    @property
    def _lingers(self) -> bool:
        return self._gentle is not None and self._gentle.lingers

    @property
    def is_waiting(self) -> bool:
        """Whether the connection waits for a request, because none is being handled."""
        return self.cycle is None or self.cycle.response_complete

    def _make_room(self) -> bool:
        """Close a connection that can be replaced; whether there was one."""
        others = [one for one in self.connections if isinstance(one, _LimitedProtocol)]
        unread_before = self.loop.time() - self.limits.stuck_seconds
        unread = [(one.unread_since, one) for one in others if one.unread_since is not None]
        stuck = [pair for pair in unread if pair[0] <= unread_before]
        waiting = [(one.waiting_since, one) for one in others if one.is_waiting]
        idle = [pair for pair in waiting if pair[0] <= self.loop.time() - self.limits.fresh_seconds]
        pipelined = [(one.pipelined_since, one) for one in others if one.pipelined_since is not None]
        chosen = stuck or idle or pipelined or waiting or unread
        if not chosen:
            return False
        _, oldest = min(chosen, key=lambda pair: pair[0])
        self.connections.discard(oldest)
        oldest.transport.abort()
        return True

    def _await_reading(self) -> None:
        left = self.transport.get_write_buffer_size()
        self._unread_deadline = self.loop.call_later(self.limits.unread_seconds, self._check_reading, left)

    def _check_reading(self, left_before: int) -> None:
        if left_before - self.transport.get_write_buffer_size() < MIN_READ_BYTES:
            self._response_was_read()
            self.transport.abort()
        else:
            self._await_reading()

    def _response_was_read(self) -> None:
        self.unread_since = None
        if self._unread_deadline is not None:
            self._unread_deadline.cancel()
            self._unread_deadline = None

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

"""HTTP parsing that is stricter than h11's, and closing a connection without losing its last response."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import h11

_FOLDED = re.compile(rb"\n[ \t]")
_END_OF_HEAD = re.compile(rb"\n\r?\n")
_ABSOLUTE = re.compile(rb"https?://([^/?#]+)", re.IGNORECASE)


MAX_SMALL_CHUNKS = 4_096
"""Chunks of a body that may be small: each takes longer to parse than 64 bytes do."""
_CHUNK_BYTES = 64
SMALL_CHUNKS_AT_ONCE = 64
"""Small chunks that are parsed before other connections get their turn."""
_SMALL_READ_COST = 8
"""A small chunk that arrives alone takes as long as this number of chunks that arrive together."""


class StrictConnection(h11.Connection):
    """h11's server connection, which refuses multi-line headers (RFC 9112, 5.2) and bodies of very many small chunks.

    h11 would join the lines of a header. A proxy in front may instead have read them as two headers, or only the first
    line. A body may have `MAX_SMALL_CHUNKS` small chunks. After `SMALL_CHUNKS_AT_ONCE` of them the connection
    `is_held`: until `go_on` is called, `next_event` asks for more data, as if the data received so far were incomplete.

    A request for an absolute URL has the path and the Host of that URL (RFC 9112, 3.2.2).

    A response that begins before its request's body has arrived has the header `Connection: close`. A client that
    reuses connections would otherwise send its next request on this one, and not know whether it was carried out.

    The head of a response whose length is known is returned together with its body, because each write is a system call
    and wakes the client.
    """

    def __init__(self, our_role: type[h11.SERVER], max_incomplete_event_size: int) -> None:
        super().__init__(our_role, max_incomplete_event_size)
        self._small_chunks = 0
        self._left_at_once = SMALL_CHUNKS_AT_ONCE
        self._cost = 1
        self._unsent_head: list[bytes] = []

    @property
    def is_held(self) -> bool:
        """Whether parsing of a body is suspended until `go_on` is called."""
        return self._left_at_once <= 0

    def go_on(self) -> None:
        """Let the next `SMALL_CHUNKS_AT_ONCE` small chunks be parsed."""
        self._left_at_once = SMALL_CHUNKS_AT_ONCE

    def receive_data(self, data: bytes) -> None:
        self._cost = _SMALL_READ_COST if len(data) < _CHUNK_BYTES else 1
        super().receive_data(data)

    def next_event(self) -> Any:
        if self.is_held:
            return h11.NEED_DATA
        if self.their_state is h11.IDLE:
            self._refuse_folded_header()
        event = super().next_event()
        if isinstance(event, h11.Data) and len(event.data) < _CHUNK_BYTES:
            self._small_chunks += 1
            self._left_at_once -= self._cost
            if self._small_chunks > MAX_SMALL_CHUNKS:
                raise h11.RemoteProtocolError("too many small chunks")
        elif isinstance(event, h11.Request):
            self._small_chunks = 0
            self.go_on()
            if not event.target.startswith(b"/"):
                return _origin_form(event)
        return event

    def _refuse_folded_header(self) -> None:
        data, _ = self.trailing_data
        # Faster than the expression, which would search a head again for each of its bytes that arrives alone.
        if b"\n " in data or b"\n\t" in data:
            folded, end = _FOLDED.search(data), _END_OF_HEAD.search(data)
            if folded and (end is None or folded.start() < end.start()):
                raise h11.RemoteProtocolError("a header continues on the next line")

    def send_with_data_passthrough(self, event: h11.Event) -> list[bytes] | None:
        if isinstance(event, h11.Response) and self.their_state is h11.SEND_BODY:
            kept = [(name, value) for name, value in event.headers if name != b"connection"]
            headers = [*kept, (b"connection", b"close")]
            event = h11.Response(status_code=event.status_code, headers=headers, reason=event.reason)
        data = super().send_with_data_passthrough(event)
        if data is None:
            return None
        if isinstance(event, h11.Response) and any(name == b"content-length" for name, _ in event.headers):
            self._unsent_head = data
            return []
        head, self._unsent_head = self._unsent_head, []
        return [*head, *data]


def _origin_form(request: h11.Request) -> h11.Request:
    """A request for an absolute URL as one for its path, with the URL's host instead of the header's."""
    url = _ABSOLUTE.match(request.target)
    if url is None:
        return request
    rest = request.target[url.end() :]
    others = [(name, value) for name, value in request.headers if name != b"host"]
    return h11.Request(
        method=request.method,
        target=rest if rest.startswith(b"/") else b"/" + rest,
        headers=[(b"host", url[1]), *others],
        http_version=request.http_version,
    )


class GentleTransport:
    """A transport whose `close` is the function `close_gently` that it was made with; all else is done by the wrapped
    one.
    """

    def __init__(self, transport: asyncio.Transport, close_gently: Callable[[], None]) -> None:
        self.transport = transport
        self.close = close_gently
        self.lingers = False

    def is_closing(self) -> bool:
        return self.lingers or self.transport.is_closing()

    def linger(self) -> None:
        """Send buffered data and end the sending direction, but continue to read.

        Data that arrives at a closed socket resets the connection, and the client may then lose the response (RFC 9112,
        9.6).
        """
        self.lingers = True
        # The client may have reset a connection whose reading was paused.
        with suppress(OSError):
            self.transport.write_eof()
        self.transport.resume_reading()

    def __getattr__(self, name: str) -> Any:
        return getattr(self.transport, name)

    def as_transport(self) -> asyncio.Transport:
        """This object, typed as the transport that protocols expect."""
        return cast("asyncio.Transport", self)

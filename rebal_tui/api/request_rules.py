"""Strict HTTP: a request of ambiguous length or with an invalid Host is refused; HEAD is answered like GET."""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from rebal_tui.api.responses import MAX_BODY_BYTES, error, too_large

_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-fvV:.]+\])(?::[0-9]*)?")
_CLOSE = {"Connection": "close"}
_ONCE = frozenset(
    {
        b"authorization", b"content-type", b"host", b"idempotency-key", b"last-event-id", b"origin",
        b"rebal-extensions", b"sec-fetch-site",
    }
)  # fmt: skip
"""Headers that decide something and have one value: of two, a proxy may have checked the other."""
_STREAMS = "/events/"
"""In the path of every event stream, whose response does not end."""


class RequestRules:
    """Middleware: answers HEAD like GET. Refuses what RFC 9112 lets a server refuse, and closes the connection.

    If a request states two lengths, a proxy in front may use the other one than this server. The rest of the body could
    then be read as a request of another client (request smuggling).
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status, fault = _fault(scope)
        if fault:
            await error(status, fault, _CLOSE)(scope, receive, send)
            return
        if _content_length(scope) > MAX_BODY_BYTES:
            await too_large()(scope, receive, send)
            return
        if scope["method"] == "HEAD" and _STREAMS not in scope["path"]:
            # The server leaves out the body of a response to HEAD itself.
            scope = {**scope, "method": "GET"}
        await self._app(scope, receive, send)


def _fault(scope: Scope) -> tuple[int, str]:
    """The status and the message of a refusal; the message is empty without a fault."""
    length = encoding = False
    host = b""
    seen: set[bytes] = set()
    for name, value in scope["headers"]:
        if name in _ONCE:
            if name in seen:
                return 400, f"a request has at most one {name.decode().title()} header"
            seen.add(name)
        length = length or name == b"content-length"
        encoding = encoding or name == b"transfer-encoding"
        host = value if name == b"host" else host
    if encoding and length:
        return 400, "a request has either Content-Length or Transfer-Encoding"
    if scope["http_version"] not in ("1.0", "1.1"):
        return 505, "expected HTTP/1.1"
    if encoding and scope["http_version"] == "1.0":
        return 400, "HTTP/1.0 has no Transfer-Encoding"
    return 400, "" if _HOST.fullmatch(host) else "the Host header is not a host"


def _content_length(scope: Scope) -> int:
    """The length of the body that a request announces, 0 without one. The server has checked that it is a number."""
    return next((int(value) for name, value in scope["headers"] if name == b"content-length"), 0)

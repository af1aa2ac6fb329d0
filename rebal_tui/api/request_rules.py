"""Requests that RFC 9112 lets a server refuse: ambiguous framing, and a Host that is no host."""

from __future__ import annotations

import re

from starlette.types import ASGIApp, Receive, Scope, Send

from rebal_tui.api.responses import error

_HOST = re.compile(rb"(?:[A-Za-z0-9._~!$&'()*+,;=%-]*|\[[0-9A-Fa-fvV:.]+\])(?::[0-9]*)?")
_CLOSE = {"Connection": "close"}


class RequestRules:
    """Middleware: answers 400 to such requests and closes their connection.

    A proxy in front may see another end of a body that has two lengths than this server does; what follows it on the
    connection could be taken for a request of somebody else.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        fault = _fault(scope) if scope["type"] == "http" else ""
        if fault:
            await error(400, fault, _CLOSE)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def _fault(scope: Scope) -> str:
    length = encoding = False
    host = b""
    for name, value in scope["headers"]:
        length = length or name == b"content-length"
        encoding = encoding or name == b"transfer-encoding"
        host = value if name == b"host" else host
    if encoding and length:
        return "a request has either Content-Length or Transfer-Encoding"
    if encoding and scope["http_version"] == "1.0":
        return "HTTP/1.0 has no Transfer-Encoding"
    return "" if _HOST.fullmatch(host) else "the Host header is not a host"

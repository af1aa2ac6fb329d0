"""Protection of browsers: security headers on every response, and the Host header of a local server."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rebal_tui.api.responses import error

_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Resource-Policy": "same-origin",
}
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class BrowserSafety:
    """Middleware: adds security headers and forbids caching.

    With `hosts`, a request must name one of them: a web page whose name resolves to this machine names another.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        if self._hosts and _host(Headers(scope=scope)) not in self._hosts:
            await error(400, "the Host header names another machine")(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)


def _host(headers: Headers) -> str:
    """The name in the Host header, without its port."""
    host = headers.get("host", "")
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()

"""Protection of browsers: security headers on every response, and the Host header of a local server."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rebal_tui.api.responses import error

SECURITY_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
"""Headers of every response."""
_CACHE_CONTROL = b"cache-control"
NO_STORE = (_CACHE_CONTROL, b"no-store")
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "[::1]"})


class BrowserSafety:
    """Middleware: adds security headers, forbids caching, and refuses changes requested by a page of another site.

    With `hosts`, the Host header of a request must be one of them. Otherwise a web page could reach this server under a
    name of its own that resolves to this machine (DNS rebinding).
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
                # Not as a mapping, which would search all headers for each of these.
                found = message["headers"]
                cached = any(name == _CACHE_CONTROL for name, _ in found)
                message["headers"] = [*found, *SECURITY_HEADERS] if cached else [*found, *SECURITY_HEADERS, NO_STORE]
            await send(message)

        if self._hosts and not self._names_this_server(scope):
            await error(400, "the Host header names another machine")(scope, receive, send_with_headers)
            return
        if scope["method"] not in _READING and _from_another_site(Headers(scope=scope)):
            await error(403, "a page of another site sent this request")(scope, receive, send_with_headers)
            return
        await self._app(scope, receive, send_with_headers)

    def _names_this_server(self, scope: Scope) -> bool:
        host = Headers(scope=scope).get("host")
        if host is None:
            # Only HTTP/1.0 may leave it out, as health checks do; a browser never does.
            return bool(scope["http_version"] == "1.0")
        return _host(host) in self._hosts


def _from_another_site(headers: Headers) -> bool:
    """Whether a browser marks a request as sent by a page of another origin, with credentials that it stores.

    Programs send neither header; a browser sends `Sec-Fetch-Site` over HTTPS and to this machine, `Origin` always.
    """
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None:
        return site not in ("same-origin", "none")
    return origin is not None and origin.lower().partition("://")[2] != headers.get("host", "").lower()


def _host(host: str) -> str:
    """The name in a Host header, without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()

"""Basic authentication and rate limits, checked before any other part of a request."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rebal_tui.api.responses import error
from rebal_tui.services.wire.keys import Keyring

OPEN_PATHS = frozenset({"/openapi.json", "/docs"})
"""Paths that need no authentication."""
WINDOW_SECONDS = 60.0
"""Length of a rate limit window in seconds."""
MAX_FAILURES = 120
"""Maximum failed authentications per address and window."""
MAX_TRACKED_CALLERS = 10_000
_MAX_HEADER_CHARS = 1_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """The remaining requests of a window. `reset_in` is in seconds."""

    limit: int
    remaining: int
    reset_in: float
    granted: bool


class Limiter:
    """Counts requests per caller in windows of one minute. `clock` is real elapsed time in seconds."""

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}

    def acquire(self, caller: str) -> Allowance:
        """Count a request unless the limit is reached."""
        now = self._clock()
        began, used = self._windows.get(caller, (now, 0))
        if now - began >= WINDOW_SECONDS:
            began, used = now, 0
        granted = used < self._limit
        if granted:
            used += 1
            if len(self._windows) >= MAX_TRACKED_CALLERS and caller not in self._windows:
                self._windows = {c: w for c, w in self._windows.items() if now - w[0] < WINDOW_SECONDS}
            if len(self._windows) < MAX_TRACKED_CALLERS or caller in self._windows:
                self._windows[caller] = (began, used)
        return Allowance(self._limit, self._limit - used, began + WINDOW_SECONDS - now, granted)


class Access:
    """Middleware: admits requests with a valid key within its rate limit, and adds the rate limit headers."""

    def __init__(
        self, app: ASGIApp, keyring: Keyring, limiter: Limiter, failures: Limiter, now: Callable[[], float]
    ) -> None:
        """`now` is the real time in seconds since 1970, used for X-RateLimit-Reset."""
        self._app = app
        self._keyring = keyring
        self._limiter = limiter
        self._failures = failures
        self._now = now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        # The key is checked first: failures of others at the same address must not lock out its holder.
        name = self._caller(Headers(scope=scope))
        if name is None:
            left = self._failures.acquire(scope["client"][0] if scope.get("client") else "")
            if left.granted:
                challenge = {"WWW-Authenticate": 'Basic realm="rebal-tui"'}
                await error(401, "request is not authorized", challenge)(scope, receive, send)
            else:
                await error(429, "too many failed attempts", self._headers(left))(scope, receive, send)
            return
        left = self._limiter.acquire(name)
        headers = self._headers(left)
        if not left.granted:
            await error(429, "rate limit exceeded", headers)(scope, receive, send)
            return

        scope.setdefault("state", {})["caller"] = name

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _caller(self, headers: Headers) -> str | None:
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic" or len(token) > _MAX_HEADER_CHARS:
            return None
        try:
            key_id, colon, secret = base64.b64decode(token.strip(), validate=True).decode("utf-8").partition(":")
        except (binascii.Error, ValueError):
            return None
        return self._keyring.name_of(key_id, secret) if colon else None

    def _headers(self, left: Allowance) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(left.limit),
            "X-RateLimit-Remaining": str(left.remaining),
            "X-RateLimit-Reset": str(int(self._now() + left.reset_in) + 1),
            **({} if left.granted else {"Retry-After": str(int(left.reset_in) + 1)}),
        }

"""Basic authentication, scopes and rate limits, checked before any other part of a request."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from fastapi import Request
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rebal_tui.api.failed_logins import FailedLogins
from rebal_tui.api.forwarded_address import is_this_machine, site_of
from rebal_tui.api.key_slots import KeySlots
from rebal_tui.api.responses import error
from rebal_tui.domain.api_keys import KeyScope
from rebal_tui.domain.errors import Forbidden
from rebal_tui.services.wire.keyring import Keyring

OPEN_PATHS = frozenset({"/openapi.json", "/docs", "/health"})
"""Paths that need no authentication."""
EMERGENCY_STOPS = frozenset({("POST", "/v1/kill_switch"), ("POST", "/v1/beta/kill_switch")})
"""Requests that no limit of a key refuses, if they have no body, and that a book which cannot be written remembers."""
_CHALLENGE = {"WWW-Authenticate": 'Basic realm="rebal-tui"'}
_BUSY_RETRY_SECONDS = "1"
_READING = frozenset({"GET", "HEAD", "OPTIONS"})
_OF_ADMINS = re.compile(r"/v1(/beta)?/api_keys(/.*)?")
"""Paths whose routes `require_admin`, so that the refusal of a key of the scope `read` names `admin`."""
WINDOW_SECONDS = 60.0
"""Length of a rate limit window in seconds."""
MAX_FAILURES = 120
"""Maximum failed authentications per address (IPv6: per network of 64 bits) and window."""
MAX_TRACKED_CALLERS = 10_000
_MAX_HEADER_CHARS = 1_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """The result of counting a request against a rate limit; `granted` is True if the request is within the limit.

    `limit` is the number of requests per minute, `remaining` how many of them are left. `reset_in` is the number of
    seconds until the count restarts at 0.
    """

    limit: int
    remaining: int
    reset_in: float
    granted: bool


class Limiter:
    """Counts requests per caller in periods of one minute.

    A caller is an API key, or the IP address of a client without a valid key.

    `clock` returns real elapsed time in seconds.
    """

    def __init__(self, limit: int, clock: Callable[[], float]) -> None:
        self._limit = limit
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}

    def acquire(self, caller: str) -> Allowance:
        """Count a request of a caller. If the limit is used up, the request is not counted and not `granted`."""
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
    """Middleware: admits requests with a valid key within its scope and limits, and adds the rate limit headers.

    Reading needs the scope `read`, all other methods at least `trade`; a route may require more (`require_admin`).
    """

    def __init__(
        self, app: ASGIApp, keyring: Keyring, limiter: Limiter, slots: KeySlots, failures: Limiter,
        failed: FailedLogins, now: Callable[[], float], book_now: Callable[[], float],
    ) -> None:  # fmt: skip
        """`now` returns the real time, `book_now` that of the book's clock, both in seconds since 1970.

        A key expires in real time, because a sandbox's clock advances only on request. The header X-RateLimit-Reset is
        in the book's time, as is the header `Date`, with which clients compare it.
        """
        self._app = app
        self._keyring = keyring
        self._limiter = limiter
        self._slots = slots
        self._failures = failures
        self._failed = failed
        self._now = now
        self._book_now = book_now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get("authorization")
        if given is None:
            # Health checks and browsers send no key at first; nothing was guessed, so this is not a failed log-in.
            await error(401, "request is not authorized", _CHALLENGE)(scope, receive, send)
            return
        # The key is checked first: failures of others at the same address must not lock out its holder.
        key_id, secret = _credentials(given)
        key = self._keyring.find(key_id, secret, datetime.fromtimestamp(self._now(), UTC))
        if key is None or not (key.name or _from_this_machine(scope)):
            address = site_of(scope["client"][0]) if scope.get("client") else ""
            self._failed.note(address, self._keyring.name_of(key_id))
            left = self._failures.acquire(address)
            if left.granted:
                await error(401, "request is not authorized", _CHALLENGE)(scope, receive, send)
            else:
                await error(429, "too many failed attempts", self._headers(left))(scope, receive, send)
            return
        left = self._limiter.acquire(key.name)
        unlimited = (scope["method"], scope["path"]) in EMERGENCY_STOPS
        if unlimited:
            left = replace(left, granted=True)
        headers = self._headers(left)
        if not left.granted:
            await error(429, "rate limit exceeded", headers)(scope, receive, send)
            return
        needed = KeyScope.READ if scope["method"] in _READING else KeyScope.TRADE
        if not key.scope.includes(needed):
            named = KeyScope.ADMIN if _OF_ADMINS.fullmatch(scope["path"]) else needed
            await error(403, _beyond(key.scope, named), headers)(scope, receive, send)
            return

        slot = self._slots.take(key.name)
        if slot is None and (not unlimited or _has_body(scope)):
            # Requests whose bodies do not arrive would otherwise hold every connection.
            busy = {**headers, "Retry-After": _BUSY_RETRY_SECONDS}
            await error(429, "too many requests of this key at once", busy)(scope, receive, send)
            return
        scope.setdefault("state", {}).update(
            caller=key.name, scope=key.scope, still_accepted=partial(self._accepts, key_id)
        )

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                warnings = scope["state"].get("warnings")
                added = {**headers, "warnings": warnings} if warnings else headers
                message["headers"] = [
                    *message["headers"],
                    *((name.lower().encode(), value.encode("latin-1")) for name, value in added.items()),
                ]
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        finally:
            if slot is not None:
                slot.release()

    def _accepts(self, key_id: str) -> bool:
        """Whether a request that lasts, such as a stream, may continue: its key is neither revoked nor expired."""
        return self._keyring.accepts(key_id, datetime.fromtimestamp(self._now(), UTC))

    def _headers(self, left: Allowance) -> dict[str, str]:
        return {
            "X-RateLimit-Limit": str(left.limit),
            "X-RateLimit-Remaining": str(left.remaining),
            "X-RateLimit-Reset": str(int(self._book_now() + left.reset_in) + 1),
            **({} if left.granted else {"Retry-After": str(int(left.reset_in) + 1)}),
        }


async def require_admin(request: Request) -> None:
    """FastAPI dependency of routes that need a key of the scope `admin`. Raises `Forbidden` for other keys."""
    if not request.state.scope.includes(KeyScope.ADMIN):
        raise Forbidden(_beyond(request.state.scope, KeyScope.ADMIN))


def _beyond(scope: KeyScope, needed: KeyScope) -> str:
    return f"insufficient permission: the key has the scope {scope}, this request needs {needed}"


def _from_this_machine(scope: Scope) -> bool:
    """Whether a request may use the key without a name, stored in a file next to the book (`keys.local_key`)."""
    client, server = scope.get("client"), scope.get("server")
    return client is not None and is_this_machine(client[0], server[0] if server else "")


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and int(value)) for name, value in scope["headers"]
    )


def _credentials(authorization: str) -> tuple[str, str]:
    """The id and the secret of an Authorization header, both empty when there is no such pair."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "basic" or len(token) > _MAX_HEADER_CHARS:
        return "", ""
    try:
        key_id, colon, secret = base64.b64decode(token.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return (key_id, secret) if colon else ("", "")

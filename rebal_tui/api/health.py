"""Whether the book is served: a short response without a key, details with one. Not part of Alpaca's API."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from rebal_tui.api.access import EMERGENCY_STOPS
from rebal_tui.api.heartbeats import RETRY_SECONDS, HeartbeatRecord
from rebal_tui.api.openapi import responds_with
from rebal_tui.api.responses import error, json_response
from rebal_tui.services.wire.models import server as models
from rebal_tui.services.wire.shapes import time_text

HEALTH_PATH = "/health"
"""Path of the status without a key."""
_ALWAYS = frozenset({HEALTH_PATH, "/v1/health", "/v1/beta/health", "/metrics", "/docs", "/openapi.json"})
_RETRY = {"Retry-After": str(int(RETRY_SECONDS))}

liveness_router = APIRouter(tags=["server"])
router = APIRouter(tags=["server"])


class HaltGate:
    """Middleware: while the book is halted, requests get 503 with the reason, because the book's data is out of date.

    Halted means that this server cannot write to the book; the kill switch does not halt it in this sense. A request to
    turn the kill switch on is let through: its route remembers the request until the book can be written.
    """

    def __init__(self, app: ASGIApp, record: HeartbeatRecord) -> None:
        self._app = app
        self._record = record

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and self._record.halted and not _passes(scope):
            await error(503, self._record.halted, _RETRY)(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _passes(scope: Scope) -> bool:
    return scope["path"] in _ALWAYS or (scope["method"], scope["path"]) in EMERGENCY_STOPS


@liveness_router.get(HEALTH_PATH, **responds_with(models.Liveness))
async def liveness(request: Request) -> Response:
    """Whether the book is served: 200 with `ok`, or 503 with `halted` or `failing`. Needs no key."""
    status, _ = _status(request)
    return json_response({"status": status}, 200 if status == "ok" else 503)


@router.get("/health", **responds_with(models.Health))
async def health(request: Request) -> Response:
    """Why the book is not served, since when it is halted, the last attempt to write again, and the last decision.

    `kill_switch` is null before the first heartbeat.

    The status is 503 while the book is halted, and while heartbeats fail or do not end. A book that a full disk halted
    is written again once `needed_free_bytes` are free.
    """
    record: HeartbeatRecord = request.app.state.options.heartbeats
    status, reason = _status(request)
    space = record.space
    shown: models.Health = {
        "status": status,
        "reason": reason,
        "halted_at": _time(record.halted_at),
        "tried_at": _time(record.tried_at),
        "last_heartbeat_at": _time(record.last_at),
        "heartbeat_error": record.error,
        "free_bytes": None if space is None else space.free,
        "needed_free_bytes": None if space is None else space.needed,
        "kill_switch": record.kill_switch,
        "last_decision": record.last_decision,
    }
    return json_response(shown, 200 if status == "ok" else 503)


def _status(request: Request) -> tuple[models.ServedStatus, str]:
    options = request.app.state.options
    halted: str = options.heartbeats.halted or str(options.halted() or "")
    reason: str = halted or options.heartbeats.fault(options.now())
    return ("halted" if halted else "failing") if reason else "ok", reason


def _time(seconds: float | None) -> str | None:
    return None if seconds is None else time_text(datetime.fromtimestamp(seconds, UTC))

"""Request parsing and responses: exact JSON in, decimals as text out, one format for every error."""

from __future__ import annotations

import base64
import json
import logging
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import AfterValidator
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from rebal_tui.domain.errors import Fault, Invalid, Refusal
from rebal_tui.services.book.book import ADVISOR, Book
from rebal_tui.services.parsing.exact_json import read_json
from rebal_tui.services.parsing.fields import shown
from rebal_tui.services.wire.contract import HEADER, remove_extensions
from rebal_tui.services.wire.models.rebalancing import Error

T = TypeVar("T")

MAX_BODY_BYTES = 1024 * 1024
"""Maximum size of a request body in bytes."""
DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE = 100, 1_000
"""Items per page: the default and the maximum."""
_MAX_KEY = 2**62
_YEARS = range(1970, 2200)
_INVALID_FIELD_CODE = 40010001
"""Code of a request whose fields are invalid; other codes are the status followed by 10000."""
_log = logging.getLogger(__name__)


def _as_utc(at: datetime) -> datetime:
    """Treat a time without an offset as UTC."""
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    if aware.year not in _YEARS:
        raise ValueError("expected a year from 1970 to 2199")
    return aware.astimezone(UTC)


Timestamp = Annotated[datetime, AfterValidator(_as_utc)]
"""A time in a query; a date means the start of that day."""


class BookClient(Protocol):
    """Access to the book; it runs work on the book's own thread."""

    async def ask(self, work: Callable[[Book], T]) -> T:
        """Run `work` on the book's thread and return its result. Raises `Refusal`."""


class TooLarge(Exception):
    """A request body is above `MAX_BODY_BYTES`."""


class Malformed(Invalid):
    """A request body is not JSON at all."""


class NotJson(Exception):
    """A request body has a content type other than JSON, or is compressed."""


class _CallerBookClient:
    """The book client of one caller: actions are recorded under the caller's name, while the key is accepted."""

    def __init__(self, client: BookClient, actor: str, accepted: Callable[[], bool]) -> None:
        self._client = client
        self._actor = actor
        self._accepted = accepted

    async def ask(self, work: Callable[[Book], T]) -> T:
        # The body may arrive long after the key was checked.
        if not self._accepted():
            raise HTTPException(401, "the key was revoked or expired during the request")

        def named(book: Book) -> T:
            with book.acting_as(self._actor):
                return work(book)

        return await self._client.ask(named)


def book_client(request: Request) -> BookClient:
    """The object through which the route of a request uses the book."""
    return _CallerBookClient(request.app.state.client, actor_of(request), request.state.still_accepted)


def actor_of(request: Request) -> str:
    """The name under which a request's actions are recorded in the audit trail.

    It is the name of the request's key, or that of the advisor at this machine.
    """
    caller: str = request.state.caller
    return f"api {caller}" if caller else ADVISOR


def real_now(request: Request) -> datetime:
    """The real time, even if the book's clock is simulated."""
    return datetime.fromtimestamp(request.app.state.options.now(), UTC)


def add_warnings(request: Request, warnings: Sequence[str]) -> None:
    """Add sentences to the `warnings` header of the response."""
    if warnings:
        # A header has no characters beyond Latin-1.
        text = "; ".join(warnings).encode("ascii", "backslashreplace").decode("ascii")
        before = request.scope["state"].get("warnings")
        request.state.warnings = f"{before}; {text}" if before else text


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON response."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return Response(text, status, headers, "application/json")


def wants_extensions(request: Request) -> bool:
    """Whether a request asks for the JSON fields that this program adds to those of Alpaca's API."""
    return request.headers.get(HEADER) == "1"


def answer(request: Request, content: Any, status: int = 200) -> Response:
    """The JSON response of a route of Alpaca's API. JSON fields that this program adds are removed unless requested.

    `content` has the fields of the model with which the route is documented; this function modifies it.
    """
    if not wants_extensions(request):
        route: APIRoute = request.scope["route"]
        remove_extensions(route.responses[status]["model"], content)
    return json_response(content, status)


def json_text_response(text: str) -> Response:
    """A response from JSON text."""
    return Response(text, media_type="application/json")


def no_content() -> Response:
    """A 204 response without a body."""
    return Response(status_code=204)


def error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    """An error response `{"code", "message"}`; the code begins with the digits of `status`."""
    return json_response(error_json(status, message), status, headers)


def too_large() -> Response:
    """The response to a request whose body is larger than `MAX_BODY_BYTES`; it ends the connection."""
    return error(413, f"request body is larger than {MAX_BODY_BYTES} bytes", {"Connection": "close"})


def error_json(status: int, message: str) -> Error:
    """The body of an error response."""
    return {"code": status * 100_000 + 10_000, "message": message}


def _invalid_field(status: int, message: str) -> Response:
    content: Error = {"code": _INVALID_FIELD_CODE, "message": message}
    return json_response(content, status)


async def json_body(request: Request, *, required: bool = True) -> object:
    """The request body as exact JSON: numbers are `Number`, never floats.

    Without `required`, an empty body is `{}`. Raises `NotJson`, `TooLarge`, `Malformed`.
    """
    if required:
        _require_json(request)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise TooLarge
    if not body and not required:
        return {}
    _require_json(request)
    try:
        return read_json(bytes(body), "request body")
    except Invalid as fault:
        raise Malformed(fault.faults) from fault


def _require_json(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" or request.headers.get("content-encoding", "identity").lower() != "identity":
        raise NotJson


def next_token(key: int | None) -> str | None:
    """An opaque token for the page of a list after the row with the integer key `key`; None if that is None (the last
    page).
    """
    return None if key is None else base64.urlsafe_b64encode(str(key).encode()).decode()


def key_of(token: str | None) -> int | None:
    """The integer key of a row that is in a page token (see `next_token`); None without a token or for an empty one.
    Raises `Invalid` for a malformed token.
    """
    if not token:
        return None
    try:
        text = base64.urlsafe_b64decode(token.encode("ascii")).decode("ascii")
        key = int(text) if text.isdigit() else -1
    except ValueError:
        key = -1
    if not 0 <= key <= _MAX_KEY:
        raise Invalid([Fault("page_token", "invalid value")])
    return key


def _reason(error: Mapping[str, Any]) -> str:
    """Where a parameter is at fault, what was expected, and what was found."""
    location = ".".join(map(str, error["loc"][1:]))
    expected = error["msg"].replace("Input should be", "expected").replace("String should", "expected text that should")
    found = "" if error["type"] == "missing" else f", got {shown(error['input'])}"
    return f"{location}: {expected}{found}"


LOCKED = "another program holds the book's file; nothing was changed"
LOCKED_RETRY_SECONDS = "5"


def is_locked(fault: Exception) -> bool:
    """Whether an error means that another program has locked the book's file."""
    code: int = getattr(fault, "sqlite_errorcode", 0)
    return isinstance(fault, sqlite3.OperationalError) and code & 0xFF == sqlite3.SQLITE_BUSY


def add_handlers(app: FastAPI) -> None:
    """Install the exception handlers: every failure becomes `{"code", "message"}`."""

    @app.exception_handler(Refusal)
    async def refused(_request: Request, refusal: Refusal) -> Response:
        if isinstance(refusal, Invalid) and not isinstance(refusal, Malformed):
            return _invalid_field(refusal.status, str(refusal))
        return error(refusal.status, str(refusal))

    @app.exception_handler(sqlite3.OperationalError)
    async def locked(_request: Request, fault: sqlite3.OperationalError) -> Response:
        if not is_locked(fault):
            raise fault
        return error(503, LOCKED, {"Retry-After": LOCKED_RETRY_SECONDS})

    @app.exception_handler(RequestValidationError)
    async def malformed(_request: Request, fault: RequestValidationError) -> Response:
        return _invalid_field(400, "; ".join(map(_reason, fault.errors())))

    @app.exception_handler(HTTPException)
    async def failed(_request: Request, fault: HTTPException) -> Response:
        messages = {404: "endpoint not found", 405: "method not allowed"}
        return error(fault.status_code, messages.get(fault.status_code, str(fault.detail)), fault.headers)

    @app.exception_handler(TooLarge)
    async def beyond_limit(_request: Request, _fault: TooLarge) -> Response:
        return too_large()

    @app.exception_handler(NotJson)
    async def not_json(_request: Request, _fault: NotJson) -> Response:
        return error(415, "unsupported media type: expected application/json, not compressed")

    @app.exception_handler(ClientDisconnect)
    async def gone(_request: Request, _fault: ClientDisconnect) -> Response:
        return error(400, "the connection was closed before the end of the body")

    @app.exception_handler(Exception)
    async def internal_error(request: Request, _fault: Exception) -> Response:
        _log.error("%s %s failed", request.method, request.url.path)
        return error(500, "internal server error occurred")

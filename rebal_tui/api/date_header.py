"""The HTTP header `Date` of every response, which has the time of the book's clock."""

from __future__ import annotations

from collections.abc import Callable
from email.utils import formatdate

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HttpDate:
    """The HTTP header `Date` with the time that `now` returns.

    `now` returns seconds since 1970 and can be called from any thread.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._written = (-1, b"")

    def header(self) -> tuple[bytes, bytes]:
        """The header's name and its value at the current time."""
        second = int(self._now())
        if second != self._written[0]:
            self._written = (second, formatdate(second, usegmt=True).encode())
        return b"date", self._written[1]


class DateHeader:
    """Middleware that adds the `Date` header with the time of the book's clock, with which decisions are made.

    Clients compare their own clock with this header. `now` returns the book's time in seconds since 1970 and can be
    called from any thread.
    """

    def __init__(self, app: ASGIApp, now: Callable[[], float]) -> None:
        self._app = app
        self._date = HttpDate(now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], self._date.header()]
            await send(message)

        await self._app(scope, receive, send_dated)

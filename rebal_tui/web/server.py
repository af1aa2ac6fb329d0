"""The web server of the page; it listens on this machine only."""

from __future__ import annotations

import asyncio
import html
import json
import logging
import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

import textual_serve
from aiohttp import WSMsgType, web
from aiohttp.http_exceptions import HttpProcessingError

from rebal_tui.domain.errors import Conflict
from rebal_tui.systems import STOP_SIGNALS
from rebal_tui.web.access import COOKIE, Access
from rebal_tui.web.program import Program
from rebal_tui.web.screens import Screens

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PING_SECONDS = 15.0
"""A page that does not answer a ping within half of this time is gone."""
MAX_MESSAGE_BYTES = 1_048_576
"""Longest message of a page; pasted text is one message."""
CLOSE_SECONDS = 1.0
"""How long open connections have to end when the server stops."""
_COLUMNS, _LINES = range(20, 501), range(5, 301)
_STATIC = Path(textual_serve.__file__).parent / "static"
_USED = (
    "This address has been used, or is wrong. Go back to the page that it opened, which is in the history of that "
    "browser, or start rebal-tui again for a new address."
)
_UNKNOWN = "Open the address that rebal-tui printed in the terminal, in this browser."


@dataclass(frozen=True, slots=True)
class Options:
    """What to serve.

    `arguments` is the command line of the process that runs the screens. `title` is the name of the book, shown as the
    title of the page. Port 0 picks a free port.
    """

    arguments: list[str]
    title: str
    port: int
    new_secret: Callable[[], str]
    report: Callable[[str], None]
    """Gets one line for the terminal."""


async def serve(options: Options) -> None:
    """Serve until a signal asks to stop; return when the book is closed. Raises `Conflict` if the port is in use."""
    try:
        listening = socket.create_server(("127.0.0.1", options.port))
    except OSError as error:
        raise Conflict(f"port {options.port}: {os.strerror(error.errno or 0)}") from error
    port: int = listening.getsockname()[1]
    access = Access(port, options.new_secret)

    def report(line: str) -> None:
        with suppress(OSError):  # The terminal is gone: the book must be closed all the same.
            options.report(line)

    screens = Screens(options.arguments, report)
    stop = asyncio.Event()
    for number in STOP_SIGNALS:
        with suppress(NotImplementedError):  # On Windows, where ctrl+c cancels this task.
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = await listen(listening, make_app(access, screens, options.title, report))
    try:
        options.report(f"Open this address in a browser on this machine. It works once:\n  {access.url}")
        options.report("ctrl+c here ends the screens.")
        await stop.wait()
    finally:
        report("Closing the book.")
        await screens.close()
        await runner.cleanup()
        listening.close()


async def listen(listening: socket.socket, app: web.Application) -> web.AppRunner:
    """Serve an application on a socket until the returned runner is cleaned up."""
    runner = web.AppRunner(app, access_log=None, logger=_log, shutdown_timeout=CLOSE_SECONDS)
    await runner.setup()
    await web.SockSite(runner, listening).start()
    return runner


def make_app(access: Access, screens: Screens, title: str, report: Callable[[str], None]) -> web.Application:
    """The web application: the address that works once, the page, its files and its websocket.

    Opening the address begins the browser's session; everything else is refused without it. `title` is that of the
    page. `report` is called with one line for the server's terminal; it must not raise.
    """
    page = _Page(access, screens, title, report)
    app = web.Application(middlewares=[page.guard])
    app.on_response_prepare.append(page.protect)
    folder = access.folder
    app.add_routes(
        [
            web.get("/", page.begin, allow_head=False),
            web.get(folder, page.index, allow_head=False),
            web.get(f"{folder}ws", page.connect, allow_head=False),
            web.get(f"{folder}{{name:page\\.(css|js)}}", page.own_file, allow_head=False),
            web.static(f"{folder}static", _STATIC),
        ]
    )
    return app


class _Page:
    """The handlers of the page."""

    def __init__(self, access: Access, screens: Screens, title: str, report: Callable[[str], None]) -> None:
        self._access = access
        self._screens = screens
        self._title = title
        self._report = report

    @property
    def guard(self) -> Any:
        """Middleware: refuses requests whose Host header is not this server's, and those without the session cookie."""
        access = self._access

        @web.middleware
        async def refuse(request: web.Request, handler: Handler) -> web.StreamResponse:
            if not access.names_this_server(request.headers):
                return web.Response(status=400, text="the Host header names another machine\n")
            if request.path != "/" and not access.knows(request.cookies.get(COOKIE)):
                return _message(403, _UNKNOWN)
            return await handler(request)

        return refuse

    async def protect(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add headers to a response: a browser must load nothing from other hosts, store nothing, and send no address
        of this page to others.
        """
        host = request.headers.get("Host", "") if self._access.names_this_server(request.headers) else ""
        response.headers.update(
            {
                "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
                f"font-src 'self'; img-src 'self' data:; connect-src 'self' {f'ws://{host}' if host else ''}; "
                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                "X-Content-Type-Options": "nosniff",
                "X-Frame-Options": "DENY",
                "Referrer-Policy": "no-referrer",
                "Cross-Origin-Opener-Policy": "same-origin",
                "Cross-Origin-Resource-Policy": "same-origin",
                "Cache-Control": "no-store",
                "Server": "rebal-tui",
            }
        )

    async def begin(self, request: web.Request) -> web.Response:
        """Begin the session of the browser that opens the printed address first."""
        if "prefetch" in request.headers.get("Sec-Purpose", ""):
            return web.Response(status=503, text="not loaded ahead of time\n")
        session = self._access.begin(request.query.get("token", ""))
        if session is None:
            return _message(403, _USED if self._access.is_open() or "token" in request.query else _UNKNOWN)
        self._report("A browser has opened the address; it works no longer.")
        # Not a redirect: after a link of another site, a browser would not send the cookie along with it.
        folder = self._access.folder
        response = _message(200, "Opening…", f'<meta http-equiv="refresh" content="0; url={folder}">')
        response.set_cookie(COOKIE, session, path=folder, httponly=True, samesite="Strict")
        return response

    async def index(self, request: web.Request) -> web.Response:
        """The HTML of the page."""
        websocket = f"ws://{request.headers['Host']}{self._access.folder}ws"
        text = _template("index.html").substitute(title=html.escape(self._title), websocket=websocket)
        return web.Response(text=text, content_type="text/html")

    async def own_file(self, request: web.Request) -> web.Response:
        """A file of this program that the page loads, such as a script."""
        name = request.match_info["name"]
        kind = "text/css" if name.endswith(".css") else "text/javascript"
        return web.Response(body=_content(name), content_type=kind, charset="utf-8")

    async def connect(self, request: web.Request) -> web.StreamResponse:
        """The websocket between the page and the program."""
        if not self._access.from_own_page(request.headers):
            return web.Response(status=403, text="a page of another site opened this connection\n")
        page = web.WebSocketResponse(heartbeat=PING_SECONDS, max_msg_size=MAX_MESSAGE_BYTES, compress=False)
        await page.prepare(request)
        try:
            program = await self._screens.attach(page, *_size(dict(request.query)))
            async for message in page:
                if message.type is WSMsgType.TEXT and not page.closed:
                    await _receive(page, program, message.data)
        finally:
            self._screens.detach(page)
        return page


async def _receive(page: web.WebSocketResponse, program: Program, text: str) -> None:
    """Pass a message of the page, `[kind, data]`, to the program; a malformed one is dropped."""
    try:
        kind, *rest = json.loads(text)
    except (ValueError, TypeError, RecursionError):
        return
    data = rest[0] if rest else None
    if kind == "stdin" and isinstance(data, str):
        await program.send_bytes(data.encode(errors="replace"))
    elif kind == "resize" and isinstance(data, dict):
        await program.set_terminal_size(*_size(data))
    elif kind == "ping" and isinstance(data, str):
        with suppress(ConnectionError):
            await page.send_json(["pong", data])
    elif kind == "blur":
        await program.blur()
    elif kind == "focus":
        await program.focus()


def _size(given: dict[str, Any]) -> tuple[int, int]:
    """Columns and lines of a page's terminal, within what can be drawn."""

    def limited(name: str, default: int, allowed: range) -> int:
        try:
            return min(max(int(given.get(name, default)), allowed[0]), allowed[-1])
        except (ValueError, TypeError, OverflowError):
            return default

    return limited("width", 80, _COLUMNS), limited("height", 24, _LINES)


def _message(status: int, text: str, head: str = "") -> web.Response:
    content = _template("message.html").substitute(head=head, text=html.escape(text))
    return web.Response(status=status, text=content, content_type="text/html")


def _template(name: str) -> Template:
    return Template(_content(name).decode())


def _content(name: str) -> bytes:
    return (files("rebal_tui.web") / "page" / name).read_bytes()


def _is_no_bad_request(record: logging.LogRecord) -> bool:
    """Whether a log entry is about anything but a malformed request, whose content the log would show."""
    return not (record.exc_info and isinstance(record.exc_info[1], HttpProcessingError))


_log = logging.getLogger(__name__)
_log.addFilter(_is_no_bad_request)

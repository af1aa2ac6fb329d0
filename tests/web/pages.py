"""A server of the page in the test's own event loop, a browser's requests to it, and small programs to show."""

from __future__ import annotations

import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from rebal_tui.web.access import Access
from rebal_tui.web.screens import Screens
from rebal_tui.web.server import listen, make_app

ECHO = """
import os, sys
os.write(1, b"__GANGLION__\\n")
def show(text):
    os.write(1, b"D" + len(text).to_bytes(4, "big") + text)
show(b"started in %s columns" % os.environb[b"COLUMNS"])
while head := sys.stdin.buffer.read(5):
    payload = sys.stdin.buffer.read(int.from_bytes(head[1:], "big"))
    if payload.startswith(b"end"):
        sys.exit(int(payload[3:]))
    show(payload)
{at_the_end}
"""
"""Draws its input; ends when the input ends, or with the exit code that follows `end` in the input."""


def echo(at_the_end: str = "") -> list[str]:
    """The arguments that start a small program; `at_the_end` are its last statements."""
    return [sys.executable, "-S", "-c", ECHO.replace("{at_the_end}", at_the_end)]


class FakePage:
    """A page that records what is sent to it."""

    def __init__(self) -> None:
        self.shown = b""
        self.code = 0

    async def send_bytes(self, data: bytes) -> None:
        self.shown += data

    async def close(self, *, code: int) -> bool:
        self.code = code
        return True


class Browser:
    """Requests to a server, with the cookies of its answers."""

    def __init__(self, session: aiohttp.ClientSession, access: Access, screens: Screens, port: int) -> None:
        self.session = session
        self.access = access
        self.screens = screens
        self.origin = f"http://127.0.0.1:{port}"

    async def get(self, path: str, **headers: str) -> tuple[int, str, Any]:
        """Status, text and headers of an answer; an underscore in the name of a header is a hyphen."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        url = path if path.startswith("http") else self.origin + path
        async with self.session.get(url, headers=named) as answer:
            return answer.status, await answer.text(), answer.headers

    async def sign_in(self) -> None:
        status, _, _ = await self.get(self.access.url)
        assert status == 200

    def connect(self, **headers: str) -> Any:
        """Connect the page's websocket."""
        named = {"Origin": self.origin, **headers}
        url = f"{self.origin.replace('http', 'ws')}{self.access.folder}ws?width=80&height=24"
        return self.session.ws_connect(url, headers=named)


@asynccontextmanager
async def serving(arguments: list[str], report: Callable[[str], None] = lambda _line: None) -> AsyncIterator[Browser]:
    """Serve programs, which end with the block."""
    names = iter(("token", "session", "folder"))
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    access = Access(port, lambda: next(names))
    screens = Screens(arguments, report)
    runner = await listen(listening, make_app(access, screens, "a <book>.db", report))
    try:
        # The cookies of an address that is no name are kept, as a browser keeps them.
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
            yield Browser(session, access, screens, port)
    finally:
        await screens.close()
        await runner.cleanup()

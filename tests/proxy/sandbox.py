"""The program's sandbox server in this process, without sockets: requests go straight to its ASGI application."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Coroutine, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import httpx
from fastapi import FastAPI

from rebal_tui import bootstrap, sandbox_book
from rebal_tui.api.app import Options, create_app
from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import CURSOR
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.simulation.simulator import simulated_clock
from rebal_tui.services.wire.keyring import Keyring
from rebal_tui.services.wire.keys import add_key, good_keys
from rebal_tui.store import book_settings
from rebal_tui.store.database import Database
from rebal_tui.store.migrations import migrate
from rebal_tui.store.schema import MIGRATIONS
from tests.proxy.clock import WorldClock

T = TypeVar("T")
HOST = "sandbox.test"
_NO_LIMIT = 10_000_000
_WAIT = 30.0


@dataclass(frozen=True, slots=True)
class StreamedEvent:
    """An event of a stream: its id, its kind and its JSON."""

    id: str
    kind: str
    data: dict[str, Any]


class _Current:
    """The API's book client of the sandbox that was asked last: the book belongs to the thread of its event loop."""

    def __init__(self) -> None:
        self.book: Book | None = None
        self.clock: WorldClock | None = None

    async def ask(self, work: Callable[[Book], T]) -> T:
        assert self.book is not None
        return work(self.book)

    def seconds(self) -> float:
        assert self.clock is not None
        return self.clock.true.timestamp()


_current = _Current()
_key = bootstrap.new_api_key()


def _keyring() -> Keyring:
    """The one key, which no sandbox's file has."""
    database = Database()
    migrate(database, [("book", MIGRATIONS)])
    add_key(database, "proxy", _key, bootstrap.real_now())
    return Keyring(good_keys(database, bootstrap.real_now()))


@cache
def _app() -> FastAPI:
    """The application, made once a process because that takes a second. It serves the sandbox that asks."""
    now = _current.seconds
    options = Options(now, now, now, lambda: False, bootstrap.new_api_key, _NO_LIMIT, with_sandbox=True)
    return create_app(_current, _keyring(), options)


class Sandbox:
    """A sandbox with its own thread. Every method may be called from any thread."""

    def __init__(self, path: Path, clock: WorldClock) -> None:
        self._clock = clock
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="sandbox", daemon=True)
        self._thread.start()
        self.key, self.secret, self.firm_account = _key.key_id, _key.secret, FIRM_ACCOUNT

        async def start() -> Book:
            if not path.exists():
                sandbox_book.create(path, start=clock.true, seed="proxy")
            book = bootstrap.open_simulation(bootstrap.open_database(path), monotonic=lambda: 0.0)
            book.database.connection.execute("PRAGMA synchronous = OFF")
            return book

        self._book = self._run(start())

    def ask(self, work: Callable[[Book], T]) -> T:
        """The result of work on the sandbox's own book: the true state."""

        async def asked() -> T:
            return work(self._book)

        return self._run(asked())

    def last_event(self) -> int:
        """The number of the broker's last event that the sandbox has applied."""
        return self.ask(lambda book: int(book_settings.get(book.database, CURSOR, "0")))

    def sync(self) -> None:
        """Let the sandbox's market reach the true time: prices, settlement, expiry of orders."""

        def synced(book: Book) -> None:
            simulated_clock(book).jump(self._clock.true)
            scheduler.tick(book)

        self.ask(synced)

    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """The sandbox's response at the true time."""

        async def requested() -> httpx.Response:
            _current.book, _current.clock = self._book, self._clock
            simulated_clock(self._book).jump(self._clock.true)
            return await _answer(_app(), method, path, params or {}, content, headers or {})

        return self._run(requested())

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The response to a control request of the sandbox, which bypasses the proxy."""
        text = json.dumps(body).encode()
        auth = httpx.BasicAuth(self.key, self.secret)
        signed = next(auth.auth_flow(httpx.Request("POST", f"http://{HOST}")))
        headers = {"content-type": "application/json", "authorization": signed.headers["authorization"]}
        response = self.request("POST", path, content=text, headers=headers)
        assert response.is_success, response.text
        return response.json()

    def events(self, path: str, headers: Mapping[str, str], start: Mapping[str, str]) -> list[StreamedEvent]:
        """The events of a stream up to now, from `since` or after `since_id`."""
        until = self._clock.true.isoformat().replace("+00:00", "Z")
        response = self.request("GET", path, {**start, "until": until}, headers=headers)
        assert response.is_success, response.text
        return _parsed(response.text)

    def close(self) -> None:
        async def closed() -> None:
            self._book.close()

        self._run(closed())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(_WAIT)


async def _answer(
    app: FastAPI, method: str, path: str, params: Mapping[str, str], content: bytes, headers: Mapping[str, str]
) -> httpx.Response:
    """The application's response; `httpx.ASGITransport` takes twice the time for it.

    An exception of the application is its response 500.
    """
    sent = {"host": HOST, "content-length": str(len(content)), **headers}
    scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.4"}, "http_version": "1.1", "method": method,
        "scheme": "http", "path": path, "raw_path": path.encode(), "query_string": urlencode(params).encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in sent.items()],
        "server": (HOST, 80), "client": ("127.0.0.1", 123), "root_path": "",
    }  # fmt: skip
    status, given, parts = 500, [], []
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        assert not asked, "the client stays until the response has ended"
        asked = True
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: MutableMapping[str, Any]) -> None:
        nonlocal status, given
        if message["type"] == "http.response.start":
            status, given = message["status"], message["headers"]
        else:
            parts.append(message.get("body", b""))

    with suppress(Exception):
        await app(scope, receive, send)
    return httpx.Response(status, headers=given, content=b"".join(parts))


def _parsed(text: str) -> list[StreamedEvent]:
    found = []
    for block in text.split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line and not line.startswith(":"))
        if "data" in fields:
            found.append(StreamedEvent(fields["id"], fields.get("event", ""), json.loads(fields["data"])))
    return found

"""A book that is served in the process of the test."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from rebal_tui import bootstrap, opening
from rebal_tui.api.app import Options, create_app
from rebal_tui.api.heartbeats import Heartbeats
from rebal_tui.domain.api_keys import KeyScope
from rebal_tui.domain.errors import Halt
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.services.wire.keyring import Keyring
from rebal_tui.services.wire.keys import add_key, good_keys
from rebal_tui.serving import ThreadBookClient


@dataclass
class Served:
    """A book that is served in this process, by a clock that the test moves."""

    thread: BookThread
    heartbeats: Heartbeats
    options: Options
    keyring: Keyring
    http: httpx.AsyncClient
    taken_over: list[bool]
    seconds: float

    async def halt(self, why: Halt) -> None:
        def stop(book: Book) -> None:
            book.database.halt(why, "tried on purpose")

        await self.thread.ask(stop)
        await self.heartbeats.run()

    async def wait(self, seconds: float) -> None:
        self.seconds += seconds
        await self.heartbeats.run()


def with_book(path: Path, test: Callable[[Served], Awaitable[None]]) -> None:
    """Run a test on a new book of three accounts."""
    bootstrap.create_demo(path, accounts=3).close()

    async def run() -> None:
        thread = BookThread(lambda: opening.open_book(path))
        client, key = ThreadBookClient(thread), bootstrap.new_api_key()
        try:
            await client.ask(
                lambda book: add_key(book.database, "desk", key, bootstrap.real_now(), scope=KeyScope.ADMIN)
            )
            keyring = Keyring(await client.ask(lambda book: good_keys(book.database, bootstrap.real_now())))

            def now() -> float:
                return served.seconds

            options = Options(
                now, now, client.now, lambda: False, bootstrap.new_api_key, halted=lambda: client.halted
            )  # fmt: skip
            await client.read_clock()
            taken: list[bool] = []
            beats = Heartbeats(client, options.heartbeats, now, lambda: False, lambda: taken.append(True))
            transport = httpx.ASGITransport(app=create_app(client, keyring, options))
            async with httpx.AsyncClient(
                transport=transport, base_url="http://test", auth=(key.key_id, key.secret)
            ) as http:
                served = Served(thread, beats, options, keyring, http, taken, bootstrap.real_now().timestamp())
                await beats.run()
                await test(served)
        finally:
            thread.close()

    asyncio.run(run())

"""Serving a book over the API; the book thread owns the book."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rebal_tui import bootstrap, opening
from rebal_tui.api.server import BindAddress, serve
from rebal_tui.broker.protocol import BrokerUnavailable
from rebal_tui.domain.errors import Conflict, Unavailable
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.services.simulation.sandbox import sandbox_json
from rebal_tui.services.wire.accounts import is_uuid
from rebal_tui.services.wire.keys import Keyring, add_key, good_keys

T = TypeVar("T")

SANDBOX_KEY = "sandbox"
"""The name of the key that is created for a sandbox without keys."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What the server reports to its owner at startup: `key_id` and `secret` only for a key created by this start.

    `odd_ids` counts accounts and portfolios whose ids are not UUIDs, which Alpaca's own client rejects.
    """

    url: str
    now: str
    firm_account: str
    key_id: str | None
    secret: str | None
    odd_ids: int


class _ThreadBookClient:
    """The API's book client on the book thread; a broker that does not respond raises `Unavailable`."""

    def __init__(self, thread: BookThread) -> None:
        self._thread = thread

    async def ask(self, work: Callable[[Book], T]) -> T:
        try:
            return await self._thread.ask(work)
        except BrokerUnavailable as silence:
            raise Unavailable("the broker does not answer; look whether it happened before asking again") from silence


def run(
    path: Path, prepare: Callable[[], None] | None, bind_address: BindAddress, ready: Callable[[ServerInfo], None]
) -> int:
    """Serve a book's file until stopped; returns the exit code. The caller holds the file's lock.

    `prepare` creates a new file. Raises `Conflict` for a book that has no key and is not a sandbox.
    """
    thread = BookThread(lambda: opening.open_book(path, prepare))
    try:
        asyncio.run(_run(_ThreadBookClient(thread), bind_address, ready))
    finally:
        thread.close()
    return 0


async def _run(client: _ThreadBookClient, bind_address: BindAddress, ready: Callable[[ServerInfo], None]) -> None:
    made = None
    if not await client.ask(lambda book: good_keys(book.database)):
        if not bind_address.with_sandbox:
            raise Conflict("the book has no key for the API; make one with 'rebal-tui keys add NAME --db FILE'")
        made = bootstrap.new_api_key()
        key = made
        await client.ask(lambda book: add_key(book.database, SANDBOX_KEY, key, book.now()))
    keyring = Keyring(await client.ask(lambda book: good_keys(book.database)))
    state = await client.ask(sandbox_json)
    clock = await client.ask(lambda book: book.clock)
    odd_ids = await client.ask(_odd_ids)

    def announce(url: str) -> None:
        key_id, secret = (made.key_id, made.secret) if made else (None, None)
        ready(ServerInfo(url, state["now"], state["firm_account"], key_id, secret, odd_ids))

    real_now, book_now = (lambda: bootstrap.real_now().timestamp()), (lambda: clock.now().timestamp())
    await serve(client, keyring, bind_address, real_now, book_now, announce)


def _odd_ids(book: Book) -> int:
    return sum(not is_uuid(identity) for identity in (*book.accounts, *book.portfolios))

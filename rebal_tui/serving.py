"""Serving a book over the API. Only the book thread uses the open book."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from rebal_tui import bootstrap, opening, paths
from rebal_tui.api.server import BindAddress, Listening, serve
from rebal_tui.broker.failures import BrokerUnavailable
from rebal_tui.domain.api_keys import KeyScope
from rebal_tui.domain.errors import Conflict, Halt, ReadOnly, Unavailable
from rebal_tui.running_server import RunningServer, announced
from rebal_tui.services.book.book import Book
from rebal_tui.services.maintenance.book_copy import copy_name, save_copy
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.services.simulation.sandbox import sandbox_json
from rebal_tui.services.wire.accounts import is_uuid
from rebal_tui.services.wire.keyring import Keyring
from rebal_tui.services.wire.keys import add_key, good_keys, local_key
from rebal_tui.store.api_keys import ApiKey

T = TypeVar("T")
_log = logging.getLogger(__name__)

SANDBOX_KEY = "sandbox"
"""The name of the key that is created for a sandbox without keys."""


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """What the server reports to its owner at startup.

    `key_id` and `secret` are set only if this start created an API key. `odd_ids` is the number of accounts and
    portfolios whose ids are not UUIDs; Alpaca's own client rejects such ids.
    """

    url: str
    now: str
    firm_account: str
    key_id: str | None
    secret: str | None
    odd_ids: int


class ThreadBookClient:
    """Runs the API's work on the book thread. Raises `Unavailable` when the broker does not respond."""

    def __init__(self, thread: BookThread) -> None:
        self._thread = thread
        self._clock = bootstrap.real_now

    @property
    def halted(self) -> ReadOnly | None:
        """Why the book cannot be written, None while it can."""
        if self._thread.open_error:
            return ReadOnly(Halt.IO_ERROR, self._thread.open_error)
        return self._thread.halted

    async def ask(self, work: Callable[[Book], T], *, heartbeat: bool = False) -> T:
        try:
            return await self._thread.ask(work, heartbeat=heartbeat)
        except BrokerUnavailable as silence:
            raise Unavailable("the broker does not answer; look whether it happened before asking again") from silence
        except (sqlite3.Error, Conflict) as fault:
            if self.halted is not None and not isinstance(fault, ReadOnly):
                raise ReadOnly(self.halted.halt, str(self.halted)) from fault
            raise

    async def write_again(self) -> None:
        await self._thread.write_again()
        await self.read_clock()

    async def read_clock(self) -> None:
        """Make `now` return the time of the clock of the book that is open."""
        self._clock = (await self.ask(lambda book: book.clock)).now

    def now(self) -> float:
        """The book's time in seconds since 1970; callable from any thread."""
        return self._clock().timestamp()


def run(
    path: Path, prepare: Callable[[], None] | None, bind_address: BindAddress, ready: Callable[[ServerInfo], None]
) -> int:
    """Serve a book's file until it is stopped; returns the exit code: 1 when another program took the book over.

    The caller holds the file's lock. `prepare` creates a new file. Raises `Conflict` for a book that has no API key and
    is not a sandbox.
    """
    thread = BookThread(lambda: opening.open_book(path, prepare))
    try:
        return asyncio.run(_run(path, ThreadBookClient(thread), bind_address, ready))
    finally:
        thread.close()


async def _run(
    path: Path, client: ThreadBookClient, bind_address: BindAddress, ready: Callable[[ServerInfo], None]
) -> int:
    made = None
    if not await client.ask(_good_keys):
        if not bind_address.with_sandbox:
            raise Conflict("the book has no key for the API; make one with 'rebal-tui keys add NAME --db FILE'")
        made = bootstrap.new_api_key()
        key = made
        await client.ask(
            lambda book: add_key(
                book.database, SANDBOX_KEY, key, bootstrap.real_now(), scope=KeyScope.ADMIN, audit_at=book.now()
            )
        )
    keyring = Keyring(await client.ask(_good_keys))
    local = bootstrap.new_api_key()
    keyring.keep(local_key(local))
    state = await client.ask(sandbox_json)
    await client.read_clock()
    odd_ids = await client.ask(_odd_ids)

    with ExitStack() as until_end:

        def announce(at: Listening) -> None:
            until_end.enter_context(announced(path, RunningServer(at.local_url, local.key_id, local.secret)))
            key_id, secret = (made.key_id, made.secret) if made else (None, None)
            ready(ServerInfo(at.url, state["now"], state["firm_account"], key_id, secret, odd_ids))

        def real_now() -> float:
            return bootstrap.real_now().timestamp()

        code = await serve(client, keyring, bind_address, real_now, client.now, bootstrap.new_api_key, announce)
    if client.halted is not None and client.halted.halt is Halt.FILE_GONE:
        await client.ask(lambda book: _save_lost_book(book, path))
    return code


def _save_lost_book(book: Book, path: Path) -> None:
    """Save a copy of a book whose file is gone: in its folder, the user's data folder, or the temporary folder."""
    name = copy_name(path, bootstrap.real_now()).name
    for folder in (path.parent, paths.default_path().parent, Path(tempfile.gettempdir())):
        try:
            _log.error("the book was %s", save_copy(book, folder / name))
        except Conflict as refusal:
            _log.error("no copy of the book: %s", refusal)
        else:
            return


def _good_keys(book: Book) -> list[ApiKey]:
    return good_keys(book.database, bootstrap.real_now())


def _odd_ids(book: Book) -> int:
    return sum(not is_uuid(identity) for identity in (*book.accounts, *book.portfolios))

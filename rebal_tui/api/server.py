"""The API server, which also runs the heartbeats of its book, in the same event loop."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import uvicorn

from rebal_tui.api.app import Options, create_app
from rebal_tui.api.browser_safety import LOOPBACK_NAMES, NO_STORE, SECURITY_HEADERS
from rebal_tui.api.connections import (
    KEEP_ALIVE_SECONDS,
    MAX_HEAD_BYTES,
    HeaderList,
    MalformedResponse,
    connection_limits,
    limited_protocol,
)
from rebal_tui.api.date_header import HttpDate
from rebal_tui.api.heartbeats import Heartbeats, ServedBook
from rebal_tui.api.repeated_messages import RepeatedMessages
from rebal_tui.api.responses import error
from rebal_tui.api.upkeep import Upkeep
from rebal_tui.domain.errors import Conflict
from rebal_tui.services.schedule.heartbeat import Heartbeat
from rebal_tui.services.wire.keyring import Keyring
from rebal_tui.services.wire.keys import NewKey

SHUTDOWN_GRACE_SECONDS = 5
"""Seconds that open requests have to finish at shutdown."""
LISTEN_BACKLOG = 1_024
ACCEPTED_AT_ONCE = 8
"""Connections accepted before the limit on connections is applied: asyncio accepts as many at once as its backlog."""
_log = logging.getLogger(__name__)
_requests_log = logging.getLogger("uvicorn.error")
"""Where uvicorn reports malformed requests, of clients without a key too."""


@dataclass(frozen=True, slots=True)
class BindAddress:
    """The address to listen on, and what is served there. Port 0 selects a free port.

    `proxy` is the address of a reverse proxy whose `X-Forwarded-For` header is used; "" for none.
    """

    host: str
    port: int
    rate: int
    with_sandbox: bool
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the server listens: its URL, and a URL that reaches it from this machine."""

    url: str
    local_url: str


class _Server(uvicorn.Server):
    """Disables uvicorn's signal handling, which would raise signals again at the end, before the book is closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    client: ServedBook, keyring: Keyring, bind_address: BindAddress, now: Callable[[], float],
    book_now: Callable[[], float], new_key: Callable[[], NewKey], ready: Callable[[Listening], None],
) -> int:  # fmt: skip
    """Serve until SIGTERM or SIGINT; calls `ready` once it listens. Returns the exit code of the program: 1 when
    another program took the book over.

    `now` returns the real time, `book_now` that of the book's clock, in seconds since 1970; both can be called from any
    thread. `new_key` makes a random API key. Raises `Conflict` when the server cannot listen on the address.
    """
    listening = _listen(bind_address)
    host, port = listening.getsockname()[:2]
    limits = connection_limits()
    date = HttpDate(book_now)

    def headers_of_malformed() -> HeaderList:
        return ((b"content-type", b"application/json"), *SECURITY_HEADERS, NO_STORE, date.header())

    malformed = MalformedResponse(bytes(error(400, "the request is not HTTP/1.1").body), headers_of_malformed)

    local = ipaddress.ip_address(host).is_loopback and not bind_address.proxy
    options = Options(
        time.monotonic,
        now,
        book_now,
        lambda: server.should_exit,
        new_key,
        bind_address.rate,
        bind_address.with_sandbox,
        hosts=LOOPBACK_NAMES | {bind_address.host.lower()} if local else (),
        proxy=bind_address.proxy,
        requests=limits.connections,
        streams=max(1, limits.connections // 2),
        halted=lambda: client.halted,
    )
    config = uvicorn.Config(
        create_app(client, keyring, options),
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=False,
        lifespan="off",
        ws="none",
        http=limited_protocol(limits, malformed),
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        proxy_headers=False,
        timeout_graceful_shutdown=SHUTDOWN_GRACE_SECONDS,
        backlog=ACCEPTED_AT_ONCE,
    )
    server = _Server(config)
    _stop_on_signals(server)
    repeated = RepeatedMessages(time.monotonic)
    _requests_log.addFilter(repeated)

    exit_code = 0

    def stop_for_successor() -> None:
        nonlocal exit_code
        exit_code, server.should_exit = 1, True

    heartbeats = Heartbeats(client, options.heartbeats, now, lambda: server.should_exit, stop_for_successor)
    upkeep = Upkeep(client, keyring, options.failed_logins, time.monotonic)

    async def run_heartbeat() -> None:
        await heartbeats.run()
        if not options.heartbeats.halted:
            await upkeep.run_if_due()

    def announce() -> None:
        # The server has set the backlog of the kernel to what it accepts at once.
        listening.listen(LISTEN_BACKLOG)
        ready(_urls(host, port))

    await run_heartbeat()
    heartbeat = Heartbeat(run_heartbeat, lambda what: _log.error("heartbeat: %s", what))
    heartbeat.start()
    announcement = asyncio.create_task(_announce_when_started(server, announce))
    try:
        await server.serve(sockets=[listening])
    finally:
        announcement.cancel()
        await heartbeat.stop()
        listening.close()
        _requests_log.removeFilter(repeated)
    await upkeep.run()
    return exit_code


def _urls(host: str, port: int) -> Listening:
    def url(name: str) -> str:
        return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"

    address = ipaddress.ip_address(host)
    loopback = "::1" if address.version == 6 else "127.0.0.1"
    return Listening(url(host), url(loopback if address.is_unspecified else host))


def _listen(bind_address: BindAddress) -> socket.socket:
    try:
        family = socket.getaddrinfo(bind_address.host, bind_address.port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((bind_address.host, bind_address.port), family=family, backlog=LISTEN_BACKLOG)
        # Inherited by every connection: the second write of a stream would otherwise wait 40 ms for the client's ACK.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise Conflict(f"{bind_address.host}:{bind_address.port}: {error.strerror or error}") from error
    return listening


def _stop_on_signals(server: uvicorn.Server) -> None:
    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Only the main thread handles signals; a server in another thread is stopped by its owner.
        with suppress(RuntimeError, ValueError):
            loop.add_signal_handler(number, stop)


async def _announce_when_started(server: uvicorn.Server, ready: Callable[[], None]) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    ready()

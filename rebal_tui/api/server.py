"""Serving the API until told to stop, with the scheduler's heartbeat in the same event loop."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import uvicorn

from rebal_tui.api.answers import Desk
from rebal_tui.api.app import Options, create_app
from rebal_tui.domain.errors import Conflict
from rebal_tui.services import scheduler
from rebal_tui.services.api_keys import Keyring
from rebal_tui.services.heartbeat import Heartbeat
from rebal_tui.services.viewing import PATIENCE

GRACE = 5
"""Seconds that requests under way have to end."""
BACKLOG = 1_024
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """Where to listen, and what is offered there. Port 0 takes a free one."""

    host: str
    port: int
    rate: int
    with_sandbox: bool


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn would raise them again at the end, before the book is closed."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(
    desk: Desk, keyring: Keyring, place: Place, now: Callable[[], float], ready: Callable[[str], None]
) -> None:
    """Serve until SIGTERM or SIGINT; `ready` hears the URL once it listens. `now` is real seconds since 1970.

    Raises `Conflict` when the address cannot be listened on.
    """
    listening = _listen(place)
    host, port = listening.getsockname()[:2]
    url = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    options = Options(time.monotonic, now, lambda: server.should_exit, place.rate, place.with_sandbox)
    config = uvicorn.Config(
        create_app(desk, keyring, options),
        log_config=None,
        access_log=False,
        server_header=False,
        lifespan="off",
        ws="none",
        timeout_graceful_shutdown=GRACE,
        backlog=BACKLOG,
    )
    server = _Server(config)
    _stop_on_signals(server)

    async def beat() -> None:
        try:
            while await desk.ask(lambda book: scheduler.tick(book, PATIENCE)) and not server.should_exit:
                pass
        except asyncio.CancelledError:
            # A beat under way at the end is let go; its work on the book's thread is finished all the same.
            if not server.should_exit:
                raise

    await beat()
    heart = Heartbeat(beat, lambda what: _log.error("heartbeat: %s", what))
    heart.start()
    telling = asyncio.create_task(_tell(server, lambda: ready(url)))
    try:
        await server.serve(sockets=[listening])
    finally:
        telling.cancel()
        heart.stop()
        listening.close()


def _listen(place: Place) -> socket.socket:
    try:
        family = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((place.host, place.port), family=family, backlog=BACKLOG)
        # Inherited by every connection: an answer of two writes else waits 40 ms for the other side's receipt.
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    except OSError as error:
        raise Conflict(f"{place.host}:{place.port}: {error.strerror or error}") from error
    return listening


def _stop_on_signals(server: uvicorn.Server) -> None:
    def stop() -> None:
        server.force_exit = server.should_exit
        server.should_exit = True

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Signals are the main thread's; a server in another one is told to stop by its owner.
        with suppress(RuntimeError, ValueError):
            loop.add_signal_handler(number, stop)


async def _tell(server: uvicorn.Server, ready: Callable[[], None]) -> None:
    while not server.started:
        await asyncio.sleep(0.01)
    ready()

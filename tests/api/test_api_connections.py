"""Limits on connections and on the time that a request may take to arrive."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import time
from collections.abc import Awaitable, Callable

import h11
import pytest
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from uvicorn.server import ServerState

from rebal_tui.api import connections
from rebal_tui.api.connections import MAX_HEAD_BYTES, ConnectionLimits, limited_protocol
from rebal_tui.api.key_slots import KeySlots
from rebal_tui.api.repeated_messages import INTERVAL_SECONDS, MAX_MESSAGES, RepeatedMessages
from rebal_tui.api.strict_http import StrictConnection

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE = b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n"
CLOSED_BYTES = 9_000_000
"""More than the system buffers for a server that does not read."""
CLOSED = f"POST /closed HTTP/1.1\r\nHost: x\r\nContent-Length: {CLOSED_BYTES}\r\n\r\n".encode()
LARGE_BYTES = 16_000_000
"""More than the system buffers for a connection whose client does not read."""
LONG = 60.0


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the length of the body; of `/unread` without it, of `/large` with `LARGE_BYTES`, and at `/closed` at
    once, ending the connection."""
    if scope["path"] == "/closed":
        await PlainTextResponse("closed", headers={"Connection": "close"})(scope, receive, send)
        return
    size, more = 0, scope["path"] != "/unread"
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    text = b"x" * LARGE_BYTES if scope["path"] == "/large" else str(size).encode()
    await PlainTextResponse(text)(scope, receive, send)


MALFORMED = (
    # In the body: while the application reads it, and after it has answered. In the head: upgrades, and no HTTP at all.
    b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"POST /unread HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nHost: a\r\n\r\n",
    b"\x16\x03\x01\x02\x00" * 9,
)


Connect = Callable[[bytes], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


def with_server(limits: ConnectionLimits, test: Callable[[Connect], Awaitable[None]]) -> None:
    """Run a test against a server; its argument opens a connection and sends bytes."""

    async def run() -> None:
        config = uvicorn.Config(echo, port=0, log_config=None, lifespan="off", http=limited_protocol(limits))
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not server.started:
            await asyncio.sleep(0.005)
        port = server.servers[0].sockets[0].getsockname()[1]

        async def connect(data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(data)
            await writer.drain()
            return reader, writer

        try:
            await test(connect)
        finally:
            server.should_exit = True
            await serving

    asyncio.run(run())


async def is_closed(reader: asyncio.StreamReader) -> bool:
    """Whether the server closes a connection, within five seconds."""
    try:
        return await asyncio.wait_for(reader.read(), 5) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


@pytest.mark.slow
@pytest.mark.parametrize("sent", [b"", b"GET / HTT", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Le"])
def test_a_connection_without_a_complete_request_is_closed(sent: bytes) -> None:
    async def test(connect: Connect) -> None:
        reader, _ = await connect(sent)
        assert await is_closed(reader)

    with_server(ConnectionLimits(10, 0.05, LONG), test)


@pytest.mark.slow
def test_bytes_that_trickle_in_do_not_extend_the_deadline() -> None:
    async def test(connect: Connect) -> None:
        reader, writer = await connect(b"GET / HTTP/1.1\r\n")
        began, closed = time.monotonic(), asyncio.create_task(is_closed(reader))
        while not closed.done() and time.monotonic() < began + 5:
            writer.write(b"X")
            await asyncio.sleep(0.02)
        assert closed.done()
        assert closed.result()

    with_server(ConnectionLimits(10, 0.2, LONG), test)


@pytest.mark.slow
def test_a_body_that_does_not_arrive_ends_its_connection() -> None:
    async def test(connect: Connect) -> None:
        reader, _ = await connect(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        assert await is_closed(reader)

    with_server(ConnectionLimits(10, LONG, 0.05), test)


@pytest.mark.slow
def test_a_request_in_parts_is_answered_and_its_connection_kept() -> None:
    async def test(connect: Connect) -> None:
        reader, writer = await connect(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nab")
        await asyncio.sleep(0.02)
        writer.write(b"cd")
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        assert await reader.readexactly(1) == b"4"
        writer.write(REQUEST)
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")

    with_server(ConnectionLimits(10, LONG, LONG), test)


@pytest.mark.slow
def test_at_the_limit_the_longest_idle_connection_makes_room() -> None:
    async def test(connect: Connect) -> None:
        idle = [await connect(b"GET / HTT") for _ in range(4)]
        await asyncio.sleep(0.05)
        reader, _ = await connect(REQUEST)
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        assert await is_closed(idle[0][0])
        idle[3][1].write(b"P/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in await idle[3][0].readuntil(b"\r\n\r\n")

    with_server(ConnectionLimits(4, LONG, LONG), test)


@pytest.mark.slow
def test_at_the_limit_connections_with_a_request_are_kept() -> None:
    async def test(connect: Connect) -> None:
        busy = [await connect(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na") for _ in range(2)]
        await asyncio.sleep(0.05)
        refused, _ = await connect(REQUEST)
        assert await is_closed(refused)
        for reader, writer in busy:
            writer.write(b"b")
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")

    with_server(ConnectionLimits(2, LONG, LONG), test)


@pytest.mark.slow
@pytest.mark.parametrize("slow", [False, True])
def test_a_response_that_is_not_read_ends_its_connection_but_not_one_that_is_read_slowly(slow: bool) -> None:
    async def test(connect: Connect) -> None:
        reader, _ = await connect(LARGE)
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        left, began = LARGE_BYTES, time.monotonic()
        while slow and left and time.monotonic() < began + 1:
            left -= len(await reader.read(100_000))
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        try:
            whole = len(await reader.readexactly(left)) == left
        except (ConnectionError, asyncio.IncompleteReadError):
            whole = False
        assert whole is slow

    with_server(ConnectionLimits(10, LONG, LONG, unread_seconds=0.6 if slow else 0.1), test)


@pytest.mark.slow
@pytest.mark.parametrize("stuck_first", [False, True])
def test_at_the_limit_a_response_that_is_not_read_makes_room_for_a_new_connection(stuck_first: bool) -> None:
    async def test(connect: Connect) -> None:
        kept = [await connect(LARGE) for _ in range(3)]
        await asyncio.sleep(0.1)
        idle = [await connect(REQUEST) for _ in range(2)]
        for reader, _ in idle:
            assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        third, _ = await connect(REQUEST)
        assert b"200 OK" in await third.readuntil(b"\r\n\r\n")
        assert len(kept) == 3
        if stuck_first:
            idle[0][1].write(REQUEST)
            assert b"200 OK" in await idle[0][0].readuntil(b"\r\n\r\n")

    with_server(ConnectionLimits(3, LONG, LONG, LONG, 0.05 if stuck_first else LONG), test)


@pytest.mark.slow
def test_at_the_limit_a_client_that_does_not_wait_for_responses_makes_room() -> None:
    async def test(connect: Connect) -> None:
        half = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na"
        busy, busy_writer = await connect(half)
        pipelining, _ = await connect(REQUEST + half)
        await asyncio.sleep(0.05)
        reader, _ = await connect(REQUEST)
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        busy_writer.write(b"b")
        assert b"200 OK" in await busy.readuntil(b"\r\n\r\n")
        assert (await pipelining.read()).count(b"200 OK") == 1

    with_server(ConnectionLimits(2, LONG, LONG), test)


@pytest.mark.slow
def test_a_response_before_the_body_ends_the_connection_and_says_so() -> None:
    async def test(connect: Connect) -> None:
        head = b"POST /unread HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"
        reader, _ = await connect(head + b"ab")
        got = await asyncio.wait_for(reader.read(), 5)
        assert got.endswith(b"\r\n\r\n0")
        assert b"\r\nconnection: close\r\n" in got.lower()
        # A body that came with its head needs no reader.
        reader, _ = await connect(head + b"x" * 9)
        assert b"connection: close" not in (await reader.readuntil(b"\r\n\r\n")).lower()

    with_server(ConnectionLimits(10, LONG, LONG), test)


def test_a_response_is_one_write_but_a_stream_begins_at_once() -> None:
    def sent(*headers: tuple[str, str]) -> list[bytes | None]:
        server = StrictConnection(h11.SERVER, MAX_HEAD_BYTES)
        server.receive_data(REQUEST)
        assert [type(server.next_event()) for _ in range(2)] == [h11.Request, h11.EndOfMessage]
        answer = h11.Response(status_code=200, headers=list(headers))
        return [server.send(event) for event in (answer, h11.Data(data=b"data: 1"), h11.EndOfMessage())]

    assert sent(("Content-Length", "7")) == [b"", b"HTTP/1.1 200 \r\nContent-Length: 7\r\n\r\ndata: 1", b""]
    head, first, _ = sent()
    assert head == b"HTTP/1.1 200 \r\nTransfer-Encoding: chunked\r\n\r\n"
    assert first == b"7\r\ndata: 1\r\n"


@pytest.mark.slow
def test_a_fresh_connection_is_not_the_one_that_makes_room() -> None:
    async def test(connect: Connect) -> None:
        half = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na"
        pipelining, _ = await connect(REQUEST + half)
        fresh, fresh_writer = await connect(b"")
        await asyncio.sleep(0.05)
        reader, _ = await connect(REQUEST)
        assert b"200 OK" in await reader.readuntil(b"\r\n\r\n")
        assert (await pipelining.read()).count(b"200 OK") == 1
        fresh_writer.write(REQUEST)
        assert b"200 OK" in await fresh.readuntil(b"\r\n\r\n")

    with_server(ConnectionLimits(2, LONG, LONG), test)


@pytest.mark.parametrize(
    ("files", "allowed"),
    [(64, 16), (128, 80), (1_024, 976), (100_000, 1_000), (20, 8), (resource.RLIM_INFINITY, 1_000)],
)
def test_the_limit_stays_below_that_of_open_files(files: int, allowed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (files, files))
    assert connections.connection_limits().connections == allowed


@pytest.mark.slow
def test_malformed_requests_leave_no_traceback_and_little_log(caplog: pytest.LogCaptureFixture) -> None:
    async def test(connect: Connect) -> None:
        repeated = RepeatedMessages(lambda: 0.0)
        logging.getLogger("uvicorn.error").addFilter(repeated)
        try:
            for data in MALFORMED * 20:
                head, _, body = data.partition(b"\r\n\r\n")
                reader, writer = await connect(head + b"\r\n\r\n")
                await asyncio.sleep(0.002)
                writer.write(body or b"\r\n")
                await reader.read(15)
                writer.close()
        finally:
            logging.getLogger("uvicorn.error").removeFilter(repeated)

    with_server(ConnectionLimits(200, LONG, LONG), test)
    assert [record.exc_text or record.exc_info for record in caplog.records if record.exc_info] == []
    assert [record.name for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) <= len(MALFORMED)


@pytest.mark.slow
def test_a_response_that_ends_the_connection_reaches_a_client_that_first_sends_its_whole_body() -> None:
    def post(port: int) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
            one.sendall(CLOSED + b"x" * CLOSED_BYTES)
            got = b""
            while more := one.recv(65_536):
                got += more
            return got

    async def test(connect: Connect) -> None:
        _, writer = await connect(b"")
        got = await asyncio.to_thread(post, writer.get_extra_info("peername")[1])
        assert got.endswith(b"\r\n\r\nclosed")

    with_server(ConnectionLimits(10, LONG, LONG), test)


@pytest.mark.slow
def test_a_client_that_goes_on_sending_after_such_a_response_is_cut_off() -> None:
    async def test(connect: Connect) -> None:
        reader, writer = await connect(CLOSED)
        assert (await reader.read()).endswith(b"closed")
        began = time.monotonic()
        while not writer.transport.is_closing() and time.monotonic() < began + 5:
            writer.write(b"x")
            await asyncio.sleep(0.02)
        assert writer.transport.is_closing()

    with_server(ConnectionLimits(10, LONG, LONG, linger_seconds=0.1), test)


@pytest.mark.slow
def test_late_clients_do_not_hold_up_a_shutdown(caplog: pytest.LogCaptureFixture) -> None:
    opened: list[object] = []

    async def test(connect: Connect) -> None:
        opened.append(await connect(LARGE))
        opened.append(await connect(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\na"))
        await asyncio.sleep(0.05)

    began = time.monotonic()
    with_server(ConnectionLimits(9, LONG, LONG, LONG, LONG, shutdown_seconds=0.1), test)
    assert time.monotonic() < began + 5
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_a_connection_that_is_accepted_during_a_shutdown_is_closed() -> None:
    limited = limited_protocol(ConnectionLimits(9))
    config = uvicorn.Config(echo, log_config=None, lifespan="off", http=limited)

    async def run() -> list[bool]:
        config.load()
        protocols = [limited(config=config, server_state=ServerState(), app_state={}) for _ in range(2)]
        loop, pairs = asyncio.get_running_loop(), [socket.socketpair() for _ in range(2)]
        first, _ = await loop.connect_accepted_socket(lambda: protocols[0], pairs[0][0])
        assert not first.is_closing()
        protocols[0].shutdown()
        second, _ = await loop.connect_accepted_socket(lambda: protocols[1], pairs[1][0])
        closed = [first.is_closing(), second.is_closing()]
        for _, client in pairs:
            client.close()
        await asyncio.sleep(0.01)
        return closed

    assert asyncio.run(run()) == [True, True]


def test_keys_leave_slots_for_others() -> None:
    slots = KeySlots(40)
    taken = {key: sum(slots.take(key) is not None for _ in range(50)) for key in "abcdefgh"}
    assert taken == {"a": 20, "b": 10, "c": 5, "d": 2, "e": 1, "f": 1, "g": 1, "h": 0}
    few = KeySlots(1)
    assert [few.take("a") is not None, few.take("a") is not None] == [True, False]
    many = KeySlots(1_000, 64)
    held = [many.take("a") for _ in range(65)]
    assert held.pop() is None
    for one in held:
        assert one is not None
        one.release()
        one.release()
    assert (len(many), many.take("a") is not None) == (0, True)


def test_a_repeated_message_is_written_once_a_minute_with_its_number() -> None:
    now = 0.0
    repeated = RepeatedMessages(lambda: now)

    def written(text: str) -> str:
        record = logging.LogRecord("uvicorn.error", logging.WARNING, "", 0, text, (), None)
        return record.getMessage() if repeated.filter(record) else ""

    assert [written("bad request") for _ in range(3)] == ["bad request", "", ""]
    assert written("another") == "another"
    now = INTERVAL_SECONDS
    assert written("bad request") == "bad request (2 more since the last time)"
    assert sum(bool(written(f"message {number}")) for number in range(500)) <= MAX_MESSAGES

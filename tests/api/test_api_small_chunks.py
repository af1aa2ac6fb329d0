"""Bodies of many small chunks are parsed in turns, so that they delay no other request."""

from __future__ import annotations

import asyncio

import h11
import pytest

from rebal_tui.api.chunk_turns import ChunkTurns
from rebal_tui.api.connections import MAX_HEAD_BYTES, ConnectionLimits
from rebal_tui.api.strict_http import SMALL_CHUNKS_AT_ONCE, StrictConnection
from tests.api.test_api_connections import LONG, REQUEST, Connect, with_server

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
CHUNKS = 600
BODY = b"1\r\nx\r\n" * CHUNKS + b"0\r\n\r\n"


@pytest.mark.slow
@pytest.mark.parametrize("cut", [False, True])
def test_other_requests_are_answered_before_small_chunks_are_parsed(cut: bool) -> None:
    async def test(connect: Connect) -> None:
        slow = [await connect(HEAD + (BODY[:-5] if cut else BODY)) for _ in range(5)]
        answers = [asyncio.ensure_future(reader.readuntil(b"\r\n\r\n")) for reader, _ in slow]
        quick, _ = await connect(REQUEST)
        assert b"200 OK" in await quick.readuntil(b"\r\n\r\n")
        assert not any(answer.done() for answer in answers)
        if cut:
            await asyncio.sleep(0.05)
            slow[0][1].close()
            answers.pop(0).cancel()
            for _, writer in slow[1:]:
                writer.write(BODY[-5:])
        assert all(b"200 OK" in head for head in await asyncio.gather(*answers))
        assert await slow[-1][0].readexactly(3) == str(CHUNKS).encode()
        slow[-1][1].write(REQUEST)
        assert b"200 OK" in await slow[-1][0].readuntil(b"\r\n\r\n"), "and the connection is kept"

    with_server(ConnectionLimits(10, LONG, LONG), test)


def test_a_connection_is_held_after_some_small_chunks_sooner_if_each_arrives_alone() -> None:
    def parsed(parts: list[bytes]) -> int:
        server, seen = StrictConnection(h11.SERVER, MAX_HEAD_BYTES), 0
        for part in (HEAD, *parts):
            server.receive_data(part)
            while server.next_event() is not h11.NEED_DATA:
                seen += 1
        return seen - 1

    assert parsed([BODY]) == SMALL_CHUNKS_AT_ONCE
    assert parsed([b"1\r\nx\r\n"] * 20) == SMALL_CHUNKS_AT_ONCE // 8
    assert parsed([b"40\r\n" + b"x" * 64 + b"\r\n"] * 200) == 200, "larger ones are not"


def test_a_turn_is_passed_on_by_a_closed_connection_and_after_an_error() -> None:
    order: list[str] = []

    async def run() -> None:
        turns, end = ChunkTurns(), asyncio.Event()
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: order.append("error"))

        def turn(name: str, *, work: bool = True) -> bool:
            order.append(name)
            return work

        turns.add(lambda: turn("closed", work=False))

        def again() -> bool:
            turns.add(last)
            return turn("first")

        def last() -> bool:
            end.set()
            return True

        turns.add(again)
        turns.add(lambda: bool(1 / 0))
        turns.add(lambda: turn("second"))
        await asyncio.wait_for(end.wait(), 10)

    asyncio.run(run())
    assert order == ["closed", "first", "error", "second"]

"""Heartbeats go before requests that wait for the book's thread, and leave time to them after long work."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule.book_thread import BookThread
from rebal_tui.services.schedule.heartbeat_thread import HeartbeatThread
from rebal_tui.services.schedule.turns import MAX_OWED_SECONDS, Turns
from tests.services.factories import simple_book


class Line:
    """Turns over a clock that work moves; `order` has the names of what ran. Nothing runs before `run`."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.turns = Turns(lambda: self.seconds)
        self.order: list[str] = []
        self._begin = threading.Event()
        self.turns.submit(lambda: self._begin.wait(10))

    def add(
        self, name: str, seconds: float, *, heartbeat: bool = False, then: Callable[[], None] | None = None
    ) -> None:
        def work() -> None:
            self.seconds += seconds
            self.order.append(name)
            if then is not None:
                then()

        self.turns.submit(work, heartbeat=heartbeat)

    def run(self, works: int) -> str:
        """Run until so much work has run, part of which may be added meanwhile; returns the order."""
        self._begin.set()
        end = time.monotonic() + 10
        while len(self.order) < works:
            assert time.monotonic() < end
            time.sleep(0.005)
        self.turns.shutdown()
        return " ".join(self.order)


def beats(order: list[str]) -> Callable[[Book], bool]:
    """A heartbeat that notes that it ran."""

    def tick(_book: Book) -> bool:
        order.append("beat")
        return False

    return tick


async def turns_of_the_loop() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def test_a_heartbeat_goes_before_all_requests_that_wait() -> None:
    line = Line()
    for number in range(3):
        line.add(f"r{number}", 0.3)
    line.add("beat", 0.01, heartbeat=True)
    assert line.run(4) == "beat r0 r1 r2"


def test_requests_get_as_much_time_as_a_heartbeat_in_chunks() -> None:
    line = Line()
    line.add("b0", 0.05, heartbeat=True, then=lambda: line.add("b1", 0.05, heartbeat=True))
    for number in range(4):
        line.add(f"r{number}", 0.02)
    assert line.run(6) == "b0 r0 r1 r2 b1 r3"


def test_a_very_long_heartbeat_delays_the_next_one_by_its_interval_at_most() -> None:
    line = Line()
    line.add("b0", 30.0, heartbeat=True, then=lambda: line.add("b1", 0.01, heartbeat=True))
    for number in range(9):
        line.add(f"r{number}", 0.1)
    assert line.run(11).split().index("b1") - 1 == round(MAX_OWED_SECONDS / 0.1 + 0.5)


def test_an_error_goes_to_the_one_who_asked_and_nothing_runs_after_the_end() -> None:
    turns = Turns(time.monotonic)
    failed = turns.submit(lambda: int("x"))
    assert turns.submit(lambda: int("7", base=8), heartbeat=True).result(10) == 7
    with pytest.raises(ValueError, match="invalid literal"):
        failed.result(10)

    async def main() -> None:
        ask = asyncio.get_running_loop().run_in_executor
        assert await ask(turns.heartbeats, int, "7", 8) == 7
        with pytest.raises(ValueError, match="invalid literal"):
            await ask(turns.requests, int, "x")
        turns.shutdown()
        for executor in (turns.requests, turns.heartbeats):
            with pytest.raises(RuntimeError):
                ask(executor, int, "7")

    asyncio.run(main())
    with pytest.raises(RuntimeError):
        turns.submit(int)


def test_what_was_accepted_runs_before_the_end_and_a_loop_that_has_ended_is_not_called() -> None:
    turns, free, ran = Turns(time.monotonic), threading.Event(), list[str]()

    async def main() -> None:
        ask = asyncio.get_running_loop().run_in_executor
        ask(turns.requests, free.wait, 10)
        ask(turns.requests, ran.append, "unasked")
        ask(turns.requests, ran.append, "canceled").cancel()

    asyncio.run(main())
    free.set()
    turns.shutdown()
    assert ran == ["unasked"]


@pytest.mark.slow
def test_a_program_that_forgets_to_end_its_thread_ends_after_the_work_under_way() -> None:
    program = """
import time
from rebal_tui.services.schedule.turns import Turns
Turns(time.monotonic).submit(lambda: (time.sleep(0.1), print("done", flush=True)))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "done\n", "")


@pytest.mark.slow
def test_a_thread_ends_when_nobody_can_give_it_work() -> None:
    turns = Turns(time.monotonic)
    thread = turns.submit(threading.current_thread).result(10)
    del turns
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()


def test_the_book_runs_a_heartbeat_before_the_requests_of_screens() -> None:
    thread, order, busy, free = BookThread(simple_book), list[str](), threading.Event(), threading.Event()
    heartbeat = HeartbeatThread(thread, beats(order))

    def wait(_book: Book) -> None:
        busy.set()
        free.wait(10)

    async def main() -> None:
        first = asyncio.ensure_future(thread.ask(wait))
        await asyncio.to_thread(busy.wait, 10)
        requests = [asyncio.ensure_future(thread.ask(lambda _book: order.append("request"))) for _ in range(5)]
        await asyncio.sleep(0)
        beat = asyncio.ensure_future(heartbeat._chunk())
        await turns_of_the_loop()
        requests.pop().cancel()
        await turns_of_the_loop()
        free.set()
        await asyncio.gather(first, beat, *requests)

    try:
        asyncio.run(main())
    finally:
        thread.close()
    assert order == ["beat", *["request"] * 4], "and a canceled request does not run"


def test_a_heartbeat_that_waits_does_not_run_while_heartbeats_are_held() -> None:
    thread, order = BookThread(simple_book), list[str]()
    heartbeat = HeartbeatThread(thread, beats(order))

    async def main() -> None:
        opening = asyncio.ensure_future(thread.ask(lambda _book: free.wait(10)))
        beat = asyncio.ensure_future(heartbeat._chunk())
        await turns_of_the_loop()
        heartbeat.held += 1
        free.set()
        await asyncio.gather(opening, beat)

    free = threading.Event()
    try:
        asyncio.run(main())
    finally:
        thread.close()
    assert order == []

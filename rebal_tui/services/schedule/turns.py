"""Order of the work on the book's thread: heartbeats first, and other requests between two long heartbeats."""

from __future__ import annotations

import asyncio
import atexit
import threading
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
MAX_OWED_SECONDS = 0.25
"""Most time that a long heartbeat leaves to waiting requests before the next one: the interval of heartbeats."""


class Turns:
    """Runs requests one after the other on one thread; heartbeats go before all other requests.

    Many slow requests thus do not delay a heartbeat. After a heartbeat, waiting requests get as much time as it took,
    at most `MAX_OWED_SECONDS`, so that a long evaluation in chunks does not stop the screens.

    `requests` and `heartbeats` are executors for `run_in_executor` of an event loop.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """`monotonic` returns elapsed time in seconds."""
        self._line = line = _Line(monotonic)
        self.requests: Executor = _LoopExecutor(line, heartbeat=False)
        self.heartbeats: Executor = _LoopExecutor(line, heartbeat=True)
        weakref.finalize(self, line.abandon).atexit = False

    def submit(self, work: Callable[[], T], *, heartbeat: bool = False) -> Future[T]:
        """Run a request when its turn comes, for a caller without an event loop; returns the future of the result.

        Raises `RuntimeError` after `shutdown`.
        """
        future: Future[T] = Future()
        self._line.add(lambda: _run(work, future), heartbeat=heartbeat)
        return future

    def shutdown(self) -> None:
        """Accept no further work, and wait until the work that was accepted has run."""
        self._line.end()


class _Line:
    """The queue of work that waits, and the thread that runs the work; both end with the `Turns` that own them."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ended = False
        self._calls = SimpleQueue[bool]()
        """True for each work that was added, False at the end."""
        self._first: deque[Callable[[], None]] = deque()
        self._others: deque[Callable[[], None]] = deque()
        self._owed = 0.0
        """Seconds that requests may still take before the next heartbeat."""

    def add(self, run: Callable[[], None], *, heartbeat: bool) -> None:
        """Call a function, which must not raise, when its turn comes. Raises `RuntimeError` after `end` was called."""
        with self._lock:
            if self._ended:
                raise RuntimeError("no work is accepted after the end")
            if self._thread is None:
                # Not to keep a process alive that forgot to end it; the exit of the process waits for accepted work.
                self._thread = threading.Thread(target=self._run_all, name="book", daemon=True)
                self._thread.start()
                _RUNNING.add(self)
            (self._first if heartbeat else self._others).append(run)
            self._calls.put(True)

    def end(self) -> None:
        """Accept no further work, and wait until the work that was accepted has run."""
        with self._lock:
            self.abandon()
        if self._thread is not None:
            self._thread.join()

    def abandon(self) -> None:
        """Accept no further work, without waiting. The garbage collector calls this, perhaps while the lock is held."""
        self._ended = True
        self._calls.put(False)

    def _run_all(self) -> None:
        while self._calls.get():
            self._run_next()

    def _run_next(self) -> None:
        """Run the work whose turn it is; only the queue's own thread takes work out."""
        heartbeat = bool(self._first) and (not self._others or self._owed <= 0)
        run = (self._first if heartbeat else self._others).popleft()
        started = self._monotonic()
        run()
        took = self._monotonic() - started
        self._owed = min(took, MAX_OWED_SECONDS) if heartbeat else max(self._owed - took, 0.0)


_RUNNING = weakref.WeakSet[_Line]()


@atexit.register
def _end_all() -> None:
    for line in list(_RUNNING):
        line.end()


class _LoopExecutor(Executor):
    """An executor for `run_in_executor` only: `submit` returns a future of the running loop, used by asyncio as it is.

    A `concurrent.futures.Future` would be chained to a second future of the loop, with locks and two more steps of the
    loop, which takes longer than most requests.
    """

    def __init__(self, line: _Line, *, heartbeat: bool) -> None:
        self._line = line
        self._heartbeat = heartbeat

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Any:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        run = partial(_run_for_loop, loop, partial(fn, *args, **kwargs), future)
        self._line.add(run, heartbeat=self._heartbeat)
        return future


def _run(work: Callable[[], T], future: Future[T]) -> None:
    """Run work unless its future was canceled, and give it the result or exception."""
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)
    finally:
        del work, future  # The traceback of an exception would keep them.


def _run_for_loop(loop: asyncio.AbstractEventLoop, work: Callable[[], T], future: asyncio.Future[T]) -> None:
    """Run work and give the result to a future of an event loop, which only the loop's thread may change."""
    if future.cancelled():
        return
    change: Callable[[Any], None]
    outcome: object
    try:
        change, outcome = future.set_result, work()
    except BaseException as error:
        change, outcome = future.set_exception, error
    # Of a loop that has ended, nobody waits.
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(_set, future, change, outcome)
    del work, future, change, outcome


def _set(future: asyncio.Future[Any], change: Callable[[Any], None], outcome: object) -> None:
    if not future.cancelled():
        change(outcome)

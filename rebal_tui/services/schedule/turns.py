"""Order of the work on the book's thread: heartbeats first, and other requests between two long heartbeats."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")
MAX_OWED_SECONDS = 0.25
"""Most time that a long heartbeat leaves to waiting requests before the next one: the interval of heartbeats."""


class Turns(Executor):
    """Runs requests one after the other on one thread; those of `submit_heartbeat` go before all others.

    Many slow requests thus do not delay a heartbeat. After a heartbeat, waiting requests get as much time as it took,
    at most `MAX_OWED_SECONDS`, so that a long evaluation in chunks does not stop the screens.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        """`monotonic` returns elapsed time in seconds."""
        self._monotonic = monotonic
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="book")
        self._lock = threading.Lock()
        self._first: deque[Callable[[], None]] = deque()
        self._requests: deque[Callable[[], None]] = deque()
        self._owed = 0.0
        """Seconds that requests may still take before the next heartbeat."""
        self.heartbeats: Executor = _Heartbeats(self)

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """Run a request when its turn comes. Raises `RuntimeError` after `shutdown`."""
        return self._add(self._requests, lambda: fn(*args, **kwargs))

    def submit_heartbeat(self, work: Callable[[], T]) -> Future[T]:
        """Run a request before all waiting ones. Raises `RuntimeError` after `shutdown`."""
        return self._add(self._first, work)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._thread.shutdown(wait, cancel_futures=cancel_futures)

    def _add(self, waiting: deque[Callable[[], None]], work: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        with self._lock:
            self._thread.submit(self._run_next)
            waiting.append(lambda: _run(work, future))
        return future

    def _run_next(self) -> None:
        """Run the work whose turn it is; there is as much work as calls of this."""
        with self._lock:
            heartbeat = bool(self._first) and (not self._requests or self._owed <= 0)
            run = (self._first if heartbeat else self._requests).popleft()
        started = self._monotonic()
        run()
        took = self._monotonic() - started
        self._owed = min(took, MAX_OWED_SECONDS) if heartbeat else max(self._owed - took, 0.0)


class _Heartbeats(Executor):
    """The executor of heartbeats: the same thread."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        return self._turns.submit_heartbeat(lambda: fn(*args, **kwargs))


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

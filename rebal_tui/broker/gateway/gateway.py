"""The gateway: a queue of requests by class and due time, sent by its own threads; the book's thread never waits.

A request has a key: while a request is queued, another with the same key is not added. The book's thread gets the
replies from `collect`.
"""

from __future__ import annotations

import contextvars
import itertools
import logging
import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from datetime import datetime

from rebal_tui.broker.budget import RequestBudget, RequestClass
from rebal_tui.broker.failures import BrokerRefused, BrokerUnavailable

log = logging.getLogger(__name__)

WORKERS = 6
URGENT_WORKERS = 2
"""Threads among `WORKERS` that send no reads, so that a cancel or an order never waits behind them."""
PAUSE_SECONDS = 0.05
"""How often a thread checks for a request that is due and within the budget."""
_HELD_BACK = frozenset({RequestClass.SELL, RequestClass.BUY, RequestClass.JOURNAL})
"""Classes of requests that the kill switch stops."""
_PAID = frozenset({RequestClass.SELL, RequestClass.BUY})
"""Classes of requests that are counted when the book marks them as sent, in the same transaction, so that the count
survives a restart.
"""
_current: contextvars.ContextVar[RequestClass] = contextvars.ContextVar("request_class", default=RequestClass.READ)


class NotSent(Exception):
    """The request was not sent, because the kill switch is on or the gateway is closed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The result of a request: a value, or an error.

    `began` is the number that the request got when its sending began. If it is above a number that `Gateway.mark` has
    returned, the sending began after that call of `mark`.
    """

    key: Hashable
    began: int
    at: datetime
    value: object = None
    error: BrokerRefused | BrokerUnavailable | NotSent | None = None


@dataclass(slots=True)
class _Request:
    key: Hashable
    kind: RequestClass
    due: datetime
    queued_at: datetime
    number: int
    send: Callable[[], object] = field(repr=False)


class Gateway:
    """Sends queued requests. Call `start` to send by threads, or `pump` to send what is due on the calling thread."""

    def __init__(
        self, budget: RequestBudget, now: Callable[[], datetime], wait: Callable[[float], object] | None = None
    ) -> None:
        """`now` is the clock for due times and for the budget; `wait` waits for a number of seconds while the budget is
        used up.
        """
        self.budget = budget
        self.halted = threading.Event()
        self._now = now
        self._closed = threading.Event()
        self._wait = wait or self._closed.wait
        self._lock = threading.RLock()
        self._any_due = threading.Condition(self._lock)
        self._urgent_due = threading.Condition(self._lock)
        self._numbers = itertools.count(1)
        self._waiting: dict[Hashable, _Request] = {}
        self._under_way: dict[Hashable, int] = {}
        self._replies: list[Reply] = []
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads that send."""
        for number in range(WORKERS):
            urgent = number < URGENT_WORKERS
            thread = threading.Thread(target=self._work, args=(urgent,), name=f"gateway-{number}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def close(self) -> None:
        """Stop sending, and discard queued requests. The book looks up its orders and journals after the next start."""
        self._closed.set()
        with self._lock:
            self._waiting.clear()
        self.wake()

    def wake(self) -> None:
        """Check at once which requests are due; call this after the clock has jumped, as a simulated clock does."""
        with self._lock:
            self._any_due.notify_all()
            self._urgent_due.notify_all()

    def mark(self) -> int:
        """A new number to compare with `Reply.began`: only requests whose sending begins after this call get higher
        numbers.
        """
        with self._lock:
            return next(self._numbers)

    def queue(
        self,
        key: Hashable,
        kind: RequestClass,
        send: Callable[[], object],
        *,
        due: datetime | None = None,
        since: int = 0,
    ) -> None:
        """Queue a request. `send` makes it, at `due` or later; by default as soon as the budget allows.

        Does nothing if a request with this key is queued, or is being sent and its sending began after `since`, a
        number returned by `mark`.
        """
        with self._lock:
            if self._closed.is_set() or key in self._waiting or self._under_way.get(key, -1) > since:
                return
            now = self._now()
            self._waiting[key] = _Request(key, kind, due or now, now, next(self._numbers), send)
            self._any_due.notify()
            if kind is not RequestClass.READ:
                self._urgent_due.notify()

    def has(self, key: Hashable) -> bool:
        """Whether a request with this key is queued, is being sent, or has a reply that was not collected."""
        with self._lock:
            return key in self._waiting or key in self._under_way or any(reply.key == key for reply in self._replies)

    def active(self) -> int:
        """The number of requests being sent, plus 1 if another could be sent now."""
        with self._lock:
            return len(self._under_way) + (self._first(urgent=False) is not None)

    def collect(self) -> list[Reply]:
        """The replies since the last call, in order of arrival."""
        with self._lock:
            replies, self._replies = self._replies, []
            return replies

    def pump(self) -> int:
        """Send the due requests that the budget allows, on this thread; returns their number."""
        count = 0
        while (request := self._next(urgent=False)) is not None:
            self._send(request)
            count += 1
        return count

    def acquire(self) -> None:
        """Wait until the budget allows one more call for the request being sent.

        The adapter calls this before each HTTP call. An order does not wait, because it was counted when the book
        marked it as sent. Raises `NotSent` if the kill switch stops the request, and `BrokerUnavailable` if the gateway
        is closed.
        """
        kind = _current.get()
        self._check_halt(kind)
        if kind in _PAID:
            return
        while not self.budget.take(self._now(), kind):
            if self._closed.is_set():
                raise BrokerUnavailable("the connection is closed")
            self._wait(PAUSE_SECONDS)
            self._check_halt(kind)

    def _check_halt(self, kind: RequestClass) -> None:
        if kind in _HELD_BACK and self.halted.is_set():
            raise NotSent("the kill switch is on")

    def _work(self, urgent: bool) -> None:
        while not self._closed.is_set():
            request = self._next(urgent)
            if request is not None:
                self._send(request)
                continue
            with self._lock:
                (self._urgent_due if urgent else self._any_due).wait(PAUSE_SECONDS)

    def _next(self, urgent: bool) -> _Request | None:
        """Take the most urgent request that is due and within the budget."""
        with self._lock:
            request = self._first(urgent)
            if request is not None:
                del self._waiting[request.key]
                self._under_way[request.key] = next(self._numbers)
            return request

    def _first(self, urgent: bool) -> _Request | None:
        now = self._now()
        first: dict[RequestClass, _Request] = {}
        for request in self._waiting.values():
            best = first.get(request.kind)
            if (
                request.due <= now
                and request.key not in self._under_way
                and (best is None or request.number < best.number)
            ):
                first[request.kind] = request
        for kind in sorted(first):
            if urgent and kind is RequestClass.READ:
                continue
            if not self.budget.is_stopped(now) if kind in _PAID else self.budget.has_room(now, kind):
                return first[kind]
        return None

    def _send(self, request: _Request) -> None:
        value: object = None
        error: BrokerRefused | BrokerUnavailable | NotSent | None = None
        token = _current.set(request.kind)
        try:
            if self._closed.is_set():
                raise NotSent("the connection is closed")
            self._check_halt(request.kind)
            value = request.send()
        except (BrokerRefused, BrokerUnavailable, NotSent) as failure:
            error = failure
        except Exception as failure:
            # A request that waited to be tried again while the book was closed has no connection any more.
            if not self._closed.is_set():
                log.exception("request %s", request.key)
            error = BrokerUnavailable(f"{type(failure).__name__}: {failure}")
        finally:
            _current.reset(token)
        with self._lock:
            began = self._under_way.pop(request.key)
            self._replies.append(Reply(request.key, began, self._now(), value, error))

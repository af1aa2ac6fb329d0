"""What the program asked: every request with its time, its thread and its outcome."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class Call:
    """A request. `at` is the true time; `outcome` is its HTTP status, or the name of the fault that it met.

    `reached` is whether the sandbox got it.
    """

    method: str
    path: str
    query: dict[str, str]
    body: dict[str, object]
    key: str
    at: datetime
    thread: str
    outcome: str = ""
    reached: bool = False

    @property
    def is_write(self) -> bool:
        return self.method != "GET"

    @property
    def is_order(self) -> bool:
        """Whether it places an order."""
        return self.method == "POST" and self.path.endswith("/orders")

    @property
    def is_journal(self) -> bool:
        """Whether it creates a journal."""
        return self.method == "POST" and self.path == "/v1/journals"

    @property
    def is_data(self) -> bool:
        """Whether it belongs to the market data API, which has a budget of its own."""
        return self.path.startswith("/v2/stocks/")


class CallLog:
    """Every request, from any thread."""

    def __init__(self) -> None:
        self._calls: list[Call] = []
        self._lock = threading.Lock()

    def of_thread(self, name: str) -> list[Call]:
        """The requests that a thread has sent itself."""
        return [call for call in self.all() if call.thread == name]

    def add(self, call: Call) -> None:
        with self._lock:
            self._calls.append(call)

    def all(self) -> Sequence[Call]:
        with self._lock:
            return list(self._calls)

    def of(self, words: str, since: datetime | None = None) -> list[Call]:
        """The requests whose method and path contain some words, such as `POST /v1/journals`."""
        return [
            call for call in self.all() if words in f"{call.method} {call.path}" and (since is None or call.at >= since)
        ]

    def most_in_a_minute(self, calls: Sequence[Call] | None = None) -> int:
        """The most requests of the broker's API in any 60 seconds."""
        times = sorted(call.at for call in (self.all() if calls is None else calls) if not call.is_data)
        most, first = 0, 0
        for last, at in enumerate(times):
            while at - times[first] >= MINUTE:
                first += 1
            most = max(most, last - first + 1)
        return most

    def repeated_writes(self) -> list[str]:
        """The keys under which more than one request for an order or a journal reached the sandbox."""
        keys = Counter(call.key for call in self.all() if call.key and call.reached and call.is_write)
        return [key for key, count in keys.items() if count > 1]

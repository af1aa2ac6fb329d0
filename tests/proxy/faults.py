"""Faults of single calls, drawn by a seed: no response before or after the effect, errors, too many requests."""

from __future__ import annotations

import random
import threading
from collections import Counter
from enum import StrEnum

import httpx

RETRY_AFTER = 3


class Fault(StrEnum):
    NONE = ""
    LOST_BEFORE = "timeout before the effect"
    LOST_AFTER = "timeout after the effect"
    ERROR_BEFORE = "503 before the effect"
    ERROR_AFTER = "500 after the effect"
    TOO_MANY = "429"


_INJECTED = tuple(fault for fault in Fault if fault)


class Faults:
    """Draws the fault of each call. `reads` and `writes` are percentages of calls with a fault."""

    def __init__(self, seed: int, reads: int = 0, writes: int = 0) -> None:
        self.reads, self.writes = reads, writes
        self.injected: Counter[Fault] = Counter()
        self._next: list[Fault] = []
        self._random = random.Random(seed)
        self._lock = threading.Lock()

    def draw(self, *, write: bool) -> Fault:
        with self._lock:
            if write and self._next:
                fault = self._next.pop(0)
            elif self._random.randrange(100) < (self.writes if write else self.reads):
                fault = self._random.choice(_INJECTED)
            else:
                return Fault.NONE
            self.injected[fault] += 1
            return fault

    def of_next_writes(self, *faults: Fault) -> None:
        """The faults of the next writes."""
        with self._lock:
            self._next += faults


def response_to(fault: Fault, request: httpx.Request) -> httpx.Response:
    """What the program sees of a fault. Raises `httpx.ReadTimeout` for a lost request or response."""
    if fault in (Fault.LOST_BEFORE, Fault.LOST_AFTER):
        raise httpx.ReadTimeout("injected", request=request)
    if fault is Fault.TOO_MANY:
        headers = {"Retry-After": str(RETRY_AFTER)}
        return httpx.Response(429, json={"code": 42910000, "message": "rate limit exceeded"}, headers=headers)
    return httpx.Response(503 if fault is Fault.ERROR_BEFORE else 500, text="upstream")

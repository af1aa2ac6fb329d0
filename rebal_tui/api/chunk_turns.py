"""Turns at parsing, for request bodies that arrive in many small chunks: between turns other requests are handled."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

PAUSE_SECONDS = 0.005
"""Time for other work between two turns; a turn takes about half as long."""


class ChunkTurns:
    """Lets one connection at a time parse a part of its body, in the order in which the connections asked."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], bool]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, parse: Callable[[], bool]) -> None:
        """Call `parse` at its turn. It returns whether there was anything to parse; if not, the next one follows."""
        self._waiting.append(parse)
        self._start()

    def _start(self) -> None:
        if self._waiting and self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(PAUSE_SECONDS, self._run)

    def _run(self) -> None:
        self._timer = None
        try:
            while self._waiting and not self._waiting.popleft()():
                pass
        finally:
            self._start()

"""A queue for parsing request bodies that arrive in many small chunks, so that other requests are handled meanwhile."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

PAUSE_SECONDS = 0.005
"""Time for other work between two turns; a turn takes about half as long."""


class ChunkTurns:
    """Lets one connection at a time parse a part of its request body, with a pause between parts.

    Connections take turns in the order in which they called `add`.
    """

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], bool]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, parse: Callable[[], bool]) -> None:
        """Queue `parse`, which parses the next part of a body and returns whether there was anything to parse.

        If there was nothing, the next function in the queue is called without a pause.
        """
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

"""A log that clients cannot fill: a message that repeats is written at most once a minute, with a count."""

from __future__ import annotations

import logging
from collections.abc import Callable

INTERVAL_SECONDS = 60.0
MAX_MESSAGES = 100
"""Messages that are kept separate; more of them count as one."""
_OTHERS = ""


class RepeatedMessages(logging.Filter):
    """A log filter that writes each text at most once in `INTERVAL_SECONDS`.

    When a text is written again, the number of times that it was left out since is added to it.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        """`clock` returns elapsed time in seconds."""
        super().__init__()
        self._clock = clock
        self._seen: dict[str, tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        text = record.getMessage()
        if text not in self._seen and len(self._seen) >= MAX_MESSAGES:
            text = _OTHERS
        now = self._clock()
        passed_at, held_back = self._seen.get(text, (now - INTERVAL_SECONDS, 0))
        if now - passed_at < INTERVAL_SECONDS:
            self._seen[text] = (passed_at, held_back + 1)
            return False
        self._seen[text] = (now, 0)
        if held_back:
            record.msg, record.args = f"{record.getMessage().rstrip()} ({held_back:,} more since the last time)", ()
        return True

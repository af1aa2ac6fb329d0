"""Unexpected errors of the screens: each is logged once with its traceback, then counted."""

from __future__ import annotations

import logging
from collections.abc import Callable

log = logging.getLogger(__name__)

REPEAT_SECONDS = 10.0
"""A message about an error that recurs within this time is not shown again."""


class Faults:
    """Counts errors. Two errors are equal if their activity (what the app was doing), type and source line are equal.

    Of equal errors, the 1st, 10th, 100th … are logged.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        """`now` is monotonic time in seconds."""
        self._now = now
        self._counts: dict[tuple[str, str, str], int] = {}
        self._shown_at: dict[tuple[str, str, str], float] = {}

    def record(self, what: str, error: BaseException) -> bool:
        """Count an error; log it if it is the 1st, 10th, 100th … of its kind. `what` names the activity that failed.

        Returns whether to show a message: False if an equal error was recorded in the last `REPEAT_SECONDS`.
        """
        key = (what, type(error).__name__, _raised_at(error))
        count = self._counts[key] = self._counts.get(key, 0) + 1
        if count == 1:
            log.error("%s", what, exc_info=error)
        elif _is_power_of_ten(count):
            log.error("%s: %s, %d times so far", what, type(error).__name__, count)
        now = self._now()
        again = key not in self._shown_at or now - self._shown_at[key] >= REPEAT_SECONDS
        self._shown_at[key] = now
        return again


def _raised_at(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace is not None else ""


def _is_power_of_ten(count: int) -> bool:
    while count % 10 == 0:
        count //= 10
    return count == 1

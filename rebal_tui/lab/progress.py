"""Progress and cancellation of a long computation."""

from __future__ import annotations

from collections.abc import Callable

Cancelled = Callable[[], bool]
Progress = Callable[[int, int], None]
"""Called with the number of steps done and their total."""


class Canceled(Exception):
    """The computation was canceled."""

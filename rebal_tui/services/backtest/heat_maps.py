"""Heat maps of the Backtest section."""

from __future__ import annotations

from rebal_tui.lab.heat_map import HeatMap, heat_map
from rebal_tui.lab.progress import Cancelled, Progress
from rebal_tui.services.backtest.comparison import Subject

MAX_COLUMNS, MAX_ROWS = 150, 50


def of_subject(
    subject: Subject, columns: int, rows: int, cooldown_days: int, progress: Progress | None = None,
    canceled: Cancelled | None = None,
) -> HeatMap:  # fmt: skip
    """The band pairs of a subject's history, as many as fit. Does not use the book; raises `Canceled`."""
    columns, rows = max(2, min(columns, MAX_COLUMNS)), max(2, min(rows, MAX_ROWS))
    return heat_map(subject.source.history, subject.weights, columns, rows, cooldown_days, progress, canceled)

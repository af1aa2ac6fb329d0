"""Heat maps of the Lab section."""

from __future__ import annotations

from rebal_tui.lab.heat_map import BandPairs
from rebal_tui.services.backtest.comparison import Subject

MAX_COLUMNS, MAX_ROWS = 150, 50


def of_subject(subject: Subject, columns: int, rows: int) -> BandPairs:
    """The heat maps of a subject: the figures of its portfolio over its history for many pairs of drift bands. Does not
    use the book.

    A column stands for an absolute drift band, a row for a relative one; there are at most `columns` and `rows` of
    them, and no more than 150 and 50.
    """
    columns, rows = max(2, min(columns, MAX_COLUMNS)), max(2, min(rows, MAX_ROWS))
    return BandPairs(subject.source.history, subject.weights, columns, rows)

"""The tabs of the Runs list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebal_tui.tui.screens.runs.columns import columns, group_tabs
from tests.tui.run_views import run_row
from tests.tui.views import desk_row


def test_counts_of_the_newest_runs_are_marked_as_such() -> None:
    rows = tuple(run_row(index, desk_row(index)) for index in range(20))
    assert all(tab.figure.isdecimal() for tab in group_tabs(rows, 20))
    first, *groups = group_tabs(rows, 900)
    assert first.figure == "20 of 900"
    assert all(tab.figure.endswith("+") for tab in groups)


@pytest.mark.parametrize(("done", "total"), [(1, 2), (11, 11), (99, 99), (100, 100), (0, 1000)])
def test_the_narrowest_column_of_orders_shows_their_whole_count(done: int, total: int) -> None:
    column = next(column for column in columns() if column.key == "orders")
    cell = column.cell(replace(run_row(0, desk_row(0)), done=done, total=total))
    assert not isinstance(cell, str)
    text = "".join(part for part, _ in cell)
    assert text.endswith(f"{done}/{total}")
    assert len(text) <= column.width

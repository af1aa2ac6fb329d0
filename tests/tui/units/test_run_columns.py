"""The tabs of the Runs list."""

from __future__ import annotations

from rebal_tui.tui.screens.runs.columns import group_tabs
from tests.tui.run_views import run_row
from tests.tui.views import desk_row


def test_counts_of_the_newest_runs_are_marked_as_such() -> None:
    rows = tuple(run_row(index, desk_row(index)) for index in range(20))
    assert all(tab.figure.isdecimal() for tab in group_tabs(rows, 20))
    first, *groups = group_tabs(rows, 900)
    assert first.figure == "20 of 900"
    assert all(tab.figure.endswith("+") for tab in groups)

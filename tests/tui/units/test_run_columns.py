"""The tabs of the Runs list."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebal_tui.domain.quantities import Money, parse_money
from rebal_tui.services.view_models.runs import RunsSnapshot
from rebal_tui.tui.screens.runs.columns import GROUPS, columns, group_tabs
from rebal_tui.tui.screens.shared.export_choices import cell_text
from rebal_tui.tui.widgets.tabs import ALL
from tests.tui.run_views import run_row
from tests.tui.views import desk_row


def figures(snapshot: RunsSnapshot, here: str) -> dict[str, str]:
    return {tab.key: tab.figure for tab in group_tabs(snapshot, here)}


def test_tabs_count_the_runs_of_the_whole_book_and_say_how_many_are_loaded() -> None:
    rows = tuple(run_row(index, desk_row(index)) for index in range(20))
    counts = {("COMPLETED_SUCCESS", False): 700, ("QUEUED", True): 4, ("QUEUED", False): 3, ("ERROR", False): 193}
    some = RunsSnapshot(1, rows, 900, 900, more=True, counts=counts)
    groups = {"Unfinished": "7", "Review": "4", "Success": "700", "Adjusted": "0", "Failed": "193", "Canceled": "0"}
    assert figures(some, ALL) == {ALL: "20 of 900", **groups}
    assert figures(some, "Failed") == {ALL: "900", **groups, "Failed": "20 of 193"}
    assert figures(replace(some, more=False), ALL) == {ALL: "900", **groups}


def test_tabs_of_too_many_runs_have_the_figure_of_the_loaded_ones_only() -> None:
    rows = tuple(run_row(index, desk_row(index)) for index in range(20))
    many = RunsSnapshot(1, rows, 900_000, 900_000, more=True)
    assert figures(many, ALL)[ALL] == "20 of 900,000"
    assert figures(many, "Failed") == {ALL: "900,000", **dict.fromkeys(GROUPS, ""), "Failed": "20+"}
    assert figures(replace(many, more=False), "Failed")["Failed"] == "20"


@pytest.mark.parametrize(("done", "total"), [(1, 2), (11, 11), (99, 99), (100, 100), (0, 1000)])
def test_the_narrowest_column_of_orders_shows_their_whole_count(done: int, total: int) -> None:
    column = next(column for column in columns() if column.key == "orders")
    cell = column.cell(replace(run_row(0, desk_row(0)), done=done, total=total, skipped=0))
    assert not isinstance(cell, str)
    text = "".join(part for part, _ in cell)
    assert text.endswith(f"{done}/{total}")
    assert len(text) <= column.width


def test_skipped_orders_count_among_those_of_a_run_as_they_do_among_those_not_done() -> None:
    column = next(column for column in columns() if column.key == "orders")
    adjusted = replace(run_row(0, desk_row(0)), done=4, total=5, skipped=1, problems=2)
    assert cell_text(column, adjusted).endswith("4/6"), "4 filled and 2 not done"
    assert cell_text(column, replace(adjusted, done=0, total=0)).endswith("0/1")


def test_dollars_ordered_are_told_from_dollars_filled() -> None:
    column = next(column for column in columns() if column.key == "amount")
    begun = replace(run_row(0, desk_row(0)), total=5, amount=Money(0), ordered=parse_money("1234567.89"))
    assert column.cell(begun) == (("of 1,234,567.89", "muted"),)
    assert column.cell(replace(begun, amount=parse_money("65.60"), ordered=Money(0))) == (("65.60", ""),)


def test_a_run_without_orders_has_no_amount() -> None:
    column = next(column for column in columns() if column.key == "amount")
    proposed = replace(run_row(0, desk_row(0)), done=0, total=0, amount=Money(0), awaiting_approval=True)
    assert column.cell(proposed) == (("–", "muted"),)
    assert cell_text(column, proposed) == ""

"""Lists and confirmations of books with tens of thousands of accounts."""

from __future__ import annotations

import pytest

from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import NANO, Money, Percent, Value
from rebal_tui.services.view_models.accounts import BulkPreview, BulkResult, FirstRun
from rebal_tui.services.view_models.portfolios import PortfolioRow
from rebal_tui.tui.screens.accounts.bulk_lines import MAX_LISTED, bulk_lines, result_lines
from rebal_tui.tui.screens.portfolios.columns import columns
from rebal_tui.tui.segments import Line


def text(line: Line) -> str:
    return "".join(part for part, _ in line)


def row(subscribers: int, dollars: int) -> PortfolioRow:
    return PortfolioRow(
        "p", "Growth", "", "active", Weights((), Percent(10_000)), (), "", 7, subscribers,
        Value(dollars * NANO * NANO), False,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("subscribers", "dollars", "count", "worth"),
    [
        (9_989, 123_456_789, "9,989", "123,456,789.00"),
        (29_964, 9_423_292_592, "29964", "9,423,292,592"),
        (100_000, 36_425_150_618, "100k", "36,425,150,618"),
        (0, 0, "·", "–"),
    ],
)
def test_the_figures_of_a_portfolio_fit_their_columns(subscribers: int, dollars: int, count: str, worth: str) -> None:
    shown = {column.key: (column.cell(row(subscribers, dollars)), column.width) for column in columns()}
    cells = {key: (cell if isinstance(cell, str) else text(cell), width) for key, (cell, width) in shown.items()}
    assert (cells["subscribers"][0], cells["assets"][0]) == (count, worth)
    assert all(len(cells[key][0]) <= cells[key][1] for key in ("subscribers", "assets"))


def test_of_very_many_accounts_some_are_named_and_the_rest_counted() -> None:
    count = MAX_LISTED + 1_500
    refused = {3, 1_700}
    firsts = [FirstRun(str(n), f"Client {n}", "", 2, Money(0), "no" if n in refused else "", "") for n in range(count)]
    lines = bulk_lines(BulkPreview("Growth", tuple(firsts)))(80, 24)
    assert [text(line).split()[2] for line in lines[:2]] == ["3", "1700"]
    assert (len(lines), text(lines[-1])) == (MAX_LISTED + 1, "… 1,500 more")
    done = [BulkResult(str(n), f"Client {n}", "no" if n in refused else "") for n in range(count)]
    shown = [text(line) for line in result_lines(done, "Moved")(80, 24)]
    assert shown[-1] == "… 1,498 more"
    assert [line for line in shown if line.startswith("✗")] == ["✗ Client 3", "✗ Client 1700"]

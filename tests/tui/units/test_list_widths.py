"""What lists do with the width of the widest terminal."""

from __future__ import annotations

from typing import Any

from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import Percent, Value
from rebal_tui.services.view_models.portfolios import PortfolioRow
from rebal_tui.tui.screens.account.tables import decision_columns
from rebal_tui.tui.screens.market import lines as market
from rebal_tui.tui.screens.portfolios import columns as portfolios
from rebal_tui.tui.screens.runs import columns as runs
from rebal_tui.tui.screens.shared.account_lines import OUTCOMES
from rebal_tui.tui.widgets.table_layout import Column, lay_out_columns, widest_texts

LIST_AT_120, LIST_AT_200 = 69, 137
"""Cells of a list with its detail at the right, in a terminal of 120 and of 200 columns."""


def test_portfolios_show_their_conditions_where_there_is_width_even_if_the_longest_are_cut() -> None:
    words = "±5 pp or ±20 % of target · quarterly on the 15th in 3, 6, 9, 12 · when weights or conditions change"
    row = PortfolioRow(
        "p", "Global Opportunities", "", "active", Weights((), Percent(10_000)), (), words, 7, 12, Value(0), False
    )
    columns = portfolios.columns()
    placed = lay_out_columns(columns, LIST_AT_200, widest_texts(columns, [row]))
    widths = {one.column.key: one.width for one in placed}
    assert widths["name"] == len(row.name)
    assert widths["conditions"] >= 50
    assert "conditions" not in {placed.column.key for placed in lay_out_columns(columns, 71, {"name": 20})}


def test_no_outcome_of_a_decision_is_cut() -> None:
    longest = max(len(text) for text, _ in OUTCOMES.values())
    placed = lay_out_columns(decision_columns(), 78, {"reason": 80})
    assert [one.width >= longest for one in placed if one.column.key == "outcome"] == [True]


def test_a_reason_takes_the_width_that_outcomes_do_not_need() -> None:
    placed = lay_out_columns(decision_columns(), 78, {"at": 15, "outcome": 9, "reason": 80})
    assert next(one.width for one in placed if one.column.key == "reason") == 78 - 15 - 9 - 6


def test_a_column_that_can_be_missed_is_left_out_before_a_name_is_cut() -> None:
    def widths(columns: tuple[Column[Any], ...], width: int, name: str, longest: int) -> dict[str, int]:
        return {one.column.key: one.width for one in lay_out_columns(columns, width, {name: longest})}

    of_portfolios = widths(portfolios.columns(), 78, "name", 24)
    assert of_portfolios["name"] == 24
    assert "review" not in of_portfolios
    assert "review" in widths(portfolios.columns(), 78, "name", 12)
    of_runs = widths(runs.columns(), 80, "client", 24)
    assert of_runs["client"] == 24
    assert "problems" not in of_runs
    assert "problems" in widths(runs.columns(), LIST_AT_200, "client", 24)


def test_no_name_of_an_asset_is_cut_while_width_is_free() -> None:
    longest = len("SPDR Dow Jones Industrial Average ETF Trust")
    placed = lay_out_columns(market.columns(), LIST_AT_200, {"name": longest})
    assert next(one.width for one in placed if one.column.key == "name") == longest


def test_the_accounts_of_an_asset_are_shown_before_its_price_trend() -> None:
    widths = {"symbol": 5, "name": 40, "price": 9, "change": 9, "state": 30, "portfolios": 1, "accounts": 1}
    shown = {one.column.key for one in lay_out_columns(market.columns(), LIST_AT_120, widths)}
    assert shown == {"symbol", "price", "change", "state", "portfolios", "accounts"}, "its place is not left empty"
    assert "chart" in {one.column.key for one in lay_out_columns(market.columns(), LIST_AT_120, widths | {"price": 8})}


def test_a_name_that_lacks_one_cell_takes_the_one_at_the_right_edge() -> None:
    widths = {"status": 10, "name": 20, "weights": 10, "subscribers": 2, "assets": 12, "conditions": 90, "review": 3}
    placed = {one.column.key: one for one in lay_out_columns(portfolios.columns(), LIST_AT_120, widths)}
    assert placed["name"].width == 20
    assert placed["assets"].at + placed["assets"].width == LIST_AT_120
    placed = {one.column.key: one for one in lay_out_columns(portfolios.columns(), LIST_AT_120, widths | {"name": 21})}
    assert placed["name"].width == 19, "nor is the edge taken for a name that is cut all the same"


def test_a_cut_name_takes_the_width_that_columns_of_a_fixed_width_do_not_use() -> None:
    columns: tuple[Column[str], ...] = (
        Column("status", "Status", 12, lambda _: "● success"),
        Column("name", "Client", 15, lambda row: row, grow=3, max_width=40, whole=True),
        Column("created", "Created", 12, lambda _: "02 Mar 10:00"),
    )

    def widths(rows: list[str], width: int) -> dict[str, int]:
        return {one.column.key: one.width for one in lay_out_columns(columns, width, widest_texts(columns, rows))}

    name = "Lindqvist Family Office"
    assert widths([name], 60) == {"status": 12, "name": len(name), "created": 12}, "there is width for all"
    assert widths([name], 45) == {"status": 9, "name": 18, "created": 12}
    assert widths(["Ruiz, Ana"], 45) == {"status": 12, "name": 9, "created": 12}
    assert widths([name] * 1_001, 45)["status"] == 12, "not all rows are measured"


def test_no_cut_column_gives_width_to_another() -> None:
    columns: tuple[Column[str], ...] = (
        Column("name", "Client", 10, lambda row: row, grow=1, max_width=40, whole=True),
        Column("portfolio", "Portfolio", 10, lambda row: row, grow=1, max_width=40, whole=True),
    )
    placed = lay_out_columns(columns, 36, widest_texts(columns, ["x" * 30]))
    assert [one.width for one in placed] == [16, 16]

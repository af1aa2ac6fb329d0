"""Tables of rows held by column."""

from __future__ import annotations

from itertools import repeat
from typing import NamedTuple

import pytest

from rebal_tui.domain.errors import BrokenInvariant
from rebal_tui.store.rows import RowTable, assignments, insert


class Row(NamedTuple):
    key: int
    name: str
    amount: int | None = None


def test_a_table_built_from_columns_iterates_over_its_rows_with_defaults_filled_in() -> None:
    table = RowTable.build(Row, 2, key=[2, 1], name=repeat("x"))
    assert [tuple(row) for row in table] == [(2, "x", None), (1, "x", None)]
    assert table.column("key") == [2, 1]


@pytest.mark.parametrize(
    "columns",
    [{"key": [1]}, {"key": [1], "name": ["a", "b"]}, {"key": [1], "name": ["a"], "weight": [1]}],
    ids=["a column is missing", "columns of different lengths", "not a field"],
)
def test_columns_that_do_not_fit_the_type_are_refused(columns: dict[str, list[int]]) -> None:
    with pytest.raises(BrokenInvariant):
        RowTable.build(Row, 1, **columns)


def test_tables_are_joined_in_order_and_sorted_by_a_field() -> None:
    first, second = RowTable.of(Row, [Row(3, "c")]), RowTable.of(Row, [Row(1, "a"), Row(2, "b", 5)])
    joined = RowTable.joined(Row, [first, RowTable.of(Row, []), second])
    assert list(joined) == [Row(3, "c"), Row(1, "a"), Row(2, "b", 5)]
    assert list(joined.sorted_by("key")) == [Row(1, "a"), Row(2, "b", 5), Row(3, "c")]
    assert list(RowTable.joined(Row, [])) == []


def test_values_are_replaced_at_indexes_and_the_original_table_stays() -> None:
    table = RowTable.of(Row, [Row(1, "a"), Row(2, "b"), Row(3, "c")])
    changed = table.replace_at([2, 0], name=["z", "y"], amount=[30, 10])
    assert list(changed) == [Row(1, "y", 10), Row(2, "b"), Row(3, "z", 30)]
    assert list(table) == [Row(1, "a"), Row(2, "b"), Row(3, "c")]


def test_statements_have_one_parameter_per_field() -> None:
    assert insert("things", Row) == "INSERT INTO things (key, name, amount) VALUES (?, ?, ?)"
    assert assignments(Row, key="key") == "name = ?2, amount = ?3"

"""The order of rows in columns equals a stable sort, whatever the range of values and the number of ties."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.services.queries.lazy_rows import in_order

INT64 = st.integers(-(2**63) + 1, 2**63 - 1)


@given(st.lists(INT64 | st.integers(-3, 3)))
def test_indexes_are_in_the_order_of_a_stable_sort(values: list[int]) -> None:
    assert in_order(np.array(values, np.int64)).tolist() == sorted(range(len(values)), key=values.__getitem__)


@given(st.lists(st.integers(-3, 3), max_size=300), INT64)
def test_equal_numbers_keep_their_order_with_a_very_large_one(values: list[int], large: int) -> None:
    assert in_order(np.array([*values, large], np.int64)).tolist() == sorted(
        range(len(values) + 1), key=[*values, large].__getitem__
    )

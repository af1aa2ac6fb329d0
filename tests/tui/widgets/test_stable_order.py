"""Rows of a live list keep their places while keys are pressed."""

from __future__ import annotations

import numpy as np
import pytest

from rebal_tui.tui.widgets.stable_order import HOLD_SECONDS, StableOrder

IDS = np.array([10, 11, 12, 13, 14])


def test_rows_keep_their_places_for_ten_seconds_after_a_key() -> None:
    order = StableOrder()
    assert order.renew([0, 1, 2, 3], IDS, 0.0).tolist() == [0, 1, 2, 3]
    order.touch(5.0)
    assert order.keep([3, 0, 1, 2], IDS, 5.0 + HOLD_SECONDS - 0.1).tolist() == [0, 1, 2, 3]
    assert order.moved == 4
    assert [order.has_moved(index) for index in range(5)] == [True] * 4 + [False]
    assert order.keep([3, 0, 1, 2], IDS, 5.0 + HOLD_SECONDS).tolist() == [3, 0, 1, 2]
    assert (order.moved, order.has_moved(0)) == (0, False)


def test_without_a_key_the_order_changes_at_most_every_ten_seconds() -> None:
    order = StableOrder()
    order.renew([0, 1], IDS, 100.0)
    assert order.keep([1, 0], IDS, 109.0).tolist() == [0, 1]
    assert order.seconds_left(109.0) == pytest.approx(1.0)
    assert order.keep([1, 0], IDS, 110.0).tolist() == [1, 0]


def test_rows_that_come_are_last_and_those_that_go_leave_no_gap() -> None:
    order = StableOrder()
    order.renew([0, 1, 2], IDS, 0.0)
    assert order.keep([4, 2, 0], IDS, 1.0).tolist() == [0, 2, 4]


def test_rows_are_followed_by_their_ids_when_the_source_has_them_elsewhere() -> None:
    order = StableOrder()
    order.renew([0, 1, 2], IDS, 0.0)
    other = np.array([12, 11, 10, 99])
    assert other[order.keep([0, 1, 2, 3], other, 1.0)].tolist() == [10, 11, 12, 99]

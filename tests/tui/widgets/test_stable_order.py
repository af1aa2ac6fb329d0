"""Rows of a live list keep their places while keys are pressed."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from rebal_tui.tui.widgets import stable_order
from rebal_tui.tui.widgets.stable_order import HOLD_SECONDS, StableOrder

IDS = np.array([10, 11, 12, 13, 14])


def test_rows_keep_their_places_for_ten_seconds_after_a_key() -> None:
    order = StableOrder()
    assert order.renew([0, 1, 2, 3], IDS, 0.0).tolist() == [0, 1, 2, 3]
    order.touch(5.0)
    assert order.keep([3, 0, 1, 2], IDS, 5.0 + HOLD_SECONDS - 0.1).tolist() == [0, 1, 2, 3]
    assert order.moved == 1
    assert [order.has_moved(index) for index in range(5)] == [False] * 3 + [True, False]
    assert order.keep([3, 0, 1, 2], IDS, 5.0 + HOLD_SECONDS).tolist() == [3, 0, 1, 2]
    assert (order.moved, order.has_moved(0)) == (0, False)


def test_without_a_key_the_order_changes_at_most_every_ten_seconds() -> None:
    order = StableOrder()
    order.renew([0, 1], IDS, 100.0)
    assert order.keep([1, 0], IDS, 109.0).tolist() == [0, 1]
    assert (order.waiting, order.moved, order.has_moved(0)) == (True, 0, False), "it follows without being asked"
    assert order.seconds_left(109.0) == pytest.approx(1.0)
    assert order.keep([1, 0], IDS, 110.0).tolist() == [1, 0]


def test_in_a_list_by_time_only_a_key_keeps_the_order() -> None:
    order = StableOrder(after_sort=False)
    order.renew([0, 1], IDS, 100.0)
    assert order.keep([2, 0, 1], IDS, 101.0).tolist() == [2, 0, 1], "a new row comes where it belongs"
    order.touch(102.0)
    assert order.keep([3, 2, 0, 1], IDS, 103.0).tolist() == [2, 0, 1, 3]
    assert order.moved == 1, "and the bottom line shows it"


def test_rows_that_come_are_last_and_those_that_go_leave_no_gap() -> None:
    order = StableOrder()
    order.renew([0, 1, 2], IDS, 0.0)
    assert order.keep([4, 2, 0], IDS, 1.0).tolist() == [0, 2, 4]


def test_rows_are_followed_by_their_ids_when_the_source_has_them_elsewhere() -> None:
    order = StableOrder()
    order.renew([0, 1, 2], IDS, 0.0)
    other = np.array([12, 11, 10, 99])
    assert other[order.keep([0, 1, 2, 3], other, 1.0)].tolist() == [10, 11, 12, 99]


def test_a_row_that_comes_counts_as_one_that_moved_and_shifts_none() -> None:
    order = StableOrder()
    order.renew([0, 1, 2], IDS, 0.0)
    order.touch(0.5)
    assert order.keep([3, 0, 1, 2], IDS, 1.0).tolist() == [0, 1, 2, 3]
    assert order.moved == 1
    assert [order.has_moved(index) for index in range(4)] == [False, False, False, True]
    assert order.keep([3, 0, 1, 2], IDS, 2.0).tolist() == [0, 1, 2, 3]
    assert order.moved == 1, "also when it has been shown"


@pytest.mark.parametrize(
    ("now", "moved"),
    [
        ([0, 1, 2, 3, 4], []),
        ([1, 0, 2, 3, 4], [0, 1]),
        ([4, 0, 1, 2, 3], [4]),
        ([0, 3, 1, 2, 4], [3]),
        ([3, 4, 0, 1, 2], [0, 3]),
        ([4, 3, 2, 1, 0], [0, 1, 2, 3, 4]),
    ],
)
def test_the_rows_that_have_moved_are_marked_and_not_those_that_they_passed(now: list[int], moved: list[int]) -> None:
    order = StableOrder()
    order.renew(range(5), IDS, 0.0)
    order.touch(0.5)
    order.keep(now, IDS, 1.0)
    assert [index for index in range(5) if order.has_moved(index)] == moved
    assert order.moved == len(moved)


def test_an_order_computed_before_it_is_kept_is_not_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    order = StableOrder()
    order.renew([0, 1, 2, 3], IDS, 0.0)
    order.touch(0.5)
    fresh = np.array([4, 2, 0, 1])
    assert order.foresee(fresh, IDS, 1.0).tolist() == [0, 1, 2, 4]
    assert order.moved == 0, "nothing is shown yet"

    def late(*_: object) -> None:
        raise AssertionError("computed on the thread of the screens")

    with monkeypatch.context() as patched:
        patched.setattr(stable_order, "_keep", late)
        patched.setattr(stable_order, "_moved", late)
        assert order.keep(fresh, IDS, 1.1).tolist() == [0, 1, 2, 4]
    assert (order.moved, order.waiting) == (2, True)


def test_an_order_computed_before_the_rows_were_sorted_anew_is_not_taken() -> None:
    order = StableOrder()
    order.renew([0, 1, 2, 3], IDS, 0.0)
    fresh = np.array([3, 2, 1, 0])
    order.foresee(fresh, IDS, 1.0)
    order.renew([2, 3, 0, 1], IDS, 1.0)
    assert order.keep(fresh, IDS, 1.1).tolist() == [2, 3, 0, 1]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_no_row_changes_position_within_ten_seconds_of_a_key(seed: int) -> None:
    """Rows stay, come and change their order at random times; keys are pressed at random times."""
    chance, order = Random(seed), StableOrder()
    ids = np.arange(60)
    now, key_at, shown = 0.0, float("-inf"), order.renew(range(40), ids, 0.0).tolist()
    renewed = 0
    for _ in range(400):
        now += chance.choice((0.25, 0.25, 3.0))
        if chance.random() < 0.1:
            order.touch(now)
            key_at = now
        there = (
            chance.sample(range(60), chance.randint(35, 60))
            if chance.random() < 0.1
            else chance.sample(shown, len(shown))
        )
        fresh = np.array(there)
        if chance.random() < 0.5:
            order.foresee(fresh, ids, now - 0.1)
        before, shown = shown, order.keep(fresh, ids, now).tolist()
        assert sorted(shown) == sorted(there)
        stayed = [one for one in before if one in set(there)]
        if now - key_at < HOLD_SECONDS:
            assert shown[: len(stayed)] == stayed
        renewed += shown == there and shown[: len(stayed)] != stayed
    assert renewed > 3, "without keys, the order follows"

"""Shares that are shown add up (W18)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.engine.shares import rounded_shares


@pytest.mark.parametrize(
    ("parts", "shares"),
    [
        ([60, 30, 10], [6000, 3000, 1000]),
        ([1, 1, 1], [3334, 3333, 3333]),
        ([2, 2, 2, 0], [3334, 3333, 3333, 0]),
        ([12345, 87655], [1234, 8766]),
        ([-10, 110], [-1000, 11000]),
        ([0, 0], [0, 0]),
        ([5, -5], [0, 0]),
    ],
)
def test_shares_are_rounded_half_even_and_add_up(parts: list[int], shares: list[int]) -> None:
    assert rounded_shares(parts) == shares


@given(st.lists(st.integers(0, 10**30), min_size=1, max_size=40).filter(any))
def test_every_share_is_within_one_hundredth_and_all_add_up(parts: list[int]) -> None:
    shares = rounded_shares(parts)
    assert sum(shares) == 10_000
    assert all(abs(share * sum(parts) - part * 10_000) <= sum(parts) for share, part in zip(shares, parts, strict=True))


@given(
    st.lists(st.integers(0, 10**30), min_size=2, max_size=40).filter(any),
    st.lists(st.integers(0, 10**6), min_size=1, max_size=40),
)
def test_parts_that_stay_keep_their_shares(before: list[int], moves: list[int]) -> None:
    """What moves between the first and the last part changes no share of the others."""
    after = list(before)
    moved = min(before[0], sum(moves))
    after[0], after[-1] = before[0] - moved, before[-1] + moved
    known = rounded_shares(before)
    shares = rounded_shares(after, dict(enumerate(known[1:-1], 1)))
    assert shares[1:-1] == known[1:-1]
    assert sum(shares) == 10_000

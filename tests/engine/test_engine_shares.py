"""Weights that are shown: each is rounded by itself, as in the checks."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.quantities import format_scaled
from rebal_tui.engine.shares import share
from rebal_tui.engine.trace_text import ratio_text


@pytest.mark.parametrize(
    ("part", "whole", "shown"),
    [
        (60, 100, 6000),
        (1, 3, 3333),
        (2, 3, 6667),
        (12345, 100_000, 1234),
        (87655, 100_000, 8766),
        (-10, 100, -1000),
        (Fraction(1, 3), Fraction(2, 3), 5000),
        (1, 0, 0),
        (1, -1, 0),
    ],
)
def test_a_share_is_rounded_half_even(part: int | Fraction, whole: int | Fraction, shown: int) -> None:
    assert share(part, whole) == shown


@given(st.lists(st.integers(0, 10**30), min_size=1, max_size=20).filter(any))
def test_a_share_is_the_figure_of_the_checks_whatever_the_others_are(parts: list[int]) -> None:
    """A limit that no share can read as, so that the check needs no more than two decimals."""
    whole = sum(parts)
    for part in parts:
        assert format_scaled(share(part, whole), 2, 2) == ratio_text(part * 10_000, whole, -1)

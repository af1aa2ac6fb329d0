"""A frame equals its accounts after any replacement."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from rebal_tui.engine.arrays.frame import BookFrame, PositionColumns
from tests.engine.array_books import frame_of, random_situations, tied_situations


def held(frame: BookFrame) -> list[dict[str, int]]:
    return [dict(frame.holdings(row)) for row in range(len(frame))]


@pytest.mark.slow
def test_every_holding_is_found_again() -> None:
    situations = [*random_situations(random.Random(1), 300)]
    frame = frame_of(situations)
    assert held(frame) == [dict(s.positions) for s in situations]
    columns = frame.positions()
    again = BookFrame.of(frame.accounts, columns, frame.assets, frame.portfolios)
    assert held(again) == held(frame)
    assert (np.diff(columns.account) >= 0).all()


def test_parts_of_a_frame_hold_its_accounts() -> None:
    frame = frame_of(random_situations(random.Random(2), 100))
    assert held(frame.part(0, 37)) + held(frame.part(37, 100)) == held(frame)


def test_holdings_are_replaced_without_touching_the_frame_before() -> None:
    frame = frame_of(tied_situations(random.Random(3), 200))
    before = held(frame)
    rows = np.array([5, 17, 150], np.int32)
    account, asset = np.array([5, 5, 150], np.int32), np.array([0, 23, 7], np.int32)
    after = frame.with_holdings(rows, PositionColumns(account, asset, np.array([1, 2, 3], np.int64)))
    expected = list(before)
    expected[5], expected[17], expected[150] = {"T00": 1, "T23": 2}, {}, {"T07": 3}
    assert held(after) == expected
    assert held(frame) == before


def test_another_portfolio_rebuilds_the_block_of_an_account() -> None:
    frame = frame_of(tied_situations(random.Random(4), 100))
    portfolio = frame.accounts.portfolio.copy()
    portfolio[::2] = (portfolio[::2] + 1) % len(frame.portfolios)
    portfolio[3] = -1
    moved = frame.with_accounts(replace(frame.accounts, portfolio=portfolio))
    assert held(moved) == held(frame)


def test_prices_are_replaced_by_index() -> None:
    frame = frame_of(tied_situations(random.Random(5), 10))
    rows = np.array([2, 4])
    after = frame.with_prices(rows, np.array([7, 0]), 99)
    assert after.prices()["T02"] == 7
    assert "T04" not in after.prices()
    assert "T04" in frame.prices()
    assert after.assets.price_at[2] == 99

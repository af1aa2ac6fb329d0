"""The worst drift of each account equals the exact one, for any selection and order of accounts."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebal_tui.engine.arrays.day_context import day_context_of
from rebal_tui.engine.arrays.exact import exact_account
from rebal_tui.engine.arrays.frame import UNSUBSCRIBED, BookFrame
from rebal_tui.engine.arrays.sweep import NO_ASSET, NO_BAND, sweep
from rebal_tui.engine.arrays.worst_drift import worst_drifts
from tests.engine.array_books import frame_of, random_situations, tied_situations


def expected(frame: BookFrame, row: int) -> tuple[str, int, int, bool]:
    if frame.accounts.portfolio[row] == UNSUBSCRIBED:
        return "", 0, NO_BAND, False
    exact = exact_account(frame, row)
    worst, usage = exact.worst, exact.usage
    return (
        worst.symbol if worst else "",
        worst.points if worst else 0,
        usage.permille if usage else NO_BAND,
        exact.breached,
    )


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**40), st.booleans(), st.data())
def test_the_worst_drifts_of_some_accounts_equal_those_of_each(seed: int, tied: bool, data: st.DataObject) -> None:
    frame = frame_of((tied_situations if tied else random_situations)(random.Random(seed), 20))
    portfolio = frame.accounts.portfolio.copy()
    portfolio[data.draw(st.lists(st.integers(0, 19), max_size=3))] = UNSUBSCRIBED
    frame = frame.with_accounts(replace(frame.accounts, portfolio=portfolio))
    rows = data.draw(st.lists(st.integers(0, 19), unique=True))
    made = worst_drifts(frame, np.array(rows, np.intp))
    symbols = ["" if asset == NO_ASSET else frame.assets.symbols[asset] for asset in made.asset]
    actual = zip(symbols, made.drift.tolist(), made.band_used.tolist(), made.outside.tolist(), strict=True)
    assert list(actual) == [expected(frame, row) for row in rows]


def test_a_book_all_in_cash_is_computed_from_its_targets_without_the_exact_form() -> None:
    situations = [
        replace(s, account=replace(s.account, positions=(), cash=abs(s.account.cash)))  # type: ignore[arg-type]
        for s in tied_situations(random.Random(8), 200)
        if abs(s.account.cash) > 10**12
    ]
    frame = frame_of(situations)
    made = worst_drifts(frame, np.arange(len(frame)))
    assert made.confirmed == 0
    assert made.outside.any()
    swept = sweep(frame, day_context_of(frame, situations[0].now, situations[0].session))
    for row in range(len(frame)):
        assert swept.band_used[row] == expected(frame, row)[2]
        assert (swept.groups[row] & 1 != 0) == expected(frame, row)[3]
        assert frame.assets.symbols[made.asset[row]] == expected(frame, row)[0]

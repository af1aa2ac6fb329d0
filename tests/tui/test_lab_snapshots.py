"""The Backtest section at two sizes, with two years of the sample."""

from __future__ import annotations

from typing import Any

import pytest

from tests.tui.driving import press, settle
from tests.tui.simulated import SIZES, app_with_book, market_book
from tests.tui.test_lab_flows import computed

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("size", ["120x40", "200x60"])
def test_the_default_grid(snap_compare: Any, size: str) -> None:
    async def before(pilot: Any) -> None:
        await settle(pilot)
        await press(pilot, "7")
        await computed(pilot, pilot.app)

    assert snap_compare(app_with_book(market_book()), terminal_size=SIZES[size], run_before=before)

"""Line of the firm's totals above the Desk."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rebal_tui.domain.quantities import Money
from rebal_tui.tui.screens.desk.firm_line import firm_line
from tests.tui.views import desk_row, firm


@pytest.mark.parametrize(("cash", "share"), [("1996", "2.0"), ("1949", "1.9"), ("1950", "2.0"), ("1850", "1.8")])
def test_the_cash_share_of_the_firm_is_rounded_half_to_even(cash: str, share: str) -> None:
    totals = replace(firm([desk_row(1)]), equity=Money(100_000), cash=Money(int(cash)))
    assert f"({share} %)" in "".join(text for text, _ in firm_line(totals, 120))

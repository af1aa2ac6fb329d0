"""Amounts as a person types them."""

from __future__ import annotations

import pytest

from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import parse_money, parse_qty
from rebal_tui.tui.amounts import read_dollars, read_shares
from rebal_tui.tui.screens.settings.guards import LIMITS
from rebal_tui.tui.screens.shared.form import read_amount


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1500", "1500"),
        ("1,500", "1500"),
        ("1,500.00", "1500"),
        ("  $1,234,567.89 ", "1234567.89"),
        ("$ 12.50", "12.5"),
        ("150.00", "150"),
        ("0.5", "0.5"),
    ],
)
def test_groups_of_three_before_the_point_are_read(text: str, value: str) -> None:
    assert read_dollars(text) == parse_money(value)
    assert read_amount({"amount": text}) == parse_money(value)
    assert LIMITS["surge_run_limit"][2](text) == parse_money(value)
    assert read_shares(text.replace("$", "")) == parse_qty(value)


AMBIGUOUS = (
    *("150,00", "1,5", "1,50", "15,0000", "1500,000", ",500", "0,500", "1,,500", "1,500,", "1.500,00", "1,500.00,0"),
    *("1.234,567", "1,500 000", "1,٥٠٠"),
)


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_any_other_comma_is_refused_with_what_is_expected(text: str) -> None:
    with pytest.raises(ValueError, match=r"expected 1,500\.00 or 1500"):
        read_dollars(text)
    with pytest.raises(Invalid, match=r"amount: expected 1,500\.00 or 1500"):
        read_amount({"amount": text})
    with pytest.raises(ValueError, match=r"expected 1,500\.00 or 1500"):
        LIMITS["surge_order_limit"][2](text)
    with pytest.raises(ValueError, match=r"expected 1,500 or 12\.5"):
        read_shares(text)

"""Monthly returns read from CSV, and what is refused in them."""

from __future__ import annotations

import io
from datetime import date
from fractions import Fraction

import pytest

from rebal_tui.domain.errors import Invalid
from rebal_tui.market.monthly_returns import has_monthly_returns, read_monthly_returns

GOOD = "month,stock_return,bond_return\n1926-12,0.0318,-0.5\n1927-01,0,4.718e-03\n"


def test_returns_are_read_exactly() -> None:
    read = read_monthly_returns(io.StringIO(GOOD))

    assert read.symbols == ("STOCK", "BOND")
    assert read.months == (date(1926, 12, 1), date(1927, 1, 1))
    assert read.rows == ((Fraction(318, 10_000), Fraction(-1, 2)), (Fraction(0), Fraction(4718, 1_000_000)))
    assert has_monthly_returns(GOOD)
    assert not has_monthly_returns("date,SPY")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("1927-01", "1927-02", "line 3, month: got '1927-02', expected 1927-01, the month after 1926-12"),
        ("1927-01", "1926-12", "line 3, month: got '1926-12', expected 1927-01"),
        ("1926-12", "1926-13", "line 2, month: got '1926-13', expected a month such as 1926-07"),
        ("-0.5", "-1", "line 2, BOND: got '-1', expected a return above -1"),
        ("0.0318", "3 %", "line 2, STOCK: got '3 %', expected a return above -1, such as 0.0318"),
        (",4.718e-03", "", "line 3: got 2 cells, expected 3"),
        ("bond_return", "stock_return", "line 1: got 'month,stock_return,stock_return'"),
    ],
)
def test_faults_name_line_and_column(old: str, new: str, fault: str) -> None:
    with pytest.raises(Invalid) as refused:
        read_monthly_returns(io.StringIO(GOOD.replace(old, new)))

    assert any(fault in str(f) for f in refused.value.faults), refused.value.faults


def test_a_file_needs_a_month() -> None:
    with pytest.raises(Invalid, match="no month"):
        read_monthly_returns(io.StringIO("month,a\n"))

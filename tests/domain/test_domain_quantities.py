"""Exact quantities: parsing, refusals, formatting and rounding."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.quantities import (
    ATTO,
    CENT,
    NANO,
    Money,
    Percent,
    Price,
    Qty,
    Value,
    floor_cents,
    floor_money,
    format_scaled,
    market_value,
    money_text,
    nearest_cents,
    parse_money,
    parse_percent,
    parse_price,
    parse_qty,
    parse_scaled,
    percent_text,
    price_text,
    qty_text,
    share_of,
)


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("0", 0),
        ("-0", 0),
        ("1", NANO),
        ("30443.177578017", 30_443_177_578_017),
        ("-0.000000001", -1),
        ("000012.50", 12_500_000_000),
        ("1.000000000000000000", NANO),
        ("9000000000", 9_000_000_000 * NANO),
        ("-9000000000", -9_000_000_000 * NANO),
    ],
)
def test_money_is_read_exactly(text: str, units: int) -> None:
    assert parse_money(text) == units


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " 1",
            "1 ",
            "+1",
            "--1",
            "1e3",
            "1E3",
            ".5",
            "5.",
            "1,000",
            "1_000",
            "0x10",
            "NaN",
            "inf",
            "-inf",
            "1.2.3",
        ),
        *(
            "\u0661\u0662",
            "\uff11",
            "½",
            "1\n",
            "$5",
            "1.0000000001",
            "0." + "0" * 18 + "1",
            "1" * 19,
            "9000000000.000000001",
        ),
    ],
)
def test_only_a_plain_decimal_in_range_is_accepted(text: str) -> None:
    with pytest.raises(ValueError, match="expected"):
        parse_money(text)


def test_refusals_state_the_expected_value() -> None:
    with pytest.raises(ValueError, match=r"expected at most 2 decimals"):
        parse_percent("33.333")
    with pytest.raises(ValueError, match=r"expected an amount within ±9,000,000,000"):
        parse_money("9000000001")
    with pytest.raises(ValueError, match=r"expected an amount within ±9,000,000,000"):
        parse_money("-99999999999999999999.5")
    with pytest.raises(ValueError, match=r"expected a quantity within"):
        parse_qty("9000000001")
    with pytest.raises(ValueError, match=r"expected a plain decimal number such as 1234.56"):
        parse_money("ten")


@pytest.mark.parametrize("text", ["0", "-1", "0.000000000"])
def test_a_price_is_above_zero(text: str) -> None:
    with pytest.raises(ValueError, match="expected a price above 0"):
        parse_price(text)


@pytest.mark.parametrize(("text", "hundredths"), [("5", 500), ("100.00", 10_000), ("0.01", 1), ("-3.5", -350)])
def test_percent_counts_hundredths(text: str, hundredths: int) -> None:
    assert parse_percent(text) == hundredths


def test_text_forms_of_the_api() -> None:
    assert money_text(Money(30_000 * NANO)) == "30000.00"
    assert money_text(Money(30_443_177_578_017)) == "30443.177578017"
    assert money_text(Money(-5 * CENT)) == "-0.05"
    assert qty_text(Qty(72_865_432_211)) == "72.865432211"
    assert qty_text(Qty(3 * NANO)) == "3"
    assert price_text(Price(417_800_000_000)) == "417.8"
    assert percent_text(Percent(500)) == "5"
    assert percent_text(Percent(909)) == "9.09"


@given(st.integers(-(10**20), 10**20), st.integers(0, 12), st.integers(0, 12))
def test_written_quantities_are_read_back(units: int, decimals: int, at_least: int) -> None:
    text = format_scaled(units, decimals, min(at_least, decimals))
    if len(text.lstrip("-").split(".")[0]) <= 18:
        assert parse_scaled(text, decimals) == units
    assert "e" not in text.lower()


@given(st.text(max_size=30))
def test_reading_refuses_or_returns_a_number(text: str) -> None:
    try:
        units = parse_money(text)
    except ValueError:
        return
    assert parse_money(money_text(units)) == units


def test_values_are_exact_products() -> None:
    assert market_value(Qty(1), Price(1)) == 1
    assert market_value(Qty(3 * NANO), Price(7 * NANO)) == 21 * ATTO


@pytest.mark.parametrize(
    ("value", "cents"),
    [(ATTO, NANO), (ATTO - 1, 99 * CENT), (ATTO // 100 - 1, 0), (0, 0), (-1, -CENT)],
)
def test_cents_round_down(value: int, cents: int) -> None:
    assert floor_cents(Value(value)) == cents


def test_other_roundings_go_down_too() -> None:
    assert floor_money(Value(2 * NANO - 1)) == 1
    assert share_of(Value(9_999), Percent(1)) == 0
    assert share_of(Value(20_000), Percent(6_000)) == 12_000


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("9.999999995", "10"), ("10.004999999", "10"), ("10.005", "10.01"), ("0", "0"), ("2458.68", "2458.68")],
)
def test_executions_are_printed_to_the_nearest_cent(amount: str, expected: str) -> None:
    exact = parse_money(amount)
    assert nearest_cents(exact) == parse_money(expected)
    assert nearest_cents(Money(-exact)) == -parse_money(expected)

"""Exact drift bands (R-15) and their messages."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.decisions import Verdict
from rebal_tui.domain.portfolios import Condition, DriftBand
from rebal_tui.domain.quantities import ATTO, Money, Percent, Price, Qty, Value, parse_money, parse_qty
from rebal_tui.engine.drift import (
    AssetDrift,
    BandUsage,
    asset_drifts,
    largest_drift,
    largest_usage,
    magnitude,
    value_account,
)
from rebal_tui.engine.evaluation import evaluate
from rebal_tui.engine.restrictions import exceeds_position_ratio
from rebal_tui.engine.trace_text import condition_text, dollars, dollars_down, drift_text, ordinal, percent
from tests.engine.support import band, calendar, situation, weights

ONE = Price(1_000_000_000)


def drifts_of(cash: str, target_cash: str, target: dict[str, str], **held: str) -> tuple[AssetDrift, ...]:
    positions = {symbol: parse_qty(qty) for symbol, qty in held.items()}
    valuation = value_account(parse_money(cash), positions, dict.fromkeys(held, ONE))
    return asset_drifts(valuation, weights(target_cash, **target))


def breaches(actual: str, target: str, condition: DriftBand) -> bool:
    """Whether an asset worth `actual` of 100 dollars, with this target percent, breaches the band."""
    cash = parse_money("100") - parse_money(actual)
    valuation = value_account(Money(cash), {"SPY": parse_qty(actual)}, {"SPY": ONE})
    other = str(100 - int(target))
    return asset_drifts(valuation, weights(other, SPY=target))[0].breaches(condition)


@pytest.mark.parametrize(
    ("actual", "target", "kind", "percent", "fires"),
    [
        ("65", "60", "absolute", "5", False),
        ("65.0000", "60", "absolute", "5", False),
        ("65.0001", "60", "absolute", "5", True),
        ("65.000000001", "60", "absolute", "5", True),
        ("55", "60", "absolute", "5", False),
        ("54.9999", "60", "absolute", "5", True),
        ("8", "10", "absolute", "2", False),
        ("12", "10", "absolute", "2", False),
        ("7.99", "10", "absolute", "2", True),
        ("12.01", "10", "absolute", "2", True),
        ("9", "10", "relative", "10", False),
        ("11", "10", "relative", "10", False),
        ("8.99", "10", "relative", "10", True),
        ("11.01", "10", "relative", "10", True),
        ("60", "60", "absolute", "0.01", False),
        ("60.010000001", "60", "absolute", "0.01", True),
        ("0", "10", "relative", "100", False),
        ("20.000000001", "10", "relative", "100", True),
    ],
)
def test_a_band_fires_strictly_outside_it(actual: str, target: str, kind: str, percent: str, fires: bool) -> None:
    assert breaches(actual, target, band(kind, percent)) is fires


def test_a_foreign_holding_counts_for_absolute_bands_only() -> None:
    drifts = drifts_of("84", "40", {"SPY": "60"}, XYZ="6", SPY="10")
    foreign = next(drift for drift in drifts if drift.symbol == "XYZ")
    assert foreign.target == 0
    assert foreign.breaches(band("absolute", "5"))
    assert not foreign.breaches(band("relative", "0.01"))
    assert foreign.usage_of(band("relative", "0.01")) is None


def test_cash_is_part_of_equity_but_has_no_band() -> None:
    drifts = drifts_of("50", "10", {"SPY": "90"}, SPY="50")
    assert [drift.symbol for drift in drifts] == ["SPY"]
    assert drifts[0].equity == 100 * ATTO


def test_assets_come_in_order_of_the_portfolio_then_others_by_symbol() -> None:
    drifts = drifts_of("1", "0", {"TLT": "50", "AAA": "50"}, ZZZ="1", BBB="1", TLT="1")
    assert [drift.symbol for drift in drifts] == ["TLT", "AAA", "BBB", "ZZZ"]


@pytest.mark.parametrize("cash", ["0", "-10"])
def test_without_equity_there_is_no_drift(cash: str) -> None:
    assert drifts_of(cash, "0", {"SPY": "100"}) == ()


def test_the_largest_band_usage_and_the_largest_drift() -> None:
    drifts = drifts_of("0", "0", {"A": "90", "B": "10"}, A="88", B="12")
    usage = largest_usage(drifts, [band("absolute", "5"), band("relative", "20")])
    assert usage is not None
    assert (usage.drift.symbol, usage.band.sub_type, usage.permille, usage.breached) == ("B", "relative", 1000, False)
    largest = largest_drift(drifts)
    assert largest is not None
    assert largest.symbol == "A"
    assert largest_usage(drifts, []) is None
    assert largest_usage([], [band("absolute", "5")]) is None


def test_a_band_that_does_not_apply_hides_no_band_that_does() -> None:
    drifts = drifts_of("0", "0", {"A": "100"}, A="94", X="6")
    usage = largest_usage(drifts[1:], [band("relative", "1"), band("absolute", "5")])
    assert usage is not None
    assert (usage.drift.symbol, usage.band.sub_type, usage.breached) == ("X", "absolute", True)


def test_of_equal_band_usages_and_drifts_the_first_counts() -> None:
    drifts = drifts_of("0", "0", {"A": "50", "B": "50"}, A="60", B="40")
    bands = [band("absolute", "5"), band("absolute", "5")]
    usage, largest = largest_usage(drifts, bands), largest_drift(drifts)
    assert usage is not None
    assert usage.band is bands[0]
    assert usage.drift is largest is drifts[0]
    assert largest_drift([]) is None


def test_the_least_equity_has_drift() -> None:
    valuation = value_account(Money(0), {"A": Qty(1)}, {"A": Price(1)})
    assert [drift.symbol for drift in asset_drifts(valuation, weights("0", A="100"))] == ["A"]


@pytest.mark.parametrize(
    ("held", "points"),
    [
        ("60.019", 2), ("59.981", -2), ("60.005", 0), ("60.015", 2), ("59.995", 0), ("59.985", -2), ("60.0050001", 1),
        ("60", 0), ("0", -6000), ("100", 4000),
    ],
)  # fmt: skip
def test_drift_in_points_is_signed_and_rounded_half_to_even(held: str, points: int) -> None:
    rest = parse_money("100") - parse_money(held)
    valuation = value_account(Money(rest), {"A": parse_qty(held)}, {"A": ONE})
    assert asset_drifts(valuation, weights("40", A="60"))[0].points == points


@pytest.mark.parametrize(
    ("cash", "held", "exceeds"),
    [
        ("-500", "600", False),
        ("-500.000000001", "600", True),
        ("-600", "600", True),
        ("-700", "600", True),
        ("-700", "0", False),
        ("0", "600", False),
        ("100", "0", False),
        ("0", "0", False),
    ],
)
def test_positions_exceed_six_times_equity(cash: str, held: str, exceeds: bool) -> None:
    assert exceeds_position_ratio(value_account(parse_money(cash), {"A": parse_qty(held)}, {"A": ONE})) is exceeds


@given(
    st.integers(0, 10**15),
    st.integers(1, 10**15),
    st.integers(0, 10_000),
    st.integers(1, 10_000),
    st.sampled_from(["absolute", "relative"]),
)
def test_drift_is_compared_as_fractions_are(value: int, cash: int, target: int, percent: int, kind: str) -> None:
    drift = AssetDrift("S", Percent(target), Value(value), Value(value + cash))
    points = abs(Fraction(value, value + cash) * 10_000 - target)
    expected = points > percent if kind == "absolute" else bool(target) and points / target * 10_000 > percent
    assert drift.breaches(band(kind, f"{percent // 100}.{percent % 100:02d}")) is expected


@given(st.integers(1, 10**27), st.integers(1, 10**27), st.integers(1, 10_000), st.integers(1, 10_000), st.booleans())
def test_texts_never_contradict_the_comparison(
    value: int, cash: int, target: int, percent: int, absolute: bool
) -> None:
    condition = band("absolute" if absolute else "relative", f"{percent // 100}.{percent % 100:02d}")
    drift = AssetDrift("S", Percent(target), Value(value), Value(value + cash))
    used = drift.usage_of(condition)
    assert used is not None
    text = drift_text(BandUsage(drift, condition, *used))
    shown_used = Fraction(text.split(", ")[-1].split(" ")[0])
    shown_weight = Fraction(text.split(" % (")[0].split(" ")[-1])
    band_points = Fraction(percent, 100) if absolute else Fraction(percent * target, 10_000 * 100)
    shown_drift = abs(shown_weight - Fraction(target, 100))
    near = magnitude(used[0] - used[1]) * 10**12 < used[1]
    if "drifted to" in text:
        assert used[0] > used[1]
        assert shown_used > 100 or near
        assert shown_drift > band_points or near
    else:
        assert " is at " in text
        assert shown_used <= 100
        assert shown_drift <= band_points or near


@pytest.mark.parametrize("excess", ["0.0001", "0.00001", "0.000000001"])
def test_a_drift_just_over_the_band_reads_as_over_it(excess: str) -> None:
    actual = parse_money("65") + parse_money(excess)
    rest = parse_money("100") - actual
    decision = evaluate(
        situation(
            cash="0",
            positions={"SPY": f"65.{actual % 10**9:09d}", "TLT": f"34.{rest % 10**9:09d}"},
            prices={"SPY": "1", "TLT": "1"},
            conditions=[band("absolute", "5")],
        )
    )
    check = next(check for check in decision.trace if check.check == "drift_band")
    assert check.verdict is Verdict.FIRES
    assert Fraction(check.detail.removeprefix("SPY drifted to ").split(" ")[0]) > 65
    assert Fraction(check.detail.split(", ")[-1].removesuffix(" % used)")) > 100


def test_a_weight_just_over_a_relative_band_reads_as_over_it() -> None:
    """±12.5 % of 0.33 % is between two hundredths: 0.37125 %."""
    over, under = (AssetDrift("S", Percent(33), Value(value), Value(10**8)) for value in (371_251, 370_000))
    condition = band("relative", "12.5")
    assert [
        drift_text(BandUsage(drift, condition, *(drift.usage_of(condition) or (0, 1)))) for drift in (over, under)
    ] == [
        "S drifted to 0.3713 % (target 0.33 %, band ±12.5 %, 100.002 % used)",
        "S is at 0.37 % (target 0.33 %, band ±12.5 %, 96.97 % used)",
    ]


def test_percent_text_of_shares() -> None:
    assert [percent(Percent(value)) for value in (500, 1250, 1, 10_000)] == ["5 %", "12.5 %", "0.01 %", "100 %"]


def test_money_text_is_to_the_nearest_cent_and_never_hidden() -> None:
    assert dollars(Value(10_431_120 * ATTO // 100)) == "$104,311.20"
    assert dollars(Value(10 * ATTO - 1)) == "$10.00"
    assert dollars_down(Value(10 * ATTO - 1)) == "$9.99"
    assert dollars(Value(-9_995 * ATTO // 1000)) == "-$10.00"
    assert dollars(Value(0)) == "$0.00"
    assert dollars(Value(ATTO // 1000)) == "$0.001"
    assert dollars(Value(-5 * ATTO // 2)) == "-$2.50"


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (band("absolute", "5"), "±5 pp"),
        (band("relative", "12.5"), "±12.5 %"),
        (calendar("weekly", "Friday"), "weekly on Friday"),
        (calendar("monthly", "15"), "monthly on the 15th"),
        (calendar("quarterly", "1"), "quarterly on the 1st"),
        (calendar("annually", "12-31"), "annually on 12-31"),
    ],
)
def test_the_text_of_a_condition(condition: Condition, text: str) -> None:
    assert condition_text(condition) == text


def test_ordinals() -> None:
    shown = [ordinal(n) for n in (1, 2, 3, 4, 11, 12, 13, 20, 21, 22, 23, 30, 31)]
    assert shown == ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "20th", "21st", "22nd", "23rd", "30th", "31st"]


def test_a_holding_without_a_price_has_value_zero() -> None:
    valuation = value_account(Money(5), {"A": Qty(1), "B": Qty(10**9)}, {"B": ONE})
    assert valuation.values == {"B": ATTO}
    assert valuation.position_market_value == ATTO
    assert valuation.equity == ATTO + 5 * 10**9

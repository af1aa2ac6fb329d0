"""Valid portfolio bodies, and every refusal with its location (R-4, R-5, section 6)."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.portfolios import (
    AssetWeight,
    BandType,
    CalendarCondition,
    CalendarType,
    Condition,
    DriftBand,
    Portfolio,
    PortfolioStatus,
    PortfolioUpdate,
    Weights,
)
from rebal_tui.domain.quantities import Percent, format_scaled
from rebal_tui.services.parsing.exact_json import Number, read_json
from rebal_tui.services.parsing.portfolio_body import MAX_COOLDOWN, PortfolioBody
from rebal_tui.services.parsing.portfolio_input import parse_draft, parse_portfolio, portfolio_patch
from rebal_tui.services.wire.shapes import portfolio_json

Body = dict[str, Any]
BORN = datetime(2026, 1, 2, 15, tzinfo=UTC)


def faults_of(raw: object) -> list[str]:
    with pytest.raises(Invalid) as refused:
        parse_portfolio(raw)
    return [str(fault) for fault in refused.value.faults]


def percent(text: str) -> Callable[[Body], None]:
    return lambda body: body["weights"][1].update(percent=text)


def condition(**fields: object) -> Callable[[Body], None]:
    return lambda body: body["rebalance_conditions"].append(fields)


PERCENT = "expected a percent above 0 with at most two decimals"
MONTH_DAY = "expected a day of the month from 1 to 31"
WEEKDAY = "expected Monday, Tuesday, Wednesday, Thursday or Friday"
DATE = "expected a date as MM-DD, such as 02-29"
COOLDOWN = "expected a whole number of days from 0 to 36500"

REFUSED: list[tuple[Callable[[Body], object], str]] = [
    (lambda b: b.pop("name"), "name: name is required"),
    (lambda b: b.update(name=None), "name: name is required"),
    (lambda b: b.update(name="  "), 'name: expected a name of 1 to 200 characters, got "  "'),
    (lambda b: b.update(name=Number("7")), "name: expected text, got 7"),
    (
        lambda b: b.update(name="a\x1b[31m"),
        r'name: control or invisible character U+001B at position 2, got "a\u001b[31m"',
    ),
    (lambda b: b.update(description=["x"]), "description: expected text, got a list"),
    (lambda b: b.pop("weights"), "weights: weights is required: expected a list"),
    (lambda b: b.update(weights={}), "weights: expected a list of weights, got an object"),
    (lambda b: b.update(weights=[]), "weights: weights must sum to 100, but sum to 0"),
    (percent("59.5"), "weights: weights must sum to 100, but sum to 99.5"),
    (percent("60.01"), "weights: weights must sum to 100, but sum to 100.01"),
    (percent("60.123"), f'weights[1].percent: {PERCENT}, got "60.123"'),
    (percent("0"), f'weights[1].percent: {PERCENT}, got "0"'),
    (percent("-5"), f'weights[1].percent: {PERCENT}, got "-5"'),
    (percent("sixty"), f'weights[1].percent: {PERCENT}, got "sixty"'),
    (percent("6e1"), f'weights[1].percent: {PERCENT}, got "6e1"'),
    (percent("٦٠"), f'weights[1].percent: {PERCENT}, got "٦٠"'),
    (lambda b: b["weights"][1].update(percent=Number("60.125")), f"weights[1].percent: {PERCENT}, got 60.125"),
    (lambda b: b["weights"][1].update(percent=60.0), f"weights[1].percent: {PERCENT}, got 60.0"),
    (lambda b: b["weights"][1].update(percent=True), f"weights[1].percent: {PERCENT}, got true"),
    (lambda b: b["weights"][1].pop("percent"), "weights[1].percent: percent is required"),
    (lambda b: b["weights"][1].pop("type"), "weights[1].type: type is required"),
    (lambda b: b["weights"][1].update(type="stock"), 'weights[1].type: expected asset or cash, got "stock"'),
    (lambda b: b["weights"][1].pop("symbol"), "weights[1].symbol: symbol is required"),
    (
        lambda b: b["weights"][1].update(symbol="spy"),
        'weights[1].symbol: expected a symbol such as SPY or BRK.B, got "spy"',
    ),
    (
        lambda b: b["weights"][2].update(symbol="SPY"),
        "weights[2].symbol: duplicate asset SPY; list each asset once",
    ),
    (
        lambda b: b["weights"].append({"type": "cash", "percent": "0"}),
        "weights[3].type: duplicate cash weight; at most one is allowed",
    ),
    (lambda b: b["weights"][0].update(symbol="USD"), 'weights[0].symbol: expected no symbol for cash, got "USD"'),
    (lambda b: b["weights"][1].update(percnt="6"), 'weights[1]: unknown field "percnt"; did you mean percent?'),
    (lambda b: b["weights"].append("SPY"), 'weights[3]: expected a weight, got "SPY"'),
    (lambda b: b.update(cooldown_days=Number("-1")), f"cooldown_days: {COOLDOWN}, got -1"),
    (lambda b: b.update(cooldown_days=Number("1.5")), f"cooldown_days: {COOLDOWN}, got 1.5"),
    (lambda b: b.update(cooldown_days=Number("36501")), f"cooldown_days: {COOLDOWN}, got 36501"),
    (lambda b: b.update(cooldown_days=False), f"cooldown_days: {COOLDOWN}, got false"),
    (lambda b: b.update(review="yes"), 'review: expected true or false, got "yes"'),
    (lambda b: b.update(rebalance_conditions="none"), 'rebalance_conditions: expected a list, got "none"'),
    (
        lambda b: b.update(rebalancing_conditions=[]),
        "rebalancing_conditions: expected rebalance_conditions or rebalancing_conditions, got both",
    ),
    (
        condition(type="on_update"),
        'rebalance_conditions[2].type: expected drift_band, calendar or on_portfolio_update, got "on_update"',
    ),
    (
        condition(type="on_portfolio_update", sub_type="weekly"),
        'rebalance_conditions[2].sub_type: expected no sub_type for on_portfolio_update, got "weekly"',
    ),
    (
        condition(type="on_portfolio_update", percent="5"),
        'rebalance_conditions[2].percent: expected no percent for on_portfolio_update, got "5"',
    ),
    (
        condition(type="on_portfolio_update", day="15"),
        'rebalance_conditions[2].day: expected no day for on_portfolio_update, got "15"',
    ),
    (
        lambda b: b["rebalance_conditions"].extend([{"type": "on_portfolio_update"}] * 2),
        "rebalance_conditions[3].type: at most one on_portfolio_update condition is allowed",
    ),
    (
        condition(type="on_portfolio_update", when="now"),
        'rebalance_conditions[2]: unknown field "when"; expected day, percent, sub_type, type',
    ),
    (condition(sub_type="weekly"), "rebalance_conditions[2].type: type is required"),
    (
        condition(type="drift_band", sub_type="weekly", percent="5"),
        'rebalance_conditions[2].sub_type: expected absolute or relative for a drift_band, got "weekly"',
    ),
    (
        condition(type="calendar", sub_type="absolute", day="1"),
        "rebalance_conditions[2].sub_type: expected weekly, monthly, quarterly or annually for a calendar, "
        'got "absolute"',
    ),
    (condition(type="drift_band", sub_type="absolute"), "rebalance_conditions[2].percent: percent is required"),
    (
        condition(type="drift_band", sub_type="absolute", percent="0"),
        f'rebalance_conditions[2].percent: {PERCENT}, got "0"',
    ),
    (
        condition(type="drift_band", sub_type="absolute", percent="5", day="1"),
        'rebalance_conditions[2].day: expected no day for a drift_band, got "1"',
    ),
    (
        condition(type="calendar", sub_type="monthly", day="1", percent="5"),
        'rebalance_conditions[2].percent: expected no percent for a calendar, got "5"',
    ),
    (condition(type="calendar", sub_type="monthly"), "rebalance_conditions[2].day: day is required"),
    (condition(type="calendar", sub_type="monthly", day="0"), f'rebalance_conditions[2].day: {MONTH_DAY}, got "0"'),
    (condition(type="calendar", sub_type="monthly", day="32"), f'rebalance_conditions[2].day: {MONTH_DAY}, got "32"'),
    (
        condition(type="calendar", sub_type="monthly", day=Number("15")),
        'rebalance_conditions[2].day: expected a day of the month as text, such as "15", got 15',
    ),
    (
        condition(type="calendar", sub_type="quarterly", day="01-15"),
        f'rebalance_conditions[2].day: {MONTH_DAY}, got "01-15"',
    ),
    (
        condition(type="calendar", sub_type="weekly", day="monday"),
        f'rebalance_conditions[2].day: {WEEKDAY}, got "monday"',
    ),
    (
        condition(type="calendar", sub_type="weekly", day="Saturday"),
        f'rebalance_conditions[2].day: {WEEKDAY}, got "Saturday"',
    ),
    (condition(type="calendar", sub_type="annually", day="02-30"), f'rebalance_conditions[2].day: {DATE}, got "02-30"'),
    (condition(type="calendar", sub_type="annually", day="2-9"), f'rebalance_conditions[2].day: {DATE}, got "2-9"'),
]


@pytest.mark.parametrize(("spoil", "message"), REFUSED, ids=[message[:60] for _, message in REFUSED])
def test_a_fault_is_refused_with_its_location_and_the_expected_value(
    balanced: Body, spoil: Callable[[Body], object], message: str
) -> None:
    spoil(balanced)
    assert faults_of(balanced) == [message]


def test_every_fault_is_listed_with_its_location(balanced: Body) -> None:
    balanced["name"] = ""
    balanced["weights"][1]["percent"] = "60.123"
    balanced["weights"][2]["symbol"] = "?"
    balanced["cooldown_days"] = "soon"
    day = {"type": "calendar", "sub_type": "weekly", "day": "Friday"}
    balanced["rebalance_conditions"] += [day, day]
    assert [fault.partition(":")[0] for fault in faults_of(balanced)] == [
        "name",
        "weights[1].percent",
        "weights[2].symbol",
        "cooldown_days",
        "rebalance_conditions[3].type",
    ]


def test_a_draft_keeps_its_valid_fields_with_its_faults(balanced: Body) -> None:
    expected = parse_portfolio(balanced)
    assert parse_draft(balanced) == (expected, [])
    balanced["name"] = ""
    balanced["weights"][1]["percent"] = "0"
    balanced["rebalance_conditions"][0]["percent"] = "?"
    balanced["rebalance_conditions"].append({"type": "calendar", "sub_type": "weekly", "day": "Friday"})
    body, faults = parse_draft(balanced)
    assert [fault.location for fault in faults] == ["name", "weights[1].percent", "rebalance_conditions[0].percent"]
    assert (body.name, body.weights, body.cooldown_days) == ("", Weights(()), expected.cooldown_days)
    assert body.conditions == (expected.conditions[1], CalendarCondition(CalendarType.WEEKLY, "Friday"))


@pytest.mark.parametrize("raw", [None, [], "text", Number("1"), True])
def test_a_body_that_is_not_an_object_is_refused_once(raw: object) -> None:
    assert len(faults_of(raw)) == 1


def test_the_body_of_the_page_is_read_exactly(balanced: Body) -> None:
    assert parse_portfolio(balanced) == PortfolioBody(
        name="Balanced",
        description="A balanced portfolio of stocks and bonds",
        weights=Weights((AssetWeight("SPY", Percent(6000)), AssetWeight("TLT", Percent(3500))), Percent(500)),
        cooldown_days=7,
        conditions=(DriftBand(BandType.ABSOLUTE, Percent(500)), DriftBand(BandType.RELATIVE, Percent(2000))),
    )


def test_numbers_and_texts_read_alike(balanced: Body) -> None:
    expected = parse_portfolio(balanced)
    balanced["weights"][1]["percent"] = Number("6.0e1")
    balanced["weights"][2]["percent"] = Number("35.00")
    balanced["cooldown_days"] = "7"
    assert parse_portfolio(balanced) == expected


def test_optional_fields_may_be_missing_or_null(balanced: Body) -> None:
    for key in ("description", "cooldown_days", "rebalance_conditions"):
        del balanced[key]
    bare = parse_portfolio(balanced)
    assert (bare.description, bare.cooldown_days, bare.conditions, bare.review) == ("", 0, (), False)
    nulls: Body = dict.fromkeys(("description", "cooldown_days", "rebalance_conditions", "review"))
    assert parse_portfolio({**balanced, **nulls}) == bare


def test_both_names_of_the_conditions_are_read(balanced: Body) -> None:
    expected = parse_portfolio(balanced)
    balanced["rebalancing_conditions"] = balanced.pop("rebalance_conditions")
    assert parse_portfolio(balanced) == expected


def test_a_cash_weight_of_zero_is_dropped(balanced: Body) -> None:
    balanced["weights"][0]["percent"] = "0"
    balanced["weights"][1]["percent"] = "65"
    assert parse_portfolio(balanced).weights.cash == 0


def test_bands_of_the_same_type_may_repeat(balanced: Body) -> None:
    balanced["rebalance_conditions"] *= 2
    assert len(parse_portfolio(balanced).conditions) == 4


def test_fields_outside_the_schema_are_left_to_the_caller(balanced: Body) -> None:
    assert parse_portfolio({**balanced, "id": "x", "status": "active"}) == parse_portfolio(balanced)


def weights_of(raw: object) -> Weights:
    return parse_portfolio({"name": "x", "weights": raw}).weights


def portfolio_of(body: PortfolioBody) -> Portfolio:
    return Portfolio(
        "p1", body.name, body.description, PortfolioStatus.ACTIVE, body.weights, body.cooldown_days, body.conditions,
        BORN, BORN, BORN, body.review,
    )  # fmt: skip


def test_a_patch_changes_only_the_fields_it_names(balanced: Body) -> None:
    body = parse_portfolio(balanced)
    before = portfolio_of(body)
    assert portfolio_patch(before, {}) == body
    assert portfolio_patch(before, {"name": None, "weights": None}) == body
    changed = portfolio_patch(before, {"cooldown_days": "0", "rebalancing_conditions": [], "review": True})
    assert (changed.cooldown_days, changed.conditions, changed.review) == (0, (), True)
    assert (changed.name, changed.weights) == (body.name, body.weights)


def test_a_patch_lists_its_faults(balanced: Body) -> None:
    with pytest.raises(Invalid) as refused:
        portfolio_patch(portfolio_of(parse_portfolio(balanced)), {"name": "", "weights": [], "cooldown_days": "-1"})
    assert [fault.location for fault in refused.value.faults] == ["name", "weights", "cooldown_days"]


@st.composite
def bodies(draw: st.DrawFn) -> PortfolioBody:
    cuts = sorted(draw(st.sets(st.integers(1, 9_999), max_size=6)))
    parts = [Percent(b - a) for a, b in zip([0, *cuts], [*cuts, 10_000], strict=True)]
    cash = parts.pop() if draw(st.booleans()) else Percent(0)
    assets = tuple(AssetWeight(f"S{index}", part) for index, part in enumerate(parts))
    bands = st.builds(DriftBand, st.sampled_from(BandType), st.builds(Percent, st.integers(1, 10_000)))
    conditions: list[Condition] = list(draw(st.lists(bands, max_size=4)))
    days = [(CalendarType.WEEKLY, "Friday"), (CalendarType.MONTHLY, "31"), (CalendarType.ANNUALLY, "02-29")]
    if draw(st.booleans()):
        conditions.append(CalendarCondition(*draw(st.sampled_from(days))))
    if draw(st.booleans()):
        conditions.insert(draw(st.integers(0, len(conditions))), PortfolioUpdate())
    cooldown = draw(st.integers(0, MAX_COOLDOWN))
    return PortfolioBody("Name", "Text", Weights(assets, cash), cooldown, tuple(conditions), draw(st.booleans()))


@pytest.mark.slow
@given(bodies())
def test_the_shape_of_a_portfolio_reads_back_as_the_same(body: PortfolioBody) -> None:
    assert parse_portfolio(portfolio_json(portfolio_of(body))) == body


@pytest.mark.slow
@given(st.integers(1, 100), st.data())
def test_only_a_sum_of_exactly_one_hundred_is_accepted(count: int, data: st.DataObject) -> None:
    parts = data.draw(st.lists(st.integers(1, 300), min_size=count, max_size=count))
    raw = [{"type": "asset", "symbol": f"S{n}", "percent": format_scaled(part, 2)} for n, part in enumerate(parts)]
    if sum(parts) == 10_000:
        assert len(weights_of(raw).assets) == count
    else:
        with pytest.raises(Invalid, match="weights must sum to 100"):
            weights_of(raw)


GARBAGE = st.recursive(
    st.none() | st.booleans() | st.text(max_size=8) | st.integers(-5, 200).map(lambda n: Number(str(n))),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["name", "weights", "type", "percent", "symbol", "rebalance_conditions", "day", "sub_type", "x"]
            )
            | st.text(max_size=3),
            inner,
            max_size=5,
        )
    ),
    max_leaves=20,
)


@pytest.mark.slow
@given(GARBAGE)
def test_garbage_is_refused_and_raises_nothing_else(raw: object) -> None:
    before = copy.deepcopy(raw)
    with contextlib.suppress(Invalid):
        parse_portfolio(raw)
    assert raw == before


def test_a_percent_in_json_is_never_a_float() -> None:
    raw = read_json('[{"type":"asset","symbol":"A","percent":33.33},{"type":"cash","percent":66.67}]')
    assert weights_of(raw) == Weights((AssetWeight("A", Percent(3333)),), Percent(6667))

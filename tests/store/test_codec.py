"""What is stored comes back the same, to the unit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rebal_tui.domain.decisions import Check, LineReason, Plan, PlanLine, Verdict
from rebal_tui.domain.orders import Side, SkippedOrder, SkipReason
from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import WHOLE, Money, Percent, Price, Qty, Value
from rebal_tui.domain.runs import RunType
from rebal_tui.store import codec

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SYMBOLS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ.[]@'\"", min_size=1, max_size=8)
NANOS = st.integers(-(2**63), 2**63 - 1)
VALUES = st.integers(-(10**40), 10**40)


@st.composite
def weights(draw: st.DrawFn) -> Weights:
    symbols = draw(st.lists(SYMBOLS, unique=True, max_size=12))
    assets = tuple(AssetWeight(s, Percent(draw(st.integers(1, WHOLE)))) for s in symbols)
    return Weights(assets, Percent(draw(st.integers(0, WHOLE))))


LINES = st.builds(
    PlanLine,
    symbol=SYMBOLS,
    target=st.integers(0, WHOLE).map(Percent),
    held=NANOS.map(Qty),
    price=st.none() | NANOS.map(Price),
    value=VALUES.map(Value),
    target_value=VALUES.map(Value),
    side=st.none() | st.sampled_from(Side),
    notional=st.none() | NANOS.map(Money),
    qty=st.none() | NANOS.map(Qty),
    wanted=NANOS.map(Money),
    reason=st.sampled_from(LineReason),
    detail=TEXT,
)
SKIPPED = st.builds(
    SkippedOrder,
    symbol=SYMBOLS,
    side=st.none() | st.sampled_from(Side),
    notional=st.none() | NANOS.map(Money),
    reason=st.sampled_from(SkipReason),
    reason_details=TEXT,
)
PLANS = st.builds(
    Plan,
    type=st.sampled_from(RunType),
    weights=weights(),
    equity=VALUES.map(Value),
    cash=NANOS.map(Money),
    cash_target=NANOS.map(Money),
    budget=NANOS.map(Money),
    scale=st.tuples(VALUES, VALUES),
    lines=st.lists(LINES, max_size=6).map(tuple),
    skipped_orders=st.lists(SKIPPED, max_size=3).map(tuple),
    amount=st.none() | NANOS.map(Money),
)
TRACES = st.lists(st.builds(Check, TEXT, st.sampled_from(Verdict), TEXT, TEXT), max_size=12).map(tuple)


@settings(max_examples=150, deadline=None)
@given(PLANS)
def test_a_plan_comes_back_the_same(plan: Plan) -> None:
    again = codec.from_plan(codec.to_plan(plan))
    assert again == plan
    assert codec.to_plan(again) == codec.to_plan(plan)
    assert [type(line.reason) for line in again.lines] == [LineReason] * len(plan.lines)


@settings(max_examples=100, deadline=None)
@given(weights())
def test_weights_come_back_the_same_and_in_their_order(given_weights: Weights) -> None:
    assert codec.from_weights(codec.to_weights(given_weights)) == given_weights


@settings(max_examples=100, deadline=None)
@given(TRACES)
def test_a_trace_comes_back_the_same(trace: tuple[Check, ...]) -> None:
    assert codec.from_trace(codec.to_trace(trace)) == trace


@settings(max_examples=200, deadline=None)
@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_a_moment_comes_back_the_same_to_the_microsecond(naive: datetime, minutes: int) -> None:
    at = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    again = codec.from_time(codec.to_time(at))
    assert again == at
    assert again.tzinfo is UTC


@settings(max_examples=100, deadline=None)
@given(st.uuids(), st.integers(1, 9_999))
def test_a_client_order_id_names_its_run_and_line_and_fits(run_id: object, line: int) -> None:
    text = codec.client_order_id(str(run_id), line)
    assert codec.parse_client_order_id(text) == (str(run_id), line)
    assert len(text) <= 48


@pytest.mark.parametrize(
    "text",
    ["", "rt-", "rt-1", "someone-1", "rt-" + "0" * 31 + "-1", "rt-" + "0" * 32, "rt-" + "0" * 32 + "-x", "x" * 48],
)
def test_what_is_not_called_like_one_of_ours_is_not_ours(text: str) -> None:
    assert codec.parse_client_order_id(text) is None


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=48))
def test_no_text_breaks_the_parsing_of_an_order_id(text: str) -> None:
    codec.parse_client_order_id(text)
    codec.parse_client_order_id(f"rt-{text}-1")

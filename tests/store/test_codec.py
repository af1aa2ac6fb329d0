"""Stored values are loaded unchanged, to the unit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import HUNDRED_PERCENT, Percent
from rebal_tui.store import codec
from tests.examples import examples

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
SYMBOLS = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ.[]@'\"", min_size=1, max_size=8)
NANOS = st.integers(-(2**63), 2**63 - 1)
VALUES = st.integers(-(10**40), 10**40)


@st.composite
def weights(draw: st.DrawFn) -> Weights:
    symbols = draw(st.lists(SYMBOLS, unique=True, max_size=12))
    assets = tuple(AssetWeight(s, Percent(draw(st.integers(1, HUNDRED_PERCENT)))) for s in symbols)
    return Weights(assets, Percent(draw(st.integers(0, HUNDRED_PERCENT))))


@examples(100)
@given(st.dictionaries(st.integers(1, 2**31 - 1), st.integers(1, 2**63 - 1), max_size=40))
def test_holdings_come_back_the_same_by_asset(held: dict[int, int]) -> None:
    packed = codec.to_positions(held.items())
    assert codec.from_positions(packed) == sorted(held.items())
    assert len(packed) == 12 * len(held)
    with pytest.raises(ValueError, match="are not packed positions"):
        codec.from_positions(packed + b"1")


@examples(100)
@given(weights())
def test_weights_round_trip_in_their_order(given_weights: Weights) -> None:
    assert codec.from_weights(codec.to_weights(given_weights)) == given_weights


@examples(200)
@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)), st.integers(-14 * 60, 14 * 60))  # noqa: DTZ001
def test_a_timestamp_round_trips_to_the_microsecond(naive: datetime, minutes: int) -> None:
    at = naive.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    again = codec.from_time(codec.to_time(at))
    assert again == at
    assert again.tzinfo is UTC


@examples(100)
@given(st.uuids(), st.integers(1, 9_999))
def test_a_client_order_id_names_its_run_and_line_and_fits(run_id: object, line: int) -> None:
    text = codec.client_order_id(str(run_id), line)
    assert codec.parse_client_order_id(text) == (str(run_id), line)
    assert len(text) <= 48


@pytest.mark.parametrize(
    "text",
    ["", "rt-", "rt-1", "someone-1", "rt-" + "0" * 31 + "-1", "rt-" + "0" * 32, "rt-" + "0" * 32 + "-x", "x" * 48],
)
def test_external_order_ids_are_not_parsed(text: str) -> None:
    assert codec.parse_client_order_id(text) is None


@examples(100)
@given(st.text(max_size=48))
def test_no_text_breaks_the_parsing_of_an_order_id(text: str) -> None:
    codec.parse_client_order_id(text)
    codec.parse_client_order_id(f"rt-{text}-1")

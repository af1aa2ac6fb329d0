"""Status tables, eligibility, sessions, refusals."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from rebal_tui.domain.accounts import RESTRICTION_TEXTS, Restriction
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.cash import WithdrawalStage
from rebal_tui.domain.errors import Conflict, Fault, Invalid, NotFound, PlanChanged, Refusal
from rebal_tui.domain.orders import OrderStatus
from rebal_tui.domain.portfolios import AssetWeight, Weights
from rebal_tui.domain.quantities import Percent
from rebal_tui.domain.runs import RUN_TRANSITIONS, RunStatus
from rebal_tui.domain.sessions import NEW_YORK, Session, new_york_day

GOOD = Asset("1", "SPY", "SPDR", "ARCA", AssetStatus.ACTIVE, tradable=True, fractionable=True)


@pytest.mark.parametrize(
    ("asset", "why"),
    [
        (GOOD, ""),
        (replace(GOOD, status=AssetStatus.INACTIVE), "inactive"),
        (replace(GOOD, tradable=False), "not tradable"),
        (replace(GOOD, fractionable=False), "not fractionable"),
        (replace(GOOD, tradable=False, fractionable=False), "not tradable, not fractionable"),
    ],
)
def test_an_asset_is_eligible_when_active_tradable_and_fractionable(asset: Asset, why: str) -> None:
    assert asset.eligible is (not why)
    assert asset.ineligibility == why


def test_run_statuses_are_the_eight_of_the_rules() -> None:
    expected = "QUEUED IN_PROGRESS CANCELED CANCELED_MID_RUN ERROR TIMEOUT COMPLETED_SUCCESS COMPLETED_ADJUSTED"
    assert {status.value for status in RunStatus} == set(expected.split())
    assert RUN_TRANSITIONS.keys() == set(RunStatus)


def test_a_run_ends_once_and_only_completes_from_in_progress() -> None:
    assert {status for status in RunStatus if not status.final} == {RunStatus.QUEUED, RunStatus.IN_PROGRESS}
    for before, followers in RUN_TRANSITIONS.items():
        assert RunStatus.QUEUED not in followers
        if any(after.completed for after in followers):
            assert before is RunStatus.IN_PROGRESS
    assert {status.value for status in RUN_TRANSITIONS[RunStatus.QUEUED]} == {"IN_PROGRESS", "CANCELED", "ERROR"}
    ends = {"CANCELED_MID_RUN", "ERROR", "TIMEOUT", "COMPLETED_SUCCESS", "COMPLETED_ADJUSTED"}
    assert {status.value for status in RUN_TRANSITIONS[RunStatus.IN_PROGRESS]} == ends


def test_a_withdrawal_can_be_canceled_before_the_journal_only() -> None:
    before = {"requested", "unsubscribed", "selling", "settling"}
    assert {stage.value for stage in WithdrawalStage if stage.cancelable} == before
    assert not any(stage.final and stage.cancelable for stage in WithdrawalStage)


def test_a_partial_fill_is_not_the_end_of_an_order() -> None:
    final = {"filled", "canceled", "expired", "rejected", "replaced"}
    assert {status.value for status in OrderStatus if status.final} == final


def test_every_restriction_has_a_text() -> None:
    assert RESTRICTION_TEXTS.keys() == set(Restriction)


def test_weights_look_up_targets() -> None:
    weights = Weights((AssetWeight("SPY", Percent(6000)),), Percent(4000))
    assert weights.of("SPY") == 6000
    assert weights.of("TLT") == 0
    assert weights.symbols == ("SPY",)


def _session(close: time) -> Session:
    day = date(2026, 11, 27)
    return Session(
        day,
        datetime.combine(day, time(9, 30), NEW_YORK),
        datetime.combine(day, close, NEW_YORK),
        date(2026, 11, 30),
        date(2026, 11, 30),
    )


@pytest.mark.parametrize(("close", "end"), [(time(16), time(15, 30)), (time(13), time(12, 30))])
def test_the_window_is_from_the_open_until_half_an_hour_before_the_close(close: time, end: time) -> None:
    session = _session(close)
    assert session.half_day is (close == time(13))
    assert session.window_end.astimezone(NEW_YORK).time() == end
    microsecond = timedelta(microseconds=1)
    assert session.in_window(session.open)
    assert not session.in_window(session.open - microsecond)
    assert session.in_window(session.window_end)
    assert not session.in_window(session.window_end + microsecond)
    assert session.is_open(session.close - microsecond)
    assert not session.is_open(session.close)


def test_new_york_dates_differ_from_utc_dates_at_night() -> None:
    assert new_york_day(datetime(2026, 3, 5, 4, 59, tzinfo=UTC)) == date(2026, 3, 4)
    assert new_york_day(datetime(2026, 7, 5, 4, 0, tzinfo=UTC)) == date(2026, 7, 5)


def test_refusals_have_their_locations_and_status() -> None:
    refusal = Invalid([Fault("weights[0].percent", "expected above 0"), Fault("", "sum is 99")])
    assert str(refusal) == "weights[0].percent: expected above 0; sum is 99"
    assert (Invalid("x").status, Conflict("x").status, NotFound("x").status) == (400, 422, 404)
    assert issubclass(PlanChanged, Refusal)

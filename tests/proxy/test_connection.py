"""Lost, late and refused: faults of calls, streams, clocks and prices (L1 to L5, L15)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from time import monotonic, sleep

import pytest

from tests.proxy.faults import Fault
from tests.proxy.rewrites import NoStreams, OtherClock, PricesAt
from tests.proxy.story import (
    MONDAY,
    TUESDAY,
    WEDNESDAY,
    check_end,
    check_others,
    invested,
    tuesday,
    undisturbed,
)
from tests.proxy.transport import LIMIT
from tests.proxy.world import CLIENTS, World


@pytest.mark.slow
@pytest.mark.parametrize("fault", [fault for fault in Fault if fault])
@pytest.mark.samples(1)
def test_orders_that_meet_a_fault_are_placed_exactly_once(tmp_path: Path, fault: Fault) -> None:
    with invested(tmp_path) as world:
        world.proxy.faults.of_next_writes(*[fault] * 3)
        tuesday(world)
        assert world.proxy.faults.injected[fault] == 3
        check_others(world, [])
        world.trade(WEDNESDAY)
        check_others(world, [])
        check_end(world)


@pytest.mark.slow
def test_the_budget_of_a_minute_is_never_exceeded(tmp_path: Path) -> None:
    with invested(tmp_path) as world:
        tuesday(world)
        for _ in range(150):
            world.beat(0.25)
        calls = world.proxy.calls
        assert calls.most_in_a_minute() <= LIMIT
        assert [call for call in calls.all() if call.outcome == "budget exceeded"] == []


@pytest.mark.slow
def test_refused_streams_are_told_and_trading_goes_on_by_reading(tmp_path: Path) -> None:
    with invested(tmp_path) as world:
        with world.rewriting(NoStreams()):
            world.proxy.cut_streams()
            _wait_for(world, lambda: len(world.proxy.calls.of("/events/", world.clock.true)) > 0)
            tuesday(world)
            assert world.oracle.faults == []
            names = {call.path for call in world.proxy.calls.of("/events/")}
            assert len(world.alerts()) == len(world.alerts_naming("stream")) == len(names), world.alerts()
        _wait_for(world, world.is_ready)
        world.trade(WEDNESDAY)
        check_others(world, [])
        check_end(world)


@pytest.mark.slow
@pytest.mark.parametrize("minutes", [35, -35])
@pytest.mark.samples(1)
def test_nothing_is_decided_by_a_clock_that_is_far_from_the_brokers(tmp_path: Path, minutes: int) -> None:
    with invested(tmp_path) as world:
        with world.rewriting(OtherClock(timedelta(minutes=minutes))):
            tuesday(world)
            _nobody_traded(world)
            assert len(world.alerts_naming("clock")) == 1, world.alerts()
            assert len(world.alerts()) == 1
        world.trade(WEDNESDAY)
        assert all(world.orders(name)[-1][0] == WEDNESDAY for name in CLIENTS)
        check_end(world, alerts=1)
        assert [alert.kind for alert in world.alerts()] == ["missed"], "Tuesday's session was not evaluated (R-18)"


@pytest.mark.slow
def test_a_clock_that_drifts_by_day_is_noticed_within_a_minute(tmp_path: Path) -> None:
    with invested(tmp_path) as world:
        world.to(f"{TUESDAY} 09:31")
        with world.rewriting(OtherClock(timedelta(seconds=10))):
            for _ in range(12):
                world.beat(5)
            assert len(world.alerts_naming("clock")) == 1, world.alerts()
        for _ in range(12):
            world.beat(5)
        assert world.alerts() == []


@pytest.mark.slow
@pytest.mark.parametrize("behind", [timedelta(minutes=15), timedelta(minutes=-5)], ids=["delayed", "from the future"])
@pytest.mark.samples(1)
def test_prices_of_another_time_are_told_and_not_traded_on(tmp_path: Path, behind: timedelta) -> None:
    with invested(tmp_path) as world:
        with world.rewriting(PricesAt(behind)):
            tuesday(world)
            _nobody_traded(world)
            assert len(world.alerts_naming("price")) == 1, world.alerts()
            assert len(world.alerts()) == 1
        world.trade(WEDNESDAY)
        assert all(world.orders(name)[-1][0] == WEDNESDAY for name in CLIENTS)
        check_end(world)


@pytest.mark.slow
def test_the_undisturbed_week_is_quiet() -> None:
    assert {name: [day for day, *_ in orders] for name, orders in undisturbed().items()} == {
        name: [MONDAY, MONDAY, TUESDAY, TUESDAY] for name in CLIENTS
    }


def _nobody_traded(world: World) -> None:
    assert world.oracle.faults == []
    assert {day for name in CLIENTS for day, *_ in world.orders(name)} == {MONDAY}


def _wait_for(world: World, done: object) -> None:
    """Streams reconnect by the real clock."""
    assert callable(done)
    until = monotonic() + 10
    while not done():
        assert monotonic() < until
        world.beat(0.1)
        sleep(0.05)

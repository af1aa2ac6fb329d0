"""Lost, late and refused: faults of calls, streams, clocks and prices (L1 to L5, L15)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.proxy.faults import Fault
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
from tests.proxy.world import CLIENTS


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault])
def test_orders_that_meet_a_fault_are_placed_exactly_once(tmp_path: Path, fault: Fault) -> None:
    with invested(tmp_path) as world:
        world.proxy.faults.of_next_writes(*[fault] * 3)
        tuesday(world)
        assert world.proxy.faults.injected[fault] == 3
        check_others(world, [])
        world.trade(WEDNESDAY)
        check_others(world, [])
        check_end(world)


def test_the_budget_of_a_minute_is_never_exceeded(tmp_path: Path) -> None:
    with invested(tmp_path) as world:
        tuesday(world)
        for _ in range(150):
            world.beat(0.25)
        calls = world.proxy.calls
        assert calls.most_in_a_minute() <= LIMIT
        assert [call for call in calls.all() if call.outcome == "budget exceeded"] == []


def test_the_undisturbed_week_is_quiet() -> None:
    assert {name: [day for day, *_ in orders] for name, orders in undisturbed().items()} == {
        name: [MONDAY, MONDAY, TUESDAY, TUESDAY] for name in CLIENTS
    }

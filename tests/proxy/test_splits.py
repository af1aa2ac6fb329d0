"""A split whose price, shares and activity come at different times: no trade on a wrong figure (R-53 to R-55)."""

from __future__ import annotations

from pathlib import Path

from tests.proxy.story import TUESDAY, invested
from tests.proxy.world import World

GROWTH, INCOME = ("Ann Ames", "Bob Bell"), ("Cyd Cole", "Dee Dunn")


def test_a_split_that_is_seen_at_once_stops_nobody(tmp_path: Path) -> None:
    with invested(tmp_path) as world:
        _split(world)
        world.prices(SPY="260.00", TLT="130.00")
        world.trade(TUESDAY)
        assert world.oracle.faults == []
        assert [_days(world, name) for name in (*GROWTH, *INCOME)] == [2, 2, 2, 2]
        assert world.alerts() == []


def _split(world: World) -> None:
    world.to(f"{TUESDAY} 07:15")
    world.action("split", "SPY", ratio="2")


def _days(world: World, name: str) -> int:
    return len({day for day, *_ in world.orders(name)})

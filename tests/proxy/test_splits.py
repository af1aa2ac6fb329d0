"""A split whose price, shares and activity come at different times: no trade on a wrong figure (R-53 to R-55)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest

from tests.proxy.rewrites import EventsHeldBack, PriceOf, Rewrite, Shares
from tests.proxy.story import TUESDAY, WEDNESDAY, invested
from tests.proxy.world import World

pytestmark = pytest.mark.slow

GROWTH, INCOME = ("Ann Ames", "Bob Bell"), ("Cyd Cole", "Dee Dunn")
OLD_PRICE, OLD_SHARES = PriceOf("SPY", Fraction(2)), Shares("SPY", Fraction(1, 2))
LATE = EventsHeldBack("SPY")

ORDERS: dict[str, Sequence[Rewrite]] = {
    "price first": [OLD_SHARES, LATE],
    "shares first": [OLD_PRICE, LATE],
    "activity first": [OLD_PRICE, OLD_SHARES],
}
"""What the program does not see yet when the split has happened."""


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.samples(1)
def test_a_split_is_not_traded_on_in_whatever_order_it_comes(tmp_path: Path, order: str) -> None:
    with invested(tmp_path) as world:
        _split(world)
        with world.rewriting(*ORDERS[order]):
            world.prices(TLT="130.00")
            world.trade(TUESDAY)
            assert world.oracle.faults == []
            assert [_days(world, name) for name in GROWTH] == [1, 1]
            assert [_days(world, name) for name in INCOME] == [2, 2]
            assert _named(world), world.alerts()
        world.trade(WEDNESDAY)
        assert world.oracle.faults == []
        assert world.differences() == []
        assert dict(world.book.holds) == {}
        assert world.alerts() == []
        # 2:1 at half the price changes no weight: nobody trades because of it.
        assert [_days(world, name) for name in GROWTH] == [1, 1]


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


def _named(world: World) -> bool:
    """One alert for each thing that is stopped: an asset whose price does not fit, an account whose shares do not."""
    stopped = {*world.book.asset_holds, *world.book.holds}
    return bool(stopped) and {alert.subject for alert in world.alerts()} == stopped == {
        alert.subject for alert in world.alerts_naming("SPY")
    }


def _days(world: World, name: str) -> int:
    return len({day for day, *_ in world.orders(name)})

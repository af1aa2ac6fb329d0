"""One week in which responses are wrong on Tuesday, compared with the same week without faults."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from functools import cache
from pathlib import Path

from tests.proxy.rewrites import Rewrite
from tests.proxy.transport import LIMIT
from tests.proxy.world import CLIENTS, Left, World

MONDAY, TUESDAY, WEDNESDAY, FRIDAY = "2026-11-23", "2026-11-24", "2026-11-25", "2026-11-27"
TUESDAY_PRICES = {"SPY": "520.00", "TLT": "130.00"}
"""Both portfolios drift out of their bands; no price jumps as in a split."""

Orders = Mapping[str, Sequence[tuple[str, str, str, Fraction]]]


@contextmanager
def invested(folder: Path) -> Iterator[World]:
    """A live book, started again after Monday, on which its clients have bought their portfolios."""
    with World(folder, left=after_monday()) as world:
        yield world


@cache
def after_monday() -> Left:
    """The files of a proxy world whose clients have bought their portfolios on Monday; made once and copied."""
    with tempfile.TemporaryDirectory() as folder:
        with World(Path(folder)) as world:
            world.trade(MONDAY)
            assert all(len(world.orders(name)) == 2 for name in CLIENTS)
            check_end(world)
            assert world.proxy.calls.most_in_a_minute() <= LIMIT
        return world.left()


def tuesday(world: World) -> None:
    world.prices(**TUESDAY_PRICES)
    world.trade(TUESDAY)


@cache
def undisturbed() -> Orders:
    """The orders of the week without faults."""
    with tempfile.TemporaryDirectory() as folder, invested(Path(folder)) as world:
        tuesday(world)
        world.trade(WEDNESDAY)
        check_end(world)
        return {name: world.orders(name) for name in CLIENTS}


def check_others(world: World, affected: Iterable[str]) -> None:
    """All clients but the affected ones traded as in the undisturbed week, and no order was on a wrong figure."""
    assert world.oracle.faults == []
    today = world.clock.true.date().isoformat()
    for name in CLIENTS:
        if name not in affected:
            expected = [order for order in undisturbed()[name] if order[0] <= today]
            assert list(world.orders(name)) == expected, name


def check_end(world: World, *, alerts: int = 0) -> None:
    """Responses are right again: the book knows the truth, nobody is stopped, and no alert is left."""
    assert world.oracle.faults == []
    assert world.differences() == []
    assert dict(world.book.holds) == {}
    assert len(world.alerts()) == alerts, world.alerts()
    assert world.proxy.calls.repeated_writes() == []
    assert world.proxy.calls.of_thread(threading.main_thread().name) == [], "the book's thread waits for the network"


def wrong_tuesday(
    folder: Path,
    rewrites: Callable[[World], Sequence[Rewrite]],
    affected: Sequence[str],
    during: Callable[[World], None],
) -> None:
    """Run the week with rewrites from Monday's close to Tuesday's; `during` is checked while they last.

    The affected clients do not trade on Tuesday, and do on Wednesday.
    """
    with invested(folder) as world:
        with world.rewriting(*rewrites(world)):
            tuesday(world)
            check_others(world, affected)
            assert {name: _days(world, name) for name in affected} == {name: [MONDAY] for name in affected}
            during(world)
        world.trade(WEDNESDAY)
        check_others(world, affected)
        check_end(world)
        assert {name: _days(world, name) for name in affected} == {name: [MONDAY, WEDNESDAY] for name in affected}


def named_once(*names: str) -> Callable[[World], None]:
    """Each of some clients or assets is named by exactly one alert, and there is no other alert."""

    def check(world: World) -> None:
        for name in names:
            words = (name, world.ids[name]) if name in world.ids else (name,)
            assert len(world.alerts_naming(*words)) == 1, (name, world.alerts())
        assert len(world.alerts()) == len(names), world.alerts()

    return check


def nothing_said(world: World) -> None:
    """No alert, and nobody is stopped."""
    assert world.alerts() == []
    assert dict(world.book.holds) == {}


def _days(world: World, name: str) -> list[str]:
    return sorted({day for day, *_ in world.orders(name)})

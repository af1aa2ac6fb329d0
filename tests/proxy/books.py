"""A book behind the proxy over many sessions, by seed: prices move, deposits come, calls fail, responses are wrong."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from random import Random

from rebal_tui.domain.sessions import new_york_day
from tests.proxy.faults import Faults
from tests.proxy.transport import LIMIT
from tests.proxy.troubles import KNOWN, Draw, Trouble
from tests.proxy.world import CLIENTS, PRICES, World

READ_FAULTS, WRITE_FAULTS = 2, 8
"""Percentages of calls that meet a fault."""
_TROUBLE = 60
"""Percentage of sessions in which responses are wrong, after the second; in that they always are."""
_QUIET = 1
"""Sessions at the end in which everything is right again."""

Order = tuple[str, str, str, Fraction]
"""Day, side, symbol, and dollars or shares."""
Orders = Mapping[str, Sequence[Order]]


@dataclass
class BookResult:
    """What a book went through, and what was wrong with it."""

    seed: int
    sessions: int
    orders: int = 0
    requests: int = 0
    most_in_a_minute: int = 0
    injected: int = 0
    troubles: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def row(self) -> str:
        """The result as a row of a table."""
        return (
            f"| {self.seed} | {self.sessions} | {self.orders} | {self.requests:,} | {self.most_in_a_minute} | "
            f"{self.injected} | {self.troubles.total()} | {len(self.wrong)} |"
        )


def run_book(seed: int, sessions: int, draws: Sequence[Draw] = KNOWN) -> BookResult:
    """Run a book with faults, and once more without, and compare them."""
    result = BookResult(seed, sessions)
    quiet = _run(BookResult(seed, sessions), disturbed=False, draws=draws)[0]
    orders, affected = _run(result, disturbed=True, draws=draws)
    for name in CLIENTS:
        if name not in affected and not _same_trades(orders[name], quiet[name]):
            result.wrong.append(f"{name}, whom nothing concerned, traded otherwise than without faults")
    return result


def _same_trades(these: Sequence[Order], others: Sequence[Order]) -> bool:
    """Whether the same orders were placed, day by day and sells before buys.

    Of one side, an order whose answer was lost is looked up and may be sent again after the others.
    """
    return [one[:2] for one in these] == [one[:2] for one in others] and sorted(these) == sorted(others)


def _run(result: BookResult, *, disturbed: bool, draws: Sequence[Draw]) -> tuple[Orders, set[str]]:
    """Run the sessions; returns the orders, and the clients that were concerned by wrong responses."""
    market, wire = Random(f"market {result.seed}"), Random(f"wire {result.seed}")
    affected: set[str] = set()
    faults = Faults(result.seed)
    with tempfile.TemporaryDirectory() as folder, World(Path(folder), faults=faults) as world:
        for index, day in enumerate(_sessions(world, result.sessions)):
            _move(world, market)
            calm = index >= result.sessions - _QUIET or not disturbed or index == 0
            faults.reads, faults.writes = (0, 0) if calm else (READ_FAULTS, WRITE_FAULTS)
            if calm or (index > 1 and wire.randrange(100) >= _TROUBLE):
                trouble = Trouble("none", [], [])
            else:
                trouble = wire.choice(draws)(world, wire)
                result.troubles[trouble.name] += 1
            affected.update(trouble.affected, trouble.changed)
            _session(world, day, trouble, result)
        world.beat(60)
        _judge(world, result)
        return {name: world.orders(name) for name in CLIENTS}, affected


def _session(world: World, day: date, trouble: Trouble, result: BookResult) -> None:
    """A session with a trouble, after which exactly those whom it does not concern have traded where it is due."""
    before = {name: len(world.orders(name)) for name in trouble.affected}
    world.to(f"{day} 07:15")
    with world.rewriting(*trouble.rewrites):
        trouble.begin()
        world.trade(day.isoformat())
        wrong = [f"{name} traded" for name in trouble.affected if len(world.orders(name)) != before[name]]
        for name, account_id in world.ids.items():
            owed = world.oracle.owed(account_id, day)
            if name in trouble.affected:
                world.oracle.waiting.update([account_id] if owed == "full_rebalance" else [])
            else:
                wrong += [f"{name} had to trade: {owed}"] if owed else []
                wrong += [f"{name} is paused"] if account_id in world.book.holds else []
    result.wrong += [f"{day} {trouble.name}: {fault}" for fault in wrong]
    if not world.is_ready():
        world.reconnect()


def _judge(world: World, result: BookResult) -> None:
    calls = world.proxy.calls
    result.orders = len(world.oracle.placed)
    result.requests = len(calls.all())
    result.most_in_a_minute = calls.most_in_a_minute()
    result.injected = world.proxy.faults.injected.total()
    result.wrong += world.oracle.faults
    result.wrong += world.differences()
    result.wrong += [f"{account_id} is still paused: {hold.reason}" for account_id, hold in world.book.holds.items()]
    result.wrong += [f"alert left: {alert.text}" for alert in world.alerts()]
    result.wrong += [f"sent twice: {key}" for key in calls.repeated_writes()]
    if result.most_in_a_minute > LIMIT:
        result.wrong.append(f"{result.most_in_a_minute} requests in a minute")


def _sessions(world: World, count: int) -> list[date]:
    first = new_york_day(world.clock.true)
    return list(world.book.calendar.days(first, first + timedelta(days=2 * count + 10)))[:count]


def _move(world: World, random: Random) -> None:
    """Overnight, prices move by up to 8 %, and now and then somebody deposits."""
    moved = {symbol: world.price(symbol) * Fraction(random.randint(920, 1080), 1000) for symbol in PRICES}
    world.prices(**{symbol: f"{float(round(price, 2)):.2f}" for symbol, price in moved.items()})
    if random.randrange(4) == 0:
        world.deposit(random.choice(list(CLIENTS)), f"{random.randint(50, 5000)}.00")

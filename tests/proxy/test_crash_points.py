"""Killed at any point of a withdrawal and started again, a live book sends nothing twice and forgets nothing."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rebal_tui.domain.cash import WithdrawalStage
from rebal_tui.store import audit, cash, runs
from tests.proxy.crash import CrashingWorld
from tests.proxy.story import FRIDAY, MONDAY, TUESDAY, WEDNESDAY, check_end
from tests.proxy.world import CLIENTS
from tests.reliability.trail import audit_counts_of

ANN = "Ann Ames"
AMOUNT = "5000"
PAUSE = timedelta(minutes=5)
POINTS = 60
"""At least as many points as a withdrawal has."""


@dataclass(frozen=True)
class Ended:
    """The end of the week, and the points that were passed."""

    points: tuple[str, ...]
    end: dict[str, Any]


@cache
def undisturbed() -> Ended:
    return week(0, timedelta(0))


def week(number: int, pause: timedelta) -> Ended:
    """A client withdraws money on Tuesday, which has to be sold for; it leaves on Wednesday. On Friday all is quiet."""
    with tempfile.TemporaryDirectory() as folder, crashing(Path(folder), number, pause) as world:
        world.trade(MONDAY)
        world.to(f"{TUESDAY} 11:00")
        world.arm()
        while not cash.withdrawals(world.book.database):
            world.withdraw(ANN, AMOUNT)
            world.restart_if_killed()
        world.settle()
        world.to(f"{WEDNESDAY} 10:00")
        world.settle(completed, beats=240)
        world.disarm()
        world.oracle.raising.clear()
        world.trade(FRIDAY)
        check_end(world)
        return Ended(tuple(world.points), end(world))


@contextmanager
def crashing(folder: Path, number: int, pause: timedelta) -> Iterator[CrashingWorld]:
    world = CrashingWorld(folder, number=number, pause=pause)
    with world:
        yield world


def completed(book: Any) -> bool:
    return cash.withdrawals(book.database)[0].stage is WithdrawalStage.COMPLETED


def end(world: CrashingWorld) -> dict[str, Any]:
    book = world.book
    counts = audit_counts_of(audit.entries(book.database, -1))
    return {
        "orders": {name: world.orders(name) for name in CLIENTS},
        "journals": world.sandbox.ask(lambda true: [(j.amount, j.status) for j in cash.journals(true.database)]),
        "withdrawals": [(w.stage, w.stopped, w.amount, w.rounds) for w in cash.withdrawals(book.database)],
        "subscriptions": {a: (s.portfolio_id, day(s.last_rebalanced_at)) for a, s in book.subscriptions.items()},
        "runs": Counter((run.account_id, run.type, run.status) for run in runs.newest(book.database, -1)),
        "audited": {k: n for k, n in counts.items() if k.partition(".")[0] in ("withdrawal", "subscription", "runs")},
    }


def day(at: datetime | None) -> date | None:
    """The day of a time; its second depends on when threads sent and received."""
    return at and at.date()


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, POINTS + 1))
@pytest.mark.samples(2)
def test_a_kill_at_any_point_of_a_withdrawal_changes_nothing(number: int) -> None:
    known = undisturbed()
    if number > len(known.points):
        return
    for pause in (timedelta(0), PAUSE):
        killed = week(number, pause)
        assert killed.points[-1] == known.points[number - 1]
        assert killed.end == known.end, f"killed at {killed.points[-1]}"

"""Killed at any point of a withdrawal and started again, a live book sends nothing twice and forgets nothing."""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from rebal_tui.domain.cash import WithdrawalStage
from rebal_tui.services.book.book import Book
from rebal_tui.store import audit, cash, runs
from tests.proxy.crash import CrashingWorld
from tests.proxy.story import FRIDAY, TUESDAY, WEDNESDAY, after_monday, check_end
from tests.proxy.world import CLIENTS
from tests.reliability.settings import CRASH_POINTS
from tests.reliability.trail import audit_counts_of

ANN = "Ann Ames"
PARTS = 12
"""The tests of a withdrawal's points: one in the middle of each part, or all with CRASH_POINTS=0."""
JOURNAL_PART = 10
"""The part in which the journal is requested; the only one of the default run."""
PAUSES = (timedelta(0), timedelta(minutes=5))
"""How long the program is not running; with one point a part, every second one has the longer pause."""


@dataclass(frozen=True)
class Week:
    """The points of a week, and its end."""

    points: int
    end: dict[str, Any]


@cache
def undisturbed(amount: str | None) -> Week:
    return week(amount, 0, timedelta(0))


def week(amount: str | None, number: int, pause: timedelta) -> Week:
    """A client withdraws money on Tuesday, which has to be sold for; it leaves on Wednesday. On Friday all is quiet.

    The program is killed at point `number` between the request and the end of the withdrawal; 0 kills it never.
    """
    with tempfile.TemporaryDirectory() as folder:
        world = CrashingWorld(Path(folder), after_monday(), number=number, pause=pause)
        with world:
            world.to(f"{TUESDAY} 11:00")
            world.arm()
            while not cash.withdrawals(world.book.database):
                world.withdraw(ANN, amount)
                world.restart_if_killed()
            world.settle(_sold)
            world.to(f"{WEDNESDAY} 10:00")
            world.settle(_completed, beats=240)
            world.disarm()
            if amount is not None:
                world.oracle.raising.clear()
            world.trade(FRIDAY)
            check_end(world)
            return Week(len(world.points), _end(world))


@pytest.mark.slow
@pytest.mark.parametrize("amount", ["5000", None], ids=["amount", "everything"])
@pytest.mark.parametrize("part", [JOURNAL_PART, *range(JOURNAL_PART), *range(JOURNAL_PART + 1, PARTS)])
@pytest.mark.samples(1)
def test_a_kill_at_any_point_of_a_withdrawal_changes_nothing(part: int, amount: str | None) -> None:
    known = undisturbed(amount)
    first, after = (known.points * n // PARTS + 1 for n in (part, part + 1))
    chosen = [(n, pause) for n in range(first, after) for pause in PAUSES]
    if CRASH_POINTS:
        chosen = [((first + after) // 2, PAUSES[part % 2])]
    for number, pause in chosen:
        assert week(amount, number, pause).end == known.end, f"killed at {number}, started again after {pause}"


def _sold(book: Book) -> bool:
    return cash.withdrawals(book.database)[0].stage is WithdrawalStage.SETTLING


def _completed(book: Book) -> bool:
    return cash.withdrawals(book.database)[0].stage is WithdrawalStage.COMPLETED


def _end(world: CrashingWorld) -> dict[str, Any]:
    book = world.book
    counts = audit_counts_of(audit.entries(book.database, -1))
    return {
        "orders": {name: world.orders(name) for name in CLIENTS},
        "journals": world.sandbox.ask(lambda true: [(j.amount, j.status) for j in cash.journals(true.database)]),
        "withdrawals": [(w.stage, w.stopped, w.amount, w.rounds) for w in cash.withdrawals(book.database)],
        "subscriptions": {a: (s.portfolio_id, _day(s.last_rebalanced_at)) for a, s in book.subscriptions.items()},
        "runs": Counter((run.account_id, run.type, run.status) for run in runs.newest(book.database, -1)),
        "audited": {k: n for k, n in counts.items() if k.partition(".")[0] in ("withdrawal", "subscription", "runs")},
    }


def _day(at: datetime | None) -> date | None:
    """The day of a time; its second depends on when threads sent and received."""
    return at and at.date()

"""The array engine gives every account the status of the exact engine."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from rebal_tui.domain.sessions import epoch_micros
from rebal_tui.domain.trade_status import StatusKind, WaitsFor
from rebal_tui.domain.trading_rules import Overrides, Stagger
from rebal_tui.engine.arrays.day_context import day_context_of
from rebal_tui.engine.arrays.statuses import KINDS, NO_TIME, NOTHING, WAITS, statuses
from rebal_tui.engine.schedule import Schedule
from rebal_tui.engine.situation import Situation
from rebal_tui.engine.trade_status import StatusContext, trade_status
from rebal_tui.market.sessions import TradingCalendar, build_sessions
from tests.engine.array_books import TODAY, frame_of, random_situations, tied_situations
from tests.engine.ruled_books import random_rules, roomy_situations
from tests.engine.support import at, calendar

pytestmark = pytest.mark.slow

CALENDAR = TradingCalendar(build_sessions(date(2026, 1, 1), date(2027, 12, 31)))
SCHEDULE = Schedule(CALENDAR, lambda session: session.open)
BOOKS = (random_situations, tied_situations)


def compare(situations: Sequence[Situation], context: StatusContext, awaiting: Sequence[int] = ()) -> set[StatusKind]:
    first = situations[0]
    frame = frame_of(situations)
    day = day_context_of(frame, first.now, first.session, price_max_age=first.price_max_age)
    made = statuses(frame, day, context, awaiting)
    for row, situation in enumerate(situations):
        exact = trade_status(_followed(situation), context, awaiting=row in awaiting)
        assert KINDS[made.kind[row]] is exact.kind, (row, exact)
        wait = None if made.waits_for[row] == NOTHING else WAITS[made.waits_for[row]]
        assert wait is exact.waits_for, (row, exact)
        expected = NO_TIME if exact.first_trade_at is None else epoch_micros(exact.first_trade_at)
        assert made.first_trade_at[row] == expected, (row, exact)
    return {KINDS[code] for code in set(made.kind.tolist())}


def _followed(one: Situation) -> Situation:
    """The account as the exact form evaluates it: its portfolio has the overrides of the subscription (R-67)."""
    overrides = one.rules.overrides
    return one if overrides is None else replace(one, portfolio=overrides.applied(one.portfolio))


@pytest.mark.parametrize("make", BOOKS)
@pytest.mark.parametrize("stopped", [None, WaitsFor.KILL_SWITCH])
@pytest.mark.parametrize("next_evaluation", [at(TODAY, time(12, 15)), at(TODAY + timedelta(days=1), time(9, 30)), None])
def test_a_book_has_the_statuses_of_its_accounts(
    make: object, stopped: WaitsFor | None, next_evaluation: datetime | None
) -> None:
    rng = random.Random(7)
    situations = random_situations(rng, 150) if make is random_situations else tied_situations(rng, 150)
    awaiting = [row for row, one in enumerate(situations) if one.open_run][::2]
    context = StatusContext(SCHEDULE, next_evaluation, stopped)
    assert compare(situations, context, awaiting) >= {StatusKind.NEEDS_YOU, StatusKind.WAITS, StatusKind.IN_RANGE}


@pytest.mark.parametrize("now", [time(8), time(15, 45), time(20)])
@pytest.mark.parametrize("session", [True, False])
def test_outside_the_window_too(now: time, session: bool) -> None:
    situations = [replace(one, now=at(TODAY, now)) for one in tied_situations(random.Random(3), 100)]
    if not session:
        situations = [replace(one, session=None) for one in situations]
    upcoming = at(TODAY, time(9, 30)) if now < time(9, 30) and session else at(TODAY + timedelta(days=1), time(9, 30))
    compare(situations, StatusContext(SCHEDULE, upcoming))


@pytest.mark.parametrize("next_evaluation", [at(TODAY, time(12, 15)), at(TODAY + timedelta(days=1), time(9, 30))])
def test_accounts_with_rules_of_their_own_too(next_evaluation: datetime) -> None:
    """Of these rules, calendar sessions (R-66) and overridden conditions and cooldown (R-67) move the dates."""
    rng = random.Random(5)
    own = [
        Overrides(cooldown_days=400),
        Overrides(cooldown_days=0, conditions=(calendar("monthly", "20"),)),
        Overrides(conditions=()),
    ]
    situations = [replace(one, rules=random_rules(rng, one)) for one in roomy_situations(rng, 120)]
    for row, one in enumerate(situations):
        sessions = row % 5
        spread = Stagger(sessions, 5, TODAY - timedelta(days=sessions), TODAY - timedelta(days=sessions - 1))
        if row % 2:
            situations[row] = replace(one, rules=replace(one.rules, stagger=spread))
        if not row % 3:
            overrides = rng.choice(own)
            situations[row] = replace(one, rules=replace(situations[row].rules, overrides=overrides))
    assert compare(situations, StatusContext(SCHEDULE, next_evaluation)) >= {StatusKind.IN_RANGE}

"""The status of every account of a book in arrays, equal to the results of `engine/trade_status.py`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.decisions import Outcome
from rebal_tui.domain.portfolios import Portfolio
from rebal_tui.domain.sessions import epoch_micros
from rebal_tui.domain.trade_status import StatusKind, WaitsFor
from rebal_tui.engine.arrays.day_context import DayContext
from rebal_tui.engine.arrays.decide import CHECKS, OUTCOMES, Decisions, decide
from rebal_tui.engine.arrays.frame import NEVER, UNSUBSCRIBED, BookFrame, Mark
from rebal_tui.engine.arrays.kernels import any_other, any_weight
from rebal_tui.engine.arrays.memory_layout import Flags, Ints
from rebal_tui.engine.arrays.rule_columns import rows_with_own_conditions, rule_columns
from rebal_tui.engine.calendar import cooldown_ends
from rebal_tui.engine.schedule import Schedule
from rebal_tui.engine.trade_status import StatusContext

Codes = npt.NDArray[np.uint8]

KINDS = tuple(StatusKind)
WAITS = tuple(WaitsFor)
NO_STATUS = 255
"""Code of an account without a subscription."""
NOTHING = 255
"""Code of an account that waits for nothing."""
NO_TIME = -1
"""Placeholder for a time: none, or unknown."""
_KIND = {kind: code for code, kind in enumerate(KINDS)}
_WAIT = {wait: code for code, wait in enumerate(WAITS)}
_NOT_WAITING = ~np.uint16(int(Mark.OPEN_RUN | Mark.EXTERNAL_ORDERS))


@dataclass(frozen=True, slots=True, eq=False)
class Statuses:
    """One entry per account of a frame, in its order.

    `kind` is an index in `KINDS` or `NO_STATUS`, `waits_for` an index in `WAITS` or `NOTHING`. `first_trade_at`, the
    first possible trade, is in microseconds since 1970 UTC or `NO_TIME`. `probe` are the decisions as they would be if
    nothing delayed a trade.
    """

    kind: Codes
    waits_for: Codes
    first_trade_at: Ints
    probe: Decisions

    def count(self, kind: StatusKind) -> int:
        """The number of accounts with this status."""
        return int(np.count_nonzero(self.kind == _KIND[kind]))


def statuses(frame: BookFrame, day_context: DayContext, context: StatusContext, awaiting: Iterable[int]) -> Statuses:
    """The status of every account; `awaiting` are the rows of accounts whose run awaits approval."""
    accounts, today = frame.accounts, date.fromordinal(day_context.day)
    traded = accounts.system_run_on == day_context.day
    acts_today = context.acts_on(today)
    probe = _probe(frame, day_context, traded | (not acts_today))
    made = _Made(frame, probe, context)
    runs = probe.outcome != _outcome(Outcome.NONE)

    made.held_back(day_context)
    delays: list[tuple[Flags, WaitsFor, datetime | None]] = []
    if context.stopped:
        delays.append((np.ones(len(frame), np.bool_), context.stopped, None))
    external = accounts.marks & int(Mark.EXTERNAL_ORDERS) != 0
    delays.append((external, WaitsFor.EXTERNAL_ORDERS, None))
    delays.append((traded, WaitsFor.QUOTA, context.schedule.first_from(date.fromordinal(day_context.day + 1))))
    if context.next_evaluation is None and day_context.session is not None and day_context.session.any_hour:
        delays.append((np.ones(len(frame), np.bool_), WaitsFor.EVALUATION, None))
    elif not acts_today:
        delays.append((np.ones(len(frame), np.bool_), WaitsFor.SESSION, context.next_evaluation))
    elif day_context.open_market and not day_context.fresh.all():
        stale = any_weight(frame, ~day_context.fresh)[accounts.portfolio] | any_other(frame, ~day_context.fresh)
        delays.append((stale, WaitsFor.PRICES, context.next_evaluation))
    made.put(runs, StatusKind.WILL_TRADE, None, context.next_evaluation)
    for holds, wait, at in reversed(delays):
        made.put(runs & holds, StatusKind.WAITS, wait, at)

    in_window = day_context.session is not None and day_context.session.in_window(day_context.now)
    running = accounts.marks & int(Mark.OPEN_RUN) != 0
    made.put(running, StatusKind.WILL_TRADE, None, day_context.now if in_window else context.next_evaluation)
    needs = probe.outcome == _outcome(Outcome.BLOCKED)
    needs[[row for row in probe.cannot if not runs[row]]] = True
    needs[list(awaiting)] = True
    made.put(needs, StatusKind.NEEDS_YOU, None, None)
    if context.stopped:
        made.first[:] = NO_TIME
    made.kind[accounts.portfolio == UNSUBSCRIBED] = NO_STATUS
    made.waits[accounts.portfolio == UNSUBSCRIBED] = NOTHING
    made.first[accounts.portfolio == UNSUBSCRIBED] = NO_TIME
    return Statuses(made.kind, made.waits, made.first, probe)


def _outcome(outcome: Outcome) -> int:
    return OUTCOMES.index(outcome)


def _probe(frame: BookFrame, day_context: DayContext, served: Flags) -> Decisions:
    """The decisions of every account as they would be if nothing delayed a trade.

    For the accounts flagged in `served`, today's calendar day does not count, because its evaluation is over or has
    made a run.
    """
    accounts = frame.accounts
    asked = replace(
        frame,
        accounts=replace(
            accounts, system_run_on=np.full_like(accounts.system_run_on, NEVER), marks=accounts.marks & _NOT_WAITING
        ),
    )
    opened = replace(day_context, open_window=True, fresh=frame.assets.price > 0)
    dated = day_context.calendar.any() or (accounts.propose_on == day_context.day).any()
    if not dated or not served.any():
        return decide(asked, opened)
    undated = replace(asked, accounts=replace(asked.accounts, propose_on=np.zeros_like(accounts.propose_on)))
    without = decide(undated, replace(opened, session=None, calendar=np.zeros_like(opened.calendar)))
    if served.all():
        return without
    whole = decide(asked, opened)
    return Decisions(
        np.where(served, without.outcome, whole.outcome),
        np.where(served, without.check, whole.check),
        np.where(served, without.reported, whole.reported),
        whole.equity,
        whole.confirmed,
        {
            row: found
            for made, wanted in ((whole, False), (without, True))
            for row, found in made.cannot.items()
            if served[row] == wanted
        },
    )


class _Made:
    """The columns of `Statuses` while they are filled; a later entry for an account replaces an earlier one."""

    def __init__(self, frame: BookFrame, probe: Decisions, context: StatusContext) -> None:
        self._frame, self._probe, self._context = frame, probe, context
        self.kind = np.full(len(frame), _KIND[StatusKind.IN_RANGE], np.uint8)
        self.waits = np.full(len(frame), NOTHING, np.uint8)
        self.first = np.full(len(frame), NO_TIME, np.int64)

    def put(self, holds: Flags, kind: StatusKind, wait: WaitsFor | None, at: datetime | None) -> None:
        """Set the status of the accounts flagged in `holds`, what they wait for, and their first possible trade."""
        self.kind[holds] = _KIND[kind]
        self.waits[holds] = NOTHING if wait is None else _WAIT[wait]
        self.first[holds] = NO_TIME if at is None else epoch_micros(at)

    def held_back(self, day_context: DayContext) -> None:
        """Fill in the statuses of accounts for which no trigger makes a run."""
        frame, probe = self._frame, self._probe
        none, reported = probe.outcome == _outcome(Outcome.NONE), probe.reported
        cooling, short, drifted, updated = (
            reported & np.uint32(1 << CHECKS.index(name)) != 0
            for name in ("in_cooldown", "minimum_equity", "drift_band", "portfolio_update")
        )
        own = rows_with_own_conditions(frame)
        cooldown = frame.table.cooldown[frame.accounts.portfolio]
        cooldown[own] = [frame.followed(row).cooldown_days for row in own]
        ends = frame.accounts.rebalanced_on + cooldown
        free = np.where(cooling, ends, day_context.day + 1).astype(np.int64)
        for row, undone in frame.accounts.unfinished.items():
            served = not reported[row] & np.uint32(1 << CHECKS.index("unfinished"))
            if cooling[row] and served and undone.traded_at is not None:
                free[row] = cooldown_ends(undone.traded_at, int(cooldown[row])).toordinal()
        waits = none & cooling & (drifted | updated)
        self._dated(none & ~waits, free, own)
        self.put(waits, StatusKind.WAITS, WaitsFor.COOLDOWN, None)
        for day in np.unique(free[waits]).tolist():
            at = self._context.schedule.first_from(date.fromordinal(day))
            self.first[waits & (free == day)] = NO_TIME if at is None else epoch_micros(at)
        self.put(none & short, StatusKind.WAITS, WaitsFor.MINIMUM_EQUITY, None)

    def _dated(self, chosen: Flags, free: Ints, own: list[int]) -> None:
        """For the accounts flagged in `chosen`, fill in the time of the next calendar day on or after the day `free`.

        `own` are the rows whose conditions may differ from those of their portfolio.
        """
        frame, schedule = self._frame, self._context.schedule
        columns = rule_columns(frame)
        offset = np.zeros(len(frame), np.int64)
        offset[columns.rows[columns.stagger]] = columns.stagger_offset
        dated = np.array([*(p.calendar is not None for p in frame.portfolios), False], np.bool_)
        alike = chosen & dated[frame.accounts.portfolio]
        alike[own] = False
        rows = np.flatnonzero(alike)
        # One integer each: sorting rows of three takes thirty times as long.
        asked = (frame.accounts.portfolio[rows].astype(np.int64) << 40) | (offset[rows] << 24) | free[rows]
        unique, inverse = np.unique(asked, return_inverse=True)
        times = np.full(len(unique), NO_TIME, np.int64)
        for index, key in enumerate(unique.tolist()):
            portfolio, after, day = key >> 40, key >> 24 & 0xFFFF, key & 0xFFFFFF
            times[index] = _first_firing(schedule, frame.portfolios[portfolio], day, after)
        self.first[rows] = times[inverse]
        for row in own:
            if chosen[row]:
                self.first[row] = _first_firing(schedule, frame.followed(row), int(free[row]), int(offset[row]))


def _first_firing(schedule: Schedule, portfolio: Portfolio, day: int, offset: int) -> int:
    """The entry of `first_trade_at` for the next calendar day of a portfolio."""
    condition = portfolio.calendar
    at = None if condition is None else schedule.first_firing(condition, date.fromordinal(day), offset)
    return NO_TIME if at is None else epoch_micros(at)

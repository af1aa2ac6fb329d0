"""The subscribers that a change of a portfolio affects; a row is built from arrays only when it is shown."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rebal_tui.domain.portfolios import Portfolio
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.engine.arrays.frame import BookFrame, Mark
from rebal_tui.engine.schedule import Schedule
from rebal_tui.services.book.search_index import SearchIndex
from rebal_tui.services.evaluation.what_if import WhatIfPlans
from rebal_tui.services.queries.calendar_days import NO_DAY
from rebal_tui.services.queries.lazy_rows import Flags, Ints, LazyRows
from rebal_tui.services.queries.status_columns import block_text
from rebal_tui.services.view_models.portfolios import AffectedAccount


@dataclass(frozen=True, slots=True, eq=False)
class Effects:
    """What a change of a portfolio would do to its subscribers.

    `before` is the stored portfolio, `frame` the book in arrays as if the change were saved. `rows` are the account
    rows of the subscribers, ascending; the other arrays have one element for each of them. `planned` marks those that
    `plans` has, in the same order. `cooling` and `blocked` mark those that would trade if they were not in their
    cooldown or blocked. `equity` is in floating-point dollars. `calendar_days` are those of `next_calendar_days` for
    the accounts that neither trade at the next evaluation nor are blocked, `NO_DAY` for the others. `bandless` marks
    those that have no drift band either before or after the change.
    """

    before: Portfolio
    frame: BookFrame
    rows: Ints
    outside_before: Flags
    outside_after: Flags
    cooling: Flags
    blocked: Flags
    planned: Flags
    plans: WhatIfPlans
    equity: NDArray[np.float64]
    schedule: Schedule
    calendar_days: Ints
    bandless: Flags


class AffectedRows(LazyRows[AffectedAccount]):
    """The accounts that a change affects: first those that would trade, by turnover, then the others, by equity.

    The others are outside a band before or after the change, in their cooldown, blocked, impossible to plan, or have no
    band, before or after it. Last are those that trade on the next calendar day. Each of these groups is sorted from
    large to small. Accounts that are not affected are left out.
    """

    def __init__(self, index: SearchIndex, effects: Effects) -> None:
        self._index, self._effects = index, effects
        count = len(effects.rows)
        self._order_counts = np.zeros(count, np.int64)
        self._order_counts[effects.planned] = effects.plans.orders
        planned = np.flatnonzero(effects.planned).tolist()
        self._turnover: Mapping[int, Money] = dict(zip(planned, effects.plans.turnover, strict=True))
        unable = np.isin(effects.rows, list(effects.plans.unable))
        affected = effects.outside_before | effects.outside_after | effects.cooling | effects.blocked | unable
        affected |= effects.bandless
        dated = effects.calendar_days != NO_DAY
        affected |= (self._order_counts > 0) | dated
        size = np.zeros(count)
        size[effects.planned] = np.array(effects.plans.turnover, np.float64)
        found = np.flatnonzero(affected)
        # Each position here is one of `rows`; the last key sorts first.
        self._at: Ints = found[np.lexsort((-effects.equity[found], dated[found], -size[found]))]
        super().__init__(len(self._at))

    def make(self, position: int) -> AffectedAccount:
        effects, at = self._effects, int(self._at[position])
        row = int(effects.rows[at])
        return AffectedAccount(
            account_id=self._index.ids[row],
            client=self._index.names[row],
            outside_before=bool(effects.outside_before[at]),
            outside_after=bool(effects.outside_after[at]),
            orders=int(self._order_counts[at]),
            turnover=self._turnover.get(at, Money(0)),
            cooldown_until=self._cooldown_until(row) if effects.cooling[at] else None,
            blocked=block_text(effects.frame, row) if effects.blocked[at] else "",
            unable=effects.plans.unable.get(row, ""),
            banded_before=bool(self._stored(row).bands),
            banded_after=bool(effects.frame.followed(row).bands),
            has_run=bool(effects.frame.accounts.marks[row] & int(Mark.OPEN_RUN)),
            calendar_day=date.fromordinal(int(day)) if (day := effects.calendar_days[at]) != NO_DAY else None,
        )

    def _stored(self, row: int) -> Portfolio:
        """The stored portfolio with the overrides of an account's subscription (R-67)."""
        overrides = self._effects.frame.rules_of(row).overrides
        return self._effects.before if overrides is None else overrides.applied(self._effects.before)

    def _cooldown_until(self, row: int) -> date:
        """The day of the first evaluation after an account's cooldown."""
        frame = self._effects.frame
        ends = date.fromordinal(int(frame.accounts.rebalanced_on[row]) + frame.followed(row).cooldown_days)
        at = self._effects.schedule.first_from(ends)
        return ends if at is None else new_york_day(at)

    def key_at(self, position: int) -> Hashable:
        return self._index.ids[int(self._rows[position])]

    def row_ids(self) -> Ints:
        return self._rows

    @cached_property
    def _rows(self) -> Ints:
        found: Ints = self._effects.rows[self._at]
        return found

    def find(self, key: Hashable) -> int | None:
        row = self._index.row_of.get(key) if isinstance(key, str) else None
        found = np.flatnonzero(self._rows == (-1 if row is None else row))
        return int(found[0]) if len(found) else None

    def accepted(self, accept: Callable[[AffectedAccount], bool]) -> Flags:
        return np.array([accept(row) for row in self], np.bool_)

    def matching(self, needle: str) -> Flags:
        return np.asarray(self._index.matching(needle)[self._rows])

    def order(self, sort: str | None) -> NDArray[Any] | None:
        """Always None: the list cannot be sorted in another order."""
        del sort
        return None

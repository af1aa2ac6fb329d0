"""The session of the next calendar rebalance of subscribers (R-16, R-66, R-67)."""

from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np

from rebal_tui.domain.portfolios import CalendarCondition
from rebal_tui.engine.arrays.frame import NEVER, BookFrame
from rebal_tui.engine.trade_status import StatusContext
from rebal_tui.services.book.rules_view import stagger_offset
from rebal_tui.services.queries.lazy_rows import Ints

NO_DAY = 0
"""Placeholder for an ordinal: no calendar condition, or none that fires in the known sessions."""


def next_calendar_days(
    frame: BookFrame, rows: Ints, account_ids: list[str], today: date, context: StatusContext
) -> Ints:
    """The day of the next calendar rebalance of accounts with a portfolio in `frame`, as an ordinal, or `NO_DAY`.

    Today counts while an evaluation of today is to come and the account had no automatic run today. A day in the
    account's cooldown does not count. An account that was never rebalanced has no such day: its first rebalance does
    not wait for one.
    """
    accounts = frame.accounts

    @cache
    def day_of(condition: CalendarCondition, offset: int, earliest: int) -> int:
        found = context.schedule.own_day(condition, date.fromordinal(earliest), offset)
        return NO_DAY if found is None else found.toordinal()

    rebalanced_on, traded = accounts.rebalanced_on[rows], accounts.system_run_on[rows] == today.toordinal()
    earliest = np.where(traded | (not context.acts_on(today)), today.toordinal() + 1, today.toordinal())
    found = np.zeros(len(rows), np.int64)
    for at, (row, account_id) in enumerate(zip(rows.tolist(), account_ids, strict=True)):
        portfolio = frame.followed(row)
        if portfolio.calendar is not None and rebalanced_on[at] != NEVER:
            free = max(int(earliest[at]), int(rebalanced_on[at]) + portfolio.cooldown_days)
            sessions = portfolio.stagger_sessions
            offset = 0 if sessions == 1 else stagger_offset(account_id, sessions)
            found[at] = day_of(portfolio.calendar, offset, free)
    return found

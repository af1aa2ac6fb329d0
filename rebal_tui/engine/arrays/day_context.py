"""Inputs that depend on the time of an evaluation: the day, the window, calendar conditions and fresh prices."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from rebal_tui.domain.portfolios import CalendarCondition
from rebal_tui.domain.sessions import Session, epoch_micros, new_york_day
from rebal_tui.engine.arrays.frame import BookFrame, Flags
from rebal_tui.engine.calendar import QUARTER_ENDS, fires_on
from rebal_tui.engine.situation import PRICE_MAX_AGE, usable_price_times

_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, eq=False)
class DayContext:
    """The inputs that all decisions of one evaluation pass have in common.

    `now` is the time of the pass, `session` today's session, None without one; `quarterly_months` are the months of
    quarterly conditions. `day` is the New York date as a proleptic ordinal. `open_window`: evaluations are allowed
    now (R-10). `open_market`: the market is open. `calendar` has one entry per portfolio: whether its calendar
    condition fires today (R-16). Its last entry, for accounts without a portfolio, is False. `fresh` has one entry
    per asset: whether it has a price that is fresh enough (R-12.5).
    """

    now: datetime
    session: Session | None
    quarterly_months: frozenset[int]
    day: int
    open_window: bool
    open_market: bool
    calendar: Flags
    fresh: Flags


def day_context_of(
    frame: BookFrame,
    now: datetime,
    session: Session | None,
    *,
    price_max_age: timedelta | None = PRICE_MAX_AGE,
    quarterly_months: frozenset[int] = QUARTER_ENDS,
    ignore_window: bool = False,
) -> DayContext:
    """The inputs of an evaluation pass at `now`.

    `session` is today's session, None if there is none. With `price_max_age` None, a price of any age is fresh.
    `quarterly_months` are the months of quarterly conditions. With `ignore_window`, evaluations are allowed at any
    time.
    """
    known = session is not None and session.next_day is not None
    due: dict[CalendarCondition, bool] = {}
    for portfolio in frame.portfolios:
        condition = portfolio.calendar
        if condition is not None and condition not in due:
            due[condition] = bool(
                session and session.next_day and fires_on(condition, session.day, session.next_day, quarterly_months)
            )
    fresh = frame.assets.price > 0
    if price_max_age is not None:
        oldest, newest = map(epoch_micros, usable_price_times(now, price_max_age))
        price_at = frame.assets.price_at
        fresh &= (price_at >= oldest) & (price_at <= newest) & (price_at != 0)
    return DayContext(
        now=now,
        session=session,
        quarterly_months=quarterly_months,
        day=new_york_day(now).toordinal(),
        open_window=ignore_window or (known and session is not None and session.in_window(now)),
        open_market=session is not None and session.is_open(now),
        calendar=np.array([*(p.calendar is not None and due[p.calendar] for p in frame.portfolios), False], np.bool_),
        fresh=fresh,
    )

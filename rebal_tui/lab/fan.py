"""How much the choice of a day matters: the day on which a policy starts, or that of its calendar condition."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise

import numpy as np

from rebal_tui.domain.portfolios import CalendarCondition, CalendarType
from rebal_tui.lab.backtest import Backtest
from rebal_tui.lab.direct import Recorded
from rebal_tui.lab.history import DAYS_PER_YEAR, Floats, History, Ints
from rebal_tui.lab.policies import Policy
from rebal_tui.lab.progress import Canceled, Cancelled, Progress

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")
_LEAP_YEAR = date(2024, 1, 1)


@dataclass(frozen=True, eq=False)
class Fan:
    """Variants of a policy that differ only in the day on which they start, or in the day of their calendar condition.

    All are measured over the same sessions, from index `first` to the history's end. `labels` has the day of each
    variant; all figures are in the order of `labels`. `equity` has one row per variant and one column per session, 1 in
    session `first`. `turnover` is a fraction of average equity a year. `rms` and `worst` (the largest drift) are
    fractions of equity: 0.01 is one percentage point.
    """

    policy: Policy
    first: int
    history: History
    labels: tuple[str, ...]
    equity: Floats
    turnover: Floats
    rms: Floats
    worst: Floats

    @property
    def annual_return(self) -> Floats:
        """Each variant's compound return a year, as a fraction."""
        years = (self.history.days[-1] - self.history.days[self.first]).days / DAYS_PER_YEAR
        found: Floats = self.equity[:, -1] ** (1 / years) - 1
        return found

    @property
    def spread(self) -> float:
        """The highest return a year of any variant less the lowest one, as a fraction."""
        found = self.annual_return
        return float(found.max() - found.min())

    def years(self) -> tuple[tuple[int, float], ...]:
        """Each whole calendar year, with the highest return of a variant in it less the lowest, as a fraction."""
        ends = [end for end in self.history.year_ends.tolist() if end >= self.first]
        found = []
        for before, end in pairwise(ends):
            grown = self.equity[:, end - self.first] / self.equity[:, before - self.first]
            found.append((self.history.days[end].year, float(grown.max() - grown.min())))
        return tuple(found)

    @property
    def around(self) -> tuple[Floats, Floats]:
        """The lowest and the highest equity of any variant in each session, as multiples of the median equity."""
        middle = np.median(self.equity, axis=0)
        return self.equity.min(axis=0) / middle, self.equity.max(axis=0) / middle


def start_days(
    backtest: Backtest, policy: Policy, progress: Progress | None = None, canceled: Cancelled | None = None
) -> Fan | None:
    """Variants of a policy that start on each session of the first year, compared from the last of these sessions on.

    None for a history of less than two years. `progress` is called with the number of sessions done and their total.
    Raises `Canceled`.
    """
    history = backtest.history
    year = history.days[0] + timedelta(days=365)
    count = int(np.searchsorted(history.ordinals, year.toordinal(), side="right"))
    if history.years < 2 or count < 2:
        return None
    labels = [day.isoformat() for day in history.days[:count]]
    return variants(backtest, [policy] * count, labels, np.arange(count), progress, canceled)


def calendar_days(
    backtest: Backtest, policy: Policy, days: Sequence[str] = (), progress: Progress | None = None,
    canceled: Cancelled | None = None,
) -> Fan | None:  # fmt: skip
    """Variants of a policy with other days of its calendar condition over the whole history.

    `days` are the days to compare, by default every day that such a condition can have. Days on which the condition
    fires in the same sessions make one variant. None for a policy without a calendar condition. `progress` is called
    with the number of sessions done and their total. Raises `Canceled`.
    """
    if policy.calendar is None:
        return None
    policies, labels, seen = [], [], set()
    for day in days or days_of(policy.calendar.sub_type):
        calendar = CalendarCondition(policy.calendar.sub_type, day)
        key = backtest.history.next_calendar_day(calendar).tobytes()
        if key not in seen:
            seen.add(key)
            policies.append(replace(policy, calendar=calendar))
            labels.append(day)
    return variants(backtest, policies, labels, np.zeros(len(policies), dtype=np.int64), progress, canceled)


def days_of(kind: CalendarType) -> tuple[str, ...]:
    """Every day that a calendar condition of a type can have, as text, such as `Monday`, `31` or `12-31`."""
    if kind is CalendarType.WEEKLY:
        return _WEEKDAYS
    if kind is CalendarType.ANNUALLY:
        return tuple(f"{_LEAP_YEAR + timedelta(days=n):%m-%d}" for n in range(366))
    return tuple(str(day) for day in range(1, 32))


class _Fanned(Recorded):
    """Adds up what each column sold after the last start."""

    def __init__(self, backtest: Backtest, policies: Sequence[Policy], starts: Ints) -> None:
        super().__init__(
            backtest.history, backtest.weights, policies, backtest.cost_bps / 10_000, backtest.fill_delay, starts
        )
        self.first = int(starts.max())
        self.sold = np.zeros(len(policies))

    def traded(self, ids: Ints, session: int, full: bool, before: Floats, after: Floats) -> None:
        super().traded(ids, session, full, before, after)
        if session > self.first:
            self.sold[ids] += np.maximum(before - after, 0).sum(axis=0) * self.equity[ids]


def variants(
    backtest: Backtest, policies: Sequence[Policy], labels: Sequence[str], starts: Ints, progress: Progress | None,
    canceled: Cancelled | None,
) -> Fan:  # fmt: skip
    """Simulate policies together; each is set to its targets for the first time in its session of `starts`.

    `labels` has the day that distinguishes each policy. They are compared from the last session of `starts` on.
    `progress` is called with the number of sessions done and their total. Raises `Canceled`.
    """
    history, moves = backtest.history, backtest.history.moves
    batch = _Fanned(backtest, policies, starts)
    first, last = batch.first, history.length - 1
    equity = np.ones((last - first + 1, len(policies)))
    at_first = np.ones(len(policies))
    squares, worst = np.zeros(len(policies)), np.zeros(len(policies))
    for session in range(1, history.length):
        deviations = batch.advance(session, moves[:, session - 1 : session]).max(axis=0)
        if session >= first:
            equity[session - first] = batch.equity
        if session == first:
            at_first = batch.equity
        if session > first:
            squares += deviations * deviations
            np.maximum(worst, deviations, out=worst)
        if session % 64 == 0:
            if canceled is not None and canceled():
                raise Canceled
            if progress is not None:
                progress(session, last)
    years = (history.days[-1] - history.days[first]).days / DAYS_PER_YEAR
    return Fan(
        policies[0],
        first,
        history,
        tuple(labels),
        np.ascontiguousarray((equity / at_first).T),
        batch.sold / equity.mean(axis=0) / years,
        np.sqrt(squares / len(equity)),
        worst,
    )

"""A price history without gaps: the sessions of a backtest and every asset's close on each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.portfolios import CalendarCondition, CalendarType
from rebal_tui.domain.quantities import NANO, Price
from rebal_tui.engine.calendar import QUARTER_ENDS, fires_on

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAYS_PER_YEAR = 365.25
PRICES_ONLY = "prices only, no dividends"
TOTAL_RETURNS = "total returns"


@dataclass(frozen=True, slots=True)
class Gap:
    """A session left out of a history because the `symbols` have no price on it."""

    day: date
    symbols: tuple[str, ...]


@dataclass(frozen=True)
class History:
    """Closes of `symbols` on `days`, without gaps: `rows[t][i]` is the close of symbol i on day t, above 0.

    `following[t]` is the session after day t in the trading calendar; it is not `days[t + 1]` where a session was left
    out (R-16). `basis` is `PRICES_ONLY` if the closes are prices, `TOTAL_RETURNS` if they include dividends.
    """

    symbols: tuple[str, ...]
    days: tuple[date, ...]
    following: tuple[date, ...]
    rows: tuple[tuple[Price, ...], ...]
    basis: str = PRICES_ONLY
    _calendars: dict[tuple[CalendarCondition, frozenset[int]], Ints] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @cached_property
    def closes(self) -> Floats:
        """The closes in dollars, one row per asset and one column per session."""
        return np.ascontiguousarray(np.array(self.rows, dtype=np.float64).T) / NANO

    @cached_property
    def moves(self) -> Floats:
        """Each close ÷ the close before it: one row per asset and one column per session after the first."""
        return self.closes[:, 1:] / self.closes[:, :-1]

    @cached_property
    def ordinals(self) -> Ints:
        """The proleptic ordinal of each day: days since the year 1, as `date.toordinal` returns."""
        return np.array([day.toordinal() for day in self.days], dtype=np.int64)

    @property
    def length(self) -> int:
        """The number of sessions."""
        return len(self.days)

    @cached_property
    def years(self) -> float:
        """Years of 365.25 days from the first to the last session."""
        return (self.days[-1] - self.days[0]).days / DAYS_PER_YEAR

    @cached_property
    def sessions_per_year(self) -> float:
        """The average number of sessions in 365.25 days."""
        return (self.length - 1) / self.years

    @cached_property
    def year_ends(self) -> Ints:
        """The index of the last session of each calendar year that ends within the history, ascending."""
        ends = [index for index, day in enumerate(self.days[:-1]) if self.days[index + 1].year != day.year]
        if self.following[-1].year != self.days[-1].year:
            ends.append(self.length - 1)
        return np.array(ends, dtype=np.int64)

    @property
    def span(self) -> str:
        """The period and its length, such as `2009-01-02 … 2024-11-08 · 3,991 sessions`."""
        return f"{self.days[0]} … {self.days[-1]} · {self.length:,} sessions"

    def next_calendar_day(self, condition: CalendarCondition, quarterly: frozenset[int] = QUARTER_ENDS) -> Ints:
        """For each session, the index of the first session, itself or later, in which the condition fires (R-16).

        `quarterly` are the months of quarterly conditions. If the condition does not fire again, the index is the
        number of sessions. The result has one element more than there are sessions; the last one is the number of
        sessions.
        """
        key = (condition, quarterly)
        if key not in self._calendars:
            size = self.length
            annually = condition.sub_type is CalendarType.ANNUALLY
            possible = self._sessions_of_months[int(condition.day[:2])] if annually else range(size)
            firing = [n for n in possible if fires_on(condition, self.days[n], self.following[n], quarterly)]
            places = np.searchsorted(firing, np.arange(size + 1))
            self._calendars[key] = np.array([*firing, size], dtype=np.int64)[places]
        return self._calendars[key]

    @cached_property
    def _sessions_of_months(self) -> dict[int, list[int]]:
        """Of each month of the year, the sessions that last into it; a session lasts to the day before the next."""
        found: dict[int, list[int]] = {month: [] for month in range(1, 13)}
        for index, (day, following) in enumerate(zip(self.days, self.following, strict=True)):
            last = following - timedelta(days=1)
            months = 12 * (last.year - day.year) + last.month - day.month
            for later in range(min(months, 11) + 1):
                found[(day.month + later - 1) % 12 + 1].append(index)
        return found

    def part(self, start: int, stop: int) -> History:
        """The part of the history from session index `start` to `stop` - 1."""
        bounds = slice(start, stop)
        return History(self.symbols, self.days[bounds], self.following[bounds], self.rows[bounds], self.basis)


def history_of(
    symbols: Sequence[str],
    days: Sequence[date],
    following: Mapping[date, date],
    closes: Mapping[str, Sequence[Price | None]],
    basis: str = PRICES_ONLY,
) -> tuple[History, tuple[Gap, ...]]:
    """The history from the first to the last session on which all symbols have a close, and the gaps in it.

    `following` maps each session to the next one; those of `days` that are not in it are left out. `closes` has, by
    symbol, one close for each of `days`, None where it is missing. A session on which a symbol has no close is left
    out, because no account that needs that price would be rebalanced (R-12.5). Raises `Invalid` for symbols without
    closes, and for fewer than two sessions.
    """
    missing = [symbol for symbol in symbols if symbol not in closes]
    if missing:
        known = ", ".join(list(closes)[:20])
        raise Invalid(Fault(symbol, f"no such column in the closes, which have {known}") for symbol in missing)
    columns = [closes[symbol] for symbol in symbols]
    kept: list[tuple[date, tuple[Price, ...]]] = []
    gaps: list[Gap] = []
    for index, day in enumerate(days):
        if day not in following:
            continue
        cells = [column[index] for column in columns]
        priced = tuple(price for price in cells if price is not None)
        if len(priced) == len(symbols):
            kept.append((day, priced))
        else:
            gaps.append(Gap(day, tuple(s for s, price in zip(symbols, cells, strict=True) if price is None)))
    if len(kept) < 2:
        raise Invalid(
            f"{len(kept)} sessions have a close of every symbol ({', '.join(symbols)}); a backtest needs at least 2"
        )
    first, last = kept[0][0], kept[-1][0]
    sessions = tuple(day for day, _ in kept)
    history = History(
        tuple(symbols), sessions, tuple(following[day] for day in sessions), tuple(row for _, row in kept), basis
    )
    return history, tuple(gap for gap in gaps if first < gap.day < last)

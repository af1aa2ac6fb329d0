"""A price history without gaps: the sessions of a backtest and every asset's close on each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.portfolios import CalendarCondition
from rebal_tui.domain.quantities import NANO, Price
from rebal_tui.engine.calendar import QUARTER_ENDS, fires_on

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

DAYS_PER_YEAR = 365.25
PRICES_ONLY = "prices only, no dividends"
TOTAL_RETURNS = "total returns"


@dataclass(frozen=True, slots=True)
class Gap:
    """A session left out of a history, and the symbols without a price on it."""

    day: date
    symbols: tuple[str, ...]


@dataclass(frozen=True)
class History:
    """Closes of `symbols` on `days`, both complete: `rows[t][i]` is the close of symbol i on day t, above 0.

    `following[t]` is the session after day t in the calendar, which need not be `days[t + 1]` (R-16). `basis` is what
    the closes contain: `PRICES_ONLY` or `TOTAL_RETURNS`.
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
    def ordinals(self) -> Ints:
        """The proleptic ordinal of each day."""
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
        """Sessions per year of 365.25 days."""
        return (self.length - 1) / self.years

    @cached_property
    def year_ends(self) -> Ints:
        """The last session of each calendar year that ends within the history or with it."""
        ends = [index for index, day in enumerate(self.days[:-1]) if self.days[index + 1].year != day.year]
        if self.following[-1].year != self.days[-1].year:
            ends.append(self.length - 1)
        return np.array(ends, dtype=np.int64)

    @property
    def span(self) -> str:
        """The period and its length, such as `2009-01-02 … 2024-11-08 · 3,991 sessions`."""
        return f"{self.days[0]} … {self.days[-1]} · {self.length:,} sessions"

    def next_calendar_day(self, condition: CalendarCondition, quarterly: frozenset[int] = QUARTER_ENDS) -> Ints:
        """For each session, the index of the first session from it on that is the condition's day (R-16).

        The number of sessions stands for none. Has one element more than there are sessions.
        """
        key = (condition, quarterly)
        if key not in self._calendars:
            size = self.length
            found = np.full(size + 1, size, dtype=np.int64)
            for index in range(size - 1, -1, -1):
                fires = fires_on(condition, self.days[index], self.following[index], quarterly) is not None
                found[index] = index if fires else found[index + 1]
            self._calendars[key] = found
        return self._calendars[key]

    def part(self, start: int, stop: int) -> History:
        """The sessions from index `start` up to `stop`, exclusive."""
        bounds = slice(start, stop)
        return History(self.symbols, self.days[bounds], self.following[bounds], self.rows[bounds], self.basis)


def history_of(
    symbols: Sequence[str],
    days: Sequence[date],
    following: Mapping[date, date],
    closes: Mapping[str, Sequence[Price | None]],
    basis: str = PRICES_ONLY,
) -> tuple[History, tuple[Gap, ...]]:
    """The history of some symbols from the first to the last session on which all have a close, and the gaps in it.

    `following` gives the next session of each session; other days are left out. `closes` has one close per day and
    symbol, None where it is missing. Sessions that lack a close of any symbol are left out, as no account that
    needs it is rebalanced on them (R-12.5). Raises `Invalid` for symbols without closes, or fewer than two sessions.
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

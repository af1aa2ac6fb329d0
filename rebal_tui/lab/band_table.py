"""When each band is first exceeded after a rebalance, for policies that differ only in their bands.

After a rebalance to the targets, all later deviations depend only on the session of the rebalance. So a row of the
table belongs to one session and serves all policies that rebalance in it: for each band, it has the session in which
the band is first exceeded. A policy's rebalances are found by going from row to row: from each rebalance to the next.
The time from a rebalance to the next is called a leg.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from rebal_tui.domain.portfolios import BandType, CalendarCondition, DriftBand
from rebal_tui.domain.quantities import Percent
from rebal_tui.lab.history import Floats, Ints
from rebal_tui.lab.renewal import RenewalRows, RenewalTable
from rebal_tui.lab.stops import Flags
from rebal_tui.lab.ties import TIE, breached_exactly

GROWTH, SOLD, PAID, EQUITY_SUM, SQUARE_SUM, WORST, TRADES, REBALANCES = range(8)
"""Columns of `BandTable.figures`."""
ROWS = 16
"""Rows computed together where most are needed."""
WIDTH = 256
"""Columns of the first rows; later ones are as long as those before needed."""
_MARGIN = 1.4


class Schedule(NamedTuple):
    """What all policies of one `BandTable` have in common: everything but the sizes of their bands (see `Policy`)."""

    calendar: CalendarCondition | None
    cooldown_days: int
    look: int
    phase: int
    has_absolute: bool
    has_relative: bool


class BandTable:
    """For each session, the legs that begin with a rebalance in it. A leg is the time from a rebalance to the next.

    `absolute` and `relative` are the sizes of the bands, ascending, in hundredths of a percentage point and in
    hundredths of a percent of the target; empty when the policies have no such bands. `compute` fills in the row of a
    session. The last leg ends with the history. `ends` has the last session of each leg. `figures` has a row per leg,
    for an equity of 1 when the leg starts: `figures[:, GROWTH]` is the equity after the rebalance that ends the leg;
    the other columns are as in `Chains`. Without `with_figures` only the column `REBALANCES` is filled.
    """

    def __init__(
        self, renewal: RenewalTable, schedule: Schedule, absolute: Ints, relative: Ints, cost: float, delay: int,
        together: int = 1, *, with_figures: bool = True,
    ) -> None:  # fmt: skip
        history = renewal.history
        self.length = history.length
        self._renewal, self._schedule, self._cost, self._delay = renewal, schedule, cost, delay
        self._bands = (absolute, relative)
        limits = (absolute / 10_000, relative / 10_000)
        self._limits, self._kinds = limits, tuple(kind for kind in (0, 1) if len(limits[kind]))
        self._above = tuple(each + TIE for each in limits)
        self._below = tuple(np.append(each - TIE, np.inf) for each in limits)
        kind = np.min_scalar_type(self.length)
        self._places = tuple(np.zeros((self.length, len(bands)), dtype=kind) for bands in self._bands)
        due = history.ordinals + schedule.cooldown_days
        self._starts = np.maximum(np.searchsorted(history.ordinals, due), np.arange(1, self.length + 1))
        self._always = schedule.look == 1 and schedule.cooldown_days == 0
        self._calendar = None if schedule.calendar is None else history.next_calendar_day(schedule.calendar)
        self._width, self._together, self._with_figures = WIDTH, together, with_figures
        # A session's first leg, -1 before it is computed. From the last session a leg of length 0 leads to itself.
        self._first_legs = np.full(self.length, -1, dtype=np.int64)
        self._first_legs[-1] = 0
        self._count = 1
        self.ends: Ints = np.full(1024, self.length - 1, dtype=np.int64)
        self.figures: Floats = np.zeros((1024, 8))
        self.figures[0, GROWTH] = 1.0

    def missing(self, sessions: Ints) -> Ints:
        """Those of `sessions` for which the table has no row yet, each once, ascending."""
        absent = self._first_legs.take(sessions) < 0
        return np.unique(sessions[absent]) if absent.any() else sessions[:0]

    def legs(self, sessions: Ints, absolute: Ints, relative: Ints) -> Ints:
        """The index of the leg (the time from a rebalance to the next) that begins for each policy.

        Policy number i rebalances to its targets in `sessions[i]`. The rows of these sessions must be computed.
        `absolute` and `relative` are the indexes of each policy's bands in the table; an array is not used when the
        policies have no such bands.
        """
        first = self._first_legs.take(sessions)
        schedule = self._schedule
        if not schedule.has_absolute:
            return first + self._place(1, sessions, relative) if schedule.has_relative else first
        place = self._place(0, sessions, absolute)
        if schedule.has_relative:
            place = np.minimum(place, self._place(1, sessions, relative))
        return first + place

    def _place(self, kind: int, sessions: Ints, positions: Ints) -> Ints:
        places = self._places[kind]
        found: Ints = places.ravel().take(sessions * places.shape[1] + positions)
        return found

    def compute(self, session: int) -> None:
        """Compute the row of a session: the legs that begin with a rebalance in it.

        A leg is the time from a rebalance to the next. In a table of many policies, the rows of neighboring sessions
        are computed, too. `session` must not be the last session.
        """
        if self._first_legs[session] >= 0:
            return
        if self._together == 1:
            self._compute_alone(session)
            return
        first = session - session % self._together
        since = np.arange(first, min(first + self._together, self.length - 1))
        starts, last = self._starts[since], self.length - 1
        calendar = np.full(len(since), self.length) if self._calendar is None else self._calendar[starts]
        horizon = np.minimum(calendar, last)
        furthest, width = int(horizon.max()), self._width if self._kinds else self.length
        while True:
            stop = min(int(starts[-1]) + width, furthest)
            rows = self._renewal.rows(since, min(stop + self._delay, last) + 1)
            found = [self._breaches(kind, rows, since, stop) for kind in self._kinds]
            reached = np.full(len(since), self.length)
            for each in found:
                reached = np.minimum(reached, each[:, -1])
            if stop == furthest or (np.minimum(reached, horizon) <= stop).all():
                break
            width *= 3
        self._width = int(_MARGIN * (min(int(reached.max()), stop) - int(starts[0]))) + 32
        self._add(since, rows, found, calendar, reached)

    def _compute_alone(self, session: int) -> None:
        """Compute the row of one session in arrays of one dimension: for few policies, where most time is overhead."""
        start, last = int(self._starts[session]), self.length - 1
        calendar = self.length if self._calendar is None else int(self._calendar[start])
        furthest, width = min(calendar, last), self._width if self._kinds else self.length
        while True:
            stop = min(start + width, furthest)
            row = self._renewal.row(session, min(stop + self._delay, last) + 1)
            found = [self._breaches_alone(kind, row, session, stop) for kind in self._kinds]
            reached = min((int(each[-1]) for each in found), default=self.length)
            if stop == furthest or reached <= stop:
                break
            width *= 3
        self._width = int(_MARGIN * (min(reached, stop) - start)) + 32
        latest = min(calendar, last - self._delay)
        ends = {at for each in found for at in each.tolist() if at <= latest}
        columns = sorted(at - row.first for at in ends)
        if reached > latest:
            # The column after the last is for a leg that lasts to the end of the history.
            final = calendar - row.first if calendar == latest else row.growth.shape[1]
            if columns[-1:] != [final]:
                columns.append(final)
        self._first_legs[session] = self._count
        for kind, each in zip(self._kinds, found, strict=True):
            places = np.searchsorted(columns, each - row.first)
            self._places[kind][session] = np.where(each <= latest, places, len(columns) - 1)
        self._append(
            np.array([session]), row, np.zeros(len(columns), dtype=np.int64), np.array(columns, dtype=np.int64)
        )  # fmt: skip

    def _breaches_alone(self, kind: int, row: RenewalRows, session: int, stop: int) -> Ints:
        """As `_breaches`, for one row."""
        sizes = (row.relative if kind else row.absolute)[0, : stop + 1 - row.first]
        look, start = self._schedule.look, int(self._starts[session])
        begin = start + (self._schedule.phase - start) % look
        running = np.maximum.accumulate(sizes[begin - row.first :: look])
        at = running.searchsorted(self._above[kind], side="right")
        near = running.searchsorted(self._below[kind][:-1])
        found: Ints = np.where(at < len(running), begin + at * look, self.length)
        for number in np.flatnonzero(near < at).tolist():
            looked = self._looked(np.array([session]), row.first, stop)[0]
            decided = self._decide(kind, number, session, row.first, looked, sizes)
            found[number] = decided + row.first if decided < len(sizes) else self.length
        return found

    def _breaches(self, kind: int, rows: RenewalRows, since: Ints, stop: int) -> Ints:
        """The session of each row's first breach of each band; beyond the history for none until `stop`."""
        size = stop + 1 - rows.first
        sizes = (rows.relative if kind else rows.absolute)[:, :size]
        if self._always:
            running = np.maximum.accumulate(sizes, axis=1)
        else:
            running = np.maximum.accumulate(sizes * self._looked(since, rows.first, stop), axis=1)
        # Where a running maximum grows, and beyond the last column, where every band counts as exceeded.
        grows = np.ones((len(since), size + 1), dtype=np.bool_)
        np.greater(running[:, 1:], running[:, :-1], out=grows[:, 1:-1])
        numbers, columns = np.nonzero(grows)
        beyond = columns == size
        reached = running[numbers, columns - beyond]
        reached[beyond] = np.inf
        exceeded = self._above[kind].searchsorted(reached)
        counts = exceeded.copy()
        counts[1:] -= exceeded[:-1] * (columns[1:] > 0)
        sessions = columns + rows.first
        sessions[beyond] = self.length
        found: Ints = sessions.repeat(counts).reshape(len(since), -1)
        tied = self._below[kind].take(exceeded) <= reached
        tied &= ~beyond
        if tied.any():
            looked = self._looked(since, rows.first, stop)
            for at in np.flatnonzero(tied).tolist():
                row, number = int(numbers[at]), int(exceeded[at])
                decided = self._decide(kind, number, int(since[row]), rows.first, looked[row], sizes[row])
                found[row, number] = decided + rows.first if decided < size else self.length
        return found

    def _looked(self, since: Ints, first: int, stop: int) -> Flags:
        """Whether the bands of each row are checked in each session from `first` to `stop`."""
        sessions = np.arange(first, stop + 1)
        looked = sessions >= self._starts[since][:, None]
        return np.asarray(looked & (sessions % self._schedule.look == self._schedule.phase))

    def _decide(self, kind: int, number: int, session: int, first: int, looked: Flags, sizes: Floats) -> int:
        """The position of a band's first breach, where exact arithmetic decides what floats cannot."""
        limit = float(self._limits[kind][number])
        percent = Percent(int(self._bands[kind][number]))
        band = DriftBand(BandType.RELATIVE if kind else BandType.ABSOLUTE, percent)
        history, weights = self._renewal.history, self._renewal.weights
        for position in np.flatnonzero(looked & (sizes >= limit - TIE)).tolist():
            clear = sizes[position] > limit + TIE
            if clear or breached_exactly(history, weights, session, first + position, band):
                return int(position)
        return len(sizes)

    def _add(self, since: Ints, rows: RenewalRows, found: list[Ints], calendar: Ints, reached: Ints) -> None:
        """Add the legs of some rows: those that end with a breach, on the calendar day, or with the history."""
        first, numbers = rows.first, np.arange(len(since))
        # The last column is for a leg that lasts to the end of the history.
        ends = np.zeros((len(since), rows.growth.shape[1] + 1), dtype=np.bool_)
        latest = np.minimum(calendar, self.length - 1 - self._delay)
        kept = [each <= latest[:, None] for each in found]
        for each, flags in zip(found, kept, strict=True):
            lines, columns = np.nonzero(flags)
            ends[lines, each[lines, columns] - first] = True
        fixed = (calendar == latest) & (calendar < first + ends.shape[1] - 1)
        ends[numbers[fixed], calendar[fixed] - first] = True
        ends[:, -1] = (reached > latest) & (calendar > latest)
        places = ends.cumsum(axis=1) - 1
        counts = places[:, -1] + 1
        self._first_legs[since] = self._count + counts.cumsum() - counts
        for kind, each, flags in zip(self._kinds, found, kept, strict=True):
            at = places[numbers[:, None], np.where(flags, each - first, ends.shape[1] - 1)]
            self._places[kind][since] = at
        self._append(since, rows, *np.nonzero(ends))

    def _append(self, since: Ints, rows: RenewalRows, numbers: Ints, columns: Ints) -> None:
        """Add a leg for each pair of a row and the column in which it is decided; beyond the columns: the end."""
        self._reserve(len(numbers))
        legs = slice(self._count, self._count + len(numbers))
        self._count += len(numbers)
        traded = columns < rows.growth.shape[1]
        columns = np.where(traded, columns + self._delay, rows.growth.shape[1] - 1)
        self.ends[legs], figures = columns + rows.first, self.figures[legs]
        figures[:, REBALANCES] = traded
        if not self._with_figures:
            return
        absolute = rows.absolute
        growth = rows.growth[numbers, columns]
        figures[:, EQUITY_SUM] = rows.growth.cumsum(axis=1)[numbers, columns]
        figures[:, SQUARE_SUM] = (absolute * absolute).cumsum(axis=1)[numbers, columns]
        figures[:, WORST] = np.maximum.accumulate(absolute, axis=1)[numbers, columns]
        deviations = self._renewal.deviations(since[numbers], columns + rows.first, growth) * traded
        sizes = np.abs(deviations)
        total = sizes.sum(axis=0)
        figures[:, GROWTH] = growth * (1 - total * self._cost)
        figures[:, SOLD] = growth * (total + deviations.sum(axis=0)) / 2
        figures[:, PAID] = growth * total * self._cost
        figures[:, TRADES] = (sizes > 1e-12).sum(axis=0)

    def _reserve(self, count: int) -> None:
        """Enlarge the arrays for more legs."""
        needed, size = self._count + count, len(self.ends)
        if needed > size:
            added = max(needed, size + size // 2) - size
            self.ends = np.concatenate([self.ends, np.zeros(added, dtype=np.int64)])
            self.figures = np.concatenate([self.figures, np.zeros((added, 8))])

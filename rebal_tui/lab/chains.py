"""The rebalances of many policies at once, session by session.

After a rebalance to the targets the deviation depends only on its session, so all policies that rebalance in a session
share one renewal row. A policy's next rebalance is found by a binary search in the running maximum of that row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rebal_tui.domain.errors import require
from rebal_tui.domain.portfolios import DriftBand, Weights
from rebal_tui.lab.history import Floats, History, Ints
from rebal_tui.lab.policies import Policy
from rebal_tui.lab.progress import Canceled, Cancelled, Progress
from rebal_tui.lab.renewal import RenewalRow, RenewalTable
from rebal_tui.lab.stops import band_limits
from rebal_tui.lab.ties import TIE, breached_exactly

WINDOW = 384
"""Sessions searched first; most bands are reached within them."""


@dataclass(frozen=True, slots=True)
class Chains:
    """Figures of policies, one element each, in the order given. Equity is 1 at the start.

    `rebalances` leaves out the first purchase. `sold` is the sum of what rebalances sold and `cost` of what they cost,
    in units of equity at the start; `equity_sum` and `square_sum` are the sums over all sessions, before trades, of
    equity and of the squared largest deviation; `worst` is the largest deviation. `events` has the sessions of each
    policy's rebalances, None where they were not requested.
    """

    rebalances: Ints
    trades: Ints
    final: Floats
    sold: Floats
    cost: Floats
    equity_sum: Floats
    square_sum: Floats
    worst: Floats
    events: tuple[Ints, ...] | None


def run_chains(
    history: History,
    weights: Weights,
    policies: Sequence[Policy],
    *,
    cost_bps: float = 0.0,
    fill_delay: int = 0,
    with_events: bool = True,
    progress: Progress | None = None,
    canceled: Cancelled | None = None,
) -> Chains:
    """Follow policies that rebalance to the targets over a history.

    All start on their targets in the first session. `cost_bps` is the cost of a dollar traded in basis points. With
    `fill_delay` 1, a rebalance is decided at a close and filled at the next one. Raises `Canceled`.
    """
    require(all(policy.renews for policy in policies), "a policy that does not rebalance to the targets")
    require(fill_delay in (0, 1), "a fill delay other than 0 or 1")
    sweep = _Sweep(RenewalTable(history, weights), policies, cost_bps / 10_000, fill_delay, with_events)
    last = history.length - 1
    for session in range(last):
        if sweep.waiting[session]:
            sweep.renew(session)
        if session % 64 == 0:
            if canceled is not None and canceled():
                raise Canceled
            if progress is not None:
                progress(session, last)
    return sweep.result()


class _Sweep:
    """The state of all policies; `waiting[s]` has the policies that rebalance in session s."""

    def __init__(
        self, table: RenewalTable, policies: Sequence[Policy], cost: float, delay: int, with_events: bool
    ) -> None:
        self._table, self._policies = table, policies
        self._cost, self._delay, self._with_events = cost, delay, with_events
        count, length = len(policies), table.history.length
        self._absolute = band_limits([policy.absolute for policy in policies])
        self._relative = band_limits([policy.relative for policy in policies])
        self._cooldowns = np.array([policy.cooldown_days for policy in policies], dtype=np.int64)
        self._looks = np.array([policy.look for policy in policies], dtype=np.int64)
        self._phases = np.array([policy.phase for policy in policies], dtype=np.int64)
        self._sole_look = bool((self._looks == 1).all())
        conditions = list(dict.fromkeys(policy.calendar for policy in policies if policy.calendar is not None))
        self._calendars = np.stack(
            [np.full(length + 1, length, dtype=np.int64), *(table.history.next_calendar_day(c) for c in conditions)]
        )
        rows = {condition: row for row, condition in enumerate(conditions, start=1)}
        self._calendar_rows = np.array([rows.get(p.calendar, 0) if p.calendar else 0 for p in policies], dtype=np.int64)
        self.waiting: list[list[Ints]] = [[] for _ in range(length)]
        if count:
            self.waiting[0].append(np.arange(count))
        self._rebalances = np.zeros(count, dtype=np.int64)
        self._trades = np.zeros(count, dtype=np.int64)
        self._equity = np.ones(count)
        self._sold, self._paid, self._square_sum, self._worst = (np.zeros(count) for _ in range(4))
        self._equity_sum = np.ones(count)
        self._events: list[tuple[int, Ints]] = []

    def renew(self, session: int) -> None:
        """Find the next rebalance of all policies that are on their targets in a session."""
        history = self._table.history
        chosen = np.concatenate(self.waiting[session])
        self.waiting[session] = []
        due = history.ordinals[session] + self._cooldowns[chosen]
        starts = np.maximum(np.searchsorted(history.ordinals, due), session + 1)
        calendar = self._calendars[self._calendar_rows[chosen], starts]
        first, width = session + 1, WINDOW
        carried = np.zeros(3)
        while len(chosen) and first < history.length:
            stop = min(first + width, history.length)
            row = self._table.row(session, first, min(stop + self._delay, history.length))
            found = np.minimum(self._first_breach(session, row, stop, chosen, starts), calendar)
            squares = np.cumsum(row.absolute**2) + carried[0]
            growths = np.cumsum(row.growth) + carried[1]
            worst = np.maximum(np.maximum.accumulate(row.absolute), carried[2])
            fills = found + self._delay
            hit = (found < stop) & (fills < history.length)
            if hit.any():
                self._rebalance(row, chosen[hit], fills[hit], squares, growths, worst)
            if stop == history.length:
                self._end(row, chosen[~hit], squares, growths, worst)
                return
            chosen, starts, calendar = chosen[~hit], starts[~hit], calendar[~hit]
            end = stop - first - 1
            carried = np.array([squares[end], growths[end], worst[end]])
            first, width = stop, width * 2

    def result(self) -> Chains:
        events: tuple[Ints, ...] | None = None
        if self._with_events:
            # Sessions ascend within each policy, because a stable sort keeps the order of the sweep.
            ids = np.concatenate([ids for _, ids in self._events]) if self._events else np.zeros(0, dtype=np.int64)
            at = np.repeat([session for session, _ in self._events], [len(ids) for _, ids in self._events])
            order = np.lexsort((at, ids)) if len(ids) else np.zeros(0, dtype=np.int64)
            bounds = np.cumsum(self._rebalances)[:-1]
            events = tuple(np.split(at[order].astype(np.int64), bounds)) if len(self._policies) else ()
        return Chains(
            self._rebalances, self._trades, self._equity, self._sold, self._paid, self._equity_sum, self._square_sum,
            self._worst, events,
        )  # fmt: skip

    def _first_breach(self, session: int, row: RenewalRow, stop: int, chosen: Ints, starts: Ints) -> Ints:
        """The session of each policy's first breach in the row from its start on; beyond the history for none."""
        found = np.full(len(chosen), self._table.history.length + 1, dtype=np.int64)
        begins = np.maximum(starts, row.first)
        open_ = begins < stop
        if not open_.any():
            return found
        looks = self._looks[chosen]
        if self._sole_look and (begins == begins[0]).all():
            self._search(session, row, slice(None), chosen, np.arange(begins[0], stop), found)
            return found
        phases = self._phases[chosen]
        # The first look on or after each start identifies a group together with its interval.
        begins = begins + (phases - begins) % looks
        keys = np.where(open_, begins * (looks.max() + 1) + looks, -1)
        for key in np.unique(keys[open_]):
            members = np.flatnonzero(keys == key)
            columns = np.arange(int(begins[members[0]]), stop, int(looks[members[0]]))
            if len(columns):
                self._search(session, row, members, chosen, columns, found)
        return found

    def _search(
        self, session: int, row: RenewalRow, members: slice | Ints, chosen: Ints, columns: Ints, found: Ints
    ) -> None:
        """Note the first of `columns` in which each member breaches a band."""
        ids = chosen[members]
        offsets = columns - row.first
        for values, limits, is_absolute in (
            (row.absolute, self._absolute[ids], True), (row.relative, self._relative[ids], False)
        ):  # fmt: skip
            if np.isinf(limits).all():
                continue
            sizes = values[offsets]
            running = np.maximum.accumulate(sizes)
            at = np.searchsorted(running, limits + TIE, side="right")
            early = np.searchsorted(running, limits - TIE, side="left")
            for tied in np.flatnonzero(early != at):
                band = self._policies[int(ids[tied])].bands[0 if is_absolute else -1]
                at[tied] = self._decide(session, columns, sizes, float(limits[tied]), int(early[tied]), band)
            hit = at < len(columns)
            sessions = np.where(hit, columns[np.minimum(at, len(columns) - 1)], self._table.history.length + 1)
            found[members] = np.minimum(found[members], sessions)

    def _decide(
        self, session: int, columns: Ints, sizes: Floats, limit: float, start: int, band: DriftBand
    ) -> int:  # fmt: skip
        """The position of the first breach from `start` on, where exact arithmetic decides what floats cannot."""
        history, weights = self._table.history, self._table.weights
        for position in start + np.flatnonzero(sizes[start:] >= limit - TIE):
            clear = sizes[position] > limit + TIE
            if clear or breached_exactly(history, weights, session, int(columns[position]), band):
                return int(position)
        return len(columns)

    def _rebalance(
        self, row: RenewalRow, ids: Ints, fills: Ints, squares: Floats, growths: Floats, worst: Floats
    ) -> None:
        sessions, inverse = np.unique(fills, return_inverse=True)
        at = sessions - row.first
        traded = row.deviations[:, at]
        sold = np.maximum(traded, 0).sum(axis=0)
        cost = np.abs(traded).sum(axis=0) * self._cost
        growth = row.growth[at]
        before = self._equity[ids]
        self._square_sum[ids] += squares[at][inverse]
        self._equity_sum[ids] += before * growths[at][inverse]
        self._worst[ids] = np.maximum(self._worst[ids], worst[at][inverse])
        equity = before * growth[inverse]
        self._sold[ids] += equity * sold[inverse]
        self._paid[ids] += equity * cost[inverse]
        self._equity[ids] = equity * (1 - cost[inverse])
        self._trades[ids] += (np.abs(traded) > 1e-12).sum(axis=0)[inverse]
        self._rebalances[ids] += 1
        for number, session in enumerate(sessions.tolist()):
            members = ids[inverse == number] if len(sessions) > 1 else ids
            self.waiting[session].append(members)
            if self._with_events:
                self._events.append((session, members))

    def _end(self, row: RenewalRow, ids: Ints, squares: Floats, growths: Floats, worst: Floats) -> None:
        before = self._equity[ids]
        self._square_sum[ids] += squares[-1]
        self._equity_sum[ids] += before * growths[-1]
        self._worst[ids] = np.maximum(self._worst[ids], worst[-1])
        self._equity[ids] = before * row.growth[-1]

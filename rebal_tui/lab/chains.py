"""When each of many policies rebalances and what it costs, for policies that always rebalance to the targets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from rebal_tui.domain.errors import require
from rebal_tui.domain.portfolios import Weights
from rebal_tui.lab.band_table import (
    EQUITY_SUM,
    GROWTH,
    PAID,
    REBALANCES,
    ROWS,
    SOLD,
    SQUARE_SUM,
    TRADES,
    WORST,
    BandTable,
    Schedule,
)
from rebal_tui.lab.history import Floats, History, Ints
from rebal_tui.lab.policies import Policy
from rebal_tui.lab.progress import Canceled, Cancelled, Progress
from rebal_tui.lab.renewal import RenewalTable

MOST_BANDS = 8_192
"""Maximum number of different bands of a table; policies with more are divided among tables."""
MANY = 200
"""From this number on, policies of a table rebalance in nearly every session."""
_BLOCK = 16_384
"""Policies followed together."""
_GATHERED = 65_536
"""Legs whose figures are summed together."""


@dataclass(frozen=True, slots=True)
class Chains:
    """Figures of policies: each array has one element per policy, in the order requested. Equity is 1 at the start.

    `rebalances` do not count the first purchase; `trades` is the number of assets traded in them. `final` is the equity
    at the end. `sold` is the total that rebalances sold and `cost` the total that they cost, both in units of equity at
    the start. `equity_sum` is the sum over all sessions of equity before trades, `square_sum` that of the squared
    deviation of the asset farthest from its target; `worst` is the largest deviation of any asset in any session.
    Deviations are fractions of equity. `events` has the sessions of each policy's rebalances, None when they were not
    requested.
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
    """Simulate policies that rebalance to the targets over a price history.

    All start on their targets in the first session. `cost_bps` is the cost of a trade in basis points of its amount.
    With `fill_delay` 1, a rebalance is decided at a close and filled at the next close; with 0, at the same close. With
    `with_events`, the result has the sessions of rebalances. `progress` is called with the number of policies done and
    their total. Raises `Canceled`.
    """
    followed = Followed(len(policies), with_events=with_events)
    _run(followed, history, weights, policies, cost_bps, fill_delay, progress, canceled)
    return followed.chains()


def run_events(
    history: History,
    weights: Weights,
    policies: Sequence[Policy],
    *,
    cost_bps: float = 0.0,
    fill_delay: int = 0,
    progress: Progress | None = None,
    canceled: Cancelled | None = None,
) -> tuple[Ints, ...]:
    """The sessions of each policy's rebalances: `Chains.events`, computed without the figures. Raises `Canceled`.

    `cost_bps` is the cost of a trade in basis points of its amount. With `fill_delay` 1, a rebalance is filled at the
    close after that of its decision; with 0, at the same close. `progress` is called with the number of policies done
    and their total.
    """
    found = _Events(len(policies))
    _run(found, history, weights, policies, cost_bps, fill_delay, progress, canceled, with_figures=False)
    return found.sessions()


def _run(
    followed: Followed, history: History, weights: Weights, policies: Sequence[Policy], cost_bps: float,
    fill_delay: int, progress: Progress | None, canceled: Cancelled | None, *, with_figures: bool = True,
) -> None:  # fmt: skip
    require(all(policy.renews for policy in policies), "a policy that does not rebalance to the targets")
    require(fill_delay in (0, 1), "a fill delay other than 0 or 1")
    renewal, done = RenewalTable(history, weights), 0
    for schedule, members in _groups(policies):
        absolute, own_absolute = _sizes([policies[n].absolute for n in members.tolist()])
        relative, own_relative = _sizes([policies[n].relative for n in members.tolist()])
        rows = ROWS if len(members) >= MANY else 1
        table = BandTable(
            renewal, schedule, absolute, relative, cost_bps / 10_000, fill_delay, rows, with_figures=with_figures
        )
        followed.follow(table, members, own_absolute, own_relative, canceled)
        done += len(members)
        if progress is not None:
            progress(done, len(policies))


def _groups(policies: Sequence[Policy]) -> Iterator[tuple[Schedule, Ints]]:
    """For each table: its schedule, and the indexes of the policies that share it."""
    found: dict[Schedule, list[int]] = {}
    for number, p in enumerate(policies):
        key = Schedule(
            p.calendar, p.cooldown_days, p.look, p.phase, p.absolute is not None, p.relative is not None
        )  # fmt: skip
        found.setdefault(key, []).append(number)
    for schedule, numbers in found.items():
        sizes = {policies[n].absolute for n in numbers}, {policies[n].relative for n in numbers}
        if sum(map(len, sizes)) > MOST_BANDS:
            numbers.sort(key=lambda n: (policies[n].absolute or 0, policies[n].relative or 0))
            step = MOST_BANDS // 2
            yield from (
                (schedule, np.array(numbers[at : at + step], dtype=np.int64)) for at in range(0, len(numbers), step)
            )
        else:
            yield schedule, np.array(numbers, dtype=np.int64)


def _sizes(bands: Sequence[int | None]) -> tuple[Ints, Ints]:
    """The different bands, ascending, and the index of each policy's band among them. All bands are None or none is."""
    if not bands or bands[0] is None:
        return np.zeros(0, dtype=np.int64), np.zeros(len(bands), dtype=np.int64)
    sizes, positions = np.unique(np.array(bands, dtype=np.int64), return_inverse=True)
    return sizes, positions.astype(np.int64)


class Followed:
    """Adds up the figures of policies while they are simulated, from each rebalance to the next."""

    def __init__(self, count: int, *, with_events: bool) -> None:
        self._sums = np.zeros((8, count))
        self._sums[GROWTH] = self._sums[EQUITY_SUM] = 1.0
        self._events: list[tuple[Ints, Ints]] | None = [] if with_events else None

    def follow(
        self, table: BandTable, members: Ints, absolute: Ints, relative: Ints, canceled: Cancelled | None = None
    ) -> None:
        """Simulate policies of one table to the end of the history. Raises `Canceled`.

        `members` are the policies' indexes; `absolute` and `relative` are the indexes of their bands in the table.
        """
        for at in range(0, len(members), _BLOCK):
            block = slice(at, at + _BLOCK)
            self._follow(table, members[block], absolute[block], relative[block], canceled)

    def _follow(self, table: BandTable, ids: Ints, absolute: Ints, relative: Ints, canceled: Cancelled | None) -> None:
        last, sessions = table.length - 1, np.zeros(len(ids), dtype=np.int64)
        while len(ids):
            made: list[Ints] = []
            for _ in range(max(1, _GATHERED // len(ids))):
                for session in table.missing(sessions).tolist():
                    if canceled is not None and session % 16 == 0 and canceled():
                        raise Canceled
                    table.compute(session)
                made.append(table.legs(sessions, absolute, relative))
                sessions = table.ends.take(made[-1])
                if len(made) % 16 == 0 and (sessions == last).all():
                    break
            if canceled is not None and canceled():
                raise Canceled
            self._add(table, ids, np.array(made))
            left = sessions != last
            ids, absolute, relative, sessions = ids[left], absolute[left], relative[left], sessions[left]

    def _add(self, table: BandTable, ids: Ints, legs: Ints) -> None:
        """Add the figures of legs: one row per step, one column per policy."""
        figures, sums = table.figures.take(legs, axis=0), self._sums
        after = np.cumprod(figures[:, :, GROWTH], axis=0) * sums[GROWTH, ids]
        before = np.concatenate([sums[GROWTH, ids][None], after[:-1]])
        for column in (SOLD, PAID, EQUITY_SUM):
            sums[column, ids] += (before * figures[:, :, column]).sum(axis=0)
        for column in (SQUARE_SUM, TRADES, REBALANCES):
            sums[column, ids] += figures[:, :, column].sum(axis=0)
        sums[WORST, ids] = np.maximum(sums[WORST, ids], figures[:, :, WORST].max(axis=0))
        sums[GROWTH, ids] = after[-1]
        self._add_events(table, ids, legs)

    def _add_events(self, table: BandTable, ids: Ints, legs: Ints) -> None:
        if self._events is not None:
            steps, columns = np.nonzero(table.figures[:, REBALANCES].take(legs))
            self._events.append((ids[columns], table.ends[legs[steps, columns]]))

    def chains(self) -> Chains:
        """The figures of all policies; call it after `follow` has been called with each policy."""
        sums = self._sums
        return Chains(
            sums[REBALANCES].astype(np.int64), sums[TRADES].astype(np.int64), sums[GROWTH], sums[SOLD], sums[PAID],
            sums[EQUITY_SUM], sums[SQUARE_SUM], sums[WORST], None if self._events is None else self.sessions(),
        )  # fmt: skip

    def sessions(self) -> tuple[Ints, ...]:
        """The sessions of each policy's rebalances; empty when they were not requested."""
        count = self._sums.shape[1]
        if not self._events or not count:
            return ()
        ids, sessions = (np.concatenate(parts) for parts in zip(*self._events, strict=True))
        ends = np.cumsum(np.bincount(ids, minlength=count))
        return tuple(np.split(sessions[np.lexsort((sessions, ids))], ends[:-1]))


class _Events(Followed):
    """Follows policies for the sessions of their rebalances alone."""

    def __init__(self, count: int) -> None:
        super().__init__(count, with_events=True)

    def _add(self, table: BandTable, ids: Ints, legs: Ints) -> None:
        self._add_events(table, ids, legs)

"""Many policies simulated together, session by session: their holdings, when they rebalance, and what they trade."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rebal_tui.domain.portfolios import CalendarCondition, RebalanceScope, Weights
from rebal_tui.lab.history import Floats, History, Ints
from rebal_tui.lab.policies import Policy
from rebal_tui.lab.stops import Flags, band_limits, reaches, stops_of_breached, stops_of_whole
from rebal_tui.lab.ties import TIE

EXCESS = 1e-7
"""Cash above the cash to keep that is invested (R-14.7), as a fraction of the first equity: $10 of $100 million."""
ROUNDING = TIE / 1000
"""What floating-point numbers may add to a deviation that is equal to its band."""


class Batch:
    """Simulates several policies, one column each; holdings are in dollars, with an equity of $1 at the start.

    `cost` is the cost of a trade as a fraction of its amount; `delay` is 1 when trades are filled one session after
    their decision, else 0. With `copies` above 1, such as one per resampled history, each policy has a column in every
    copy: column `copy * len(policies) + number`. `starts` has the session in which each column is set to its targets,
    by default session 0; a column's figures before its start have no meaning.
    """

    def __init__(
        self, history: History, weights: Weights, policies: Sequence[Policy], cost: float, delay: int, copies: int = 1,
        starts: Ints | None = None,
    ) -> None:  # fmt: skip
        self.history, self.weights, self.policies = history, weights, policies
        self.cost, self.delay, self.copies = cost, delay, copies
        self.targets: Floats = np.array([w.percent for w in weights.assets], dtype=np.float64) / 10_000
        self._cash_target = weights.cash / 10_000
        count = copies * len(policies)
        self.values = np.repeat(self.targets[:, None], count, axis=1)
        self.cash = np.full(count, self._cash_target)
        self._floor = self.cash.copy()
        self._reach = np.tile(reaches(policies, self.targets), copies)
        limits = (band_limits([getattr(policy, kind) for policy in policies]) for kind in ("absolute", "relative"))
        absolute, relative = limits
        self._limits = np.tile(np.minimum(absolute, relative * self.targets[:, None]), copies)
        self._looks = np.tile(np.array([policy.look for policy in policies], dtype=np.int64), copies)
        self._phases = np.tile(np.array([policy.phase for policy in policies], dtype=np.int64), copies)
        self._always = bool((self._looks == 1).all())
        self._cooldowns = np.tile(np.array([policy.cooldown_days for policy in policies], dtype=np.int64), copies)
        self._whole = np.tile(np.array([policy.scope is RebalanceScope.WHOLE for policy in policies]), copies)
        self._elsewhere = np.tile(np.array([not policy.renews for policy in policies]), copies)
        self._leaves_cash = bool(self._elsewhere.any())
        conditions = list(dict.fromkeys(policy.calendar for policy in policies))
        self._fires = np.array([self._days_of(condition) for condition in conditions])
        self._fires_any: Flags = np.asarray(self._fires.any(axis=0))
        self._calendars = np.tile([conditions.index(policy.calendar) for policy in policies], copies)
        self._starts = np.zeros(count, dtype=np.int64) if starts is None else starts
        self._last_start = int(self._starts.max(initial=0))
        self._allowed = history.ordinals[self._starts] + self._cooldowns
        self._pending = np.full(count, -1, dtype=np.int64)
        self._decided: Floats = np.zeros_like(self.values)
        # At the close of the last session, before trades.
        self.equity: Floats = np.ones(count)
        # Arrays that every session overwrites.
        self._shares, self._sizes, self._excess = (np.empty_like(self.values) for _ in range(3))

    def _days_of(self, condition: CalendarCondition | None) -> Flags:
        """Which sessions a calendar condition fires in; none without a condition."""
        if condition is None:
            return np.zeros(self.history.length, dtype=np.bool_)
        found = self.history.next_calendar_day(condition)[:-1]
        return np.asarray(found == np.arange(self.history.length))

    def traded(self, ids: Ints, session: int, full: bool, before: Floats, after: Floats) -> None:
        """Called after the policies in the columns `ids` traded.

        `before` and `after` have each asset's fraction of equity before and after the trades. This method does nothing;
        subclasses record the trades. `full` is True for a rebalance, False for a purchase from excess cash.
        """

    def decide(self, column: int, session: int, excess: float) -> bool:
        """Whether a deviation that is within `TIE` of its band, too near for floats, counts as above the band.

        `excess` is deviation less band, as a fraction; here, it counts if it is more than a rounding error. `column`
        is the policy's column, `session` the index of the session.
        """
        del column, session
        return excess > ROUNDING

    def advance(self, session: int, moves: Floats) -> Floats:
        """Apply a session's price moves, decide and trade at its close. Returns all deviations before the trades.

        The result has a row per asset and a column per policy and copy, and is overwritten by the next call. A copy
        is one resampled history. `moves` has the ratios of the session's close to the close before, with a row per
        asset and a column per copy.
        """
        if self.copies == 1:
            self.values *= moves
        else:
            cube = self.values.reshape(len(self.targets), self.copies, -1)
            cube *= moves[:, :, None]
        equity: Floats = self.values.sum(axis=0)
        equity += self.cash
        self.equity = equity
        shares = np.multiply(self.values, 1 / equity, out=self._shares)
        sizes: Floats = np.subtract(shares, self.targets[:, None], out=self._sizes)
        np.abs(sizes, out=sizes)
        due = self._due(session, sizes)
        fresh = due & (self._pending < 0) if self.delay else due
        if self.delay:
            self._pending[fresh], self._decided[:, fresh] = session, shares[:, fresh]
            fresh = (self._pending >= 0) & (self._pending < session)
        if session <= self._last_start:
            fresh |= self._starts == session
        full = np.flatnonzero(fresh)
        if len(full):
            self.trade(full, session, True, self._decided[:, full] if self.delay else None)
            self._allowed[full] = self.history.ordinals[session] + self._cooldowns[full]
            self._pending[full] = -1
        if self._leaves_cash:
            keep = np.maximum(self._cash_target * equity, self._floor)
            excess = (self.cash - keep >= EXCESS) & self._elsewhere
            excess[full] = False
            if excess.any():
                self.trade(np.flatnonzero(excess), session, False, None)
        return sizes

    def _due(self, session: int, sizes: Floats) -> Flags:
        """Which columns rebalance: on their calendar day, or because a band is breached."""
        allowed: Flags = np.asarray(self.history.ordinals[session] >= self._allowed)
        excess = np.subtract(sizes, self._limits, out=self._excess).max(axis=0)
        looked = allowed if self._always else allowed & (session % self._looks == self._phases)
        near: Flags = np.asarray(excess >= -TIE)
        near &= looked
        found: Flags = np.zeros(len(allowed), dtype=np.bool_)
        np.logical_and(near, excess > TIE, out=found)
        near &= ~found
        for column in np.flatnonzero(near).tolist():
            found[column] = self.decide(column, session, float(excess[column]))
        if self._fires_any[session]:
            found |= allowed & self._fires[self._calendars, session]
        return found

    def for_band(self, ids: Ints, session: int) -> Flags:
        """For each of the columns `ids`, whether a band is the reason of its rebalance in `session`.

        False if the calendar condition is the reason, and for the first purchase.
        """
        fires = self._fires[self._calendars[ids], session - self.delay]
        return np.asarray(~fires & (self._starts[ids] != session))

    def trade(self, ids: Ints, session: int, full: bool, decided: Floats | None) -> tuple[Floats, Floats]:
        """Trade in a session. Returns each asset's fraction of equity afterward, and the cost as a fraction of equity.

        `full` is True for a rebalance, False for a purchase from excess cash. `decided` has the assets' fractions of
        equity at the decision if it was made in the session before, else None.
        """
        values, cash = self.values[:, ids], self.cash[ids]
        equity = values.sum(axis=0) + cash
        shares = values / equity
        kept = np.full(len(ids), self._cash_target)
        if full:
            goals = self._goals(ids, session, shares, shares if decided is None else decided)
            kept = np.minimum(kept, 1 - goals.sum(axis=0))
        else:
            kept = np.maximum(kept, self._floor[ids] / equity)
            goals = self._invested(shares, kept)
        charge = np.abs(goals - shares).sum(axis=0) * self.cost
        if session <= self._last_start:
            charge[self._starts[ids] == session] = 0
        after = equity * (1 - charge)
        self.values[:, ids] = goals * after
        self.cash[ids] = (1 - goals.sum(axis=0)) * after
        self._floor[ids] = kept * after
        self.traded(ids, session, full, shares, goals)
        return goals, charge

    def _goals(self, ids: Ints, session: int, shares: Floats, decided: Floats) -> Floats:
        goals = np.repeat(self.targets[:, None], len(ids), axis=1)
        elsewhere = self._elsewhere[ids]
        if not elsewhere.any():
            return goals
        for_band = elsewhere & self.for_band(ids, session)
        whole = np.flatnonzero(for_band & self._whole[ids])
        if len(whole):
            goals[:, whole] = stops_of_whole(shares[:, whole], self.targets, self._reach[:, ids[whole]])
        some = np.flatnonzero(for_band & ~self._whole[ids])
        if len(some):
            sizes = np.abs(decided[:, some] - self.targets[:, None])
            breached = sizes > self._limits[:, ids[some]] + ROUNDING
            goals[:, some] = stops_of_breached(
                shares[:, some], self.targets, self._cash_target, self._reach[:, ids[some]], breached
            )  # fmt: skip
        return goals

    def _invested(self, shares: Floats, kept: Floats) -> Floats:
        """Distribute excess cash over the shortfalls, then the rest by weight (R-21)."""
        budget = 1 - shares.sum(axis=0) - kept
        short = np.maximum(self.targets[:, None] - shares, 0)
        total = short.sum(axis=0)
        part = np.minimum(budget, total) / np.where(total > 0, total, 1)
        rest = np.maximum(budget - total, 0)
        return np.asarray(shares + short * part + self.targets[:, None] / self.targets.sum() * rest)

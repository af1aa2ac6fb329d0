"""Policies followed session by session, all at once: those whose rebalances do not always restore the targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from rebal_tui.domain.errors import require
from rebal_tui.domain.portfolios import CalendarCondition, RebalanceScope, Weights
from rebal_tui.lab.exact_path import breached_after
from rebal_tui.lab.history import Floats, History, Ints
from rebal_tui.lab.paths import Path
from rebal_tui.lab.policies import Policy
from rebal_tui.lab.progress import Canceled, Cancelled, Progress
from rebal_tui.lab.stops import Flags, band_limits, reaches, stops_of_breached, stops_of_whole
from rebal_tui.lab.ties import TIE

EXCESS = 1e-7
"""Cash above the cash to keep that is invested (R-14.7), as a fraction of the first equity: $10 of $100 million."""
ROUNDING = TIE / 1000
"""What floating-point numbers may add to a deviation that is equal to its band."""


@dataclass(frozen=True, slots=True)
class Trades:
    """The sessions in which one policy trades, ascending; `full` is false for a purchase from excess cash."""

    sessions: Ints
    full: Flags


def run_direct(
    history: History,
    weights: Weights,
    policies: Sequence[Policy],
    *,
    cost_bps: float = 0.0,
    fill_delay: int = 0,
    progress: Progress | None = None,
    canceled: Cancelled | None = None,
) -> tuple[Trades, ...]:
    """The trades of policies over a history; all start on their targets in the first session.

    `cost_bps` and `fill_delay` are as in `run_chains`; `progress` counts policies. Raises `Canceled`.
    """
    require(fill_delay in (0, 1), "a fill delay other than 0 or 1")
    if not policies:
        return ()
    batch = _Batch(history, weights, policies, cost_bps / 10_000, fill_delay)
    last = history.length - 1
    for session in range(1, history.length):
        batch.advance(session)
        if session % 64 == 0:
            if canceled is not None and canceled():
                raise Canceled
            if progress is not None:
                progress(len(policies) * session // last, len(policies))
    return batch.trades()


def direct_path(
    history: History, weights: Weights, policy: Policy, trades: Trades, cost_bps: float = 0.0, fill_delay: int = 0
) -> Path:
    """The path of one policy through its trades."""
    batch = _Batch(history, weights, [policy], cost_bps / 10_000, fill_delay)
    length, count = history.length, len(weights.assets)
    equity, shares = np.ones(length), np.empty((count, length))
    sold, bought, cost = (np.zeros(len(trades.sessions)) for _ in range(3))
    lines = np.zeros(len(trades.sessions), dtype=np.int64)
    since = 0
    everyone = np.zeros(1, dtype=np.int64)
    for number, stop in enumerate((*trades.sessions.tolist(), length - 1)):
        span = slice(since + 1, stop + 1)
        values = batch.values * history.closes[:, span] / history.closes[:, since][:, None]
        equity[span] = values.sum(axis=0) + batch.cash
        shares[:, span] = values / equity[span]
        if number < len(trades.sessions):
            decided = shares[:, [stop - fill_delay]]
            batch.values, before = values[:, -1:].copy(), shares[:, stop]
            traded, charge = batch.trade(everyone, stop, bool(trades.full[number]), decided)
            change = before - traded[:, 0]
            sold[number] = np.maximum(change, 0).sum() * equity[stop]
            bought[number] = np.maximum(-change, 0).sum() * equity[stop]
            cost[number] = charge[0] * equity[stop]
            lines[number] = (np.abs(change) > 1e-12).sum()
        since = stop
    shares[:, 0] = batch.targets
    sizes = np.abs(shares - batch.targets[:, None])
    relative = (sizes / batch.targets[:, None]).max(axis=0)
    return Path(
        equity, shares, sizes.max(axis=0), relative, trades.sessions, sold, bought, cost, lines, trades.full
    )  # fmt: skip


@dataclass
class _Batch:
    """Dollars of all policies, one column each, for equity of 1 at the start."""

    history: History
    weights: Weights
    policies: Sequence[Policy]
    cost: float
    delay: int
    values: Floats = field(init=False)
    cash: Floats = field(init=False)

    def __post_init__(self) -> None:
        history, policies, count = self.history, self.policies, len(self.policies)
        self.targets: Floats = np.array([w.percent for w in self.weights.assets], dtype=np.float64) / 10_000
        self._cash_target = self.weights.cash / 10_000
        self.values = np.repeat(self.targets[:, None], count, axis=1)
        self.cash = np.full(count, self._cash_target)
        self._floor = self.cash.copy()
        self._reach = reaches(policies, self.targets)
        self._absolute = band_limits([policy.absolute for policy in policies])
        self._relative = band_limits([policy.relative for policy in policies])
        self._looks = np.array([policy.look for policy in policies], dtype=np.int64)
        self._phases = np.array([policy.phase for policy in policies], dtype=np.int64)
        self._cooldowns = np.array([policy.cooldown_days for policy in policies], dtype=np.int64)
        self._whole = np.array([policy.scope is RebalanceScope.WHOLE for policy in policies])
        conditions = list(dict.fromkeys(policy.calendar for policy in policies))
        self._fires = np.array([self._days_of(condition) for condition in conditions])
        self._calendars = np.array([conditions.index(policy.calendar) for policy in policies], dtype=np.int64)
        self._allowed = history.ordinals[0] + self._cooldowns
        self._pending = np.full(count, -1, dtype=np.int64)
        self._decided: Floats = np.zeros_like(self.values)
        self._trades: list[list[tuple[int, bool]]] = [[] for _ in policies]

    def _days_of(self, condition: CalendarCondition | None) -> Flags:
        """The sessions that are a condition's day; none without a condition."""
        if condition is None:
            return np.zeros(self.history.length, dtype=np.bool_)
        found = self.history.next_calendar_day(condition)[:-1]
        return np.asarray(found == np.arange(self.history.length))

    def advance(self, session: int) -> None:
        """Move all policies to a session's close, decide, and trade."""
        closes = self.history.closes
        self.values *= (closes[:, session] / closes[:, session - 1])[:, None]
        equity = self.values.sum(axis=0) + self.cash
        shares = self.values / equity
        due = self._due(session, shares)
        fresh = due & (self._pending < 0)
        if self.delay:
            self._pending[fresh], self._decided[:, fresh] = session, shares[:, fresh]
            full = np.flatnonzero((self._pending >= 0) & (self._pending < session))
        else:
            full = np.flatnonzero(fresh)
        if len(full):
            decided = self._decided[:, full] if self.delay else None
            self._note(full, session, True)
            self.trade(full, session, True, decided)
            self._allowed[full] = self.history.ordinals[session] + self._cooldowns[full]
            self._pending[full] = -1
        keep = np.maximum(self._cash_target * equity, self._floor)
        excess = self.cash - keep >= EXCESS
        excess[full] = False
        if excess.any():
            self._note(np.flatnonzero(excess), session, False)
            self.trade(np.flatnonzero(excess), session, False, None)

    def _note(self, ids: Ints, session: int, full: bool) -> None:
        for policy in ids.tolist():
            self._trades[policy].append((session, full))

    def trades(self) -> tuple[Trades, ...]:
        return tuple(
            Trades(
                np.array([at for at, _ in found], dtype=np.int64), np.array([full for _, full in found], dtype=np.bool_)
            )
            for found in self._trades
        )

    def _due(self, session: int, shares: Floats) -> Flags:
        """Which policies rebalance: on their calendar day, or because a band is breached."""
        allowed = self.history.ordinals[session] >= self._allowed
        sizes = np.abs(shares - self.targets[:, None])
        absolute, relative = sizes.max(axis=0), (sizes / self.targets[:, None]).max(axis=0)
        looked = allowed & (session % self._looks == self._phases)
        found = looked & ((absolute > self._absolute + TIE) | (relative > self._relative + TIE))
        near = (np.abs(absolute - self._absolute) <= TIE) | (np.abs(relative - self._relative) <= TIE)
        for policy in np.flatnonzero(looked & ~found & near).tolist():
            found[policy] = self._decide(policy, session, absolute[policy], relative[policy])
        return np.asarray(found | (allowed & self._fires[self._calendars, session]))

    def _decide(self, policy: int, session: int, absolute: float, relative: float) -> bool:
        """Exact without costs and purchases; otherwise a drift equal to its band within rounding is no breach."""
        one, trades = self.policies[policy], self._trades[policy]
        if self.cost or not all(full for _, full in trades):
            return bool(absolute > self._absolute[policy] + ROUNDING or relative > self._relative[policy] + ROUNDING)
        made = [(at, self._for_band(policy, at)) for at, _ in trades]
        return breached_after(self.history, self.weights, one, made, session)

    def _for_band(self, policy: int, session: int) -> bool:
        return not self._fires[self._calendars[policy], session - self.delay]

    def trade(self, ids: Ints, session: int, full: bool, decided: Floats | None) -> tuple[Floats, Floats]:
        """Trade in a session; returns the shares of equity afterward, before costs, and the cost of each policy.

        `decided` has the shares of the decision, where it was made a session before.
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
        after = equity * (1 - charge)
        self.values[:, ids] = goals * after
        self.cash[ids] = (1 - goals.sum(axis=0)) * after
        self._floor[ids] = kept * after
        return goals, charge

    def _goals(self, ids: Ints, session: int, shares: Floats, decided: Floats) -> Floats:
        goals = np.repeat(self.targets[:, None], len(ids), axis=1)
        for_band = ~self._fires[self._calendars[ids], session - self.delay]
        reach = self._reach[:, ids]
        whole = for_band & self._whole[ids]
        goals[:, whole] = stops_of_whole(shares[:, whole], self.targets, reach[:, whole])
        some = for_band & ~self._whole[ids]
        if some.any():
            sizes = np.abs(decided[:, some] - self.targets[:, None])
            breached = (sizes > self._absolute[ids][some] + ROUNDING) | (
                sizes / self.targets[:, None] > self._relative[ids][some] + ROUNDING
            )
            goals[:, some] = stops_of_breached(
                shares[:, some], self.targets, self._cash_target, reach[:, some], breached
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

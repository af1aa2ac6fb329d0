"""Policies simulated together, session by session, because their rebalances do not always go to the targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rebal_tui.domain.errors import require
from rebal_tui.domain.portfolios import Weights
from rebal_tui.lab.batch import Batch
from rebal_tui.lab.exact_path import breached_after
from rebal_tui.lab.history import Floats, History, Ints
from rebal_tui.lab.paths import Path
from rebal_tui.lab.policies import Policy
from rebal_tui.lab.progress import Canceled, Cancelled, Progress
from rebal_tui.lab.stops import Flags


@dataclass(frozen=True, slots=True)
class Trades:
    """The sessions in which one policy trades, ascending; `full` is True for a rebalance.

    `full` is False for a purchase from excess cash. The policy is set to its targets in session `start`; unless `start`
    is 0, the first session of the history, this purchase is one of its trades.
    """

    sessions: Ints
    full: Flags
    start: int = 0


def run_direct(
    history: History,
    weights: Weights,
    policies: Sequence[Policy],
    *,
    cost_bps: float = 0.0,
    fill_delay: int = 0,
    starts: Ints | None = None,
    progress: Progress | None = None,
    canceled: Cancelled | None = None,
) -> tuple[Trades, ...]:
    """Simulate policies over a price history; returns the trades of each, in the order requested.

    All start on their targets, in the first session or each in its session of `starts`. `cost_bps` is the cost of a
    trade in basis points of its amount. With `fill_delay` 1, trades are filled at the close one session after their
    decision; with 0, at the same close. `progress` is called with the number of policies done and their total. Raises
    `Canceled`.
    """
    require(fill_delay in (0, 1), "a fill delay other than 0 or 1")
    if not policies:
        return ()
    batch = Recorded(history, weights, policies, cost_bps / 10_000, fill_delay, starts)
    last, moves = history.length - 1, history.moves
    for session in range(1, history.length):
        batch.advance(session, moves[:, session - 1 : session])
        if session % 64 == 0:
            if canceled is not None and canceled():
                raise Canceled
            if progress is not None:
                progress(len(policies) * session // last, len(policies))
    return batch.trades()


def direct_path(
    history: History, weights: Weights, policy: Policy, trades: Trades, cost_bps: float = 0.0, fill_delay: int = 0
) -> Path:
    """Equity, weights, and deviations from the targets in every session, under a policy that made these `trades`.

    `cost_bps` is the cost of a trade in basis points of its amount. With `fill_delay` 1, trades are filled at the
    close one session after their decision; with 0, at the same close.
    """
    batch = Batch(
        history, weights, [policy], cost_bps / 10_000, fill_delay, starts=np.array([trades.start], dtype=np.int64)
    )
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


class Recorded(Batch):
    """Several policies simulated together, with a record of the trades of each."""

    def __init__(
        self, history: History, weights: Weights, policies: Sequence[Policy], cost: float, delay: int,
        starts: Ints | None,
    ) -> None:  # fmt: skip
        super().__init__(history, weights, policies, cost, delay, starts=starts)
        self._made: list[list[tuple[int, bool]]] = [[] for _ in policies]

    def traded(self, ids: Ints, session: int, full: bool, before: Floats, after: Floats) -> None:
        del before, after
        for policy in ids.tolist():
            self._made[policy].append((session, full))

    def decide(self, column: int, session: int, excess: float) -> bool:
        """Whether a deviation that is within `TIE` of its band, too near for floats, exceeds the band.

        Exact if there were no costs and no purchases from excess cash so far; otherwise as in `Batch.decide`.
        `column` is the policy's column, `session` the index of the session.
        """
        trades, start = self._made[column], int(self._starts[column])
        if self.cost or not all(full for _, full in trades):
            return super().decide(column, session, excess)
        made = [(at, bool(self.for_band(np.array([column]), at)[0])) for at, _ in trades if at > start]
        return breached_after(self.history, self.weights, self.policies[column], made, session, start)

    def trades(self) -> tuple[Trades, ...]:
        """The trades of each policy, from its start on."""
        return tuple(
            Trades(
                np.array([at for at, _ in found if at >= start], dtype=np.int64),
                np.array([full for at, full in found if at >= start], dtype=np.bool_),
                start,
            )
            for found, start in zip(self._made, self._starts.tolist(), strict=True)
        )

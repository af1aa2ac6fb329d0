"""Equity, weights and deviations in every session of a history under one policy: its path."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rebal_tui.lab.history import Floats, Ints
from rebal_tui.lab.renewal import RenewalTable


@dataclass(frozen=True, slots=True)
class Path:
    """An account under one policy at the close of every session, before the trades made then. Equity is 1 at the start.

    `shares` has one row per asset: its fraction of equity. `absolute` and `relative` have, for each session, the
    largest deviation of any asset from its target, as a fraction of equity and of the target. `events` are the indexes
    of the sessions with trades, without the first purchase. The other arrays have one element per entry of `events`:
    `sold`, `bought` and `cost` are in units of equity at the start; `lines` is the number of assets traded; `full` is
    True for a rebalance, False for a purchase from excess cash.
    """

    equity: Floats
    shares: Floats
    absolute: Floats
    relative: Floats
    events: Ints
    sold: Floats
    bought: Floats
    cost: Floats
    lines: Ints
    full: NDArray[np.bool_]

    @property
    def rebalances(self) -> Ints:
        """The sessions of rebalances: `events` without purchases from excess cash."""
        return self.events[self.full]


def renewal_path(table: RenewalTable, events: Ints, cost_bps: float = 0.0) -> Path:
    """The path of a policy that rebalances to the targets in the sessions `events`: indexes, ascending, above 0.

    `cost_bps` is the cost of a trade in basis points of its amount.
    """
    closes, targets = table.history.closes, table.targets
    length = closes.shape[1]
    starts = np.concatenate([np.zeros(1, dtype=np.int64), events])
    segment = np.searchsorted(events, np.arange(length), side="left")
    values = closes / closes[:, starts[segment]] * targets[:, None]
    growth = values.sum(axis=0) + table.cash
    shares = values / growth
    deviations = shares - targets[:, None]
    sizes = np.abs(deviations)
    traded = deviations[:, events]
    charge = np.abs(traded).sum(axis=0) * (cost_bps / 10_000)
    at_start = np.cumprod(np.concatenate([np.ones(1), growth[events] * (1 - charge)]))
    equity = at_start[segment] * growth
    at_event = equity[events]
    return Path(
        equity=equity,
        shares=shares,
        absolute=sizes.max(axis=0),
        relative=(sizes / targets[:, None]).max(axis=0),
        events=events,
        sold=np.maximum(traded, 0).sum(axis=0) * at_event,
        bought=np.maximum(-traded, 0).sum(axis=0) * at_event,
        cost=charge * at_event,
        lines=(np.abs(traded) > 1e-12).sum(axis=0),
        full=np.ones(len(events), dtype=np.bool_),
    )

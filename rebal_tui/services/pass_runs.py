"""The runs that a pass makes of some subscriptions.

One that may start at once, and that the arrays can plan, is written as started, with its plan and the orders of its
sells; the others wait in the queue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, compress
from typing import Any

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.bulk import objects_of
from rebal_tui.domain.decisions import Outcome
from rebal_tui.domain.orders import Side
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunPhase, RunStatus, RunType
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.engine.arrays.decide import OUTCOMES
from rebal_tui.engine.evaluation import cash_to_keep
from rebal_tui.services.book import Book
from rebal_tui.services.evaluation import situation
from rebal_tui.services.pass_moment import Moment
from rebal_tui.services.starts import Rows, Starts, in_arrays, may_start, plan_starts
from rebal_tui.store import meta, parts, proofs, run_orders, runs
from rebal_tui.store.codec import to_time, to_weights
from rebal_tui.store.outbox import Unsent
from rebal_tui.store.runs import PlanRow

_RUN_TYPES = {Outcome.FULL_REBALANCE: RunType.FULL_REBALANCE, Outcome.INVEST_CASH: RunType.INVEST_CASH}
_TYPES = {OUTCOMES.index(outcome): kind for outcome, kind in _RUN_TYPES.items()}


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """The runs that were made, by ascending key; `rows` are those of their accounts, the oldest subscription first.

    `columns` are those of `proofs.queued`. Of the runs that started `plans` has what was stored of each, by ascending
    key, and `unsent` the orders that wait.
    """

    rows: Rows
    keys: Rows
    runs: list[Run]
    columns: proofs.Columns
    plans: list[PlanRow]
    unsent: list[Unsent]

    def idle(self) -> set[str]:
        """The accounts whose runs have orders that wait: nothing is to be done for them until one has been sent."""
        waiting = {one.run for one in self.unsent}
        return {run.account_id for run, key in zip(self.runs, self.keys.tolist(), strict=True) if key in waiting}


@dataclass(frozen=True, slots=True, eq=False)
class _Firing:
    """The rows that ask for a run, the oldest subscription first, the keys of their runs, and who of them waits.

    `held` is by row what is held, as `codec.to_positions` packs it.
    """

    rows: Rows
    keys: Rows
    awaits: npt.NDArray[np.bool_]
    held: Mapping[int, bytes]

    def places(self, rows: Rows) -> npt.NDArray[np.intp]:
        """Where some of the rows are."""
        order = np.argsort(self.rows)
        found: npt.NDArray[np.intp] = order[np.searchsorted(self.rows[order], rows)]
        return found


def make_runs(book: Book, moment: Moment, rows: Rows, held: Mapping[int, bytes]) -> Made:
    """Make the runs that some subscriptions ask for, and start those that may; `held` is by row what is held, packed.

    Must be called inside `database.write()`, and the decisions that the runs name be kept in the same transaction.
    """
    asking = rows[np.isin(moment.decided.made.outcome[rows], list(_TYPES))]
    first = runs.next_key(book.database)
    firing = _Firing(asking, np.arange(first, first + len(asking)), _awaits(moment, asking), held)
    starts = _starts(book, moment, firing)
    columns, plans = _store_runs(book, moment, firing, starts)
    made = _runs(book, moment, firing, columns[1], starts)
    return Made(firing.rows, firing.keys, made, columns, plans, _unsent(firing, starts))


def _awaits(moment: Moment, rows: Rows) -> npt.NDArray[np.bool_]:
    """Whose run awaits approval."""
    frame = moment.decided.frame
    reviewed = np.array([portfolio.id in moment.reviewed for portfolio in frame.portfolios], np.bool_)
    return reviewed[frame.accounts.portfolio[rows]] if len(rows) else np.empty(0, np.bool_)


def _starts(book: Book, moment: Moment, firing: _Firing) -> list[Starts]:
    """The starts of those runs that may start now and that the arrays can plan, when they are many."""
    rows = firing.rows[moment.able[firing.rows] & ~firing.awaits]
    if not (in_arrays(book, len(rows)) and may_start(book)):
        return []
    outcome = moment.decided.made.outcome
    return plan_starts(moment.decided.frame, {kind: rows[outcome[rows] == code] for code, kind in _TYPES.items()})


def _runs(book: Book, moment: Moment, firing: _Firing, ids: Sequence[str], starts: Sequence[Starts]) -> list[Run]:
    """The runs as they were stored."""
    decided = moment.decided
    rows, now, size = firing.rows.tolist(), decided.at, len(firing.rows)
    models = [decided.frame.portfolios[place] for place in decided.frame.accounts.portfolio[firing.rows].tolist()]
    status, phase = [RunStatus.QUEUED] * size, [RunPhase.WAITING] * size
    target: list[Any] = [None] * size
    started_at: list[Any] = [None] * size
    for one in starts:
        for place, cash_target in zip(firing.places(one.rows).tolist(), one.cash_target, strict=True):
            status[place], phase[place] = RunStatus.IN_PROGRESS, RunPhase.SELLING
            target[place], started_at[place] = cash_target, now
    return objects_of(
        Run,
        size,
        {
            "id": ids,
            "account_id": [book.account_table.ids[row] for row in rows],
            "portfolio_id": [model.id for model in models],
            "subscription_id": [book.subscription_table.ids[row] for row in rows],
            "type": [_TYPES[code] for code in decided.made.outcome[firing.rows].tolist()],
            "status": status,
            "phase": phase,
            "approval": [Approval.AWAITING if waits else Approval.NOT_NEEDED for waits in firing.awaits.tolist()],
            "weights": [model.weights for model in models],
            "cash_target": target,
            "started_at": started_at,
        },
        {
            "amount": None, "initiated_from": InitiatedFrom.SYSTEM, "reason": None,
            "session": new_york_day(now).isoformat(), "cancel_requested": False, "created_at": now, "updated_at": now,
            "completed_at": None, "canceled_at": None,
        },
    )  # fmt: skip


def _store_runs(
    book: Book, moment: Moment, firing: _Firing, starts: Sequence[Starts]
) -> tuple[proofs.Columns, list[PlanRow]]:
    """Store new runs and the orders of those that start; returns the columns of the runs that go into the audit trail,
    and what the plans of the started ones are made from, by ascending key."""
    database, decided, size = book.database, moment.decided, len(firing.rows)
    places = decided.frame.accounts.portfolio[firing.rows].tolist()
    weights = [model.weights for model in decided.frame.portfolios]
    part = {place: parts.put(database, to_weights(weights[place])) for place in dict.fromkeys(places)}
    at, types = to_time(decided.at), {code: kind.value for code, kind in _TYPES.items()}
    columns: list[Sequence[Any]] = [
        firing.keys.tolist(),
        meta.next_ids(database, size) if size else [],
        book.account_table.keys[firing.rows].tolist(),
        [moment.portfolio_keys[place] for place in places],
        book.subscription_table.keys[firing.rows].tolist(),
        [types[code] for code in decided.made.outcome[firing.rows].tolist()],
        [None] * size,
        [InitiatedFrom.SYSTEM.value] * size,
        [(Approval.AWAITING if waits else Approval.NOT_NEEDED).value for waits in firing.awaits.tolist()],
        [None] * size,
        [part[place] for place in places],
        [weights[place].cash for place in places],
        [new_york_day(decided.at).isoformat()] * size,
        [1] * size,
        [at] * size,
    ]
    rows = list(zip(*columns, strict=True))
    begins = np.zeros(size, np.bool_)
    plans: list[PlanRow] = []
    orders = []
    for one in starts:
        here = firing.places(one.rows)
        begins[here] = True
        run_keys = firing.keys[here]
        plans += one.plan_rows(run_keys, [firing.held[row] for row in one.rows.tolist()], moment.context, at)
        orders.append(one.order_rows(run_keys, moment.asset_keys, at))
    plans.sort()
    waits = np.flatnonzero(~begins).tolist()
    runs.add(database, ((*rows[place], *_plan_shown(book, moment, firing, place)) for place in waits))
    runs.add_started(
        database, (row + plan[1:] for row, plan in zip(compress(rows, begins.tolist()), plans, strict=True))
    )
    run_orders.add(database, chain.from_iterable(orders))
    key, identity, account, portfolio, subscription, kind, amount, source, _, why, put, _, session, _, since = columns
    return (key, identity, account, portfolio, subscription, kind, amount, source, why, put, session, since), plans


def _plan_shown(book: Book, moment: Moment, firing: _Firing, place: int) -> tuple[Any, ...]:
    """What the plan is made from that is shown of a run that awaits approval; nothing of another."""
    if not firing.awaits[place]:
        return (None,) * 5
    row, accounts = int(firing.rows[place]), moment.decided.frame.accounts
    kept = None
    if _TYPES[moment.decided.made.outcome[row]] is RunType.INVEST_CASH:
        kept = cash_to_keep(situation(book, book.account_table.ids[row]))
    return (moment.context, int(accounts.cash[row]), int(accounts.reserved[row]), kept, firing.held[row])


def _unsent(firing: _Firing, starts: Sequence[Starts]) -> list[Unsent]:
    """The sells of the runs that start."""
    return [
        Unsent(key, False, Side.SELL, 1, 1, count)
        for one in starts
        for key, count in zip(firing.keys[firing.places(one.rows)].tolist(), one.sells.tolist(), strict=True)
        if count
    ]

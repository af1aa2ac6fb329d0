"""Creation of the runs that an evaluation pass requires.

A run that may start immediately, and that the arrays can plan, is stored as started, with its plan inputs and sell
orders; other runs are queued.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Any

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.bulk import build_objects
from rebal_tui.domain.decisions import Outcome
from rebal_tui.domain.orders import Side
from rebal_tui.domain.portfolios import DriftBand
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunPhase, RunStatus, RunType
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.trading_rules import TradingRules
from rebal_tui.engine.arrays.decide import CHECKS, OUTCOMES
from rebal_tui.engine.situation import cash_target_of
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.evaluation.account import situation
from rebal_tui.services.evaluation_pass.context import PassContext
from rebal_tui.services.evaluation_pass.surge_guard import add_traded
from rebal_tui.services.runs.starting import Rows, Starts, may_start, plan_starts, uses_arrays
from rebal_tui.store import blobs, book_settings, rules_text, run_orders, runs
from rebal_tui.store.codec import to_time, to_weights
from rebal_tui.store.outbox import Unsent
from rebal_tui.store.rows import RowTable
from rebal_tui.store.run_orders import OrderRow
from rebal_tui.store.runs import PlanRow, RunRow

_RUN_TYPES = {Outcome.FULL_REBALANCE: RunType.FULL_REBALANCE, Outcome.INVEST_CASH: RunType.INVEST_CASH}
_TYPES = {OUTCOMES.index(outcome): kind for outcome, kind in _RUN_TYPES.items()}


@dataclass(frozen=True, slots=True, eq=False)
class CreatedRuns:
    """The runs that a chunk created, by ascending key.

    `rows` are the rows of their accounts, oldest subscription first. `rows_stored` are the runs' rows in the file. For
    the runs that were started, `plans` has the stored rows of their plan inputs, by ascending run key, and `unsent` the
    orders to send.
    """

    rows: Rows
    keys: Rows
    runs: list[Run]
    rows_stored: RowTable[RunRow]
    plans: RowTable[PlanRow]
    unsent: list[Unsent]

    def idle(self) -> set[str]:
        """The ids of the accounts whose runs have unsent orders.

        These runs need no processing until an order is sent.
        """
        waiting = {one.run for one in self.unsent}
        return {run.account_id for run, key in zip(self.runs, self.keys.tolist(), strict=True) if key in waiting}


@dataclass(frozen=True, slots=True, eq=False)
class _NewRuns:
    """The account rows that require a run, oldest subscription first.

    `keys` are the keys of these runs, `awaits` marks those that await approval, and `held` has the positions by row, as
    packed by `codec.to_positions`.
    """

    rows: Rows
    keys: Rows
    awaits: npt.NDArray[np.bool_]
    held: Mapping[int, bytes]

    def indexes(self, rows: Rows) -> npt.NDArray[np.intp]:
        """The indexes in `self.rows` of the given account rows."""
        order = np.argsort(self.rows)
        found: npt.NDArray[np.intp] = order[np.searchsorted(self.rows[order], rows)]
        return found


def create_runs(tx: BookTransaction, pass_context: PassContext, rows: Rows, held: Mapping[int, bytes]) -> CreatedRuns:
    """Create the runs that some subscriptions require, and start those that may start now.

    `held` has the positions by account row, as the bytes that the file stores (`codec.to_positions`).
    """
    book = tx.book
    asking = rows[np.isin(pass_context.decided.made.outcome[rows], list(_TYPES))]
    first = runs.next_key(book.database)
    new_runs = _NewRuns(asking, np.arange(first, first + len(asking)), pass_context.awaits[asking], held)
    starts = _starts(book, pass_context, new_runs)
    stored, plans = _store_runs(tx, pass_context, new_runs, starts)
    add_traded(tx, pass_context.surge, new_runs.rows)
    made = _runs(book, pass_context, new_runs, stored.column("id"), starts)
    return CreatedRuns(new_runs.rows, new_runs.keys, made, stored, plans, _unsent(new_runs, starts))


def _starts(book: Book, pass_context: PassContext, new_runs: _NewRuns) -> list[Starts]:
    """The starts of the runs that may start now and that the arrays can plan; empty when they are few."""
    rows = new_runs.rows[pass_context.able[new_runs.rows] & ~new_runs.awaits]
    if not (uses_arrays(book, len(rows)) and may_start(book)):
        return []
    outcome = pass_context.decided.made.outcome
    return plan_starts(pass_context.decided.frame, {kind: rows[outcome[rows] == code] for code, kind in _TYPES.items()})


def _runs(
    book: Book, pass_context: PassContext, new_runs: _NewRuns, ids: Sequence[str], starts: Sequence[Starts]
) -> list[Run]:
    """The new runs as objects, equal to the stored rows."""
    decided = pass_context.decided
    rows, now, size = new_runs.rows.tolist(), decided.at, len(new_runs.rows)
    models = [decided.frame.portfolios[index] for index in decided.frame.accounts.portfolio[new_runs.rows].tolist()]
    status, phase = [RunStatus.QUEUED] * size, [RunPhase.WAITING] * size
    target: list[Any] = [None] * size
    started_at: list[Any] = [None] * size
    for one in starts:
        for index, cash_target in zip(new_runs.indexes(one.rows).tolist(), one.cash_target, strict=True):
            status[index], phase[index] = RunStatus.IN_PROGRESS, RunPhase.SELLING
            target[index], started_at[index] = cash_target, now
    return build_objects(
        Run,
        size,
        {
            "id": ids,
            "account_id": [book.account_table.ids[row] for row in rows],
            "portfolio_id": [model.id for model in models],
            "subscription_id": [book.subscription_table.ids[row] for row in rows],
            "type": [_TYPES[code] for code in decided.made.outcome[new_runs.rows].tolist()],
            "status": status,
            "phase": phase,
            "approval": [Approval.AWAITING if waits else Approval.NOT_NEEDED for waits in new_runs.awaits.tolist()],
            "reason": _reasons(pass_context, new_runs),
            "weights": [model.weights for model in models],
            "cash_target": target,
            "started_at": started_at,
        },
        {
            "amount": None, "initiated_from": InitiatedFrom.SYSTEM,
            "session": new_york_day(now).isoformat(), "cancel_requested": False, "created_at": now, "updated_at": now,
            "completed_at": None, "canceled_at": None,
        },
    )  # fmt: skip


def _reasons(pass_context: PassContext, new_runs: _NewRuns) -> list[str | None]:
    """Why each run waits for review because of the surge guard, None for a run that does not."""
    surge = pass_context.surge
    return [surge.reasons[code] or None for code in surge.reason[new_runs.rows].tolist()]


def _store_runs(
    tx: BookTransaction, pass_context: PassContext, new_runs: _NewRuns, starts: Sequence[Starts]
) -> tuple[RowTable[RunRow], RowTable[PlanRow]]:
    """Store new runs and the orders of those that start.

    Returns the rows of the runs, and the rows of the plan inputs of the started runs, both by ascending key.
    """
    book = tx.book
    decided, size = pass_context.decided, len(new_runs.rows)
    indexes = decided.frame.accounts.portfolio[new_runs.rows].tolist()
    weights = [model.weights for model in decided.frame.portfolios]
    blob_of = {index: blobs.put(tx, to_weights(weights[index])) for index in dict.fromkeys(indexes)}
    at, types = to_time(decided.at), {code: kind.value for code, kind in _TYPES.items()}
    rows = RowTable.build(
        RunRow,
        size,
        key=new_runs.keys.tolist(),
        id=book_settings.next_ids(tx, size) if size else [],
        account=book.account_table.keys[new_runs.rows].tolist(),
        portfolio=[pass_context.portfolio_keys[index] for index in indexes],
        subscription=book.subscription_table.keys[new_runs.rows].tolist(),
        type=[types[code] for code in decided.made.outcome[new_runs.rows].tolist()],
        amount=repeat(None),
        initiated_from=repeat(InitiatedFrom.SYSTEM.value),
        approval=[(Approval.AWAITING if waits else Approval.NOT_NEEDED).value for waits in new_runs.awaits.tolist()],
        why=repeat(None),
        weights=[blob_of[index] for index in indexes],
        cash_weight=[weights[index].cash for index in indexes],
        session=repeat(new_york_day(decided.at).isoformat()),
        counts_quota=repeat(1),
        created_at=repeat(at),
        updated_at=repeat(at),
    )
    begins = np.zeros(size, np.bool_)
    plan_tables, order_tables = [], []
    for one in starts:
        here = new_runs.indexes(one.rows)
        begins[here] = True
        run_keys = new_runs.keys[here]
        held = [new_runs.held[row] for row in one.rows.tolist()]
        plan_tables.append(one.plan_rows(run_keys, held, pass_context.context_key, at))
        order_tables.append(one.order_rows(run_keys, pass_context.asset_keys, at))
    plans = RowTable.joined(PlanRow, plan_tables).sorted_by("key")
    stored = _with_plans_shown(
        runs.as_started(rows, np.flatnonzero(begins).tolist(), plans), book, pass_context, new_runs
    )
    runs.add(tx, stored)
    reasons = zip(new_runs.keys.tolist(), _reasons(pass_context, new_runs), strict=True)
    runs.set_reasons(tx, [(key, reason) for key, reason in reasons if reason])
    run_orders.add(tx, RowTable.joined(OrderRow, order_tables))
    return stored, plans


def _with_plans_shown(
    rows: RowTable[RunRow], book: Book, pass_context: PassContext, new_runs: _NewRuns
) -> RowTable[RunRow]:
    """The rows of the runs; those that await approval get the inputs of the plan that is shown to the advisor."""
    indexes = np.flatnonzero(new_runs.awaits)
    accounts, of_account = pass_context.decided.frame.accounts, new_runs.rows[indexes]
    outcome = pass_context.decided.made.outcome
    return rows.replace_at(
        indexes.tolist(),
        plan_context=[pass_context.context_key] * len(indexes),
        plan_cash=accounts.cash[of_account].tolist(),
        plan_reserved=accounts.reserved[of_account].tolist(),
        plan_keep=[
            cash_target_of(situation(book, book.account_table.ids[row]))
            if _TYPES[outcome[row]] is RunType.INVEST_CASH
            else None
            for row in of_account.tolist()
        ],
        plan_positions=[new_runs.held[row] for row in of_account.tolist()],
        plan_rules=_plan_rules(pass_context, of_account),
    )


def _plan_rules(pass_context: PassContext, rows: Rows) -> list[str | None]:
    """By account, the trading rules for the plan of its run, as stored text; None for an account without rules."""
    frame, made = pass_context.decided.frame, pass_context.decided.made
    of_run: dict[tuple[int, tuple[DriftBand, ...]], TradingRules] = {}
    found: list[TradingRules | None] = []
    for row in rows.tolist():
        rules = frame.accounts.rules.get(row)
        if rules is None:
            found.append(None)
            continue
        bands = frame.followed(row).bands if CHECKS[made.check[row]] == "drift_band" else ()
        key = id(rules), bands
        if key not in of_run:
            of_run[key] = rules.of_run(bands)
        found.append(of_run[key])
    return rules_text.texts_of(found, pass_context.asset_keys)


def _unsent(new_runs: _NewRuns, starts: Sequence[Starts]) -> list[Unsent]:
    """The sell orders to send of the runs that start."""
    return [
        Unsent(key, False, Side.SELL, 1, 1, count)
        for one in starts
        for key, count in zip(new_runs.keys[new_runs.indexes(one.rows)].tolist(), one.sells.tolist(), strict=True)
        if count
    ]

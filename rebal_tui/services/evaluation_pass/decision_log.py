"""Storage of the decisions of an evaluation pass in bulk.

What is stored are the inputs of each decision, from which it can be recomputed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from itertools import repeat

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.runs import RunStatus
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.engine.arrays.decide import OUTCOMES, Decisions
from rebal_tui.engine.arrays.statuses import KINDS, NO_TIME, NOTHING, WAITS, Statuses
from rebal_tui.services.book.book import BookTransaction
from rebal_tui.services.evaluation_pass.context import PassContext
from rebal_tui.services.evaluation_pass.run_creation import CreatedRuns, create_runs
from rebal_tui.services.runs.queueing import subject_of
from rebal_tui.services.runs.starting import Rows, record_starts
from rebal_tui.store import audit_digests, decisions, rules_text, unfinished
from rebal_tui.store.account_table import RESTRICTIONS, STATUSES
from rebal_tui.store.codec import restrictions_text
from rebal_tui.store.decisions import DecisionRow, Kind
from rebal_tui.store.rows import RowTable
from rebal_tui.store.subscription_table import NEVER


def store_decisions(tx: BookTransaction, pass_context: PassContext, rows: Rows) -> CreatedRuns:
    """Store the inputs of the decisions of some subscriptions, and create the runs that the decisions require.

    `rows` are the account rows, oldest subscription first.
    """
    book = tx.book
    database, ordered = book.database, np.sort(rows)
    held = book.account_table.packed_positions(ordered)
    made = create_runs(tx, pass_context, rows, dict(zip(ordered.tolist(), held, strict=True)))
    at_rows = np.searchsorted(ordered, made.rows)
    run_of = np.full(len(rows), decisions.NO_RUN)
    run_of[at_rows] = made.keys
    decided = _decision_rows(tx, pass_context, ordered, held, run_of.tolist())
    decisions.add(tx, decided)
    if made.runs:
        reported = audit_digests.queued(database, made.rows_stored, decided.take(at_rows.tolist()))
        tx.record(audit_digests.QUEUED, subject_of(made.runs), reported)
    if made.plans:
        begun = [one for one in made.runs if one.status is RunStatus.IN_PROGRESS]
        record_starts(tx, begun, sum(one.last for one in made.unsent), made.plans)
    return made


def _decision_rows(
    tx: BookTransaction, pass_context: PassContext, rows: Rows, held: Sequence[bytes], run_keys: Sequence[int]
) -> RowTable[DecisionRow]:
    """The rows to store for the decisions of some accounts.

    `held` has the accounts' packed positions, `run_keys` the keys of the runs that the decisions created.
    """
    book, subscriptions = tx.book, tx.book.subscription_table
    table, made, accounts = book.account_table, pass_context.decided.made, pass_context.decided.frame.accounts
    texts = {bits: _restrictions(bits) for bits in set(table.restrictions[rows].tolist())}
    statuses = [status.value for status in STATUSES]
    return RowTable.build(
        DecisionRow,
        len(rows),
        session=repeat(new_york_day(pass_context.decided.at).isoformat()),
        account=table.keys[rows].tolist(),
        portfolio=[pass_context.portfolio_keys[index] for index in accounts.portfolio[rows].tolist()],
        kind=_kind_keys(tx, made, rows),
        run=run_keys,
        context=repeat(pass_context.context_key),
        subscription=subscriptions.keys[rows].tolist(),
        status=[statuses[code] for code in table.status[rows].tolist()],
        restrictions=[texts[bits] for bits in table.restrictions[rows].tolist()],
        cash=accounts.cash[rows].tolist(),
        reserved=accounts.reserved[rows].tolist(),
        cash_floor=accounts.cash_floor[rows].tolist(),
        last_rebalanced_at=_times(subscriptions.last_rebalanced_at[rows]),
        outside_orders=table.external_orders[rows].tolist(),
        open_run=[pass_context.runs_in_progress.get(row) for row in rows.tolist()],
        quota_run=[pass_context.todays_runs.get(row) for row in rows.tolist()],
        positions=held,
        update_spent_at=_times(subscriptions.update_spent_at[rows]),
        propose_on=[
            date.fromordinal(day).isoformat() if day else None for day in subscriptions.propose_on[rows].tolist()
        ],
        undone=[
            unfinished.to_text(accounts.unfinished[row], pass_context.asset_keys)
            if row in accounts.unfinished
            else None
            for row in rows.tolist()
        ],
        rules=rules_text.texts_of((accounts.rules.get(row) for row in rows.tolist()), pass_context.asset_keys),
        trade_status=_status_codes(pass_context.statuses, rows),
        first_trade_at=[None if at == NO_TIME else at for at in pass_context.statuses.first_trade_at[rows].tolist()],
    )


def _status_codes(statuses: Statuses, rows: Rows) -> list[str]:
    """The status of each row's account as it is stored."""
    codes = statuses.kind[rows].astype(np.int64) << 8 | statuses.waits_for[rows]
    texts = {
        code: decisions.status_code(KINDS[code >> 8], None if code & 0xFF == NOTHING else WAITS[code & 0xFF])
        for code in set(codes.tolist())
    }
    return [texts[code] for code in codes.tolist()]


def _times(micros: npt.NDArray[np.int64]) -> list[int | None]:
    return [None if at == NEVER else at for at in micros.tolist()]


def _kind_keys(tx: BookTransaction, made: Decisions, rows: Rows) -> list[int]:
    """The key of each decision's kind: its outcome with the checks that it reports."""
    codes = (made.outcome[rows].astype(np.int64) << 32 | made.reported[rows]).tolist()
    kinds = {}
    for code, row in dict(zip(codes, rows.tolist(), strict=True)).items():
        outcome, reported = OUTCOMES[made.outcome[row]], made.reported_checks(row)
        kinds[code] = Kind(":".join([outcome.value, *reported]), outcome, reported[-1] if reported else "")
    known = decisions.kind_keys(tx, kinds.values())
    by_code = {code: known[kind.signature] for code, kind in kinds.items()}
    return [by_code[code] for code in codes]


def _restrictions(bits: int) -> str:
    return restrictions_text(frozenset(r for index, r in enumerate(RESTRICTIONS) if bits >> index & 1))

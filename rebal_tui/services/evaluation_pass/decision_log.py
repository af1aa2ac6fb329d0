"""Keeping what a pass decided of many subscriptions at once: every decision as what it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rebal_tui.domain.runs import RunStatus
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.engine.arrays.decide import OUTCOMES, Decisions
from rebal_tui.services.book.book import BookTransaction
from rebal_tui.services.evaluation_pass.context import PassContext
from rebal_tui.services.evaluation_pass.run_creation import CreatedRuns, create_runs
from rebal_tui.services.runs.queueing import subject_of
from rebal_tui.services.runs.starting import Rows, record_starts
from rebal_tui.store import audit_digests, decisions
from rebal_tui.store.account_table import RESTRICTIONS, STATUSES
from rebal_tui.store.codec import restrictions_text
from rebal_tui.store.decisions import Kind
from rebal_tui.store.subscription_table import NEVER


def store_decisions(tx: BookTransaction, pass_context: PassContext, rows: Rows) -> CreatedRuns:
    """Keep the decisions of some subscriptions, as what they were made from, and make the runs they ask for.

    `rows` are those of their accounts, the oldest subscription first.
    """
    book = tx.book
    database, ordered = book.database, np.sort(rows)
    held = book.account_table.packed_positions(ordered)
    made = create_runs(tx, pass_context, rows, dict(zip(ordered.tolist(), held, strict=True)))
    at_rows = np.searchsorted(ordered, made.rows)
    columns = _decided_columns(tx, pass_context, ordered, held)
    run_of = np.full(len(rows), decisions.NO_RUN)
    run_of[at_rows] = made.keys
    columns.insert(4, run_of.tolist())
    decisions.add(tx, zip(*columns, strict=True))
    if made.runs:
        indexes = at_rows.tolist()
        session, account, portfolios, kind, run, *rest = ([column[at] for at in indexes] for column in columns)
        reported = audit_digests.queued(database, made.columns, (run, session, account, portfolios, kind, *rest))
        tx.record(audit_digests.QUEUED, subject_of(made.runs), reported)
    if made.plans:
        begun = [one for one in made.runs if one.status is RunStatus.IN_PROGRESS]
        record_starts(tx, begun, sum(one.last for one in made.unsent), made.plans)
    return made


def _decided_columns(
    tx: BookTransaction, pass_context: PassContext, rows: Rows, held: Sequence[bytes]
) -> list[Sequence[Any]]:
    """The columns of decisions as `decisions.add` takes them, without that of the runs."""
    book = tx.book
    table, made, accounts = book.account_table, pass_context.decided.made, pass_context.decided.frame.accounts
    day, size = new_york_day(pass_context.decided.at).isoformat(), len(rows)
    texts = {bits: _restrictions(bits) for bits in set(table.restrictions[rows].tolist())}
    statuses = [status.value for status in STATUSES]
    return [
        [day] * size,
        table.keys[rows].tolist(),
        [pass_context.portfolio_keys[index] for index in accounts.portfolio[rows].tolist()],
        _kind_keys(tx, made, rows),
        [pass_context.context_key] * size,
        book.subscription_table.keys[rows].tolist(),
        [statuses[code] for code in table.status[rows].tolist()],
        [texts[bits] for bits in table.restrictions[rows].tolist()],
        accounts.cash[rows].tolist(),
        accounts.reserved[rows].tolist(),
        accounts.cash_floor[rows].tolist(),
        [None if at == NEVER else at for at in book.subscription_table.last_rebalanced_at[rows].tolist()],
        table.external_orders[rows].tolist(),
        [pass_context.runs_in_progress.get(row) for row in rows.tolist()],
        [pass_context.todays_runs.get(row) for row in rows.tolist()],
        held,
    ]


def _kind_keys(tx: BookTransaction, made: Decisions, rows: Rows) -> list[int]:
    """The key of each row's kind of decision."""
    codes = (made.outcome[rows].astype(np.int64) << 16 | made.reported[rows]).tolist()
    kinds = {}
    for code, row in dict(zip(codes, rows.tolist(), strict=True)).items():
        outcome, reported = OUTCOMES[made.outcome[row]], made.reported_checks(row)
        kinds[code] = Kind(":".join([outcome.value, *reported]), outcome, reported[-1] if reported else "")
    known = decisions.kind_keys(tx, kinds.values())
    by_code = {code: known[kind.signature] for code, kind in kinds.items()}
    return [by_code[code] for code in codes]


def _restrictions(bits: int) -> str:
    return restrictions_text(frozenset(r for index, r in enumerate(RESTRICTIONS) if bits >> index & 1))

"""Keeping what a pass decided of many subscriptions at once: every decision as what it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from rebal_tui.domain.runs import RunStatus
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.engine.arrays.decide import OUTCOMES, Decisions
from rebal_tui.services.book import Book
from rebal_tui.services.pass_moment import Moment
from rebal_tui.services.pass_runs import Made, make_runs
from rebal_tui.services.queueing import subject_of
from rebal_tui.services.starts import Rows, record_starts
from rebal_tui.store import decisions, proofs
from rebal_tui.store.account_table import RESTRICTIONS, STATUSES
from rebal_tui.store.codec import restrictions_text
from rebal_tui.store.decisions import Kind
from rebal_tui.store.subscription_table import NEVER


def keep_rows(book: Book, moment: Moment, rows: Rows) -> Made:
    """Keep the decisions of some subscriptions, as what they were made from, and make the runs they ask for.

    `rows` are those of their accounts, the oldest subscription first. Must be called inside `database.write()`.
    """
    database, ordered = book.database, np.sort(rows)
    held = book.account_table.packed_positions(ordered)
    made = make_runs(book, moment, rows, dict(zip(ordered.tolist(), held, strict=True)))
    at_rows = np.searchsorted(ordered, made.rows)
    columns = _decided_columns(book, moment, ordered, held)
    run_of = np.full(len(rows), decisions.NO_RUN)
    run_of[at_rows] = made.keys
    columns.insert(4, run_of.tolist())
    decisions.add(database, zip(*columns, strict=True))
    if made.runs:
        places = at_rows.tolist()
        session, account, portfolios, kind, run, *rest = ([column[at] for at in places] for column in columns)
        told = proofs.queued(database, made.columns, (run, session, account, portfolios, kind, *rest))
        book.record(proofs.QUEUED, subject_of(made.runs), told)
    if made.plans:
        begun = [one for one in made.runs if one.status is RunStatus.IN_PROGRESS]
        record_starts(book, begun, sum(one.last for one in made.unsent), made.plans)
    return made


def _decided_columns(book: Book, moment: Moment, rows: Rows, held: Sequence[bytes]) -> list[Sequence[Any]]:
    """The columns of decisions as `decisions.add` takes them, without that of the runs."""
    table, made, accounts = book.account_table, moment.decided.made, moment.decided.frame.accounts
    day, size = new_york_day(moment.decided.at).isoformat(), len(rows)
    texts = {bits: _restrictions(bits) for bits in set(table.restrictions[rows].tolist())}
    statuses = [status.value for status in STATUSES]
    return [
        [day] * size,
        table.keys[rows].tolist(),
        [moment.portfolio_keys[place] for place in accounts.portfolio[rows].tolist()],
        _kind_keys(book, made, rows),
        [moment.context] * size,
        book.subscription_table.keys[rows].tolist(),
        [statuses[code] for code in table.status[rows].tolist()],
        [texts[bits] for bits in table.restrictions[rows].tolist()],
        accounts.cash[rows].tolist(),
        accounts.reserved[rows].tolist(),
        accounts.cash_floor[rows].tolist(),
        [None if at == NEVER else at for at in book.subscription_table.last_rebalanced_at[rows].tolist()],
        table.outside_orders[rows].tolist(),
        [moment.under_way.get(row) for row in rows.tolist()],
        [moment.had_run.get(row) for row in rows.tolist()],
        held,
    ]


def _kind_keys(book: Book, made: Decisions, rows: Rows) -> list[int]:
    """The key of each row's kind of decision."""
    codes = (made.outcome[rows].astype(np.int64) << 16 | made.told[rows]).tolist()
    kinds = {}
    for code, row in dict(zip(codes, rows.tolist(), strict=True)).items():
        outcome, told = OUTCOMES[made.outcome[row]], made.told_checks(row)
        kinds[code] = Kind(":".join([outcome.value, *told]), outcome, told[-1] if told else "")
    known = decisions.kind_keys(book.database, kinds.values())
    by_code = {code: known[kind.signature] for code, kind in kinds.items()}
    return [by_code[code] for code in codes]


def _restrictions(bits: int) -> str:
    return restrictions_text(frozenset(r for place, r in enumerate(RESTRICTIONS) if bits >> place & 1))

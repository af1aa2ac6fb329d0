"""Keeping what a pass over the whole book decided: a row for every decision, and the runs they ask for, in bulk."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.bulk import objects_of
from rebal_tui.domain.decisions import Outcome
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunPhase, RunStatus, RunType
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.engine.arrays.decide import OUTCOMES, Decisions
from rebal_tui.services import records
from rebal_tui.services.book import Book
from rebal_tui.services.whole_book import DecidedBook
from rebal_tui.store import decisions, meta, parts, proofs, runs
from rebal_tui.store.account_table import RESTRICTIONS, STATUSES
from rebal_tui.store.codec import restrictions_text, to_time, to_weights
from rebal_tui.store.decisions import Kind
from rebal_tui.store.keys import keys
from rebal_tui.store.subscription_table import NEVER

Rows = npt.NDArray[np.int64]
_RUN_TYPES = {Outcome.FULL_REBALANCE: RunType.FULL_REBALANCE, Outcome.INVEST_CASH: RunType.INVEST_CASH}


def _firing(book: Book, made: Decisions) -> Rows:
    """The rows whose decisions ask for a run, the oldest subscription first."""
    codes = [OUTCOMES.index(outcome) for outcome in _RUN_TYPES]
    order = book.subscription_table.order
    return order[np.isin(made.outcome[order], codes)]


def asking(book: Book, decided: DecidedBook, reviewed: Collection[str]) -> list[int]:
    """The rows that ask for an invest_cash which an advisor will see first."""
    made, frame = decided.made, decided.frame
    invests = OUTCOMES.index(Outcome.INVEST_CASH)
    return [
        row
        for row in _firing(book, made).tolist()
        if made.outcome[row] == invests and frame.portfolios[frame.accounts.portfolio[row]].id in reviewed
    ]


def keep_pass(book: Book, decided: DecidedBook, reviewed: Collection[str], kept: Mapping[int, Money]) -> list[Run]:
    """Keep every decision as what it was made from and queue the runs they ask for; returns the runs.

    The runs of `reviewed` portfolios await approval; `kept` is by row the cash that an invest_cash among them leaves.
    Must be called inside `database.write()`.
    """
    database, table, made = book.database, book.account_table, decided.made
    rows, firing = np.sort(book.subscription_table.order), _firing(book, made)
    new_runs = _runs(book, decided, firing, reviewed)
    context = records.keep_context(book)
    held = table.packed_positions(rows)
    at_rows = np.searchsorted(rows, firing)
    accounts = decided.frame.accounts
    portfolio = keys(database, "portfolios", book.portfolios)
    portfolio_keys = [portfolio[one.id] for one in decided.frame.portfolios]
    run_columns = _store_runs(book, decided, firing, new_runs, portfolio_keys, context, kept, held, at_rows)
    day = new_york_day(book.now()).isoformat()
    run_of = np.full(len(rows), decisions.NO_RUN)
    run_of[at_rows] = run_columns[0]
    texts = {bits: _restrictions(bits) for bits in set(table.restrictions[rows].tolist())}
    statuses = [status.value for status in STATUSES]
    size = len(rows)
    columns: list[Sequence[Any]] = [
        [day] * size,
        table.keys[rows].tolist(),
        [portfolio_keys[place] for place in accounts.portfolio[rows].tolist()],
        _kind_keys(book, made, rows),
        run_of.tolist(),
        [context] * size,
        book.subscription_table.keys[rows].tolist(),
        [statuses[code] for code in table.status[rows].tolist()],
        [texts[bits] for bits in table.restrictions[rows].tolist()],
        accounts.cash[rows].tolist(),
        accounts.reserved[rows].tolist(),
        accounts.cash_floor[rows].tolist(),
        [None if at == NEVER else at for at in book.subscription_table.last_rebalanced_at[rows].tolist()],
        table.outside_orders[rows].tolist(),
        *_earlier(book, rows, day),
        held,
    ]
    decisions.add(database, zip(*columns, strict=True))
    if new_runs:
        places = at_rows.tolist()
        session, account, portfolios, kind, run, *rest = ([column[at] for at in places] for column in columns)
        decided_columns = (run, session, account, portfolios, kind, *rest)
        subject = new_runs[0].id if len(new_runs) == 1 else f"{len(new_runs)} runs"
        book.record(proofs.QUEUED, subject, proofs.queued(database, run_columns, decided_columns))
    return new_runs


def _runs(book: Book, decided: DecidedBook, firing: Rows, reviewed: Collection[str]) -> list[Run]:
    """The runs of some rows, under the book's next ids."""
    frame, now = decided.frame, book.now()
    models = [frame.portfolios[place] for place in frame.accounts.portfolio[firing].tolist()]
    types = {OUTCOMES.index(outcome): kind for outcome, kind in _RUN_TYPES.items()}
    rows = firing.tolist()
    approvals = {model.id: Approval.NOT_NEEDED for model in frame.portfolios} | dict.fromkeys(
        reviewed, Approval.AWAITING
    )
    return objects_of(
        Run,
        len(rows),
        {
            "id": meta.next_ids(book.database, len(rows)) if rows else [],
            "account_id": [book.account_table.ids[row] for row in rows],
            "portfolio_id": [model.id for model in models],
            "subscription_id": [book.subscription_table.ids[row] for row in rows],
            "type": [types[code] for code in decided.made.outcome[firing].tolist()],
            "approval": [approvals[model.id] for model in models],
            "weights": [model.weights for model in models],
        },
        {
            "amount": None, "initiated_from": InitiatedFrom.SYSTEM, "status": RunStatus.QUEUED,
            "phase": RunPhase.WAITING, "reason": None, "session": new_york_day(now).isoformat(), "cash_target": None,
            "cancel_requested": False, "created_at": now, "updated_at": now, "started_at": None, "completed_at": None,
            "canceled_at": None,
        },
    )  # fmt: skip


def _store_runs(
    book: Book, decided: DecidedBook, firing: Rows, made: Sequence[Run], portfolio_keys: Sequence[int], context: int,
    kept: Mapping[int, Money], held: Sequence[bytes], at_rows: npt.NDArray[np.intp],
) -> proofs.Columns:  # fmt: skip
    """Store new runs; returns the columns of them that go into the audit trail."""
    database, accounts = book.database, decided.frame.accounts
    places = accounts.portfolio[firing].tolist()
    weights = [model.weights for model in decided.frame.portfolios]
    part = {place: parts.put(database, to_weights(weights[place])) for place in dict.fromkeys(places)}
    first, size, at = runs.next_key(database), len(made), to_time(book.now())
    plans: list[tuple[Any, ...]] = [
        (context, cash, reserved, kept.get(row), held[place]) if run.approval is Approval.AWAITING else (None,) * 5
        for run, row, cash, reserved, place in zip(
            made, firing.tolist(), accounts.cash[firing].tolist(), accounts.reserved[firing].tolist(),
            at_rows.tolist(), strict=True,
        )
    ]  # fmt: skip
    columns: list[Sequence[Any]] = [
        range(first, first + size),
        [run.id for run in made],
        book.account_table.keys[firing].tolist(),
        [portfolio_keys[place] for place in places],
        book.subscription_table.keys[firing].tolist(),
        [run.type.value for run in made],
        [None] * size,
        [InitiatedFrom.SYSTEM.value] * size,
        [run.approval.value for run in made],
        [None] * size,
        [part[place] for place in places],
        [weights[place].cash for place in places],
        [run.session for run in made],
        [1] * size,
        [at] * size,
    ]
    plan_columns = list(zip(*plans, strict=True)) or [()] * 5
    runs.add(database, zip(*columns, *plan_columns, strict=True))
    key, identity, account, portfolio, subscription, kind, amount, source, _, why, put, _, session, _, since = columns
    return (key, identity, account, portfolio, subscription, kind, amount, source, why, put, session, since)


def _earlier(book: Book, rows: Rows, day: str) -> tuple[list[int | None], list[int | None]]:
    """By row, the keys of the open run and of the system run of the day."""
    row_of = book.account_table.row_of
    under_way = {row_of[account]: run.id for account, run in book.open_runs.items()}
    had = {row_of[account]: run for account, (session, run) in book.system_runs.items() if session == day}
    known = keys(book.database, "runs", {*under_way.values(), *had.values()})
    wanted = rows.tolist()
    return (
        [known.get(under_way.get(row, "")) for row in wanted] if under_way else [None] * len(wanted),
        [known.get(had.get(row, "")) for row in wanted] if had else [None] * len(wanted),
    )


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

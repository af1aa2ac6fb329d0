"""Keeping what a pass over the whole book decided: a row for every decision, and the runs they ask for, in bulk."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.decisions import Outcome
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunType
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.engine.arrays.decide import OUTCOMES, Decisions
from rebal_tui.services import records
from rebal_tui.services.book import Book
from rebal_tui.services.queueing import new_run, queue, record_queued
from rebal_tui.services.whole_book import DecidedBook
from rebal_tui.store import decisions, meta
from rebal_tui.store.account_table import RESTRICTIONS, STATUSES
from rebal_tui.store.codec import restrictions_text
from rebal_tui.store.decisions import Kind
from rebal_tui.store.keys import keys
from rebal_tui.store.runs import PlanInputs
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
    database, table = book.database, book.account_table
    rows = np.sort(book.subscription_table.order)
    firing = _firing(book, decided.made)
    ids = meta.next_ids(database, len(firing)) if len(firing) else []
    new_runs = [_run(book, decided, row, ids[n], reviewed) for n, row in enumerate(firing.tolist())]
    context = records.keep_context(book)
    held = table.packed_positions(rows)
    positions = dict(zip(rows.tolist(), held, strict=True))
    accounts = decided.frame.accounts
    plans = {
        run.id: PlanInputs(
            context, Money(int(accounts.cash[row])), Money(int(accounts.reserved[row])), kept.get(row), positions[row]
        )
        for run, row in zip(new_runs, firing.tolist(), strict=True)
        if run.approval is Approval.AWAITING
    }
    run_keys = queue(book, new_runs, counts_quota=True, why=None, plans=plans)
    key_of_run = dict(zip(firing.tolist(), run_keys, strict=True))
    day = new_york_day(book.now()).isoformat()
    under_way = {table.row_of[account]: run.id for account, run in book.open_runs.items()}
    had = {table.row_of[account]: run for account, (session, run) in book.system_runs.items() if session == day}
    earlier = keys(database, "runs", {*under_way.values(), *had.values()})
    portfolio = keys(database, "portfolios", book.portfolios)
    portfolio_keys = [portfolio[one.id] for one in decided.frame.portfolios]
    subscription_ids = [book.subscription_table.ids[row] or "" for row in rows.tolist()]
    subscription = keys(database, "subscriptions", subscription_ids)
    restrictions = {bits: _restrictions(bits) for bits in set(table.restrictions[rows].tolist())}
    last = book.subscription_table.last_rebalanced_at[rows]
    columns = zip(
        rows.tolist(), table.keys[rows].tolist(), accounts.portfolio[rows].tolist(),
        _kind_keys(book, decided.made, rows), subscription_ids, table.status[rows].tolist(),
        table.restrictions[rows].tolist(), accounts.cash[rows].tolist(), accounts.reserved[rows].tolist(),
        accounts.cash_floor[rows].tolist(), last.tolist(), table.outside_orders[rows].tolist(), held, strict=True,
    )  # fmt: skip
    decisions.add(
        database,
        (
            (
                day, account, portfolio_keys[model], kind, key_of_run.get(row, decisions.NO_RUN), context,
                subscription[subscribed], STATUSES[status].value, restrictions[bits], cash, reserved, floor,
                None if since == NEVER else since, outside, earlier.get(under_way.get(row, "")),
                earlier.get(had.get(row, "")), packed,
            )
            for row, account, model, kind, subscribed, status, bits, cash, reserved, floor, since, outside, packed
            in columns
        ),
    )  # fmt: skip
    record_queued(book, new_runs, run_keys)
    return new_runs


def _run(book: Book, decided: DecidedBook, row: int, run_id: str, reviewed: Collection[str]) -> Run:
    portfolio = decided.frame.portfolios[decided.frame.accounts.portfolio[row]]
    return new_run(
        book,
        book.account_table.ids[row],
        _RUN_TYPES[OUTCOMES[decided.made.outcome[row]]],
        portfolio.weights,
        InitiatedFrom.SYSTEM,
        portfolio_id=portfolio.id,
        subscription_id=book.subscription_table.ids[row],
        approval=Approval.AWAITING if portfolio.id in reviewed else Approval.NOT_NEEDED,
        run_id=run_id,
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

"""Evaluation passes (R-10, R-18): all subscriptions are decided from one state and stored in chunks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.decisions import Decision, Outcome
from rebal_tui.domain.errors import BrokenInvariant
from rebal_tui.domain.portfolios import Portfolio
from rebal_tui.domain.runs import Run
from rebal_tui.engine.arrays.decide import NOT_EVALUATED, OUTCOMES
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.evaluation.account import evaluate_book
from rebal_tui.services.evaluation.whole_book import DecidedBook, band_usage_of_accounts, decide_book
from rebal_tui.services.evaluation_pass.context import PassContext
from rebal_tui.services.evaluation_pass.decision_log import store_decisions
from rebal_tui.services.evaluation_pass.uncorrectable import note_uncorrectable
from rebal_tui.services.runs.needs_adjustment import mark_needs_adjustment
from rebal_tui.services.runs.sending import enqueue
from rebal_tui.services.runs.undone import settle_unfinished
from rebal_tui.store import drift_history, jobs, portfolios
from rebal_tui.store.codec import to_time

MAX_ACCOUNTS_PER_CHUNK = 5_000
"""Subscriptions whose decisions and runs are stored in one transaction."""
EVALUATION_TTL = timedelta(minutes=1)
"""How long the decisions of a pass stay valid, while nothing but prices changes."""


@dataclass(frozen=True, slots=True)
class EvaluationPass:
    """The result of an evaluation of the whole book.

    `counts` are subscriptions by outcome, `runs` the runs created, `needs_adjustment` the portfolios that now need
    adjustment. `decisions` is empty unless `evaluation_pass` was called with `explain`.
    """

    at: datetime
    counts: dict[Outcome, int]
    decisions: tuple[Decision, ...]
    runs: tuple[Run, ...]
    needs_adjustment: tuple[Portfolio, ...]

    @property
    def evaluated(self) -> int:
        """How many subscriptions were evaluated."""
        return sum(self.counts.values())


@dataclass(slots=True, eq=False)
class PassInProgress:
    """An evaluation pass that is stored in chunks.

    `rows` are the account rows that are not stored yet, oldest subscription first. `began` is the stopwatch reading at
    the start of the pass, in seconds. `manual` marks a pass that a person requested, which runs even while evaluations
    are paused. `surged` is whether a surge was found, so that the pass's runs wait for approval (R-57). `slot` is the
    scheduled time of the pass, `total` its number of subscriptions; `counts`, `runs` and `needs_adjustment` are as in
    `EvaluationPass`, so far. `version` and `changes` are the book's counters of these names when the last chunk was
    stored.

    The object is in memory only. If the program ends before all accounts are stored, the next pass evaluates them; an
    account that has a run by then does not get a second one (R-7, R-11).
    """

    slot: datetime
    rows: npt.NDArray[np.int64]
    total: int
    began: float | None
    manual: bool = False
    pass_context: PassContext | None = None
    version: int = 0
    changes: int = 0
    counts: Counter[Outcome] = field(default_factory=Counter)
    runs: list[Run] = field(default_factory=list)
    needs_adjustment: list[Portfolio] = field(default_factory=list)
    surged: bool = False

    @property
    def done(self) -> int:
        """How many subscriptions are stored."""
        return self.total - len(self.rows)

    def reusable_context(self, book: Book) -> PassContext | None:
        """The context of the pass while its decisions are valid; None when the decisions must be made again.

        They are valid for a minute (`EVALUATION_TTL`) while the book does not change. If runs wait for review, a price
        change makes them invalid, too, because those runs are planned at current prices.
        """
        pass_context = self.pass_context
        if (
            pass_context is None
            or book.changes != self.changes
            or book.now() - pass_context.decided.at > EVALUATION_TTL
        ):
            return None
        waits = bool(pass_context.reviewed.any()) or self.surged
        return None if waits and book.version != self.version else pass_context

    def record_versions(self, book: Book) -> None:
        """Store the book's current version counters, with which `reusable_context` compares."""
        self.version, self.changes = book.version, book.changes


def evaluation_pass(book: Book, slot: datetime | None = None, *, explain: bool = True) -> EvaluationPass:
    """Evaluate every subscription, store the decisions, and create the runs they require. `slot` is by default now.

    All decisions are made on the same state before any takes effect, so the order of accounts does not matter. Without
    `explain`, no `Decision` objects are built: outcomes are computed in arrays, and traces are recomputed on request.
    """
    explained = tuple(evaluate_book(book)) if explain else ()
    begin_pass(book, slot or book.now())
    while (made := evaluate_chunk(book)) is None:
        pass
    return EvaluationPass(made.at, made.counts, explained, made.runs, made.needs_adjustment)


def begin_pass(book: Book, slot: datetime) -> None:
    """Begin a pass, which `evaluate_chunk` continues; a pass in progress is dropped."""
    settle_unfinished(book)
    rows = book.subscription_table.order
    book.pass_in_progress = PassInProgress(slot, rows, len(rows), book.stopwatch() if book.stopwatch else None)


def evaluate_chunk(book: Book) -> EvaluationPass | None:
    """Store the next chunk of the pass in one transaction.

    Returns the result of the whole pass after the last chunk, else None. Accounts whose subscription has ended
    meanwhile are left out. An error ends the pass. Raises `BrokenInvariant` when no pass is in progress.
    """
    pass_in_progress = book.pass_in_progress
    if not isinstance(pass_in_progress, PassInProgress):
        raise BrokenInvariant("no evaluation pass is in progress")
    book.pass_in_progress = None
    now, rows, left = (
        book.now(),
        pass_in_progress.rows[:MAX_ACCOUNTS_PER_CHUNK],
        pass_in_progress.rows[MAX_ACCOUNTS_PER_CHUNK:],
    )
    adjusted: list[Portfolio] = []
    with book.write() as tx:
        pass_context = pass_in_progress.reusable_context(book)
        if pass_context is None:
            decided = decide_book(book)
            adjusted = _needs_adjustment(tx, decided)
            pass_context = PassContext.of(tx, decided, pass_in_progress.rows, surged=pass_in_progress.surged)
            if pass_in_progress.pass_context is None:
                _spend_updates(tx, decided)
                note_uncorrectable(tx, decided)
                drift_history.add(tx, decided.at, *band_usage_of_accounts(book, decided))
        outcome = pass_context.decided.made.outcome
        created = store_decisions(tx, pass_context, rows[outcome[rows] != NOT_EVALUATED])
        counts = np.bincount(outcome[rows], minlength=len(OUTCOMES)).tolist()
        pass_in_progress.counts.update(dict(zip(OUTCOMES, counts, strict=False)))
        if not len(left):
            _close(tx, pass_in_progress)
        tx.after_commit(
            partial(book.system_runs.update, {run.account_id: (run.session, run.id) for run in created.runs})
        )
        tx.apply_run_states(created.runs, created.idle())
        tx.after_commit(partial(enqueue, book, created.unsent))
    pass_in_progress.pass_context, pass_in_progress.rows = pass_context, left
    pass_in_progress.surged |= pass_context.surge.whole
    pass_in_progress.runs += created.runs
    pass_in_progress.needs_adjustment += adjusted
    pass_in_progress.record_versions(book)
    if len(left):
        book.pass_in_progress = pass_in_progress
        return None
    return EvaluationPass(
        now, _counts(pass_in_progress), (), tuple(pass_in_progress.runs), tuple(pass_in_progress.needs_adjustment)
    )


def _spend_updates(tx: BookTransaction, decided: DecidedBook) -> None:
    """Record the accounts that have a portfolio change due today but are on target (R-14.6).

    If no rebalance because of the change follows on the same day, it is not due any more.
    """
    book = tx.book
    rows = decided.made.updates_on_target(decided.frame, decided.day_context)
    if len(rows):
        portfolios.spend_updates(tx, book.subscription_table.keys[rows].tolist(), decided.at)
        tx.after_commit(partial(book.subscription_table.spend_updates, rows, to_time(decided.at)))


def _close(tx: BookTransaction, pass_in_progress: PassInProgress) -> None:
    """Record that the pass has evaluated the whole book."""
    book = tx.book
    now, session = book.now(), book.calendar.at(book.now())
    detail = {outcome.value: count for outcome, count in _counts(pass_in_progress).items()}
    if session is not None:
        text = ", ".join(f"{count} {name}" for name, count in detail.items() if count)
        jobs.record_evaluation(tx, session.day.isoformat(), pass_in_progress.slot, now, text)
    tx.record("evaluation", pass_in_progress.slot.isoformat(), detail)


def _counts(pass_in_progress: PassInProgress) -> dict[Outcome, int]:
    return {outcome: pass_in_progress.counts[outcome] for outcome in Outcome}


def _needs_adjustment(tx: BookTransaction, decided: DecidedBook) -> list[Portfolio]:
    """Mark every portfolio with ineligible assets that stopped an account as NEEDS_ADJUSTMENT.

    Returns the changed portfolios; those that needed adjustment before are not among them.
    """
    book = tx.book
    changed = []
    for identity in decided.stopped_by_assets():
        known = ((symbol, book.assets.get(symbol)) for symbol in book.portfolios[identity].weights.symbols)
        culprits = [symbol for symbol, asset in known if asset is None or not asset.eligible]
        changed.append(mark_needs_adjustment(tx, identity, culprits))
    return [portfolio for portfolio in changed if portfolio]

"""A pass over every subscription (R-10, R-18): decided on one state, kept in slices between which others get a turn."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.decisions import Decision, Outcome
from rebal_tui.domain.errors import BrokenInvariant
from rebal_tui.domain.portfolios import Portfolio
from rebal_tui.domain.runs import Run
from rebal_tui.engine.arrays.decide import NOT_EVALUATED, OUTCOMES
from rebal_tui.services.book import Book
from rebal_tui.services.evaluation import evaluate_book, mark_needs_adjustment
from rebal_tui.services.outbox import let_wait
from rebal_tui.services.pass_moment import Moment
from rebal_tui.services.pass_records import keep_rows
from rebal_tui.services.whole_book import DecidedBook, band_uses, decide_book
from rebal_tui.store import decisions, jobs

SLICE = 5_000
"""Subscriptions whose decisions and runs are kept in one transaction."""
FRESH = timedelta(minutes=1)
"""For so long a pass goes on from what it decided, as long as nothing but prices changes."""


@dataclass(frozen=True, slots=True)
class Pass:
    """One evaluation of the whole book: how many subscriptions had each outcome, the runs made, and portfolios that now
    need adjustment. `decisions` is empty unless they were asked for."""

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
class PassUnderWay:
    """A pass of which some slices are kept. `rows` are the accounts still to come, the oldest subscription first;
    `began` is the stopwatch's stand at its begin; `by_hand` when somebody asked for it, whatever is paused.

    In memory only: what is not kept when the program ends is evaluated with the next pass, and who has a run by then
    does not get a second one (R-7, R-11).
    """

    slot: datetime
    rows: npt.NDArray[np.int64]
    total: int
    began: float | None
    by_hand: bool = False
    moment: Moment | None = None
    version: int = 0
    changes: int = 0
    counts: Counter[Outcome] = field(default_factory=Counter)
    runs: list[Run] = field(default_factory=list)
    needs_adjustment: list[Portfolio] = field(default_factory=list)

    @property
    def done(self) -> int:
        """How many subscriptions are kept."""
        return self.total - len(self.rows)

    def goes_on(self, book: Book) -> Moment | None:
        """The moment that was decided, while its decisions hold; None when it has to be decided anew.

        What is planned for review is planned one by one, at the prices of its moment.
        """
        moment = self.moment
        if moment is None or book.changes != self.changes or book.now() - moment.decided.at > FRESH:
            return None
        return None if moment.reviewed and book.version != self.version else moment

    def saw(self, book: Book) -> None:
        """What the book is now is what this pass knows of it."""
        self.version, self.changes = book.version, book.changes


def evaluation_pass(book: Book, slot: datetime | None = None, *, explain: bool = True) -> Pass:
    """Evaluate every subscription, store the decisions, make the runs they ask for.

    All decisions are made on the same state before any takes effect, so the order of accounts does not matter. Without
    `explain` no `Decision` is made: the outcomes come from the whole book in arrays, and a trace is made again by
    whoever asks for one.
    """
    explained = tuple(evaluate_book(book)) if explain else ()
    begin_pass(book, slot or book.now())
    while (made := pass_slice(book)) is None:
        pass
    return Pass(made.at, made.counts, explained, made.runs, made.needs_adjustment)


def begin_pass(book: Book, slot: datetime) -> None:
    """Begin a pass, for `pass_slice` to go on with; one that was under way is left where it is."""
    rows = book.subscription_table.order
    book.passing = PassUnderWay(slot, rows, len(rows), book.stopwatch() if book.stopwatch else None)


def pass_slice(book: Book) -> Pass | None:
    """Keep the next slice of the pass under way in one transaction; returns the whole pass when that was the last.

    Accounts whose subscription ended meanwhile are left out. After a failure the pass is not under way any more.
    Raises `BrokenInvariant` when none is.
    """
    passing = book.passing
    if passing is None:
        raise BrokenInvariant("no pass is under way")
    book.passing = None
    now, rows, left = book.now(), passing.rows[:SLICE], passing.rows[SLICE:]
    adjusted: list[Portfolio] = []
    with book.database.write():
        moment = passing.goes_on(book)
        if moment is None:
            decided = decide_book(book)
            adjusted = _needs_adjustment(book, decided)
            moment = Moment.of(book, decided, passing.rows)
            if passing.moment is None:
                decisions.add_history(book.database, decided.at, *band_uses(book, decided))
        outcome = moment.decided.made.outcome
        kept = keep_rows(book, moment, rows[outcome[rows] != NOT_EVALUATED])
        counts = np.bincount(outcome[rows], minlength=len(OUTCOMES)).tolist()
        passing.counts.update(dict(zip(OUTCOMES, counts, strict=False)))
        if not len(left):
            _close(book, passing)
    passing.moment, passing.rows = moment, left
    passing.runs += kept.runs
    passing.needs_adjustment += adjusted
    if adjusted:
        book.reload_portfolios()
        book.reload_runs()
    book.system_runs.update({run.account_id: (run.session, run.id) for run in kept.runs})
    book.note_runs(kept.runs, kept.idle())
    let_wait(book, kept.unsent)
    passing.saw(book)
    if len(left):
        book.passing = passing
        return None
    return Pass(now, _counts(passing), (), tuple(passing.runs), tuple(passing.needs_adjustment))


def _close(book: Book, passing: PassUnderWay) -> None:
    """Keep that the whole book was evaluated."""
    now, session = book.now(), book.calendar.at(book.now())
    detail = {outcome.value: count for outcome, count in _counts(passing).items()}
    if session is not None:
        text = ", ".join(f"{count} {name}" for name, count in detail.items() if count)
        jobs.record_evaluation(book.database, session.day.isoformat(), passing.slot, now, text)
    book.record("evaluation", passing.slot.isoformat(), detail)


def _counts(passing: PassUnderWay) -> dict[Outcome, int]:
    return {outcome: passing.counts[outcome] for outcome in Outcome}


def _needs_adjustment(book: Book, decided: DecidedBook) -> list[Portfolio]:
    """Set aside every portfolio that stopped an account by an ineligible asset."""
    changed = []
    for identity in decided.stopped_by_assets():
        known = ((symbol, book.assets.get(symbol)) for symbol in book.portfolios[identity].weights.symbols)
        culprits = [symbol for symbol, asset in known if asset is None or not asset.eligible]
        changed.append(mark_needs_adjustment(book, identity, culprits))
    return [portfolio for portfolio in changed if portfolio]

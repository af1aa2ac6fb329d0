"""The moment that a pass decides by, and what is the same for every account at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rebal_tui.engine.arrays.frame import Mark
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.evaluation import history
from rebal_tui.services.evaluation.account import needs_review
from rebal_tui.services.evaluation.whole_book import DecidedBook
from rebal_tui.services.runs.starting import Rows, able_rows
from rebal_tui.store import decision_contexts
from rebal_tui.store.id_keys import keys


@dataclass(frozen=True, slots=True, eq=False)
class PassContext:
    """What a pass decides by: every outcome of a moment, and what is the same for all of them.

    `context_key` is the number under which the moment is kept; the runs of `reviewed` portfolios await approval; the
    runs that were under way at it, and the system runs of the day before it, are by the row of their account.
    """

    decided: DecidedBook
    context_key: int
    reviewed: frozenset[str]
    portfolio_keys: Sequence[int]
    asset_keys: dict[str, int]
    able: npt.NDArray[np.bool_]
    runs_in_progress: dict[int, int]
    todays_runs: dict[int, int]

    @classmethod
    def of(cls, tx: BookTransaction, decided: DecidedBook, rows: Rows) -> PassContext:
        """Keep the moment that was decided just now, for some accounts."""
        book = tx.book
        portfolio = keys(book.database, "portfolios", book.portfolios)
        return cls(
            decided,
            history.store_context(tx),
            frozenset(identity for identity, one in book.portfolios.items() if needs_review(book, one)),
            [portfolio[one.id] for one in decided.frame.portfolios],
            decision_contexts.symbol_keys(book.database),
            able_rows(book, decided.frame),
            *_earlier(book, decided, rows),
        )


def _earlier(book: Book, decided: DecidedBook, rows: Rows) -> tuple[dict[int, int], dict[int, int]]:
    """By row, the keys of the open run and of the system run of the day, where there is one."""
    accounts, ids = decided.frame.accounts, book.account_table.ids
    open_rows = rows[accounts.marks[rows] & int(Mark.OPEN_RUN) != 0].tolist()
    had_rows = rows[accounts.system_run_on[rows] == decided.day_context.day].tolist()
    runs_in_progress = {row: book.open_runs[ids[row]].id for row in open_rows}
    had = {row: book.system_runs[ids[row]][1] for row in had_rows}
    known = keys(book.database, "runs", {*runs_in_progress.values(), *had.values()})
    return {row: known[run] for row, run in runs_in_progress.items()}, {row: known[run] for row, run in had.items()}

"""Inputs shared by all decisions of one evaluation pass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rebal_tui.engine.arrays.frame import Mark
from rebal_tui.engine.arrays.statuses import Statuses
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.evaluation import history
from rebal_tui.services.evaluation.review_rule import reviewed_portfolios, reviewed_rows
from rebal_tui.services.evaluation.statuses import book_statuses, evaluation_context
from rebal_tui.services.evaluation.whole_book import DecidedBook
from rebal_tui.services.evaluation_pass.surge_guard import Surge, measure_surge, report_surge
from rebal_tui.services.runs.starting import Rows, able_rows
from rebal_tui.store import decision_contexts
from rebal_tui.store.id_keys import keys


@dataclass(frozen=True, slots=True, eq=False)
class PassContext:
    """The outcomes of a pass and the inputs that all its decisions share.

    `context_key` is the number of the stored decision context. `portfolio_keys` are the portfolios' integer keys in the
    order of the frame, `asset_keys` those of the assets by label. By account row: `reviewed` is whether the account's
    runs await approval because of its portfolio or subscription; `surge` marks the runs that wait because of the surge
    guard (R-57); `runs_in_progress` has the keys of the open runs, `todays_runs` those of earlier automatic runs of the
    day. `able` is whether a run of the account can be planned in the arrays without further checks, and `statuses` has
    the status of every account.
    """

    decided: DecidedBook
    context_key: int
    reviewed: npt.NDArray[np.bool_]
    surge: Surge
    portfolio_keys: Sequence[int]
    asset_keys: dict[str, int]
    able: npt.NDArray[np.bool_]
    runs_in_progress: dict[int, int]
    todays_runs: dict[int, int]
    statuses: Statuses

    @property
    def awaits(self) -> npt.NDArray[np.bool_]:
        """By account row, whether a run that the pass creates will await approval."""
        return np.asarray(self.reviewed | self.surge.held)

    @classmethod
    def of(cls, tx: BookTransaction, decided: DecidedBook, rows: Rows, *, surged: bool) -> PassContext:
        """Store the decision context of `decided`, made just now, and return the context of the pass for `rows`.

        `surged` is whether the surge guard found a surge in an earlier chunk of the pass.
        """
        book = tx.book
        reviewed = reviewed_rows(book, decided.frame, reviewed_portfolios(book))
        surge = measure_surge(book, decided, rows, reviewed, surged=surged)
        report_surge(tx, surge)
        portfolio = keys(book.database, "portfolios", book.portfolios)
        return cls(
            decided,
            history.store_context(tx),
            reviewed,
            surge,
            [portfolio[one.id] for one in decided.frame.portfolios],
            decision_contexts.symbol_keys(book.database),
            able_rows(book, decided.frame),
            *_earlier(book, decided, rows),
            book_statuses(book, decided.frame, decided.day_context, evaluation_context(book)),
        )


def _earlier(book: Book, decided: DecidedBook, rows: Rows) -> tuple[dict[int, int], dict[int, int]]:
    """By account row, the keys of the open runs and the keys of the day's automatic runs."""
    accounts, ids = decided.frame.accounts, book.account_table.ids
    open_rows = rows[accounts.marks[rows] & int(Mark.OPEN_RUN) != 0].tolist()
    had_rows = rows[accounts.system_run_on[rows] == decided.day_context.day].tolist()
    runs_in_progress = {row: book.open_runs[ids[row]].id for row in open_rows}
    had = {row: book.system_runs[ids[row]][1] for row in had_rows}
    known = keys(book.database, "runs", {*runs_in_progress.values(), *had.values()})
    return {row: known[run] for row, run in runs_in_progress.items()}, {row: known[run] for row, run in had.items()}

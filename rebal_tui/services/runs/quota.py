"""Release of the session's quota by automatic runs that placed no order (R-11)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rebal_tui.domain.runs import InitiatedFrom, Run
from rebal_tui.services.book.book import BookTransaction
from rebal_tui.store import runs


def release_quota(tx: BookTransaction, ended: Sequence[Run]) -> None:
    """Remove from the quota those automatic runs of `ended` that sent no order to the broker."""
    book = tx.book
    released = runs.release_quota(tx, [run.id for run in ended if run.initiated_from is InitiatedFrom.SYSTEM])
    for run in ended:
        if run.id in released and book.quota_run(run.account_id, run.session) == run.id:
            tx.after_commit(partial(book.system_runs.pop, run.account_id, None))

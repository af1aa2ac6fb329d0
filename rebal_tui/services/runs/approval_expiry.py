"""Cancellation of runs that were not approved by the end of their window; some are proposed once more (R-27)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from rebal_tui.domain.portfolios import Subscription
from rebal_tui.domain.runs import Run
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.runs.queueing import cancel_queued
from rebal_tui.store import decisions, portfolios

CALENDAR, UPDATE = "calendar", "portfolio_update"
"""The checks that propose a run on one day only."""


def expire_unapproved(book: Book, awaiting: Sequence[Run]) -> list[Run]:
    """Cancel those runs of `awaiting` whose window ended without an approval (R-27); returns the canceled runs.

    The window is that of the session in which the run was created. A run of a calendar condition or of an update of the
    portfolio is proposed again at the next session, once. In a files book no run expires (R-73).
    """
    if book.settings.one_list:
        return []
    expired = []
    for run in awaiting:
        session = book.calendar.at(run.created_at)
        if session is None or book.now() > session.window_end:
            expired.append(run)
    if not expired:
        return []
    with book.write() as tx:
        canceled = cancel_queued(tx, expired, "not approved by the end of the window")
        _propose_again(tx, expired)
        tx.apply_run_states(canceled)
    return canceled


def _propose_again(tx: BookTransaction, expired: Sequence[Run]) -> None:
    book = tx.book
    triggers = decisions.deciding_of_runs(book.database, [run.id for run in expired])
    marked = []
    for run in expired:
        subscription = book.subscriptions.get(run.account_id)
        if subscription is not None and subscription.id == run.subscription_id:
            after = _marked(book, run, subscription, triggers.get(run.id, ""))
            if after != subscription:
                marked.append(after)
    portfolios.set_proposals(tx, marked)
    tx.after_commit(partial(_apply, book, marked))


def _marked(book: Book, run: Run, subscription: Subscription, trigger: str) -> Subscription:
    """The subscription of an expired run: marked to be proposed again at the next session, or unchanged.

    `trigger` is the check that created the run.
    """
    session = book.calendar.at(run.created_at)
    if session is None or trigger not in (CALENDAR, UPDATE):
        return subscription
    repeated = subscription.propose_on == session.day
    if trigger == UPDATE:
        changed_at, spent_at = book.portfolios[subscription.portfolio_id].changed_at, subscription.update_spent_at
        repeated = repeated and spent_at is not None and changed_at <= spent_at
        subscription = replace(subscription, update_spent_at=run.created_at)
    return subscription if repeated else replace(subscription, propose_on=session.next_day)


def _apply(book: Book, marked: Sequence[Subscription]) -> None:
    for subscription in marked:
        book.subscriptions[subscription.account_id] = subscription

"""Accounts whose evaluation or other work fails: found one by one, put into quarantine, and retried (R-52)."""

from __future__ import annotations

from dataclasses import replace

from rebal_tui.domain.errors import Refusal
from rebal_tui.domain.quarantine import QuarantineKind
from rebal_tui.engine.evaluation import evaluate
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.quarantine import end_work, is_general, isolated
from rebal_tui.services.book.quarantine_view import Work
from rebal_tui.services.evaluation.account import situation
from rebal_tui.store import cash


def set_apart_failing(book: Book, error: Exception) -> bool:
    """After an error in an evaluation pass, put the accounts whose evaluation fails into quarantine.

    Each subscribed account is evaluated alone, which takes long in a large book. Returns whether any account was put
    into quarantine; False for an error that concerns no single account.
    """
    if is_general(error) or isinstance(error, Refusal):
        return False
    book.reload()
    before = len(book.quarantine.rows)
    for account_id in list(book.subscriptions):
        if not book.is_paused(account_id):
            _evaluate(book, account_id)
    return len(book.quarantine.rows) > before


def retry_work(book: Book) -> None:
    """Retry the work in quarantine that is due.

    Runs, rechecks and reconciliations are only queued here; withdrawals are retried elsewhere. Work that no longer
    exists leaves the quarantine.
    """
    for one in book.quarantine.due(QuarantineKind.PROCESSING, book.now()):
        account_id, _, what = one.subject.rpartition(" ")
        if what == Work.EVALUATION and account_id in book.subscriptions:
            _evaluate(book, account_id)
        elif what == Work.RUN and account_id in book.open_runs:
            book.work_queue.add([account_id])
        elif what == Work.RECHECK and account_id in book.holds:
            book.accounts_to_recheck.add(account_id)
        elif what in (Work.RECONCILIATION, Work.JOURNALS) and _has_something_open(book, account_id):
            book.reconciled = False
        elif what != Work.WITHDRAWAL or cash.open_withdrawal(book.database, account_id) is None:
            end_work(book, account_id, Work(what))


def _has_something_open(book: Book, account_id: str) -> bool:
    return account_id in book.open_runs or any(owner == account_id for owner, _ in cash.open_journals(book.database))


def _evaluate(book: Book, account_id: str) -> None:
    """Evaluate an account as if nothing paused it, because a pause would end the evaluation before it fails."""
    with isolated(book, account_id, Work.EVALUATION):
        evaluate(replace(situation(book, account_id, ignore_window=True), unreconciled=""))

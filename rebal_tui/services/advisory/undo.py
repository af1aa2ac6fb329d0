"""Undo of a change that has caused no orders yet: subscriptions, moves, unsubscriptions and portfolio edits.

A change returns an `Undo`. The change can be undone until the next evaluation of any account, or until one of the
changed accounts or the changed portfolio changes again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rebal_tui.domain.accounts import AccountStatus
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus, Subscription
from rebal_tui.services.advisory import bulk, portfolios, subscriptions, versions
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.view_models.accounts import BulkResult
from rebal_tui.store import jobs
from rebal_tui.store import portfolios as store


@dataclass(frozen=True, slots=True)
class SubscriptionChange:
    """The subscription of an account before and after a change; None where it had none."""

    account_id: str
    before: Subscription | None
    after: Subscription | None


@dataclass(frozen=True, slots=True)
class Undo:
    """What is needed to reverse a change of subscriptions or of a portfolio.

    `evaluations` identifies the newest evaluation in the book at the time of the change. `refusal` is why the change
    cannot be undone, empty if it can. `portfolio` has the portfolio before and after the change.
    """

    evaluations: tuple[int, int]
    changes: tuple[SubscriptionChange, ...] = ()
    portfolio: tuple[Portfolio, Portfolio] | None = None
    refusal: str = ""

    @property
    def refused(self) -> str:
        """Why the change cannot be undone, as a sentence to append to the message about the change; empty if it can.

        It begins with a space: ` An account had an open run, so …`.
        """
        return f" {self.refusal[:1].upper()}{self.refusal[1:]}." if self.refusal else ""

    def followed_by(self, later: Undo) -> Undo:
        """One `Undo` for this change of subscriptions and a later one of other accounts."""
        return replace(self, changes=self.changes + later.changes, refusal=self.refusal or later.refusal)


def subscribe_all(
    book: Book, account_ids: Sequence[str], portfolio_id: str, *, moving: bool
) -> tuple[tuple[BulkResult, ...], Undo | None]:
    """Subscribe accounts, or with `moving` move them to another portfolio, so that this can be undone.

    Returns a result for each account, and the `Undo` of the change, None when nothing changed.
    """
    return _subscriptions(book, account_ids, lambda: bulk.subscribe_all(book, account_ids, portfolio_id, moving=moving))


def unsubscribe_all(book: Book, account_ids: Sequence[str]) -> tuple[tuple[BulkResult, ...], Undo | None]:
    """End the subscriptions of accounts, so that this can be undone.

    Returns a result for each account, and the `Undo` of the change, None when nothing changed.
    """
    return _subscriptions(book, account_ids, lambda: bulk.unsubscribe_all(book, account_ids))


def update_portfolio(book: Book, portfolio_id: str, body: PortfolioBody) -> tuple[Portfolio, Undo]:
    """Give a portfolio the content `body`; returns the changed portfolio and the `Undo` of the change.

    Raises the errors of `portfolios.update_portfolio`.
    """
    return _edit(book, portfolio_id, lambda: portfolios.update_portfolio(book, portfolio_id, body))


def go_back(book: Book, portfolio_id: str, number: int) -> tuple[Portfolio, Undo]:
    """Return a portfolio to the version `number`; returns the changed portfolio and the `Undo` of the change.

    Raises the errors of `versions.go_back`.
    """
    return _edit(book, portfolio_id, lambda: versions.go_back(book, portfolio_id, number))


def undo(book: Book, change: Undo) -> None:
    """Reverse a change in one transaction, with audit entries of its own.

    Afterward, subscriptions and portfolio are as they were before the change, including the time of the last rebalance.
    Raises `Conflict` if an evaluation of the book has run since the change, if one of the changed accounts or the
    changed portfolio has changed again, if one of these accounts had an open run at the time of the change or has one
    now, if it is in a withdrawal or not ACTIVE, if its former portfolio is inactive, or if the edit made the portfolio
    active.
    """
    if change.refusal:
        raise Conflict(change.refusal)
    if book.pass_in_progress is not None or jobs.evaluation_mark(book.database) != change.evaluations:
        raise Conflict("an evaluation has run since, so the change cannot be undone; reverse it by another change")
    busy = subscriptions.withdrawing(book)
    for one in change.changes:
        _check(book, one)
        subscriptions.check_withdrawal(busy, one.account_id)
    if change.portfolio is not None:
        _undo_edit(book, *change.portfolio)
    if change.changes:
        with book.write() as tx:
            for one in change.changes:
                _undo_subscription(tx, one)
            subscriptions.reload_changed(tx, [one.account_id for one in change.changes])
            tx.reload_holds()
            tx.reload_unfinished()


def _subscriptions(
    book: Book, account_ids: Sequence[str], change: Callable[[], tuple[BulkResult, ...]]
) -> tuple[tuple[BulkResult, ...], Undo | None]:
    before = {account_id: book.subscriptions.get(account_id) for account_id in account_ids}
    with_run = book.open_runs.keys() & before.keys()
    results = change()
    changes = tuple(
        SubscriptionChange(account_id, old, new)
        for account_id, old in before.items()
        if (new := book.subscriptions.get(account_id)) != old
    )
    if not changes:
        return results, None
    blocked = any(one.account_id in with_run for one in changes)
    refusal = "an account had an open run, so the change cannot be undone; reverse it by another change"
    return results, Undo(jobs.evaluation_mark(book.database), changes, refusal=refusal if blocked else "")


def _edit(book: Book, portfolio_id: str, change: Callable[[], Portfolio]) -> tuple[Portfolio, Undo]:
    before = book.portfolio(portfolio_id)
    after = change()
    refusal = ""
    if before.status is not after.status:
        refusal = f"the edit made {after.name} active, so it cannot be undone; Versions goes back to an earlier one"
    return after, Undo(jobs.evaluation_mark(book.database), portfolio=(before, after), refusal=refusal)


def _check(book: Book, change: SubscriptionChange) -> None:
    """Raise `Conflict` when an account or its subscription is no longer as the change left it."""
    account = book.account(change.account_id)
    if book.subscriptions.get(change.account_id) != change.after:
        raise Conflict(f"account {account.account_number} was changed again; reverse it by another change")
    if change.account_id in book.open_runs:
        raise Conflict(f"account {account.account_number} has an open run; cancel it first")
    if change.before is None:
        return
    portfolio = book.portfolio(change.before.portfolio_id)
    if account.status is not AccountStatus.ACTIVE:
        raise Conflict(f"account {account.account_number} is {account.status}, not ACTIVE")
    if portfolio.status is PortfolioStatus.INACTIVE:
        raise Conflict(f"portfolio {portfolio.name} is inactive; reactivate it first")


def _undo_subscription(tx: BookTransaction, change: SubscriptionChange) -> None:
    if change.after is not None:
        subscriptions.end(tx, change.after, undo=True)
    if change.before is not None:
        store.resume_subscription(tx, change.before.id)
        detail = {"account": change.account_id, "portfolio": change.before.portfolio_id, "undo": True}
        tx.record("subscription.created", change.before.id, detail, "advisor")


def _undo_edit(book: Book, before: Portfolio, after: Portfolio) -> None:
    stored = book.portfolio(after.id)
    if stored != after:
        raise Conflict(f"portfolio {stored.name} was changed again; Versions goes back to an earlier one")
    portfolios.require_eligible(book, before.weights)
    portfolios.store_change(book, after, replace(before, updated_at=book.now()), "portfolio.updated", {"undo": True})

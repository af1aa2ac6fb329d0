"""Subscriptions: one account or many (R-6)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from rebal_tui.domain.accounts import AccountStatus
from rebal_tui.domain.errors import Conflict, NotFound, Refusal
from rebal_tui.domain.portfolios import PortfolioStatus, Subscription
from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.book import Book
from rebal_tui.services.queueing import cancel_queued
from rebal_tui.store import cash, meta, portfolios


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """What became of one account of a bulk action; `refusal` is why it was left out, None when it was done."""

    account_id: str
    subscription: Subscription | None
    refusal: str | None


def subscribe(
    book: Book, account_id: str, portfolio_id: str, *, last_rebalanced_at: datetime | None = None
) -> Subscription:
    """Subscribe an account to a portfolio.

    Raises `Conflict` when the account is not ACTIVE, is subscribed already, has open orders or a withdrawal under way,
    or when the portfolio is not active.
    """
    _check(book, account_id, portfolio_id)
    _check_free(book, account_id)
    with book.database.write():
        subscription = Subscription(
            meta.next_id(book.database), account_id, portfolio_id, book.now(), last_rebalanced_at
        )
        portfolios.add_subscriptions(book.database, [subscription])
        detail = {"account": account_id, "portfolio": portfolio_id}
        book.record("subscription.created", subscription.id, detail, "advisor")
    book.reload_subscriptions([account_id])
    return subscription


def subscribe_by_hand(book: Book, account_id: str, portfolio_id: str) -> Subscription:
    """`subscribe`, refused while a withdrawal will subscribe the account again by itself."""
    _check_withdrawal(book, account_id)
    return subscribe(book, account_id, portfolio_id)


def check_move(book: Book, account_id: str, portfolio_id: str) -> None:
    """Raise as `move` would; changes nothing."""
    current = book.subscriptions.get(account_id)
    if current is not None and current.portfolio_id == portfolio_id:
        raise Conflict(f"account {book.account(account_id).account_number} follows this portfolio already")
    _check_withdrawal(book, account_id)
    _check(book, account_id, portfolio_id)


def check_subscribe(book: Book, account_id: str, portfolio_id: str) -> None:
    """Raise as `subscribe_by_hand` would; changes nothing."""
    _check_withdrawal(book, account_id)
    _check(book, account_id, portfolio_id)
    _check_free(book, account_id)


def _check_withdrawal(book: Book, account_id: str) -> None:
    if any(w.account_id == account_id for w in cash.withdrawals(book.database, only_open=True)):
        raise Conflict("a withdrawal is under way; it subscribes the account again")


def _check_free(book: Book, account_id: str) -> None:
    if account_id in book.subscriptions:
        number = book.account(account_id).account_number
        raise Conflict(f"subscription already exists: account {number} follows a portfolio")


def _check(book: Book, account_id: str, portfolio_id: str) -> None:
    """What an account and a portfolio need for any new subscription (R-6)."""
    account, portfolio = book.account(account_id), book.portfolio(portfolio_id)
    if account.status is not AccountStatus.ACTIVE:
        raise Conflict(f"account {account.account_number} is {account.status}, not ACTIVE")
    if portfolio.status is not PortfolioStatus.ACTIVE:
        raise Conflict(f"portfolio {portfolio.name} is {portfolio.status}, not active")
    if book.broker.open_orders(account_id):
        raise Conflict(f"account {account.account_number} has open orders")


def subscribe_many(book: Book, account_ids: Iterable[str], portfolio_id: str) -> list[BulkOutcome]:
    """Subscribe several accounts, with an outcome for each; one refusal does not stop the others."""
    outcomes = []
    for account_id in account_ids:
        try:
            outcomes.append(BulkOutcome(account_id, subscribe_by_hand(book, account_id, portfolio_id), None))
        except Refusal as refusal:
            outcomes.append(BulkOutcome(account_id, None, str(refusal)))
    return outcomes


def unsubscribe(book: Book, subscription_id: str) -> None:
    """End a subscription: its QUEUED run is canceled, a run in progress finishes (R-6). Raises `NotFound`."""
    account_id = book.subscription_table.account_of(subscription_id)
    if account_id is None:
        raise NotFound(f"no subscription {subscription_id}")
    subscription = book.subscriptions[account_id]
    run = book.open_runs.get(subscription.account_id)
    with book.database.write():
        portfolios.end_subscription(book.database, subscription_id, book.now())
        if run is not None and run.status is RunStatus.QUEUED and run.subscription_id == subscription_id:
            cancel_queued(book, [run], "the subscription was ended")
        book.record("subscription.ended", subscription_id, {"account": subscription.account_id}, "advisor")
    book.reload_subscriptions([account_id])
    book.reload_run(account_id)


def unsubscribe_many(book: Book, account_ids: Iterable[str]) -> list[BulkOutcome]:
    """End the subscriptions of several accounts, with an outcome for each."""
    outcomes = []
    for account_id in account_ids:
        try:
            unsubscribe_account(book, account_id)
            outcomes.append(BulkOutcome(account_id, None, None))
        except Refusal as refusal:
            outcomes.append(BulkOutcome(account_id, None, str(refusal)))
    return outcomes


def unsubscribe_account(book: Book, account_id: str) -> None:
    """End an account's subscription. Raises `Conflict` when it has none."""
    subscription = book.subscriptions.get(account_id)
    if subscription is None:
        raise Conflict(f"account {book.account(account_id).account_number} follows no portfolio")
    unsubscribe(book, subscription.id)


def move(book: Book, account_id: str, portfolio_id: str) -> Subscription:
    """Take an account from its portfolio to another, or subscribe it when it follows none; all or nothing.

    The new subscription has never been rebalanced, so the next evaluation realigns the account (R-14.1).
    """
    check_move(book, account_id, portfolio_id)
    current = book.subscriptions.get(account_id)
    with book.database.write():
        if current is not None:
            unsubscribe(book, current.id)
        return subscribe_by_hand(book, account_id, portfolio_id)


def move_many(book: Book, account_ids: Iterable[str], portfolio_id: str) -> list[BulkOutcome]:
    """Move several accounts, with an outcome for each; one refusal does not stop the others."""
    outcomes = []
    for account_id in account_ids:
        try:
            outcomes.append(BulkOutcome(account_id, move(book, account_id, portfolio_id), None))
        except Refusal as refusal:
            book.reload_subscriptions([account_id])
            book.reload_run(account_id)
            outcomes.append(BulkOutcome(account_id, None, str(refusal)))
    return outcomes

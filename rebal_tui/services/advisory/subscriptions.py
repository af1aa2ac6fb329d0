"""Subscribing, unsubscribing and moving accounts, one or many in one transaction (R-6)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from rebal_tui.domain.accounts import AccountStatus
from rebal_tui.domain.errors import Conflict, NotFound, Refusal
from rebal_tui.domain.portfolios import PortfolioStatus, Subscription
from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.book.book import ADVISOR, Book, BookTransaction
from rebal_tui.services.runs.queueing import cancel_queued
from rebal_tui.store import book_settings, cash, continuation, outbox, portfolios


@dataclass(frozen=True, slots=True)
class BulkOutcome:
    """The result of a bulk action for one account.

    `refusal` is why it was refused, None on success. `subscription` is the new subscription, None when the account was
    unsubscribed or refused.
    """

    account_id: str
    subscription: Subscription | None
    refusal: str | None


def subscribe(
    book: Book,
    account_id: str,
    portfolio_id: str,
    *,
    last_rebalanced_at: datetime | None = None,
    ended_since: datetime | None = None,
    who: str | None = ADVISOR,
) -> Subscription:
    """Subscribe an account to a portfolio (R-6).

    If a subscription of the account to this portfolio ended at `ended_since` or later, the new one inherits three
    things from the ended one: its overrides, its trade marker (`unsolicited` or `discretionary`) and the sells that it
    left undone. `last_rebalanced_at` is that of the new subscription; None makes the next evaluation create a first
    run. `who` is the actor for the audit trail, as in `BookTransaction.record`. Raises `NotFound` for an unknown
    account or portfolio, and `Conflict` when the account is not ACTIVE, is subscribed already or has open orders, or
    when the portfolio is not active.
    """
    _check(book, account_id, portfolio_id)
    _check_free(book, account_id)
    with book.write() as tx:
        subscription = _begin(tx, account_id, portfolio_id, last_rebalanced_at, who)
        tx.reload_subscriptions([account_id])
        if ended_since is not None:
            _continue(tx, subscription, ended_since)
    return subscription


def subscribe_manually(book: Book, account_id: str, portfolio_id: str) -> Subscription:
    """Subscribe an account at the request of a person. Raises the errors of `subscribe`.

    Also raises `Conflict` while a withdrawal of the account is in progress, because the withdrawal subscribes the
    account again in its last step.
    """
    check_withdrawal(withdrawing(book), account_id)
    return subscribe(book, account_id, portfolio_id)


def withdrawing(book: Book) -> frozenset[str]:
    """The ids of the accounts with a withdrawal in progress."""
    return frozenset(w.account_id for w in cash.withdrawals(book.database, only_open=True))


def check_move(book: Book, account_id: str, portfolio_id: str, busy: Collection[str]) -> None:
    """Raise the error that `move` would raise, if any; changes nothing. `busy` is the result of `withdrawing`."""
    current = book.subscriptions.get(account_id)
    if current is not None and current.portfolio_id == portfolio_id:
        raise Conflict(f"account {book.account(account_id).account_number} already follows this portfolio")
    check_withdrawal(busy, account_id)
    _check(book, account_id, portfolio_id)


def check_subscribe(book: Book, account_id: str, portfolio_id: str, busy: Collection[str]) -> None:
    """Raise the error that `subscribe_manually` would raise, if any; changes nothing.

    `busy` is the result of `withdrawing`.
    """
    check_withdrawal(busy, account_id)
    _check(book, account_id, portfolio_id)
    _check_free(book, account_id)


def check_withdrawal(busy: Collection[str], account_id: str) -> None:
    """Raise `Conflict` if the account is in `busy`, because its withdrawal in progress will subscribe it again."""
    if account_id in busy:
        raise Conflict("a withdrawal is in progress and will resubscribe the account")


def _check_free(book: Book, account_id: str) -> None:
    if account_id in book.subscriptions:
        number = book.account(account_id).account_number
        raise Conflict(f"subscription already exists: account {number} follows a portfolio")


def _check(book: Book, account_id: str, portfolio_id: str) -> None:
    """Raise the error of an account or a portfolio that does not permit a new subscription (R-6)."""
    account, portfolio = book.account(account_id), book.portfolio(portfolio_id)
    if account.status is not AccountStatus.ACTIVE:
        raise Conflict(f"account {account.account_number} is {account.status}, not ACTIVE")
    if portfolio.status is not PortfolioStatus.ACTIVE:
        raise Conflict(f"portfolio {portfolio.name} {portfolio.status.predicate}")
    if has_open_orders(book, account_id):
        raise Conflict(f"account {account.account_number} has open orders")


def has_open_orders(book: Book, account_id: str) -> bool:
    """Whether the account has open orders: orders of its run, or external orders.

    The simulated broker is asked; with a real broker, the book's records are used.
    """
    if book.live is None:
        return bool(book.broker.open_orders(account_id))
    run = book.open_runs.get(account_id)
    if run is not None and run.status is RunStatus.IN_PROGRESS:
        return outbox.progress(book.database, [run.id])[run.id].open > 0
    return book.extras[account_id].external_orders > 0


def _subscribed(book: Book, account_id: str) -> Subscription:
    """An account's subscription. Raises `Conflict` when it has none."""
    number = book.account(account_id).account_number
    subscription = book.subscriptions.get(account_id)
    if subscription is None:
        raise Conflict(f"account {number} follows no portfolio")
    return subscription


def unsubscribe(book: Book, subscription_id: str, who: str | None = ADVISOR) -> None:
    """End a subscription: its QUEUED run is canceled, a run in progress finishes (R-6). Raises `NotFound`.

    `who` is the actor for the audit trail, as in `BookTransaction.record`.
    """
    account_id = book.subscription_table.account_of(subscription_id)
    if account_id is None:
        raise NotFound(f"no subscription {subscription_id}")
    with book.write() as tx:
        end(tx, book.subscriptions[account_id], who=who)
        reload_changed(tx, [account_id])


def move(book: Book, account_id: str, portfolio_id: str) -> Subscription:
    """Move an account to another portfolio, or subscribe it if it has no subscription, in one transaction.

    The new subscription has never been rebalanced, so the next evaluation creates its first run (R-14.2). Raises
    `Conflict` when the account follows this portfolio already, and during a withdrawal; otherwise the errors of
    `subscribe`.
    """
    check_move(book, account_id, portfolio_id, withdrawing(book))
    with book.write() as tx:
        made = _move(tx, account_id, portfolio_id)
        reload_changed(tx, [account_id])
    return made


def subscribe_many(book: Book, account_ids: Iterable[str], portfolio_id: str) -> list[BulkOutcome]:
    """Subscribe several accounts, with an outcome for each; a refusal for one does not stop the others."""
    busy = withdrawing(book)
    return _each(
        book,
        account_ids,
        lambda account_id: check_subscribe(book, account_id, portfolio_id, busy),
        lambda tx, account_id: _begin(tx, account_id, portfolio_id),
    )


def unsubscribe_many(book: Book, account_ids: Iterable[str]) -> list[BulkOutcome]:
    """End the subscriptions of several accounts, with an outcome for each."""
    return _each(
        book,
        account_ids,
        lambda account_id: _subscribed(book, account_id),
        lambda tx, account_id: end(tx, book.subscriptions[account_id]),
    )


def move_many(book: Book, account_ids: Iterable[str], portfolio_id: str) -> list[BulkOutcome]:
    """Move several accounts, with an outcome for each; a refusal for one does not stop the others."""
    busy = withdrawing(book)
    return _each(
        book,
        account_ids,
        lambda account_id: check_move(book, account_id, portfolio_id, busy),
        lambda tx, account_id: _move(tx, account_id, portfolio_id),
    )


def _each(
    book: Book,
    account_ids: Iterable[str],
    check: Callable[[str], object],
    act: Callable[[BookTransaction, str], Subscription | None],
) -> list[BulkOutcome]:
    """Call `check` for every account, then `act` for those that it accepts, in one write transaction.

    An account listed twice is refused the second time. The outcomes are in the order of `account_ids`.
    """
    outcomes: list[BulkOutcome] = []
    todo: dict[str, int] = {}
    for index, account_id in enumerate(account_ids):
        refusal = None
        try:
            if account_id in todo:
                raise Conflict(f"account {book.account(account_id).account_number} is listed twice")
            check(account_id)
            todo[account_id] = index
        except Refusal as refused:
            refusal = str(refused)
        outcomes.append(BulkOutcome(account_id, None, refusal))
    with book.write() as tx:
        for account_id, index in todo.items():
            outcomes[index] = BulkOutcome(account_id, act(tx, account_id), None)
        reload_changed(tx, list(todo))
    return outcomes


def _begin(
    tx: BookTransaction,
    account_id: str,
    portfolio_id: str,
    last: datetime | None = None,
    who: str | None = ADVISOR,
) -> Subscription:
    book = tx.book
    subscription = Subscription(book_settings.next_id(tx), account_id, portfolio_id, book.now(), last)
    portfolios.add_subscriptions(tx, [subscription])
    detail = {"account": account_id, "portfolio": portfolio_id}
    tx.record("subscription.created", subscription.id, detail, who)
    return subscription


def _continue(tx: BookTransaction, subscription: Subscription, since: datetime) -> None:
    """Give a subscription the overrides, the trade marker and the sells left undone of an earlier one.

    The earlier one is of the same account and portfolio and ended at `since` or later; without one, nothing happens.
    """
    account_id, portfolio_id = subscription.account_id, subscription.portfolio_id
    ended = continuation.ended_since(tx.database, account_id, portfolio_id, since)
    if ended is not None:
        continuation.continue_as(tx, ended, subscription.id)
        tx.reload_holds()
        tx.reload_unfinished()


def end(tx: BookTransaction, subscription: Subscription, *, undo: bool = False, who: str | None = ADVISOR) -> None:
    """End a subscription and cancel its QUEUED run; with `undo`, the audit entry records that a change was undone.

    `who` is the actor for the audit trail, as in `BookTransaction.record`.
    """
    book = tx.book
    portfolios.end_subscription(tx, subscription.id, book.now())
    run = book.open_runs.get(subscription.account_id)
    if run is not None and run.status is RunStatus.QUEUED and run.subscription_id == subscription.id:
        cancel_queued(tx, [run], "the subscription ended")
    detail = {"account": subscription.account_id, **({"undo": True} if undo else {})}
    tx.record("subscription.ended", subscription.id, detail, who)


def _move(tx: BookTransaction, account_id: str, portfolio_id: str) -> Subscription:
    book = tx.book
    current = book.subscriptions.get(account_id)
    if current is not None:
        end(tx, current)
    return _begin(tx, account_id, portfolio_id)


def reload_changed(tx: BookTransaction, account_ids: Sequence[str]) -> None:
    """Once the transaction commits, read these accounts' subscriptions, overrides (R-67) and open runs again."""
    tx.reload_subscriptions(account_ids)
    if not tx.book.rules_view.overrides.keys().isdisjoint(account_ids):
        tx.reload_holds()
    for account_id in account_ids:
        if account_id in tx.book.open_runs:
            tx.reload_run(account_id)

"""Withdrawals: one request by the advisor, processed in durable steps (R-32)."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rebal_tui.broker.failures import BrokerPending, BrokerUnavailable
from rebal_tui.domain.cash import Withdrawal, WithdrawalStage
from rebal_tui.domain.errors import Conflict, Fault, Invalid
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import RunStatus
from rebal_tui.engine.restrictions import blocking_reasons
from rebal_tui.services.advisory.withdrawal_sale import Sale, sale_of_amount, sale_of_everything, worth_of_everything
from rebal_tui.services.advisory.withdrawal_steps import move, owner_of, restore_subscription, take_step
from rebal_tui.services.book.book import ADVISOR, Book
from rebal_tui.services.book.quarantine import isolated
from rebal_tui.services.book.quarantine_view import Work
from rebal_tui.services.evaluation.account import value_of
from rebal_tui.services.runs.queueing import cancel_queued
from rebal_tui.store import book_settings, cash, reservations, runs


def request_withdrawal(book: Book, account_id: str, amount: Money | None) -> Withdrawal:
    """Start a withdrawal of an amount, or of everything if `amount` is None (R-32).

    Raises `Conflict` when the account is not active or the broker blocks it (R-40), when it cannot raise the amount or
    has a withdrawal in progress, when everything is to be withdrawn while cash is reserved or a restriction keeps an
    asset, and when the broker does not answer; `Invalid` for an amount not above 0.
    """
    expected = check_withdrawal(book, account_id, amount).expected
    now, subscription = book.now(), book.subscriptions.get(account_id)
    with book.write() as tx:
        withdrawal = Withdrawal(
            id=book_settings.next_id(tx),
            account_id=account_id,
            portfolio_id=subscription.portfolio_id if subscription else None,
            amount=expected,
            stage=WithdrawalStage.REQUESTED,
            stopped=None,
            last_rebalanced_at=subscription.last_rebalanced_at if subscription else None,
            rounds=0,
            run_id=None,
            journal_id=None,
            created_at=now,
            updated_at=now,
            everything=amount is None,
        )
        cash.add_withdrawal(tx, withdrawal)
        detail = {"account": account_id, "amount": expected}
        if withdrawal.everything:
            detail["everything"] = True
        tx.record("withdrawal.requested", withdrawal.id, detail, "advisor")
        tx.changed()
    process_withdrawals(book)
    return cash.withdrawal(book.database, withdrawal.id)


@dataclass(frozen=True, slots=True)
class CheckedWithdrawal:
    """What a withdrawal would sell, and what it would pay out: the amount requested, or the worth of everything."""

    sale: Sale
    expected: Money


def check_withdrawal(book: Book, account_id: str, amount: Money | None) -> CheckedWithdrawal:
    """What a withdrawal would sell and pay out; changes nothing. Raises the errors of `request_withdrawal`."""
    account = book.account(account_id)
    if amount is not None and amount <= 0:
        raise Invalid([Fault("amount", "expected an amount above 0")])
    if cash.open_withdrawal(book.database, account_id) is not None:
        raise Conflict(f"a withdrawal from account {account.account_number} is in progress")
    stopped = blocking_reasons(account, value_of(book, account_id))
    if stopped:
        raise Conflict(f"account {account.account_number}: " + "; ".join(text for _, text in stopped))
    if amount is None:
        return CheckedWithdrawal(sale_of_everything(book, account_id), worth_of_everything(book, account_id))
    subscription = book.subscriptions.get(account_id)
    portfolio_id = subscription.portfolio_id if subscription else None
    try:
        return CheckedWithdrawal(sale_of_amount(book, account_id, portfolio_id, amount, ""), amount)
    except BrokerPending:
        raise
    except BrokerUnavailable as silence:
        raise Conflict("the broker did not answer; nothing was sent") from silence


def cancel_withdrawal(book: Book, withdrawal_id: str) -> Withdrawal:
    """Cancel a withdrawal and subscribe the account again to its portfolio.

    Raises `Conflict` when the withdrawal has reached the stage of its journal, while its sells are in progress, and
    when the account cannot be subscribed again.
    """
    withdrawal = cash.withdrawal(book.database, withdrawal_id)
    if not withdrawal.stage.cancelable:
        raise Conflict(f"the withdrawal can no longer be canceled: its stage is {withdrawal.stage}")
    run = runs.get(book.database, withdrawal.run_id) if withdrawal.run_id else None
    if run is not None and run.status is RunStatus.IN_PROGRESS:
        raise Conflict("its sells are in progress; cancel it after they finish")
    with book.write() as tx:
        if run is not None and run.status is RunStatus.QUEUED:
            cancel_queued(tx, [run], "the withdrawal was canceled")
        reservations.release(tx, withdrawal.account_id, owner_of(withdrawal))
        move(tx, withdrawal, WithdrawalStage.CANCELED, "canceled manually")
        restore_subscription(book, withdrawal, ADVISOR)
        tx.reload()
    return cash.withdrawal(book.database, withdrawal_id)


def retry_withdrawal(book: Book, withdrawal_id: str) -> Withdrawal:
    """Retry the step at which a withdrawal stopped. Raises `Conflict` when it has not stopped."""
    withdrawal = cash.withdrawal(book.database, withdrawal_id)
    if withdrawal.stage.final or withdrawal.stopped is None:
        raise Conflict("the withdrawal is not stopped")
    with book.write() as tx:
        cash.update_withdrawal(tx, replace(withdrawal, stopped=None, rounds=0, updated_at=book.now()))
        tx.record("withdrawal.retried", withdrawal_id, actor="advisor")
        tx.changed()
    process_withdrawals(book)
    return cash.withdrawal(book.database, withdrawal_id)


def process_withdrawals(book: Book) -> None:
    """Advance every open withdrawal as far as possible; each step is stored before the next begins.

    A withdrawal whose step fails goes into quarantine; the others continue (R-52).
    """
    for withdrawal in cash.withdrawals(book.database, only_open=True):
        account_id = withdrawal.account_id
        if not book.quarantine.work_waits(account_id, Work.WITHDRAWAL, book.now()):
            with isolated(book, account_id, Work.WITHDRAWAL):
                _advance(book, withdrawal)


def _advance(book: Book, withdrawal: Withdrawal) -> None:
    current = withdrawal
    while current.stopped is None and not current.stage.final:
        after = take_step(book, current)
        if after == current:
            break
        current = after

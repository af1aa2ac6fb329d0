"""Withdrawals: one request by the advisor, processed in durable steps (R-32)."""

from __future__ import annotations

from dataclasses import replace

from rebal_tui.broker.protocol import FIRM_ACCOUNT, BrokerRefused, BrokerUnavailable
from rebal_tui.domain.cash import (
    WITHDRAWAL_JOURNAL,
    JournalStatus,
    Owner,
    OwnerKind,
    Withdrawal,
    WithdrawalStage,
)
from rebal_tui.domain.errors import Conflict, Fault, Invalid, Refusal, require
from rebal_tui.domain.portfolios import AssetWeight, PortfolioStatus, Weights
from rebal_tui.domain.quantities import HUNDRED_PERCENT, Money, Percent
from rebal_tui.domain.runs import InitiatedFrom, RunStatus, RunType
from rebal_tui.engine.planning import AmountTooLarge
from rebal_tui.engine.restrictions import blocking_reasons
from rebal_tui.engine.trace_text import money
from rebal_tui.services.advisory import subscriptions
from rebal_tui.services.advisory.cash import reserve_for_journal, transferable
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.evaluation.account import value_of
from rebal_tui.services.evaluation.planning import plan_run, too_large_text
from rebal_tui.services.runs.queueing import cancel_queued, new_run, queue_manual_run
from rebal_tui.store import book_settings, cash, jobs, portfolios, reservations, runs

MAX_ROUNDS = 3
"""Liquidation attempts before a withdrawal stops; a later one covers a price drop before the sale."""


def request_withdrawal(book: Book, account_id: str, amount: Money) -> Withdrawal:
    """Start a withdrawal.

    Raises `Conflict` when the account is restricted, cannot raise the amount, or has a withdrawal in progress, and
    `Invalid` for an amount not above 0.
    """
    check_withdrawal(book, account_id, amount)
    now, subscription = book.now(), book.subscriptions.get(account_id)
    with book.write() as tx:
        withdrawal = Withdrawal(
            id=book_settings.next_id(tx),
            account_id=account_id,
            portfolio_id=subscription.portfolio_id if subscription else None,
            amount=amount,
            stage=WithdrawalStage.REQUESTED,
            stopped=None,
            last_rebalanced_at=subscription.last_rebalanced_at if subscription else None,
            rounds=0,
            run_id=None,
            journal_id=None,
            created_at=now,
            updated_at=now,
        )
        cash.add_withdrawal(tx, withdrawal)
        tx.record("withdrawal.requested", withdrawal.id, {"account": account_id, "amount": amount}, "advisor")
        tx.changed()
    process_withdrawals(book)
    return cash.withdrawal(book.database, withdrawal.id)


def check_withdrawal(book: Book, account_id: str, amount: Money) -> Weights:
    """The weights for the sale. Raises as `request_withdrawal` does; changes nothing."""
    account = book.account(account_id)
    if amount <= 0:
        raise Invalid([Fault("amount", "expected an amount above 0")])
    if any(w.account_id == account_id for w in cash.withdrawals(book.database, only_open=True)):
        raise Conflict(f"a withdrawal from account {account.account_number} is in progress")
    stopped = blocking_reasons(account, value_of(book, account_id))
    if stopped:
        raise Conflict(f"account {account.account_number}: " + "; ".join(text for _, text in stopped))
    weights = _weights(book, account_id, _portfolio_of(book, account_id))
    plan_run(book, account_id, RunType.PARTIAL_LIQUIDATION, weights, amount)
    return weights


def cancel_withdrawal(book: Book, withdrawal_id: str) -> Withdrawal:
    """Cancel a withdrawal before its journal and restore the account's subscription.

    Raises `Conflict` when the withdrawal is past that stage, while its sells are in progress, and when the account
    cannot be subscribed again.
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
        reservations.release(tx, withdrawal.account_id, _owner(withdrawal))
        _move(tx, withdrawal, WithdrawalStage.CANCELED, "canceled manually")
        _restore_subscription(book, withdrawal)
        tx.reload()
    return cash.withdrawal(book.database, withdrawal_id)


def retry_withdrawal(book: Book, withdrawal_id: str) -> Withdrawal:
    """Retry the step of a stopped withdrawal. Raises `Conflict` when it has not stopped."""
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
    """Advance every open withdrawal as far as possible; each step is stored before the next begins."""
    for withdrawal in cash.withdrawals(book.database, only_open=True):
        current = withdrawal
        while current.stopped is None and not current.stage.final:
            after = _step(book, current)
            if after == current:
                break
            current = after


def _step(book: Book, withdrawal: Withdrawal) -> Withdrawal:
    steps = {
        WithdrawalStage.REQUESTED: _unsubscribe,
        WithdrawalStage.UNSUBSCRIBED: _sell,
        WithdrawalStage.SELLING: _await_run,
        WithdrawalStage.SETTLING: _await_settlement,
        WithdrawalStage.JOURNALING: _journal,
        WithdrawalStage.RESUBSCRIBING: _resubscribe,
    }
    try:
        return steps[withdrawal.stage](book, withdrawal)
    except Refusal as refusal:
        return _stop(book, withdrawal, str(refusal))


def _unsubscribe(book: Book, withdrawal: Withdrawal) -> Withdrawal:
    run = book.open_runs.get(withdrawal.account_id)
    if run is not None and run.status is RunStatus.IN_PROGRESS:
        return withdrawal
    subscription = book.subscriptions.get(withdrawal.account_id)
    with book.write() as tx:
        last = withdrawal.last_rebalanced_at
        if subscription is not None:
            subscriptions.unsubscribe(book, subscription.id)
            last = subscription.last_rebalanced_at
        elif run is not None:
            cancel_queued(tx, [run], "a withdrawal was requested")
        known = replace(withdrawal, last_rebalanced_at=last)
        moved = _move(tx, known, WithdrawalStage.UNSUBSCRIBED)
        tx.reload_run(withdrawal.account_id)
    return moved


def _sell(book: Book, withdrawal: Withdrawal) -> Withdrawal:
    """Queue a liquidation for the missing amount; with enough settled cash, the run has no orders.

    Waits for a manual run requested in the meantime (R-7).
    """
    if withdrawal.account_id in book.open_runs:
        return withdrawal
    own = _reserved(book, withdrawal)
    missing = Money(withdrawal.amount - own)
    if missing <= 0:
        return _store(book, withdrawal, WithdrawalStage.SETTLING)
    weights = _weights(book, withdrawal.account_id, withdrawal.portfolio_id)
    try:
        plan_run(book, withdrawal.account_id, RunType.PARTIAL_LIQUIDATION, weights, missing)
    except Conflict as refusal:
        if isinstance(cause := refusal.__cause__, AmountTooLarge):
            others = Money(book.reserved(withdrawal.account_id) - own)
            raise Conflict(too_large_text(Money(own + cause.max_amount), others)) from cause
        raise
    with book.write() as tx:
        run = new_run(
            tx,
            withdrawal.account_id,
            RunType.PARTIAL_LIQUIDATION,
            weights,
            InitiatedFrom.API,
            amount=missing,
        )
        queue_manual_run(tx, run, f"withdrawal of {money(withdrawal.amount)}")
        sold = replace(withdrawal, run_id=run.id, rounds=withdrawal.rounds + 1)
        moved = _move(tx, sold, WithdrawalStage.SELLING)
        tx.reload_run(withdrawal.account_id)
    return moved


def _await_run(book: Book, withdrawal: Withdrawal) -> Withdrawal:
    require(withdrawal.run_id is not None, f"withdrawal {withdrawal.id} sells without a run")
    run = runs.get(book.database, withdrawal.run_id or "")
    if not run.status.final:
        return withdrawal
    if run.status.completed:
        return _store(book, withdrawal, WithdrawalStage.SETTLING)
    if run.status is RunStatus.TIMEOUT and withdrawal.rounds < MAX_ROUNDS:
        return _store(book, withdrawal, WithdrawalStage.UNSUBSCRIBED)
    return _stop(book, withdrawal, f"its run ended as {run.status}: {run.reason}", back_to=WithdrawalStage.UNSUBSCRIBED)


def _await_settlement(book: Book, withdrawal: Withdrawal) -> Withdrawal:
    try:
        ready = transferable(book, withdrawal.account_id, withdrawal.id)
    except BrokerUnavailable:
        return withdrawal
    if ready >= withdrawal.amount:
        return _store(book, withdrawal, WithdrawalStage.JOURNALING)
    own = _reserved(book, withdrawal)
    free = book.accounts[withdrawal.account_id].cash - _reserved_by_others(book, withdrawal)
    if free >= withdrawal.amount:
        # The rest is unsettled, or in an open order or journal.
        return withdrawal
    if withdrawal.rounds >= MAX_ROUNDS:
        return _stop(book, withdrawal, f"only {money(ready)} is transferable after {MAX_ROUNDS} liquidations")
    with book.write() as tx:
        left = Money(max(0, min(free, own)))
        reservations.set_amount(tx, withdrawal.account_id, _owner(withdrawal), left, withdrawal.created_at)
        moved = _move(tx, withdrawal, WithdrawalStage.UNSUBSCRIBED, "the sale proceeds do not cover the amount")
        tx.reload_accounts([withdrawal.account_id])
    return moved


def _journal(book: Book, withdrawal: Withdrawal) -> Withdrawal:
    """Create the journal. Its idempotency key is the withdrawal's id, so a retry after a restart gets the same journal.

    The id of a failed journal is stored as `journal_id` and gives the next attempt a new key. No money has moved in
    that case, so the withdrawal returns to a stage where it can be retried or canceled.
    """
    failed = withdrawal.journal_id
    key = f"wd-{withdrawal.id}-{failed[:8]}" if failed else f"wd-{withdrawal.id}"
    try:
        journal = book.broker.create_journal(
            withdrawal.account_id, FIRM_ACCOUNT, withdrawal.amount, WITHDRAWAL_JOURNAL, key
        )
        journal = book.broker.journal(journal.id)
    except BrokerRefused as refusal:
        return _stop(book, withdrawal, f"{refusal.code}: {refusal.message}", back_to=WithdrawalStage.SETTLING)
    except BrokerUnavailable:
        return withdrawal
    sync(book)
    reserve_for_journal(book, journal, withdrawal.account_id)
    ended = replace(withdrawal, journal_id=journal.id)
    if journal.status is JournalStatus.EXECUTED:
        return _store(book, ended, WithdrawalStage.RESUBSCRIBING)
    if journal.status.final:
        why = f"the journal was {journal.status}: {journal.reason or 'no reason given'}"
        return _stop(book, ended, why, back_to=WithdrawalStage.SETTLING)
    return withdrawal


def _resubscribe(book: Book, withdrawal: Withdrawal) -> Withdrawal:
    try:
        if book.broker.open_orders(withdrawal.account_id):
            return withdrawal
    except BrokerUnavailable:
        return withdrawal
    with book.write() as tx:
        _restore_subscription(book, withdrawal)
        moved = _move(tx, withdrawal, WithdrawalStage.COMPLETED)
        tx.reload_subscriptions([withdrawal.account_id])
    return moved


def _restore_subscription(book: Book, withdrawal: Withdrawal) -> None:
    """Subscribe to the same portfolio with the earlier last_rebalanced_at, so that no rebalance is forced or lost.

    Raises `Conflict` while the portfolio needs adjustment, and as `subscribe` does.
    """
    if withdrawal.portfolio_id is None or portfolios.subscribed(book.database, withdrawal.account_id):
        return
    portfolio = book.portfolio(withdrawal.portfolio_id)
    if portfolio.status is PortfolioStatus.NEEDS_ADJUSTMENT:
        raise Conflict(f"portfolio {portfolio.name} needs adjustment; reactivate it, then retry")
    subscriptions.subscribe(
        book, withdrawal.account_id, withdrawal.portfolio_id, last_rebalanced_at=withdrawal.last_rebalanced_at
    )


def _owner(withdrawal: Withdrawal) -> Owner:
    return Owner(OwnerKind.WITHDRAWAL, withdrawal.id)


def _reserved(book: Book, withdrawal: Withdrawal) -> Money:
    """The cash reserved for the withdrawal."""
    return reservations.reserved_by(book.database, withdrawal.account_id, _owner(withdrawal))


def _reserved_by_others(book: Book, withdrawal: Withdrawal) -> Money:
    """The cash of the account that runs, persons and other withdrawals have reserved."""
    others = [
        reservation.amount
        for reservation in reservations.of_account(book.database, withdrawal.account_id)
        if reservation.owner != _owner(withdrawal) and reservation.owner.kind is not OwnerKind.JOURNAL
    ]
    return Money(sum(others))


def _portfolio_of(book: Book, account_id: str) -> str | None:
    subscription = book.subscriptions.get(account_id)
    return subscription.portfolio_id if subscription else None


def _weights(book: Book, account_id: str, portfolio_id: str | None) -> Weights:
    """The portfolio's weights; without a portfolio, the current proportions of the account's holdings."""
    if portfolio_id is not None:
        return book.portfolio(portfolio_id).weights
    valuation = value_of(book, account_id)
    total = sum(valuation.values.values())
    if total <= 0:
        return Weights((), HUNDRED_PERCENT)
    held = sorted(valuation.values.items(), key=lambda item: (-item[1], item[0]))
    percents = [(symbol, int(value) * HUNDRED_PERCENT // int(total)) for symbol, value in held]
    rest = HUNDRED_PERCENT - sum(percent for _, percent in percents)
    rounded = [(symbol, percent + (rest if index == 0 else 0)) for index, (symbol, percent) in enumerate(percents)]
    return Weights(tuple(AssetWeight(symbol, Percent(percent)) for symbol, percent in rounded if percent > 0))


def _move(tx: BookTransaction, withdrawal: Withdrawal, stage: WithdrawalStage, why: str = "") -> Withdrawal:
    """Move a withdrawal to a stage, store it, and clear its alert."""
    book = tx.book
    moved = replace(withdrawal, stage=stage, stopped=None, updated_at=book.now())
    cash.update_withdrawal(tx, moved)
    jobs.clear_alert(tx, "withdrawal", withdrawal.id, book.now())
    tx.record("withdrawal." + stage.value, withdrawal.id, {"why": why} if why else None)
    tx.changed()
    return moved


def _store(book: Book, withdrawal: Withdrawal, stage: WithdrawalStage) -> Withdrawal:
    with book.write() as tx:
        return _move(tx, withdrawal, stage)


def _stop(book: Book, withdrawal: Withdrawal, why: str, back_to: WithdrawalStage | None = None) -> Withdrawal:
    """Stop a withdrawal, with an alert, until an advisor retries or cancels it."""
    stopped = replace(withdrawal, stopped=why, stage=back_to or withdrawal.stage, updated_at=book.now())
    with book.write() as tx:
        cash.update_withdrawal(tx, stopped)
        name = book.accounts[withdrawal.account_id].name
        text = f"withdrawal of {money(withdrawal.amount)} for {name} stopped: {why}"
        jobs.raise_alert(tx, book.now(), "withdrawal", withdrawal.id, text)
        tx.record("withdrawal.stopped", withdrawal.id, {"why": why})
        tx.changed()
    return stopped

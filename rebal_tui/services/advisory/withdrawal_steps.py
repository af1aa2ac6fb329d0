"""The steps of a withdrawal, each stored before the next begins (R-32)."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from rebal_tui.broker.failures import BrokerRefused, BrokerUnavailable
from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.domain.cash import (
    WITHDRAWAL_JOURNAL,
    Journal,
    JournalStatus,
    Owner,
    OwnerKind,
    Withdrawal,
    WithdrawalStage,
)
from rebal_tui.domain.errors import Conflict, Refusal, require
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.quantities import NANO, Money, Value, floor_cents, qty_text
from rebal_tui.domain.runs import InitiatedFrom, RunStatus
from rebal_tui.engine.trace_text import money, money_down
from rebal_tui.services.advisory import subscriptions
from rebal_tui.services.advisory.cash import reserve_for_journal, transferable
from rebal_tui.services.advisory.withdrawal_journal import may_ask, note_asked, requested_journal
from rebal_tui.services.advisory.withdrawal_sale import remaining_text, sale_of_amount, sale_of_everything
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.book.kill_switch import halted
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.services.runs.queueing import cancel_queued, new_run, queue_manual_run
from rebal_tui.store import cash, jobs, portfolios, reservations, runs

MAX_ROUNDS = 3
"""Liquidation attempts before a withdrawal stops; a later one covers a price drop before the sale."""


def take_step(book: Book, withdrawal: Withdrawal) -> Withdrawal:
    """Do the next step of a withdrawal and return it; unchanged while the step waits for something."""
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
            subscriptions.unsubscribe(book, subscription.id, who=None)
            last = subscription.last_rebalanced_at
        elif run is not None:
            cancel_queued(tx, [run], "a withdrawal was requested")
        known = replace(withdrawal, last_rebalanced_at=last)
        moved = move(tx, known, WithdrawalStage.UNSUBSCRIBED)
        tx.reload_run(withdrawal.account_id)
    return moved


def _sell(book: Book, withdrawal: Withdrawal) -> Withdrawal:
    """Queue the run that raises the missing amount; it has no orders when settled cash suffices.

    Waits for a manual run requested in the meantime (R-7).
    """
    if withdrawal.account_id in book.open_runs:
        return withdrawal
    if withdrawal.everything:
        sale = sale_of_everything(book, withdrawal.account_id)
        if sale.plan is None or not sale.plan.sells:
            return _settle_everything(book, withdrawal)
    else:
        if withdrawal.amount <= _reserved(book, withdrawal):
            return _store(book, withdrawal, WithdrawalStage.SETTLING)
        try:
            sale = sale_of_amount(
                book, withdrawal.account_id, withdrawal.portfolio_id, withdrawal.amount, withdrawal.id
            )
        except BrokerUnavailable:
            return withdrawal
        if sale.plan is None and sale.amount is not None:
            return _take_cash(book, withdrawal, sale.amount)
    with book.write() as tx:
        run = new_run(
            tx, withdrawal.account_id, sale.type, sale.weights, InitiatedFrom.API, amount=sale.amount
        )  # fmt: skip
        queue_manual_run(tx, run, f"withdrawal of {amount_text(withdrawal)}")
        sold = replace(withdrawal, run_id=run.id, rounds=withdrawal.rounds + 1)
        moved = move(tx, sold, WithdrawalStage.SELLING)
        tx.reload_run(withdrawal.account_id)
    return moved


def _take_cash(book: Book, withdrawal: Withdrawal, missing: Money) -> Withdrawal:
    """Reserve settled cash for the withdrawal without a run: a price is missing, so no sale can be planned."""
    with book.write() as tx:
        reservations.add(tx, withdrawal.account_id, owner_of(withdrawal), missing, book.now())
        why = "from settled cash alone, because a price is missing"
        moved = move(tx, withdrawal, WithdrawalStage.SETTLING, why)
        tx.reload_accounts([withdrawal.account_id])
    return moved


def _settle_everything(book: Book, withdrawal: Withdrawal) -> Withdrawal:
    """Reserve all cash that nobody else has reserved, and name the holdings that stay."""
    account_id = withdrawal.account_id
    own = _reserved(book, withdrawal)
    cash_left = Money(max(0, book.accounts[account_id].cash - (book.reserved(account_id) - own)))
    with book.write() as tx:
        reservations.set_amount(tx, account_id, owner_of(withdrawal), cash_left, book.now())
        moved = move(tx, withdrawal, WithdrawalStage.SETTLING, _remaining(book, withdrawal))
        tx.reload_accounts([account_id])
    return moved


def _remaining(book: Book, withdrawal: Withdrawal) -> str:
    """The holdings that a withdrawal of everything leaves, empty when there are none."""
    plan = sale_of_everything(book, withdrawal.account_id).plan if withdrawal.everything else None
    left = remaining_text(plan) if plan is not None else ""
    return f"cannot be sold and stays: {left}" if left else ""


def _await_run(book: Book, withdrawal: Withdrawal) -> Withdrawal:
    require(withdrawal.run_id is not None, f"withdrawal {withdrawal.id} sells without a run")
    run = runs.get(book.database, withdrawal.run_id or "")
    if not run.status.final:
        return withdrawal
    if run.status.completed:
        return (
            _sell_the_rest(book, withdrawal)
            if withdrawal.everything
            else _store(book, withdrawal, WithdrawalStage.SETTLING)
        )
    if run.status is RunStatus.TIMEOUT and withdrawal.rounds < MAX_ROUNDS:
        return _store(book, withdrawal, WithdrawalStage.UNSUBSCRIBED)
    return _stop(book, withdrawal, f"its run ended as {run.status}: {run.reason}", back_to=WithdrawalStage.UNSUBSCRIBED)


def _sell_the_rest(book: Book, withdrawal: Withdrawal) -> Withdrawal:
    """Settle when nothing is left that can be sold; otherwise sell again, up to `MAX_ROUNDS` times."""
    plan = sale_of_everything(book, withdrawal.account_id).plan
    if plan is None or not plan.sells:
        return _settle_everything(book, withdrawal)
    if withdrawal.rounds < MAX_ROUNDS:
        return _store(book, withdrawal, WithdrawalStage.UNSUBSCRIBED)
    left = ", ".join(f"{line.symbol} {qty_text(line.held)}" for line in plan.sells)
    why = f"not sold after {MAX_ROUNDS} runs: {left}"
    return _stop(book, withdrawal, why, back_to=WithdrawalStage.UNSUBSCRIBED)


def _await_settlement_of_everything(book: Book, withdrawal: Withdrawal) -> Withdrawal:
    """Wait until all cash has settled and no other journal is under way, then fix the amount of the journal."""
    account_id = withdrawal.account_id
    plan = sale_of_everything(book, account_id).plan
    if plan is not None and plan.sells:
        return _sell_the_rest(book, withdrawal)
    others = [r for r in reservations.of_account(book.database, account_id) if r.owner.kind is OwnerKind.JOURNAL]
    if book.accounts[account_id].unsettled > 0 or others:
        return withdrawal
    try:
        ready = floor_cents(Value(transferable(book, account_id, withdrawal.id) * NANO))
    except BrokerUnavailable:
        return withdrawal
    if ready <= 0:
        return _stop(book, withdrawal, "no cash can be transferred")
    with book.write() as tx:
        reservations.set_amount(tx, account_id, owner_of(withdrawal), ready, withdrawal.created_at)
        moved = move(tx, replace(withdrawal, amount=ready), WithdrawalStage.JOURNALING)
        tx.reload_accounts([account_id])
    return moved


def _await_settlement(book: Book, withdrawal: Withdrawal) -> Withdrawal:
    if withdrawal.everything:
        return _await_settlement_of_everything(book, withdrawal)
    if not may_ask(book, withdrawal.id):
        return withdrawal
    try:
        ready = transferable(book, withdrawal.account_id, withdrawal.id)
    except BrokerUnavailable:
        return withdrawal
    note_asked(book, withdrawal.id)
    if ready >= withdrawal.amount:
        return _store(book, withdrawal, WithdrawalStage.JOURNALING)
    own = _reserved(book, withdrawal)
    free = book.accounts[withdrawal.account_id].cash - _reserved_by_others(book, withdrawal)
    if free >= withdrawal.amount:
        # The rest is unsettled, or in an open order or journal.
        return withdrawal
    if withdrawal.rounds >= MAX_ROUNDS:
        return _stop(book, withdrawal, f"only {money_down(ready)} is transferable after {MAX_ROUNDS} liquidations")
    with book.write() as tx:
        left = Money(max(0, min(free, own)))
        reservations.set_amount(tx, withdrawal.account_id, owner_of(withdrawal), left, withdrawal.created_at)
        moved = move(tx, withdrawal, WithdrawalStage.UNSUBSCRIBED, "the sale proceeds do not cover the amount")
        tx.reload_accounts([withdrawal.account_id])
    return moved


def _journal(book: Book, withdrawal: Withdrawal) -> Withdrawal:
    """Create the journal once, then follow its stored state, which the broker's events change.

    Its idempotency key is made from the id of the withdrawal, so a request whose answer was lost gets the same journal.
    While the kill switch is on, no journal is created. The id of a failed journal is stored as `journal_id` and gives
    the next attempt a new key. No money has moved then, so the withdrawal returns to a stage where it can be retried or
    canceled.
    """
    if book.live is not None:
        try:
            made = requested_journal(book, book.live, withdrawal)
        except Conflict as refusal:
            return _stop(book, withdrawal, str(refusal), back_to=WithdrawalStage.SETTLING)
        return withdrawal if made is None else _after_journal(book, withdrawal, made)
    failed = withdrawal.journal_id
    key = f"wd-{withdrawal.id}-{failed[:8]}" if failed else f"wd-{withdrawal.id}"
    journal = cash.journal_with_key(book.database, key)
    if journal is None:
        if halted(book):
            return withdrawal
        try:
            journal = book.broker.create_journal(
                withdrawal.account_id, FIRM_ACCOUNT, withdrawal.amount, WITHDRAWAL_JOURNAL, key
            )
            with suppress(BrokerUnavailable):
                journal = book.broker.journal(journal.id)
        except BrokerRefused as refusal:
            return _stop(book, withdrawal, f"{refusal.code}: {refusal.message}", back_to=WithdrawalStage.SETTLING)
        except BrokerUnavailable:
            return withdrawal
        sync(book)
        reserve_for_journal(book, journal, withdrawal.account_id)
        with book.write() as tx:
            cash.set_journal_key(tx, journal.id, key)
    return _after_journal(book, withdrawal, journal)


def _after_journal(book: Book, withdrawal: Withdrawal, journal: Journal) -> Withdrawal:
    """Move on when the journal has ended."""
    ended = replace(withdrawal, journal_id=journal.id)
    if journal.status is JournalStatus.EXECUTED:
        with book.write() as tx:
            # An earlier journal whose failure was reported late may have returned its cash in the meantime.
            reservations.release(tx, withdrawal.account_id, owner_of(withdrawal))
            moved = move(tx, ended, WithdrawalStage.RESUBSCRIBING)
            tx.reload_accounts([withdrawal.account_id])
        return moved
    if journal.status.final:
        why = f"the journal was {journal.status}: {journal.reason or 'no reason given'}"
        return _stop(book, ended, why, back_to=WithdrawalStage.SETTLING)
    return withdrawal


def _resubscribe(book: Book, withdrawal: Withdrawal) -> Withdrawal:
    if withdrawal.everything:
        with book.write() as tx:
            return move(tx, withdrawal, WithdrawalStage.COMPLETED, _remaining(book, withdrawal))
    if subscriptions.has_open_orders(book, withdrawal.account_id):
        return withdrawal
    with book.write() as tx:
        restore_subscription(book, withdrawal, who=None)
        moved = move(tx, withdrawal, WithdrawalStage.COMPLETED)
        tx.reload_subscriptions([withdrawal.account_id])
    return moved


def restore_subscription(book: Book, withdrawal: Withdrawal, who: str | None) -> None:
    """Subscribe the account again to its portfolio after a withdrawal, so that no rebalance is forced or lost.

    The new subscription inherits from the former one: last_rebalanced_at, overrides, and the sells left undone. `who`
    is the actor for the audit trail, None for the program. Raises `Conflict` while the portfolio needs adjustment, and
    the errors of `subscribe`.
    """
    if withdrawal.portfolio_id is None or portfolios.subscribed(book.database, withdrawal.account_id):
        return
    portfolio = book.portfolio(withdrawal.portfolio_id)
    if portfolio.status is PortfolioStatus.NEEDS_ADJUSTMENT:
        raise Conflict(f"portfolio {portfolio.name} needs adjustment; reactivate it, then retry")
    subscriptions.subscribe(
        book,
        withdrawal.account_id,
        withdrawal.portfolio_id,
        last_rebalanced_at=withdrawal.last_rebalanced_at,
        ended_since=withdrawal.created_at,
        who=who,
    )


def amount_text(withdrawal: Withdrawal) -> str:
    """The amount of a withdrawal for display: dollars, or `everything`."""
    return "everything" if withdrawal.everything else money(withdrawal.amount)


def owner_of(withdrawal: Withdrawal) -> Owner:
    """The withdrawal as the owner of a reservation."""
    return Owner(OwnerKind.WITHDRAWAL, withdrawal.id)


def _reserved(book: Book, withdrawal: Withdrawal) -> Money:
    """The cash reserved for the withdrawal."""
    return reservations.reserved_by(book.database, withdrawal.account_id, owner_of(withdrawal))


def _reserved_by_others(book: Book, withdrawal: Withdrawal) -> Money:
    """The cash of the account that runs, persons and other withdrawals have reserved."""
    others = [
        reservation.amount
        for reservation in reservations.of_account(book.database, withdrawal.account_id)
        if reservation.owner != owner_of(withdrawal) and reservation.owner.kind is not OwnerKind.JOURNAL
    ]
    return Money(sum(others))


def move(tx: BookTransaction, withdrawal: Withdrawal, stage: WithdrawalStage, why: str = "") -> Withdrawal:
    """Move a withdrawal to a stage, store it, and clear the alert about it; `why` is recorded in the audit trail."""
    book = tx.book
    moved = replace(withdrawal, stage=stage, stopped=None, updated_at=book.now())
    cash.update_withdrawal(tx, moved)
    jobs.clear_alert(tx, "withdrawal", withdrawal.id, book.now())
    tx.record("withdrawal." + stage.value, withdrawal.id, {"why": why} if why else None)
    tx.changed()
    return moved


def _store(book: Book, withdrawal: Withdrawal, stage: WithdrawalStage) -> Withdrawal:
    with book.write() as tx:
        return move(tx, withdrawal, stage)


def _stop(book: Book, withdrawal: Withdrawal, why: str, back_to: WithdrawalStage | None = None) -> Withdrawal:
    """Stop a withdrawal, with an alert, until an advisor retries or cancels it.

    `back_to` is the stage from which it is then retried; by default its present stage.
    """
    stopped = replace(withdrawal, stopped=why, stage=back_to or withdrawal.stage, updated_at=book.now())
    with book.write() as tx:
        cash.update_withdrawal(tx, stopped)
        name = book.accounts[withdrawal.account_id].name
        text = f"withdrawal of {amount_text(withdrawal)} for {name} stopped: {why}"
        jobs.raise_alert(tx, book.now(), "withdrawal", withdrawal.id, text)
        tx.record("withdrawal.stopped", withdrawal.id, {"why": why})
        tx.changed()
    return stopped

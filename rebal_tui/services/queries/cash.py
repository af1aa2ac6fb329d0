"""Data of the Cash screen: withdrawals, journals and deposits."""

from __future__ import annotations

import json
from datetime import date
from typing import TypeAlias

from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.domain.cash import Journal, Withdrawal, WithdrawalStage
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import Run, RunType
from rebal_tui.domain.text import weekday_text
from rebal_tui.engine.trace_text import money
from rebal_tui.services.advisory.cash import transferable
from rebal_tui.services.advisory.withdrawal_sale import remaining_text
from rebal_tui.services.advisory.withdrawals import check_withdrawal
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.kill_switch import halted
from rebal_tui.services.evaluation.planning import plan_run
from rebal_tui.services.queries.desk import preview_of
from rebal_tui.services.queries.entries_naming import entries_naming
from rebal_tui.services.queries.raised import paid_text, short_text
from rebal_tui.services.runs.manual import check_run, create_run
from rebal_tui.services.view_models.cash import (
    NO_SALE,
    CashSnapshot,
    JournalView,
    WithdrawalPreview,
    WithdrawalView,
)
from rebal_tui.services.view_models.desk import PreviewView
from rebal_tui.services.view_models.runs import TimelineEvent
from rebal_tui.store import accounts, cash, past_rows

CashStamp: TypeAlias = tuple[int, date, int]
"""What a list of movements depends on: the version of the book, the day, and the limit."""
STAGES = ("unsubscribe", "sell", "settle", "journal", "subscribe again")
"""The five stages of a withdrawal as an advisor sees them."""
_REACHED = {
    WithdrawalStage.REQUESTED: 0,
    WithdrawalStage.UNSUBSCRIBED: 1,
    WithdrawalStage.SELLING: 1,
    WithdrawalStage.SETTLING: 2,
    WithdrawalStage.JOURNALING: 3,
    WithdrawalStage.RESUBSCRIBING: 4,
    WithdrawalStage.COMPLETED: 5,
}


def cash_snapshot(book: Book, limit: int = 2_000) -> CashSnapshot:
    """The latest withdrawals, journals and deposits, at most `limit` of each, newest first."""
    more = limit + 1
    withdrawals = cash.withdrawals(book.database, limit=more)
    journals = cash.journals(book.database, more)
    deposits = accounts.latest_deposits(book.database, more)
    counts = past_rows.order_counts(book.database, [one.run_id for one in withdrawals[:limit] if one.run_id])
    sold = {run_id for run_id, count in counts.items() if count.total}
    shown = tuple(_withdrawal(book, one, sold=one.rounds > 1 or one.run_id in sold) for one in withdrawals[:limit])
    moved = tuple(_journal(book, journal) for journal in journals[:limit])
    named = {one.account_id for one in shown} | {one.account_id for one in moved}
    named |= {entry.account_id for entry in deposits[:limit]}
    return CashSnapshot(
        book.version,
        shown,
        moved,
        tuple(
            (entry.at, entry.account_id, book.account(entry.account_id).name, entry.amount, entry.kind.value)
            for entry in deposits[:limit]
        ),
        {account_id: book.account(account_id).account_number for account_id in named},
        frozenset(
            kind
            for kind, found in (("withdrawal", withdrawals), ("journal", journals), ("deposit", deposits))
            if len(found) == more
        ),
    )


def cash_changes(book: Book, seen: CashStamp | None, limit: int = 2_000) -> tuple[CashStamp, CashSnapshot] | None:
    """The result of `cash_snapshot` with a stamp: book version, day and limit. None when the stamp is still `seen`."""
    stamp = (book.version, book.today(), limit)
    return None if stamp == seen else (stamp, cash_snapshot(book, limit))


def cash_with_history(
    book: Book, seen: CashStamp | None, limit: int, withdrawal_id: str | None
) -> tuple[CashStamp, CashSnapshot, tuple[TimelineEvent, ...]] | None:
    """The result of `cash_changes`, and that of `withdrawal_history` at the same time for the withdrawal given.

    The history is empty without a `withdrawal_id`, and if the snapshot does not have that withdrawal.
    """
    changed = cash_changes(book, seen, limit)
    if changed is None:
        return None
    stamp, snapshot = changed
    known = next((one.id for one in snapshot.withdrawals if one.id == withdrawal_id), None)
    return stamp, snapshot, withdrawal_history(book, known) if known is not None else ()


def withdrawal_history(book: Book, withdrawal_id: str) -> tuple[TimelineEvent, ...]:
    """The events of a withdrawal, oldest first.

    A return from a later stage to that of the sale is named `to sell again`. The event of its journal shows from which
    cash it is paid. After a sale that raised too little, an event names the cash that pays the rest. Raises `NotFound`.
    """
    withdrawal, found = cash.withdrawal(book.database, withdrawal_id), entries_naming(book, withdrawal_id, 200)
    events: list[TimelineEvent] = []
    for place, entry in reversed([one for one in enumerate(found) if one[1].subject == withdrawal_id]):
        what = entry.action.partition(".")[2]
        again = what == WithdrawalStage.UNSUBSCRIBED and any(event.what == what for event in events)
        why = str(json.loads(entry.detail).get("why", ""))
        if what == WithdrawalStage.JOURNALING and not withdrawal.everything:
            why = f"pays {money(withdrawal.amount)}: {paid_text(withdrawal, found)}"
        elif what == WithdrawalStage.SETTLING and not withdrawal.everything and not why:
            # The entries are newest first; those before this one are later.
            why = short_text(withdrawal, found[place:])
        events.append(TimelineEvent(entry.at, "to sell again" if again else what, why))
    return tuple(events)


def preview_manual(
    book: Book, account_id: str, kind: RunType, *, amount: Money | None = None, portfolio_id: str | None = None
) -> PreviewView:
    """What a manual run would do. Raises the errors that creating the run would raise.

    With `portfolio_id`, the run of an account that follows no portfolio uses the weights of the portfolio given.
    `amount` is the cash that a partial liquidation raises.
    """
    given = book.portfolio(portfolio_id).weights if portfolio_id else None
    weights = check_run(book, account_id, kind, weights=given, amount=amount)
    plan = plan_run(book, account_id, kind, weights, amount)
    return preview_of(book, account_id, plan, "manual run")


def run_manually(
    book: Book, account_id: str, kind: RunType, *, amount: Money | None = None, portfolio_id: str | None = None
) -> Run:
    """Queue the run that `preview_manual` shows (R-24)."""
    given = book.portfolio(portfolio_id).weights if portfolio_id else None
    return create_run(book, account_id, kind, weights=given, amount=amount)


def preview_withdrawal(book: Book, account_id: str, amount: Money | None) -> WithdrawalPreview:
    """What a withdrawal of `amount`, or of everything if None, would sell, and the day the money can leave.

    Raises the errors that requesting the withdrawal would raise.
    """
    checked = check_withdrawal(book, account_id, amount)
    plan, expected = checked.sale.plan, checked.expected
    settled = transferable(book, account_id, "")
    why = "closes every position" if amount is None else f"reserves {money(expected)}"
    view = preview_of(book, account_id, plan, why) if plan is not None else None
    covered = settled >= expected if amount is not None else plan is None or not plan.sells
    stays = remaining_text(plan) if amount is None and plan is not None else ""
    return WithdrawalPreview(view, expected, settled, covered, _can_leave(book, covered), amount is None, stays)


def _can_leave(book: Book, settled: bool) -> date | None:
    """The day on which money can leave; None when the trading calendar ends before it.

    Settled cash leaves in the session of the next trading window, other cash when a sale in it settles (R-30).
    """
    now = book.now()
    session = book.session(now)
    if session is None or now > session.window_end:
        session = book.calendar.next_after(book.today())
    if session is None:
        return None
    return session.day if settled else session.settles_on


def _journal(book: Book, journal: Journal) -> JournalView:
    incoming = journal.from_account == FIRM_ACCOUNT
    account_id = journal.to_account if incoming else journal.from_account
    return JournalView(
        journal.id, account_id, book.account(account_id).name, incoming, journal.amount, journal.status.value,
        journal.description, journal.reason, journal.created_at, journal.updated_at,
    )  # fmt: skip


def _withdrawal(book: Book, withdrawal: Withdrawal, *, sold: bool) -> WithdrawalView:
    """A withdrawal as it is shown; `sold` is whether anything was sold for it; if cash covers it, nothing is."""
    account = book.account(withdrawal.account_id)
    portfolio = book.portfolios[withdrawal.portfolio_id].name if withdrawal.portfolio_id else ""
    canceled = withdrawal.stage is WithdrawalStage.CANCELED
    reached = _REACHED.get(withdrawal.stage, 0)
    run = past_rows.run_or_none(book.database, withdrawal.run_id) if withdrawal.run_id else None
    leaves = None
    if run is not None and run.completed_at is not None:
        sold_on = book.calendar.at(run.completed_at)
        leaves = sold_on.settles_on if sold_on else None
    elif not withdrawal.stage.final:
        leaves = _can_leave(book, transferable(book, withdrawal.account_id, withdrawal.id) >= withdrawal.amount)
    if withdrawal.stopped:
        here = "stopped"
    elif canceled:
        here = "canceled"
    else:
        here = "now"
    held = withdrawal.stage is WithdrawalStage.JOURNALING and not withdrawal.stopped and halted(book)
    steps = []
    for number, stage in enumerate(STAGES):
        state = "done" if number < reached else here if number == reached else "waiting"
        note = _note(withdrawal, stage, leaves)
        name = NO_SALE if stage == "sell" and state == "done" and not sold else stage
        steps.append((name, state, note))
    return WithdrawalView(
        withdrawal.id, withdrawal.account_id, account.name, portfolio, withdrawal.amount, withdrawal.stage.value,
        withdrawal.stopped, withdrawal.stage.cancelable, leaves, tuple(steps), withdrawal.created_at,
        withdrawal.updated_at, withdrawal.everything, held, withdrawal.journal_id,
    )  # fmt: skip


def _note(withdrawal: Withdrawal, stage: str, leaves: date | None) -> str:
    if stage in ("unsubscribe", "subscribe again") and not withdrawal.portfolio_id:
        return "no subscription"
    if stage == "subscribe again" and withdrawal.everything:
        return "stays unsubscribed"
    if stage == "settle" and leaves is not None:
        return weekday_text(leaves)
    if stage == "sell" and withdrawal.run_id is not None:
        return f"run {withdrawal.run_id[:8]}"
    if stage == "journal" and withdrawal.journal_id is not None:
        return f"journal {withdrawal.journal_id[:8]}"
    return ""

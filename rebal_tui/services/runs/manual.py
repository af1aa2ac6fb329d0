"""Manual run actions: create, cancel, approve, reject (R-24, R-25, R-27)."""

from __future__ import annotations

from dataclasses import replace

from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.errors import Conflict, Fault, Invalid, PlanChanged
from rebal_tui.domain.portfolios import PortfolioStatus, Weights
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import Approval, InitiatedFrom, Run, RunStatus, RunType
from rebal_tui.domain.text import MAX_NOTE_LENGTH, display_text
from rebal_tui.domain.trading_rules import RunOverride
from rebal_tui.engine.restrictions import blocking_reasons
from rebal_tui.services.book.book import ADVISOR, Book
from rebal_tui.services.book.time_budget import TimeBudget
from rebal_tui.services.evaluation.account import value_of
from rebal_tui.services.evaluation.history import current_plan, plan_of, store_plan
from rebal_tui.services.evaluation.planning import plan_run, same_orders
from rebal_tui.services.runs.processing import process_chunk
from rebal_tui.services.runs.queueing import cancel_queued, new_run, queue_manual_run
from rebal_tui.services.runs.run_overrides import record_override
from rebal_tui.store import runs as store
from rebal_tui.store import terminal_runs

MAX_WAIT_SECONDS = 0.25
"""Longest time a manual run request processes runs before it returns."""


def create_run(
    book: Book,
    account_id: str,
    kind: RunType,
    *,
    weights: Weights | None = None,
    amount: Money | None = None,
    override: RunOverride | None = None,
) -> Run:
    """Queue a manual run and start it (R-24): immediately inside the window, else when the next window opens.

    Raises the errors of `queue_run`.
    """
    return start_run(book, queue_run(book, account_id, kind, weights=weights, amount=amount, override=override))


def queue_run(
    book: Book,
    account_id: str,
    kind: RunType,
    *,
    weights: Weights | None = None,
    amount: Money | None = None,
    override: RunOverride | None = None,
) -> Run:
    """Queue a manual run (R-24); a heartbeat or `start_run` starts it. `override` is a result of `checked_override`.

    Raises `Conflict` when the account is blocked by the broker or paused, has neither cash nor positions, or has an
    unfinished run or external open orders; when weights are given for a subscribed account (other than for a
    partial_liquidation) or missing for one that is not; when the weights have an ineligible asset or the portfolio is
    not active; when a price is missing; and when the account cannot raise the amount. Raises `Invalid` for a
    partial_liquidation whose amount is missing or not above 0, and for an amount with another type of run.
    """
    used = check_run(book, account_id, kind, weights=weights, amount=amount, override=override)
    with book.write() as tx:
        subscription = book.subscriptions.get(account_id)
        run = new_run(
            tx,
            account_id,
            kind,
            used,
            InitiatedFrom.API,
            portfolio_id=subscription.portfolio_id if subscription else None,
            subscription_id=subscription.id if subscription else None,
            amount=amount,
        )
        queue_manual_run(tx, run, "requested manually", ADVISOR)
        if override is not None:
            record_override(tx, run, override)
        if book.actor(ADVISOR) == ADVISOR:
            terminal_runs.add(tx, run.id)
        tx.reload_run(account_id)
    return store.get(book.database, run.id)


def check_run(
    book: Book,
    account_id: str,
    kind: RunType,
    *,
    weights: Weights | None = None,
    amount: Money | None = None,
    override: RunOverride | None = None,
) -> Weights:
    """The weights that a manual run would use. Raises the errors of `queue_run`; changes nothing."""
    account = book.account(account_id)
    if (kind is RunType.PARTIAL_LIQUIDATION) != (amount is not None):
        raise Invalid([Fault("amount", "required for a partial_liquidation, not allowed for other types")])
    if amount is not None and amount <= 0:
        raise Invalid([Fault("amount", "expected an amount above 0")])
    who = f"{account.name} ({account.account_number})"
    stopped = blocking_reasons(account, value_of(book, account_id))
    if stopped:
        raise Conflict(f"{who}: " + "; ".join(text for _, text in stopped))
    if book.is_paused(account_id):
        raise Conflict(f"{who} is paused: {book.pause_reason(account_id)}")
    if account_id in book.open_runs:
        raise Conflict(f"{who} has an unfinished run: {book.open_runs[account_id].id}")
    if book.extras[account_id].external_orders:
        raise Conflict(f"{who} has open orders placed outside rebal-tui")
    if account.cash <= 0 and not account.positions:
        raise Conflict(f"account not funded: {who} has neither cash nor positions")
    subscription = book.subscriptions.get(account_id)
    if weights is not None and subscription is not None and kind is not RunType.PARTIAL_LIQUIDATION:
        raise Conflict("weights cannot be given while the account is subscribed")
    if weights is not None:
        _require_eligible(book, weights)
    elif subscription is None:
        raise Conflict("no weights and no subscription: give weights or subscribe the account first")
    else:
        portfolio = book.portfolios[subscription.portfolio_id]
        if portfolio.status is not PortfolioStatus.ACTIVE and kind is not RunType.PARTIAL_LIQUIDATION:
            raise Conflict(f"portfolio {portfolio.name} {portfolio.status.predicate}")
        weights = portfolio.weights
    plan_run(book, account_id, kind, weights, amount, override=override)
    return weights


def cancel_run(book: Book, run_id: str) -> Run:
    """Cancel a run: QUEUED becomes CANCELED, IN_PROGRESS becomes CANCELED_MID_RUN; executed trades stay.

    An automatic run still counts in the quota, so that no later evaluation of the session creates it again. Raises
    `Conflict` for a finished run, `NotFound` for an unknown one.
    """
    run = store.get(book.database, run_id)
    if run.status.final:
        raise Conflict(f"run is not cancelable: its status is {run.status}")
    with book.write() as tx:
        if run.status is RunStatus.QUEUED:
            cancel_queued(tx, [run], "canceled manually", keeps_quota=True, actor="advisor")
        elif not run.cancel_requested:
            requested = replace(run, cancel_requested=True, updated_at=book.now())
            store.update(tx, [(run, requested)])
            store.note(tx, run.id, book.now(), "cancel requested", "no more orders are sent")
            tx.record("run.cancel_asked", run.id, actor="advisor")
        tx.reload_run(run.account_id)
    return start_run(book, run)


def approve_run(book: Book, run_id: str, shown: Plan, note: str = "") -> Run:
    """Approve a run that awaits approval, with the plan that was shown (R-27).

    Raises `PlanChanged` when the recalculated plan differs from the one shown; the new plan is then stored for display.
    Raises `Conflict` when the run does not await approval.
    """
    run = _awaiting(book, run_id)
    current = current_plan(book, run)
    stored = plan_of(book.database, run)
    if stored is None or not same_orders(shown, stored) or not same_orders(shown, current):
        with book.write() as tx:
            store_plan(tx, run)
            store.note(tx, run_id, book.now(), "plan renewed", "prices moved after it was shown")
        raise PlanChanged("prices moved; the plan was recalculated")
    with book.write() as tx:
        approved = replace(run, approval=Approval.APPROVED, updated_at=book.now())
        store.update(tx, [(run, approved)])
        store_plan(tx, run)
        store.note(tx, run_id, book.now(), "approved", _note(note))
        tx.record("run.approved", run_id, {"note": _note(note)}, "advisor")
        tx.reload_run(run.account_id)
    return start_run(book, run)


def reject_run(book: Book, run_id: str, note: str) -> Run:
    """Reject a run that awaits approval, with a note: it becomes CANCELED and still counts in the quota.

    Raises `Invalid` for an empty note and `Conflict` when the run does not await approval.
    """
    run = _awaiting(book, run_id)
    text = _note(note)
    if not text:
        raise Invalid([Fault("note", "expected a note with the reason")])
    with book.write() as tx:
        rejected = replace(run, approval=Approval.REJECTED)
        store.update(tx, [(run, rejected)])
        cancel_queued(tx, [rejected], f"rejected: {text}", keeps_quota=True, actor="advisor")
        tx.reload_run(run.account_id)
    return store.get(book.database, run_id)


def start_run(book: Book, run: Run) -> Run:
    """Process a run ahead of the other chunks of run processing; returns it as it is stored then.

    Processes chunks until nothing is left to do or `MAX_WAIT_SECONDS` have passed; heartbeats do the rest.
    """
    now = book.open_runs.get(run.account_id)
    if now is not None:
        book.work_queue.first(now)
    time_budget = TimeBudget(book, MAX_WAIT_SECONDS)
    while process_chunk(book) and not time_budget.is_spent():
        pass
    return store.get(book.database, run.id)


def _note(text: str) -> str:
    try:
        return display_text(text.strip(), MAX_NOTE_LENGTH)
    except ValueError as error:
        raise Invalid([Fault("note", str(error))]) from error


def _awaiting(book: Book, run_id: str) -> Run:
    run = store.get(book.database, run_id)
    if not run.awaits_approval:
        approval = run.approval.replace("_", " ")
        raise Conflict(f"run {run_id} does not await approval (status {run.status}, approval {approval})")
    return run


def _require_eligible(book: Book, weights: Weights) -> None:
    faults = []
    for symbol in weights.symbols:
        asset = book.assets.get(symbol)
        if asset is None or not asset.eligible:
            faults.append(Fault("weights", f"asset {symbol} is {asset.ineligibility if asset else 'unknown'}"))
    if faults:
        raise Conflict(faults)

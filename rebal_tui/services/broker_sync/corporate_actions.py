"""Corporate actions as the broker reports them: one event for each account, then one that ends the action (R-54).

At the last event, all accounts are compared with what the action does to their shares.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from rebal_tui.broker.protocol import ActionHolder, ActionNotice, BrokerEvent
from rebal_tui.domain.action_effects import effect_of
from rebal_tui.domain.corporate_actions import ActionKind, ActionReport
from rebal_tui.domain.orders import OrderStatus
from rebal_tui.domain.quantities import Money, Qty, money_text, qty_text
from rebal_tui.domain.runs import Run, RunPhase, RunStatus
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.broker_sync.account_holds import add_cause
from rebal_tui.store import corporate_actions, jobs, run_orders, runs
from rebal_tui.store.corporate_actions import Holder, StoredAction
from rebal_tui.store.holds import HoldCause, HoldKind

ALERT = "corporate_action"
"""Kind of the alert about an action with accounts that nothing explains; its subject is the action's id."""
_CASH_ONLY = (ActionKind.CASH_DIVIDEND, ActionKind.SYMBOL_CHANGE)


def apply_actions(tx: BookTransaction, events: Iterable[BrokerEvent]) -> None:
    """Apply the corporate actions in `events`; applying one again changes nothing.

    The accounts of the events must be stored already.
    """
    for event in events:
        notice = event.action
        if notice is None or corporate_actions.known(tx.book.database, notice.id):
            continue
        if notice.holder is not None and event.account_id is not None:
            _store_holder(tx, event.account_id, notice, notice.holder)
        elif notice.holder is None:
            _confirm(tx, event, notice)


def _store_holder(tx: BookTransaction, account_id: str, notice: ActionNotice, holder: ActionHolder) -> None:
    fault = _entry_fault(tx.book, account_id, notice, holder)
    found = Holder(account_id, holder.held.qty, holder.qty, holder.received, holder.paid, fault)
    corporate_actions.add_holder(tx, notice.id, found)


def _entry_fault(book: Book, account_id: str, notice: ActionNotice, holder: ActionHolder) -> str:
    """How the broker's entry for an account differs from what the action does to its shares; empty if it does not."""
    account, label = book.accounts.get(account_id), book.price_cache.labels.get(notice.asset_id)
    ours = account.holding(label) if account is not None and label is not None else None
    # A read of the account may be ahead of the events, so the book may have the shares after the action.
    if ours is not None and ours not in (holder.held.qty, holder.qty):
        return f"the book has {qty_text(ours)} shares, the action was applied to {qty_text(holder.held.qty)}"
    expected = effect_of(notice.terms, holder.held)
    if expected.qty != holder.qty:
        return f"expected {qty_text(expected.qty)} shares after it, found {qty_text(holder.qty)}"
    if expected.received != holder.received:
        return f"expected {qty_text(expected.received)} new shares, found {qty_text(holder.received)}"
    return "" if expected.paid == holder.paid else _paid_fault(expected.paid, holder.paid)


def _paid_fault(expected: Money, found: Money) -> str:
    return f"expected ${money_text(expected)} of cash, found ${money_text(found)}"


def _confirm(tx: BookTransaction, event: BrokerEvent, notice: ActionNotice) -> None:
    """Compare every account with the action, and record the action.

    Accounts whose figures the action does not explain are paused, and runs that it affects are cut short.
    """
    book, action = tx.book, notice.terms.action
    found = corporate_actions.holders(book.database, notice.id)
    faults = _faults(book, event, notice, found)
    report = ActionReport(
        notice.id, action, max(len(found), len({h.account_id for h in found} | faults.keys())), len(faults),
        notice.canceled_orders, Money(sum(holder.paid for holder in found)),
    )  # fmt: skip
    factor = notice.terms.price_factor
    corporate_actions.add(tx, notice.asset_id, StoredAction(event.at, factor, report))
    for account_id, fault in faults.items():
        reason = f"{action.text}: {fault}"
        add_cause(tx, account_id, HoldCause(HoldKind.CORPORATE_ACTION, reason, book.now()))
    if faults:
        jobs.raise_alert(tx, book.now(), ALERT, notice.id, report.text)
    cut = cut_runs(tx, event, notice, {holder.account_id for holder in found})
    tx.record(
        "corporate_action", event.symbol or action.symbol,
        {
            "id": notice.id, "action": action.text, "kind": action.kind, "accounts": report.accounts,
            "unexplained": sorted(faults), "canceled_orders": notice.canceled_orders, "paid": report.paid,
            "runs": [run.id for run in cut],
            "changes": [[h.account_id, h.held, h.qty, h.received, h.paid] for h in found],
        },
        "broker",
    )  # fmt: skip
    if action.kind is not ActionKind.CASH_DIVIDEND:
        tx.after_commit(partial(setattr, book, "pass_in_progress", None))
    if factor != 1:
        label = event.symbol or action.symbol
        tx.after_commit(partial(book.price_history.adjust, label, factor))
    tx.changed()


def _faults(book: Book, event: BrokerEvent, notice: ActionNotice, found: Iterable[Holder]) -> Mapping[str, str]:
    """By account id, why the action does not explain the figures of an account; explained accounts are left out."""
    database, kind = book.database, notice.terms.action.kind
    positions, paid = (
        corporate_actions.positions(database, notice.asset_id),
        corporate_actions.paid(database, notice.id),
    )
    traded = corporate_actions.traded_since(database, notice.asset_id, event.at)
    faults: dict[str, str] = {}
    known = set()
    for holder in found:
        known.add(holder.account_id)
        now, cash = positions.get(holder.account_id, Qty(0)), paid.get(holder.account_id, Money(0))
        if holder.fault:
            faults[holder.account_id] = holder.fault
        elif cash != holder.paid:
            faults[holder.account_id] = _paid_fault(holder.paid, cash)
        elif now != holder.qty and holder.account_id not in traded:
            faults[holder.account_id] = f"expected {qty_text(holder.qty)} shares after it, found {qty_text(now)}"
    if kind not in _CASH_ONLY:
        for account_id in positions.keys() - known - traded:
            faults[account_id] = f"{qty_text(positions[account_id])} shares are left as they were"
    return faults


def cut_runs(tx: BookTransaction, event: BrokerEvent, notice: ActionNotice, concerned: set[str]) -> list[Run]:
    """End the runs in progress whose orders a corporate action canceled, or whose plan it has made wrong.

    The runs become CANCELED_MID_RUN, use no quota, and do not change last_rebalanced_at, so that their accounts are
    planned again. `concerned` are the ids of the accounts that held the asset. Returns the runs.
    """
    book, cut = tx.book, []
    for run in list(book.open_runs.values()):
        if run.status is not RunStatus.IN_PROGRESS or run.cancel_requested:
            continue
        if not _is_cut(book, run, event, notice, concerned):
            continue
        why = f"cut short: {notice.terms.action.text}"
        changed = replace(run, cancel_requested=True, reason=why, updated_at=book.now())
        runs.update(tx, [(run, changed)])
        runs.free_quota(tx, [run.id])
        runs.note(tx, run.id, book.now(), "cut short", why)
        tx.reload_run(run.account_id)
        if book.quota_run(run.account_id, run.session) == run.id:
            tx.after_commit(partial(book.system_runs.pop, run.account_id, None))
        cut.append(changed)
    return cut


def _is_cut(book: Book, run: Run, event: BrokerEvent, notice: ActionNotice, concerned: set[str]) -> bool:
    action = notice.terms.action
    orders = [(order, sent) for _, order, sent in run_orders.of_run(book.database, run.id)]
    names = {action.symbol, event.symbol}
    for order, _ in orders:
        if (
            order.symbol in names
            and order.status is OrderStatus.CANCELED
            and (order.canceled_at or event.at) >= event.at
        ):
            return True
    if action.kind in _CASH_ONLY:
        return False
    waiting = any(not order.status.final or not sent for order, sent in orders) or run.phase is RunPhase.SELLING
    targeted = action.symbol in run.weights or any(order.symbol in names for order, _ in orders)
    return waiting and (targeted or run.account_id in concerned)

"""Paused accounts: review of differences, and release with the broker's figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.domain.accounts import Account, Position
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.orders import Order
from rebal_tui.domain.quantities import money_text, qty_text
from rebal_tui.domain.runs import Run
from rebal_tui.services.book import quarantine
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.broker_sync import unknown_assets
from rebal_tui.services.broker_sync.account_reading import external_orders
from rebal_tui.services.broker_sync.events import apply_accounts
from rebal_tui.services.broker_sync.explained.comparison import adopt, expected_of
from rebal_tui.services.broker_sync.reconciliation.event_replay import EVENT_LOOKBACK, events_since
from rebal_tui.services.broker_sync.reconciliation.reconcile import ALERT
from rebal_tui.store import accounts, fills, holds, jobs, run_orders
from rebal_tui.store.codec import parse_client_order_id


def release(book: Book, account_id: str) -> None:
    """Apply the broker's figures to a paused account and resume it.

    An order that the broker does not have ends as rejected, and an execution that it does not report is deleted; both
    are recorded in the audit trail. The account's entries in quarantine are removed, too. Raises `Conflict` when the
    account is not paused, when the broker does not have it, or when it has a position in an asset that the book does
    not know, and `BrokerUnavailable` when it cannot be read.
    """
    with book.broker.reading():
        _release(book, account_id, check_release(book, account_id))


def _release(book: Book, account_id: str, pause: Pause) -> None:
    try:
        fresh = [book.broker.account(account_id)]
    except BrokerRefused as refusal:
        raise Conflict(f"the broker does not have the account: {refusal.message}") from refusal
    listed = unknown_assets.request_assets(book, fresh)
    unknown_assets.require_known(book, fresh[0], listed)
    others = external_orders(book, fresh[0])
    run = book.open_runs.get(account_id)
    placed = _orders_at_broker(book, run) if run is not None else []
    before = book.account(account_id)
    with book.write() as tx:
        apply_accounts(tx, fresh, listed)
        adopt(tx, fresh)
        accounts.set_external_orders(tx, account_id, others)
        for line, order, theirs, gone in placed:
            _correct_order(tx, line, order, theirs, gone)
        holds.remove(tx, account_id)
        for one in book.quarantine.by_account.get(account_id, ()):
            quarantine.leave(tx, one.kind, one.subject, "advisor")
        jobs.clear_alert(tx, ALERT, account_id, book.now())
        detail = {"reason": pause.reason, "before": _balances(before), "after": _balances(fresh[0])}
        tx.record("reconciliation.released", account_id, detail, "advisor")
        tx.reload_holds()
        tx.requeue_runs()
        tx.reload_accounts([account_id])


@dataclass(frozen=True, slots=True)
class Pause:
    """The reason why an account is paused, as text, and since when.

    `resumes` is whether later events may resume the account automatically.
    """

    reason: str
    at: datetime
    resumes: bool


def check_release(book: Book, account_id: str) -> Pause:
    """Why an account is paused, without releasing it. Raises `Conflict` when it is not paused."""
    if not book.is_paused(account_id):
        raise Conflict(f"account {book.account(account_id).account_number} is not paused; there are no differences")
    since = [one.since for one in book.quarantine.by_account.get(account_id, ())]
    resumes = not since
    if account_id in book.holds:
        since.append(book.holds[account_id].at)
        resumes = resumes and all(cause.baseline is not None for cause in book.holds[account_id].causes)
    return Pause(book.pause_reason(account_id), min(since), resumes)


def differences(book: Book, account_id: str) -> tuple[tuple[str, str, str], ...]:
    """Current differences of a paused account, as (item, in the book, at the broker); cash is listed even if equal.

    Raises `Conflict` when the account is not paused.
    """
    check_release(book, account_id)
    try:
        theirs = unknown_assets.labeled(book, book.broker.account(account_id))
    except BrokerRefused as refusal:
        return (("account", "known", refusal.message),)
    ours = _known(book, account_id)
    rows = [("cash", money_text(ours.cash), money_text(theirs.cash))]
    rows += [
        (symbol, qty_text(ours.holding(symbol)), qty_text(theirs.holding(symbol)))
        for symbol in sorted({position.symbol for position in (*ours.positions, *theirs.positions)})
    ]
    return tuple(row for row in rows if row[0] == "cash" or row[1] != row[2])


def _known(book: Book, account_id: str) -> Account:
    """The account with the cash and shares that it must have by the book's records."""
    account, wanted = book.account(account_id), expected_of(book, account_id)
    if wanted is None:
        return account
    label_of = book.price_cache.labels
    held = (Position(label_of.get(asset, asset), qty, asset_id=asset) for asset, qty in wanted.held.items())
    return replace(account, cash=wanted.cash, positions=tuple(sorted(held, key=lambda position: position.symbol)))


def _orders_at_broker(book: Book, run: Run) -> list[tuple[int, Order, Order | None, list[str]]]:
    """Each accepted order of a run: line, our order, the broker's (None if unknown), unreported execution ids."""
    since = (run.started_at or run.created_at) - EVENT_LOOKBACK
    reported = {event.fill.execution_id for event in events_since(book, since) if event.fill is not None}
    ours = fills.of_run(book.database, run.id)
    found = []
    for line, order, sent in run_orders.of_run(book.database, run.id):
        if sent and order.id:
            theirs = book.broker.order_by_client_id(run.account_id, order.client_order_id)
            mine = [fill.execution_id for fill in ours if fill.client_order_id == order.client_order_id]
            gone = [execution for execution in mine if execution not in reported]
            found.append((line, order, theirs, gone))
    return found


def _correct_order(tx: BookTransaction, line: int, order: Order, theirs: Order | None, gone: Sequence[str]) -> None:
    """Correct one order to the broker's state."""
    book = tx.book
    run_id, _ = parse_client_order_id(order.client_order_id) or ("", 0)
    for execution_id in gone:
        fills.delete(tx, execution_id)
        tx.record("reconciliation.execution_taken_back", order.client_order_id, {"execution": execution_id}, "advisor")
    if theirs is None:
        if not order.status.final:
            why = "the broker does not have it; released manually"
            run_orders.refuse(tx, run_id, line, book.now(), why)
            tx.record("reconciliation.order_ended", order.client_order_id, {"reason": why}, "advisor")
    elif (theirs.status, theirs.filled_qty) != (order.status, order.filled_qty):
        run_orders.correct(tx, theirs)
        tx.record("reconciliation.order_corrected", order.client_order_id, {"status": theirs.status}, "advisor")


def _balances(account: Account) -> dict[str, str]:
    return {"cash": money_text(account.cash)} | {p.symbol: qty_text(p.qty) for p in account.positions}

"""Application of the broker's events, each exactly once.

The event cursor is the sequence number of the last event that has been applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

from rebal_tui.broker.failures import BrokerPending, BrokerRefused, RefusalCode
from rebal_tui.broker.protocol import BrokerEvent, EventBatch, EventKind
from rebal_tui.broker.unreadable import unreadable_rows
from rebal_tui.domain.accounts import ENDED_STATUSES, RESTRICTION_TEXTS, Account, Restriction
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.cash import WITHDRAWAL_JOURNAL, Journal, JournalStatus, Owner, OwnerKind, WithdrawalStage
from rebal_tui.domain.orders import Fill
from rebal_tui.domain.quarantine import QuarantineKind
from rebal_tui.services.book import quarantine
from rebal_tui.services.book.asset_listing import save_assets
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.book.quarantine import failure_text, is_general
from rebal_tui.services.broker_sync import journal_watch, missed_events, unknown_assets
from rebal_tui.services.broker_sync.account_reading import marked_external_orders, read_of, set_apart
from rebal_tui.services.broker_sync.corporate_actions import apply_actions
from rebal_tui.services.broker_sync.event_quarantine import release_applied, set_apart_event, set_apart_unreadable
from rebal_tui.services.broker_sync.explained.actions import note_announcement
from rebal_tui.services.broker_sync.explained.changes import book_action, book_cash, book_fill, reverse_execution
from rebal_tui.services.broker_sync.explained.comparison import check_accounts
from rebal_tui.services.broker_sync.lost_runs import note_lost_runs
from rebal_tui.services.broker_sync.unmade import apply_unmade
from rebal_tui.store import accounts, book_settings, cash, fills, jobs, journal_requests, reservations, run_orders

CURSOR = "broker_cursor"
RESTRICTED_ALERT, ENDED_ALERT = "restricted", "account_ended"
"""Alert kinds of an account that is restricted, and of one that is closed or disabled (R-40)."""
MAX_EVENTS_PER_TRANSACTION = 2_000
"""Events applied in one transaction."""
_MAX_FILLS_PER_ENTRY = 500
"""Executions recorded in one audit entry."""


def sync(book: Book, most: int | None = None) -> int:
    """Read the broker's new events and apply them; returns the number of events.

    The effects of an event and the event cursor are stored in one transaction. A repeated event changes nothing. With
    `most`, reading stops as soon as that many events or more were read; further ones may be available.
    """
    total = 0
    while (batch := _next_batch(book, cursor := int(book_settings.get(book.database, CURSOR, "0")))) is not None:
        try:
            reached = apply_event_batch(book, batch, cursor)
        except BrokerPending:
            break
        total += len(batch.events)
        if reached == cursor or (most is not None and total >= most):
            break
    return total


def _next_batch(book: Book, cursor: int) -> EventBatch | None:
    """The events after the cursor, with the accounts, orders and assets that they changed.

    None when there are no events, or while what they changed is being read.
    """
    if book.live is not None:
        return book.live.ready_events(cursor, MAX_EVENTS_PER_TRANSACTION)
    events = book.broker.events(cursor, MAX_EVENTS_PER_TRANSACTION)
    return read_batch(book, events) if events else None


def read_batch(book: Book, events: Sequence[BrokerEvent]) -> EventBatch:
    """The events, with the simulated broker's current state of the accounts, orders and assets that they changed."""
    changed = {event.account_id for event in events if event.account_id is not None}
    listed: Sequence[Asset] = ()
    if any(event.kind is EventKind.ASSET for event in events):
        listed, changed = book.broker.assets(), changed | unknown_assets.paused_accounts(book)
    known: list[Account] = []
    faults: dict[str, str] = {}
    for account_id in sorted(changed):
        try:
            known.append(book.broker.account(account_id))
        except BrokerRefused as refused:
            if refused.code != RefusalCode.NOT_FOUND or account_id in book.accounts:
                faults[account_id] = f"the broker refuses it: {refused.message}"
    external = sorted(_with_external_orders(book, events) - faults.keys())
    opened = {account_id: book.broker.open_orders(account_id) for account_id in external}
    return EventBatch(events, known, opened, listed, faults)


def apply_event_batch(book: Book, batch: EventBatch, cursor: int) -> int:
    """Apply events read from `cursor`, with the accounts and assets that they changed, in one transaction.

    Returns the new event cursor. An event that cannot be applied, and an account that cannot be read, go into
    quarantine (R-52). Raises `BrokerPending` while assets that the book does not know are requested.
    """
    events = batch.events
    reached = max(cursor, *(e.seq for e in events))
    touched = {e.account_id for e in events if e.account_id is not None} | {account.id for account in batch.accounts}
    unnamed = [e.fill for e in events if e.fill]
    listed = batch.assets or unknown_assets.request_assets(book, batch.accounts, unnamed)
    read = read_of(book, batch)
    if book.live is not None and batch.assets:
        for account_id in unknown_assets.paused_accounts(book):
            book.live.request_refresh(account_id, f"assets known at {reached}")

    def apply(*, one_by_one: bool) -> None:
        with book.write() as tx:
            set_apart(tx, read)
            apply_accounts(tx, read.accounts, listed)
            apply_all(tx, events, one_by_one=one_by_one)
            check_accounts(tx, read.accounts)
            for account_id, count in read.external_orders.items():
                accounts.set_external_orders(tx, account_id, count)
            book_settings.put(tx, CURSOR, str(reached))
            if book.live is None:
                missed_events.record(tx, cursor, [e.seq for e in events])
            tx.reload_accounts(sorted(touched))
            tx.requeue_runs(sorted(touched))
            tx.after_commit(partial(book.accounts_to_recheck.update, touched & book.holds.keys()))

    try:
        apply(one_by_one=False)
    except Exception as error:
        if is_general(error):
            raise
        apply(one_by_one=True)
    return reached


def apply_all(tx: BookTransaction, events: Sequence[BrokerEvent], *, one_by_one: bool) -> None:
    """Apply events with all their effects.

    With `one_by_one`, an event that cannot be applied goes into quarantine and the others are applied; otherwise its
    error is raised.
    """
    set_apart_unreadable(tx, events)
    if not one_by_one:
        _apply_together(tx, events)
        return
    for event in events:
        try:
            with tx.book.write() as inner:
                _apply_together(inner, [event])
        except Exception as error:
            if is_general(error):
                raise
            set_apart_event(tx, event, error)


def _apply_together(tx: BookTransaction, events: Sequence[BrokerEvent]) -> None:
    apply_events(tx, events)
    apply_actions(tx, events)
    if tx.book.live is not None:
        note_lost_runs(tx, events)
    release_applied(tx, events)


def reload_from_broker(book: Book) -> None:
    """Load all assets and accounts from the broker (R-2).

    For accounts that had open external orders, these orders are counted again, as no event may have reported their
    end.
    """
    with book.broker.reading():
        known, found = book.broker.assets(), book.broker.accounts()
        external = marked_external_orders(book, found)
    with book.write() as tx:
        apply_accounts(tx, found, known)
        for account_id, count in external.items():
            accounts.set_external_orders(tx, account_id, count)
        for row in unreadable_rows(found):
            quarantine.enter(tx, QuarantineKind.ACCOUNT, row.key, row.reason, row.key)
        check_accounts(tx, found)
        tx.reload_accounts()


def skip_events(tx: BookTransaction) -> None:
    """Advance the event cursor past all existing events, after all accounts have been loaded."""
    book = tx.book
    cursor = int(book_settings.get(book.database, CURSOR, "0"))
    while events := book.broker.events(cursor):
        cursor = events[-1].seq
    book_settings.put(tx, CURSOR, str(cursor))


def apply_accounts(tx: BookTransaction, fresh: Sequence[Account], listed: Sequence[Asset] = ()) -> None:
    """Store first the assets in `listed`, then accounts as the broker reports them.

    A new block by the broker raises an alert, and so does an account that becomes closed or disabled (R-40). An account
    with a position in an asset that the book does not know is paused until the asset is known (R-51). An account that
    cannot be stored goes into quarantine, and the others are stored (R-52).
    """
    if listed:
        save_assets(tx, listed)
    try:
        with tx.book.write() as inner:
            _store_accounts(inner, fresh)
    except Exception as error:
        if is_general(error):
            raise
        if len(fresh) == 1:
            reason = failure_text(error)
            quarantine.enter(tx, QuarantineKind.ACCOUNT, fresh[0].id, reason, fresh[0].id)
        else:
            for account in fresh:
                apply_accounts(tx, [account])


def _store_accounts(tx: BookTransaction, fresh: Sequence[Account]) -> None:
    book = tx.book
    unknown = accounts.save(tx, fresh)
    for account in fresh:
        if (QuarantineKind.ACCOUNT, account.id) in book.quarantine:
            quarantine.leave(tx, QuarantineKind.ACCOUNT, account.id, "broker")
        if account.id in unknown:
            unknown_assets.pause(tx, account, unknown[account.id])
        else:
            unknown_assets.resume(tx, account.id)
        before = book.accounts.get(account.id)
        if before is not None and before.restrictions != account.restrictions:
            texts = "; ".join(RESTRICTION_TEXTS[one] for one in Restriction if one in account.restrictions)
            tx.record("account.restrictions", account.id, {"restrictions": sorted(account.restrictions)})
            if account.restrictions:
                text = f"{account.name} ({account.account_number}) is blocked by the broker: {texts}"
                jobs.raise_alert(tx, book.now(), RESTRICTED_ALERT, account.id, text)
            else:
                jobs.clear_alert(tx, RESTRICTED_ALERT, account.id, book.now())
        if before is not None and before.status is not account.status:
            tx.record("account.status", account.id, {"status": account.status.value})
            if account.status in ENDED_STATUSES:
                text = (
                    f"{account.name} ({account.account_number}) is {ENDED_STATUSES[account.status]}: no run trades it"
                )
                jobs.raise_alert(tx, book.now(), ENDED_ALERT, account.id, text)
            else:
                jobs.clear_alert(tx, ENDED_ALERT, account.id, book.now())


def apply_events(tx: BookTransaction, events: Iterable[BrokerEvent]) -> None:
    """Apply events; those that were applied before change nothing."""
    _record_fills(tx, [fill for event in events if (fill := _apply(tx, event)) is not None])


def _apply(tx: BookTransaction, event: BrokerEvent) -> Fill | None:
    """Apply one event; returns its fill if the book did not have it."""
    book = tx.book
    new = event.fill if event.fill is not None and fills.add(tx, event.fill) else None
    if event.fill is not None and new is None and not fills.known(book.database, event.fill):
        _pause_for_execution(tx, event.fill)
    if event.order is not None:
        run_orders.store(tx, event.order)
    if new is not None:
        book_fill(tx, new)
    book_action(tx, event)
    entry = book_cash(tx, event)
    if entry is not None and accounts.add_cash(tx, entry):
        tx.record("cash." + entry.kind, entry.account_id, {"amount": entry.amount, "seq": entry.seq}, "broker")
    if event.note is not None and event.kind is not EventKind.UNREADABLE:
        jobs.raise_alert(tx, book.now(), "broker_notice", str(event.seq), event.note)
        tx.record("broker.notice", event.account_id or "broker", {"note": event.note}, "broker")
    reverse_execution(tx, event)
    note_announcement(tx, event)
    if event.unmade is not None:
        apply_unmade(tx, event.unmade)
    if event.journal is not None:
        if event.key is not None:
            journal_requests.set_journal(tx, event.key, event.journal.id)
        apply_journal(tx, event.journal, event.account_id or event.journal.from_account)
    return new


def _pause_for_execution(tx: BookTransaction, fill: Fill) -> None:
    """Pause an account for an execution that cannot be stored because the book does not know its asset."""
    account = tx.book.accounts.get(fill.account_id)
    if account is not None:
        unknown_assets.pause(tx, account, [fill])


def apply_journal(tx: BookTransaction, journal: Journal, account_id: str) -> None:
    """Store an account's journal as the broker reports it, with the reservation of its cash.

    A journal in a final status is changed only by another final status. The caller must have the account read again
    (`BookTransaction.reload_accounts`).
    """
    book = tx.book
    before = cash.journal(book.database, journal.id)
    if before is not None and before.status.final:
        if journal.status.final and journal.status is not before.status:
            journal_watch.apply_change(tx, before, journal, account_id)
        return
    cash.save_journal(tx, journal, account_id)
    if before is None or before.status is not journal.status:
        tx.record("journal." + journal.status, journal.id, {"amount": journal.amount}, "broker")
        if journal.from_account == account_id:
            if before is None:
                _take_over(tx, journal, account_id)
            if journal.status is JournalStatus.EXECUTED:
                reservations.release(tx, account_id, Owner(OwnerKind.JOURNAL, journal.id))
            elif journal.status.final:
                _give_back(tx, journal, account_id)


def _give_back(tx: BookTransaction, journal: Journal, account_id: str) -> None:
    """Return the cash of a failed journal to those from whom it was taken.

    A withdrawal that has been paid or has ended gets none.
    """
    reservations.give_back(tx, account_id, journal.id)
    made_for = cash.open_withdrawal(tx.database, account_id)
    if made_for is not None and made_for.stage is WithdrawalStage.RESUBSCRIBING:
        made_for = None
    for owner in [reservation.owner for reservation in reservations.of_account(tx.database, account_id)]:
        if owner.kind is OwnerKind.WITHDRAWAL and (made_for is None or owner.reference != made_for.id):
            reservations.release(tx, account_id, owner)


def _take_over(tx: BookTransaction, journal: Journal, account_id: str) -> None:
    """Reserve cash for an outgoing journal, taken from its withdrawal, or from runs and free cash (R-9).

    A journal belongs to a withdrawal if the withdrawal has stored its id, or is about to request one with this amount.
    """
    made_for = cash.open_withdrawal(tx.database, account_id)
    if made_for is not None and made_for.journal_id != journal.id:
        requested = (WithdrawalStage.JOURNALING, made_for.amount, WITHDRAWAL_JOURNAL)
        if (made_for.stage, journal.amount, journal.description) != requested:
            made_for = None
    withdrawal_id = made_for.id if made_for else None
    reservations.take_over(tx, account_id, journal.id, journal.amount, journal.created_at, withdrawal_id=withdrawal_id)


def _record_fills(tx: BookTransaction, filled: list[Fill]) -> None:
    """Record new executions in the audit trail, up to `_MAX_FILLS_PER_ENTRY` per entry."""
    for start in range(0, len(filled), _MAX_FILLS_PER_ENTRY):
        chunk = filled[start : start + _MAX_FILLS_PER_ENTRY]
        detail = [[f.execution_id, f.client_order_id, f.symbol, f.side, f.qty, f.price, f.amount] for f in chunk]
        subject = chunk[0].client_order_id if len(chunk) == 1 else f"{len(chunk)} fills"
        tx.record("orders.filled", subject, {"fills": detail}, "broker")


def _with_external_orders(book: Book, events: Sequence[BrokerEvent]) -> set[str]:
    """The accounts with an event of an external order."""
    orders = (event.order for event in events if event.order is not None)
    return {order.account_id for order in orders if not run_orders.placed(book.database, order.client_order_id)}

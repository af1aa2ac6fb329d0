"""Reading one account from the broker again, alone or after some of its orders were read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.orders import Order
from rebal_tui.domain.quarantine import QuarantineKind
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.broker_sync import unknown_assets
from rebal_tui.services.broker_sync.account_reading import ReadAccounts, read_accounts, set_apart
from rebal_tui.services.broker_sync.events import apply_accounts
from rebal_tui.services.broker_sync.explained.comparison import check_accounts, is_settled
from rebal_tui.store import accounts, run_orders


@dataclass(frozen=True, slots=True)
class AccountSnapshot:
    """An account as read from the broker. `listed` are assets read with it because the book lacks one of them."""

    account_id: str
    read: ReadAccounts
    listed: Sequence[Asset]


def read_snapshot(book: Book, account_id: str) -> AccountSnapshot:
    """Read an account and the number of its open external orders from the broker. Raises `BrokerUnavailable`."""
    with book.broker.reading():
        read = read_accounts(book, [account_id], [account_id])
        return AccountSnapshot(account_id, read, unknown_assets.request_assets(book, read.accounts))


def read_account(book: Book, account_id: str) -> None:
    """Read an account from the broker and store its state. One that cannot be read goes into quarantine (R-52)."""
    snapshot = read_snapshot(book, account_id)
    if not _is_stored(book, snapshot):
        with book.write() as tx:
            store_snapshot(tx, snapshot)


def store_orders(book: Book, account_id: str, known: Sequence[Order]) -> None:
    """Store the orders in `known`, as read from the broker, together with their account, which is read again for this.

    Raises `BrokerUnavailable`; nothing is stored then.
    """
    snapshot = snapshot_with(book, account_id, known)
    with book.write() as tx:
        for order in known:
            run_orders.store(tx, order)
        store_snapshot(tx, snapshot)
        tx.requeue_runs([account_id])
        tx.changed()


def snapshot_with(book: Book, account_id: str, known: Iterable[Order]) -> AccountSnapshot | None:
    """The account, read now, after the orders in `known` were read from the broker; to be stored together with them.

    With the orders alone, buys would be sized from cash without the proceeds of an executed order. None when no order
    has an execution, and without a real broker. Raises `BrokerUnavailable`.
    """
    executed = book.live is not None and any(order.filled_qty for order in known)
    return read_snapshot(book, account_id) if executed else None


def _is_stored(book: Book, snapshot: AccountSnapshot) -> bool:
    """Whether the book has the account exactly as it was read, with no difference to explain and no pause to end."""
    if snapshot.read.faults or snapshot.listed:
        return False
    return all(
        (storable := unknown_assets.without_unknown(book, unknown_assets.labeled(book, fresh)))
        == book.accounts.get(fresh.id)
        and snapshot.read.external_orders[fresh.id] == book.extras[fresh.id].external_orders
        and is_settled(book, storable)
        and (QuarantineKind.ACCOUNT, fresh.id) not in book.quarantine
        and (len(storable.positions) == len(fresh.positions)) == (fresh.id not in unknown_assets.paused_accounts(book))
        for fresh in snapshot.read.accounts
    )


def store_snapshot(tx: BookTransaction, snapshot: AccountSnapshot | None) -> None:
    """Store an account as the broker has it now, and pause it when the book's records do not explain that state.

    Does nothing for None.
    """
    if snapshot is None:
        return
    read = snapshot.read
    set_apart(tx, read)
    apply_accounts(tx, read.accounts, snapshot.listed)
    check_accounts(tx, read.accounts)
    for account_id, count in read.external_orders.items():
        accounts.set_external_orders(tx, account_id, count)
    tx.reload_accounts([snapshot.account_id])

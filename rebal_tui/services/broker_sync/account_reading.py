"""Reading single accounts: one that cannot be read goes into quarantine, and the others are still read (R-52)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

from rebal_tui.broker.failures import BrokerPending, BrokerRefused, RefusalCode
from rebal_tui.broker.protocol import EventBatch
from rebal_tui.broker.unreadable import AccountUnreadable
from rebal_tui.domain.accounts import Account
from rebal_tui.domain.orders import Order, Side
from rebal_tui.domain.quarantine import QuarantineKind
from rebal_tui.services.book import quarantine
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.store import run_orders


@dataclass(slots=True)
class ReadAccounts:
    """Accounts as the broker reports them.

    By account id: `external_orders` is the number of open external orders, `faults` why an account cannot be read.
    """

    accounts: list[Account] = field(default_factory=list)
    external_orders: dict[str, int] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def read_accounts(book: Book, account_ids: Iterable[str], with_orders: Collection[str] = ()) -> ReadAccounts:
    """The accounts as the broker reports them; for those in `with_orders`, also the number of open external orders.

    An account that neither the book nor the broker has is left out. Raises `BrokerUnavailable`.
    """
    read = ReadAccounts()
    for account_id in sorted(account_ids):
        try:
            account = book.broker.account(account_id)
            if account_id in with_orders:
                read.external_orders[account_id] = external_orders(book, account)
        except AccountUnreadable as error:
            read.faults[account_id] = str(error)
        except BrokerRefused as refused:
            missing = refused.code == RefusalCode.NOT_FOUND
            if not missing or account_id in book.accounts:
                read.faults[account_id] = f"the broker refuses it: {refused.message}"
        else:
            read.accounts.append(account)
    return read


def read_of(book: Book, batch: EventBatch) -> ReadAccounts:
    """The accounts that were read together with events; faults of accounts that the book does not have are left out."""
    orders = batch.open_orders
    external = {one.id: _external_orders(one, orders[one.id], book) for one in batch.accounts if one.id in orders}
    return ReadAccounts(
        list(batch.accounts), external, {one: why for one, why in batch.faults.items() if one in book.accounts}
    )


def set_apart(tx: BookTransaction, read: ReadAccounts) -> None:
    """Put the accounts that could not be read into quarantine."""
    for account_id, reason in read.faults.items():
        quarantine.enter(tx, QuarantineKind.ACCOUNT, account_id, reason, account_id)


def external_orders(book: Book, account: Account) -> int:
    """The number of open orders of an account that belong to no run of this book.

    At least 1 if anything else at the broker reserves shares of a position, because these shares cannot be sold.
    """
    return _external_orders(account, book.broker.open_orders(account.id), book)


def marked_external_orders(book: Book, read: Iterable[Account]) -> dict[str, int]:
    """By account id, the number of open external orders at a real broker now, of accounts that have some in the book.

    An account that cannot be read is left out. Raises `BrokerPending` until the broker has answered for each.
    """
    found: dict[str, int] = {}
    pending: BrokerPending | None = None
    for account in read if book.live is not None else ():
        known = book.extras.get(account.id)
        if known is None or not known.external_orders:
            continue
        try:
            found[account.id] = external_orders(book, account)
        except BrokerPending as not_yet:
            pending = not_yet
        except (AccountUnreadable, BrokerRefused):
            continue
    if pending is not None:
        raise pending
    return found


def _external_orders(account: Account, orders: Sequence[Order], book: Book) -> int:
    opened = [(order, run_orders.placed(book.database, order.client_order_id)) for order in orders]
    outside = sum(not ours for _, ours in opened)
    selling: dict[str, int] = {}
    for order, _ in opened:
        if order.side is Side.SELL and order.qty is not None:
            selling[order.symbol] = selling.get(order.symbol, 0) + order.qty - order.filled_qty
    reserved = any(
        p.available is not None and p.qty - p.available > selling.get(p.symbol, 0) for p in account.positions
    )
    return outside or int(reserved)

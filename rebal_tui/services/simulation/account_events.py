"""Changes of accounts that the simulated broker makes on request. All raise `Conflict` with a real broker."""

from __future__ import annotations

from rebal_tui.broker.failures import BrokerRefused
from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.errors import Conflict, Fault, Invalid
from rebal_tui.domain.quantities import Money, Price, Qty, qty_text
from rebal_tui.services.advisory.cash import sandbox
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import sync


def set_restriction(book: Book, account_id: str, restriction: Restriction, on: bool) -> None:
    """Add a broker block to an account if `on`, else remove it (R-40)."""
    before = book.account(account_id).restrictions
    after = before | {restriction} if on else before - {restriction}
    sandbox(book).set_restrictions(account_id, frozenset(after), book.now())
    _record(book, "account.restriction", account_id, {"restriction": restriction.value, "on": on})


def set_status(book: Book, account_id: str, status: AccountStatus) -> None:
    """Set the broker status of an account."""
    book.account(account_id)
    sandbox(book).set_account_status(account_id, status.value, book.now())
    _record(book, "account.status", account_id, {"status": status.value})


def return_deposit(book: Book, account_id: str, amount: Money) -> Money:
    """Return an ACH deposit: the account is blocked by the broker and debited, at most its free cash.

    Returns the amount debited. Raises `Invalid` for an amount not above 0.
    """
    book.account(account_id)
    if amount <= 0:
        raise Invalid([Fault("amount", "expected an amount above 0")])
    entry = sandbox(book).return_deposit(account_id, amount, book.now())
    _record(book, "account.ach_return", account_id, {"asked": amount, "amount": entry.amount})
    return Money(abs(entry.amount))


def transfer_in(book: Book, account_id: str, symbol: str, qty: Qty) -> None:
    """Transfer shares into an account at the current price, like a transfer from another broker.

    Raises `Invalid` for an unknown asset, one without a price, or a quantity not above 0, and `Conflict` when the
    broker refuses.
    """
    price = check_transfer_in(book, account_id, symbol, qty)
    try:
        sandbox(book).transfer_in(account_id, symbol, qty, price, book.now())
    except BrokerRefused as refusal:
        raise Conflict(f"{refusal.code}: {refusal.message}") from refusal
    _record(book, "account.brought_in", account_id, {"symbol": symbol, "qty": qty_text(qty)})


def known_symbols(book: Book) -> tuple[str, ...]:
    """Every symbol that can be transferred in, sorted. Raises `Conflict` when the broker is real."""
    sandbox(book)
    return tuple(sorted(book.assets))


def check_transfer_in(book: Book, account_id: str, symbol: str, qty: Qty) -> Price:
    """The price at which shares would be transferred in. Raises the errors of `transfer_in`; changes nothing."""
    book.account(account_id)
    sandbox(book)
    asset = book.assets.get(symbol)
    if asset is None:
        raise Invalid([Fault("symbol", f"unknown asset {symbol}")])
    if asset.price is None:
        raise Invalid([Fault("symbol", f"{symbol} has no price")])
    if qty <= 0:
        raise Invalid([Fault("qty", "expected a quantity above 0")])
    return asset.price


def _record(book: Book, action: str, account_id: str, detail: object) -> None:
    with book.write() as tx:
        tx.record(action, account_id, detail, "advisor")
    sync(book)

"""Manual cash movements: simulator deposits, journals with the firm account (R-9, R-31)."""

from __future__ import annotations

from rebal_tui.broker.protocol import (
    FIRM_ACCOUNT,
    BrokerRefused,
    BrokerUnavailable,
    RefusalCode,
    SandboxControls,
)
from rebal_tui.domain.cash import Journal
from rebal_tui.domain.errors import Conflict, Fault, Forbidden, Invalid, NotFound, Refusal
from rebal_tui.domain.quantities import Money
from rebal_tui.engine.trace_text import money
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.events import sync
from rebal_tui.store import accounts, book_settings, cash

_FORBIDDEN = frozenset(
    {
        RefusalCode.ACCOUNT_RESTRICTED,
        RefusalCode.AMOUNT_NOT_AVAILABLE,
        RefusalCode.INSUFFICIENT_BUYING_POWER,
        RefusalCode.INSUFFICIENT_QTY,
    }
)


def sandbox(book: Book) -> SandboxControls:
    """The controls of the simulated broker. Raises `Conflict` with a real broker."""
    if book.sandbox is None:
        raise Conflict("available with the simulated broker only")
    return book.sandbox


def deposit(book: Book, account_id: str, amount: Money) -> None:
    """Deposit cash in an account of the simulated broker; the next evaluation invests it (R-31).

    Raises `NotFound` for an unknown account, `Invalid` for an amount not above 0, and `Conflict` with a real broker.
    """
    book.account(account_id)
    _require_positive(amount)
    sandbox(book).deposit(account_id, amount, book.now())
    with book.write() as tx:
        tx.record("cash.deposited", account_id, {"amount": amount}, "advisor")
    sync(book)


def create_journal(
    book: Book, account_id: str, amount: Money, *, incoming: bool, description: str = "", key: str | None = None
) -> Journal:
    """Move cash between a client account and the firm account; `key` is the idempotency key (R-9).

    Raises `Forbidden` for more than `cash_transferable` or a restricted account, `NotFound` for an unknown account,
    `Invalid` for an amount not above 0, and `Conflict` for any other refusal, with the broker's message, or when the
    broker does not answer.
    """
    book.account(account_id)
    _require_positive(amount)
    if key is None:
        with book.write() as tx:
            key = book_settings.next_id(tx)
    source, target = (FIRM_ACCOUNT, account_id) if incoming else (account_id, FIRM_ACCOUNT)
    try:
        journal = book.broker.create_journal(source, target, amount, description, key)
    except BrokerRefused as refusal:
        raise refused(refusal) from refusal
    except BrokerUnavailable as silence:
        raise Conflict("the broker did not answer; check whether the journal exists before you retry") from silence
    with book.write() as tx:
        tx.record("journal.created", journal.id, {"account": account_id, "incoming": incoming}, "advisor")
    sync(book)
    return journal


def refused(refusal: BrokerRefused) -> Refusal:
    """A broker's refusal converted to a `Refusal` with the matching API status."""
    text = f"{refusal.code}: {refusal.message}"
    if refusal.code == RefusalCode.NOT_FOUND:
        return NotFound(text)
    return Forbidden(text) if refusal.code in _FORBIDDEN else Conflict(text)


def cancel_journal(book: Book, journal_id: str) -> None:
    """Cancel a pending journal. Raises `NotFound` for an unknown one, `Conflict` for one that is not pending."""
    try:
        sandbox(book).cancel_journal(journal_id)
    except BrokerRefused as refusal:
        raise refused(refusal) from refusal
    with book.write() as tx:
        tx.record("journal.cancel_asked", journal_id, actor="advisor")
    sync(book)


def check_journal(book: Book, account_id: str, amount: Money, *, incoming: bool) -> None:
    """Raise `Conflict` when an outgoing journal would exceed `cash_transferable`; changes nothing (R-9)."""
    book.account(account_id)
    _require_positive(amount)
    ready = book.broker.cash_transferable(account_id)
    if not incoming and amount > ready:
        raise Conflict(f"only {money(ready)} can be transferred now")


def release(book: Book, account_id: str) -> None:
    """Release the reserved cash of an account to its portfolio (R-23).

    Raises `Conflict` when nothing is reserved, or when it is reserved for a withdrawal.
    """
    check_release(book, account_id)
    with book.write() as tx:
        accounts.reserve(tx, account_id, Money(0))
        tx.record("cash.released", account_id, actor="advisor")
        tx.reload_accounts([account_id])


def check_release(book: Book, account_id: str) -> Money:
    """The amount `release` would release. Raises as `release` does; changes nothing."""
    number = book.account(account_id).account_number
    if any(w.account_id == account_id for w in cash.withdrawals(book.database, only_open=True)):
        raise Conflict(f"a withdrawal in progress holds the cash of account {number}; cancel the withdrawal instead")
    amount = book.extras[account_id].reserve
    if amount <= 0:
        raise Conflict(f"account {number} has no reserved cash")
    return amount


def _require_positive(amount: Money) -> None:
    if amount <= 0:
        raise Invalid([Fault("amount", "expected an amount above 0")])

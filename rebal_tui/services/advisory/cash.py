"""Manual cash movements: deposits at the simulated broker, and journals with the firm account (R-9, R-31)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from rebal_tui.broker.failures import BrokerPending, BrokerRefused, BrokerUnavailable, RefusalCode
from rebal_tui.broker.protocol import FIRM_ACCOUNT, LiveBroker, SandboxControls
from rebal_tui.domain.accounts import Account
from rebal_tui.domain.cash import Journal, JournalStatus, Owner, OwnerKind, Reservation
from rebal_tui.domain.errors import Conflict, Fault, Forbidden, Invalid, NotFound, Refusal
from rebal_tui.domain.quantities import MAX_NANO, Money
from rebal_tui.engine.trace_text import money, money_down
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.kill_switch import halted
from rebal_tui.services.broker_sync.account_snapshot import read_account
from rebal_tui.services.broker_sync.events import apply_journal, sync
from rebal_tui.store import book_settings, cash, journal_requests, reservations
from rebal_tui.store.journal_requests import StoredRequest

_FORBIDDEN = frozenset(
    {
        RefusalCode.ACCOUNT_RESTRICTED,
        RefusalCode.AMOUNT_NOT_AVAILABLE,
        RefusalCode.INSUFFICIENT_BUYING_POWER,
        RefusalCode.INSUFFICIENT_QTY,
    }
)


def sandbox(book: Book) -> SandboxControls:
    """The functions that only the simulated broker has, such as deposits. Raises `Conflict` with a real broker."""
    if book.sandbox is None:
        raise Conflict("available with the simulated broker only")
    return book.sandbox


def deposit(book: Book, account_id: str, amount: Money) -> None:
    """Deposit cash in an account of the simulated broker; the next evaluation invests it (R-31).

    Raises `NotFound` for an unknown account, `Invalid` for an amount not above 0, and `Conflict` with a real broker or
    when the account's cash would exceed $9 billion, the largest amount that the program stores.
    """
    _require_room(book.account(account_id), amount)
    _require_positive(amount)
    sandbox(book).deposit(account_id, amount, book.now())
    with book.write() as tx:
        tx.record("cash.deposited", account_id, {"amount": amount}, "advisor")
    sync(book)


def _require_room(account: Account, amount: Money) -> None:
    """Raise `Conflict` when the account's cash plus `amount` is too large to be stored."""
    if account.cash + amount > MAX_NANO:
        raise Conflict([Fault("amount", f"account {account.account_number} can have at most $9,000,000,000 in cash")])


def create_journal(
    book: Book, account_id: str, amount: Money, *, incoming: bool, description: str = "", key: str | None = None
) -> Journal:
    """Move cash between a client account and the firm account, to the client if `incoming` (R-9).

    `key` is an idempotency key: a repeated one makes no second journal. Raises `Forbidden` for more than the account
    may transfer (see `transferable`), and for an account that the broker blocks (R-40), `NotFound` for an unknown
    account, `Invalid` for an amount not above 0, and `Conflict` for any other refusal by the broker, with its
    message, when the broker does not answer, and when the account's cash would exceed $9 billion. A real broker
    answers later: the journal returned is only requested, with the status QUEUED and `key` as its id; `Conflict`
    while the kill switch is on.
    """
    account = book.account(account_id)
    _require_positive(amount)
    if incoming:
        _require_room(account, amount)
    given = key is not None
    if not incoming and (key is None or not cash.has_journal_key(book.database, key)):
        _check_reservations(book, account_id, amount)
    if key is None:
        with book.write() as tx:
            key = book_settings.next_id(tx)
    source, target = (FIRM_ACCOUNT, account_id) if incoming else (account_id, FIRM_ACCOUNT)
    if book.live is not None:
        return _request_journal(book, book.live, StoredRequest(key, source, target, amount, description, book.now()))
    try:
        journal = book.broker.create_journal(source, target, amount, description, key)
    except BrokerRefused as refusal:
        raise refused(refusal) from refusal
    except BrokerUnavailable as silence:
        raise Conflict("the broker did not answer; check whether the journal exists before you retry") from silence
    with book.write() as tx:
        tx.record("journal.created", journal.id, {"account": account_id, "incoming": incoming}, "advisor")
    sync(book)
    reserve_for_journal(book, journal, account_id)
    if given:
        with book.write() as tx:
            cash.set_journal_key(tx, journal.id, key)
    return journal


def _request_journal(book: Book, live: LiveBroker, request: StoredRequest) -> Journal:
    """Store a journal for a real broker, and request it.

    The journal that is returned has the status QUEUED, and the key as its id, because the broker has not answered yet.
    """
    if halted(book):
        raise Conflict("the kill switch stops all new journals; release it first")
    if journal_requests.get(book.database, request.key) is None:
        with book.write() as tx:
            journal_requests.add(tx, request)
            detail = {"from": request.from_account, "to": request.to_account, "amount": request.amount}
            tx.record("journal.requested", request.key, detail, "advisor")
        with suppress(BrokerPending):
            live.create_journal(
                request.from_account, request.to_account, request.amount, request.description, request.key
            )
    return Journal(
        request.key, request.from_account, request.to_account, request.amount, JournalStatus.QUEUED,
        request.description, request.at, request.at,
    )  # fmt: skip


def reserve_for_journal(book: Book, journal: Journal, account_id: str) -> None:
    """Store a journal that the broker has just created, and reserve its cash.

    Does nothing if the journal is stored already, because the broker's event on it came first, as in the simulation;
    the events of a real broker arrive later. A journal that is final at once has changed the cash, so the account is
    then read from the broker again.
    """
    if cash.journal(book.database, journal.id) is not None:
        return
    with book.write() as tx:
        apply_journal(tx, journal, account_id)
        tx.reload_accounts([account_id])
    if journal.status.final:
        read_account(book, account_id)


def transferable(book: Book, account_id: str, withdrawal_id: str | None = None) -> Money:
    """What a new journal of the account may transfer now: settled cash less the reservations that it may not use (R-9).

    The journal of the withdrawal `withdrawal_id` may use only what that withdrawal has reserved. Any other journal may
    use what runs have reserved. The broker's figure of settled cash is without the cash of journals under way. Raises
    `BrokerUnavailable`.
    """
    ready = book.broker.cash_transferable(account_id)
    others = [r for r in reservations.of_account(book.database, account_id) if not _takes(r, withdrawal_id)]
    return Money(max(0, ready - sum(reservation.amount for reservation in others)))


def _takes(reservation: Reservation, withdrawal_id: str | None) -> bool:
    """Whether a new journal may use the reserved cash, or the broker has subtracted it from settled cash already."""
    owner = reservation.owner
    if withdrawal_id is not None and owner.kind is not OwnerKind.JOURNAL:
        return owner == Owner(OwnerKind.WITHDRAWAL, withdrawal_id)
    return owner.kind in (OwnerKind.RUN, OwnerKind.JOURNAL)


def _check_reservations(book: Book, account_id: str, amount: Money) -> None:
    """Raise `Forbidden` when an outgoing journal would use cash that other owners have reserved (R-9)."""
    others = [r for r in reservations.of_account(book.database, account_id) if not _takes(r, None)]
    if not others:
        return
    try:
        ready = transferable(book, account_id)
    except BrokerPending:
        raise
    except BrokerUnavailable:
        raise Conflict("the broker did not answer; nothing was sent") from None
    if amount > ready:
        raise Forbidden(f"{RefusalCode.AMOUNT_NOT_AVAILABLE}: {_not_available(ready, others)}")


def _not_available(ready: Money, others: Sequence[Reservation]) -> str:
    reserved = ", ".join(f"{money(r.amount)} by {r.owner.text}" for r in others)
    return f"only {money_down(ready)} can be transferred now" + (f"; reserved: {reserved}" if reserved else "")


def refused(refusal: BrokerRefused) -> Refusal:
    """The broker's refusal as the `Refusal` with the matching status of the API."""
    text = f"{refusal.code}: {refusal.message}"
    if refusal.code == RefusalCode.NOT_FOUND:
        return NotFound(text)
    return Forbidden(text) if refusal.code in _FORBIDDEN else Conflict(text)


def cancel_journal(book: Book, journal_id: str) -> None:
    """Cancel a pending journal of the simulated broker.

    Raises `NotFound` for an unknown journal, `Conflict` for one that is not pending, and with a real broker.
    """
    try:
        sandbox(book).cancel_journal(journal_id)
    except BrokerRefused as refusal:
        raise refused(refusal) from refusal
    with book.write() as tx:
        tx.record("journal.cancel_asked", journal_id, actor="advisor")
    sync(book)


def check_journal(book: Book, account_id: str, amount: Money, *, incoming: bool) -> None:
    """Raise `Conflict` when an outgoing journal would exceed `transferable`; changes nothing (R-9).

    Also for an incoming journal, raises `NotFound` for an unknown account, `Invalid` for an
    amount not above 0, and `BrokerUnavailable`.
    """
    book.account(account_id)
    _require_positive(amount)
    ready = transferable(book, account_id)
    if not incoming and amount > ready:
        others = [r for r in reservations.of_account(book.database, account_id) if not _takes(r, None)]
        raise Conflict(_not_available(ready, others))


def release(book: Book, account_id: str) -> None:
    """Release the cash that runs and persons have reserved in an account, so that its portfolio can invest it (R-23).

    Raises `Conflict` when nothing is reserved, or only for a withdrawal or a journal under way.
    """
    amount = check_release(book, account_id)
    with book.write() as tx:
        for reservation in _releasable(book, account_id):
            reservations.release(tx, account_id, reservation.owner)
        tx.record("cash.released", account_id, {"amount": amount}, "advisor")
        tx.reload_accounts([account_id])


def check_release(book: Book, account_id: str) -> Money:
    """The amount that `release` would release. Raises the same errors; changes nothing."""
    number = book.account(account_id).account_number
    found = _releasable(book, account_id)
    if found:
        return Money(sum(reservation.amount for reservation in found))
    held = [reservation.owner.kind for reservation in reservations.of_account(book.database, account_id)]
    if OwnerKind.WITHDRAWAL in held:
        raise Conflict(f"a withdrawal in progress holds the cash of account {number}; cancel the withdrawal instead")
    if held:
        raise Conflict(f"a journal under way holds the cash of account {number}")
    raise Conflict(f"account {number} has no reserved cash")


def _releasable(book: Book, account_id: str) -> list[Reservation]:
    kinds = (OwnerKind.RUN, OwnerKind.PERSON)
    return [r for r in reservations.of_account(book.database, account_id) if r.owner.kind in kinds]


def _require_positive(amount: Money) -> None:
    if amount <= 0:
        raise Invalid([Fault("amount", "expected an amount above 0")])

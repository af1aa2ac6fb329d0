"""Cash journals between a client account and the firm account, in steps (R-9)."""

from __future__ import annotations

import re
from typing import Literal

from rebal_tui.broker.failures import BrokerRefused, RefusalCode
from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.broker.simulated.events import JournalFacts, emit_cash, emit_journal, make_journal
from rebal_tui.broker.simulated.fills import FillModel
from rebal_tui.broker.simulated.ledger import account_cash, post
from rebal_tui.broker.simulated.ports import Ids, Query, Writer
from rebal_tui.broker.simulated.timestamps import day_of, next_midnight
from rebal_tui.domain.accounts import AccountStatus
from rebal_tui.domain.cash import CashKind, Journal, JournalStatus
from rebal_tui.domain.quantities import MAX_NANO, Money
from rebal_tui.domain.text import display_text

MAX_DESCRIPTION_LENGTH = 1_024
MAX_KEY_LENGTH = 128
_FIXTURE = re.compile(r"/fixtures/status=(rejected|pending)/fixtures/")
_REJECTED_BY_FIXTURE = "rejected by a fixture in the description"
_FIXED = "j.id, j.to_firm, j.amount, j.description, j.reason, j.created_at"
_JOURNAL = (
    f"SELECT {_FIXED}, a.id, j.status, j.updated_at FROM sim_journals AS j JOIN sim_accounts AS a ON a.n = j.account"
)


def find_journal(query: Query, column: Literal["id", "idempotency_key"], value: str) -> Journal | None:
    """The journal with that `id` or `idempotency_key`, None when there is none."""
    for row in query(f"{_JOURNAL} WHERE j.{column} = ?", (value,)):
        *facts, account_id, status, updated_at = row
        return make_journal(JournalFacts._make(facts), account_id, JournalStatus(status), updated_at)
    return None


class JournalService:
    """Creates and advances journals. Each method works inside its caller's transaction. Times (`at`, `now`) are in
    microseconds since 1970 UTC.
    """

    def __init__(self, model: FillModel, ids: Ids) -> None:
        self._model = model
        self._ids = ids

    def create(
        self, tx: Writer, from_account: str, to_account: str, amount: Money, description: str, key: str,
        at: int,
    ) -> Journal:  # fmt: skip
        """Create a journal; cash of a client is reserved at once if it goes to the firm. Raises `BrokerRefused`.

        With a `key` used before for the same accounts, amount and description, returns the existing journal.
        """
        _check_form(amount, description, key)
        existing = find_journal(tx.execute, "idempotency_key", key)
        if existing is not None:
            if (existing.from_account, existing.to_account, existing.amount, existing.description) != (
                from_account, to_account, amount, description,
            ):  # fmt: skip
                raise BrokerRefused(RefusalCode.REJECTED, "the idempotency key is already used by another journal")
            return existing
        account, to_firm = _direction(tx, from_account, to_account)
        if to_firm and amount > account_cash(tx.execute, "n", account).transferable:
            raise BrokerRefused(RefusalCode.AMOUNT_NOT_AVAILABLE, "the amount exceeds cash_transferable")
        fixture = _FIXTURE.search(description)
        fixture_status = fixture[1] if fixture else ""
        pending = fixture_status == "pending"
        n = tx.execute(
            "INSERT INTO sim_journals (id, idempotency_key, account, to_firm, amount, status, description, doom,"
            " due_at, reserved, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._ids(f"journal:{key}"), key, account, to_firm, amount,
                JournalStatus.PENDING if pending else JournalStatus.QUEUED, description,
                _REJECTED_BY_FIXTURE if fixture_status == "rejected" else None,
                next_midnight(at) if pending else at + self._model.latency(f"journal {key}", 0),
                amount if to_firm else 0, at, at,
            ),
        ).lastrowid  # fmt: skip
        emit_journal(tx, at, account, int(n or 0), JournalStatus.PENDING if pending else JournalStatus.QUEUED)
        if self._model.immediate_fills:
            self.advance(tx, at)
        journal = find_journal(tx.execute, "idempotency_key", key)
        if journal is None:
            raise BrokerRefused(RefusalCode.NOT_FOUND, "no such journal")
        return journal

    def cancel(self, tx: Writer, journal_id: str, at: int) -> None:
        """Cancel a pending journal. Raises `BrokerRefused` when the journal is unknown or not pending."""
        row = tx.execute("SELECT n, account, status FROM sim_journals WHERE id = ?", (journal_id,)).fetchone()
        if row is None:
            raise BrokerRefused(RefusalCode.NOT_FOUND, "no such journal")
        if row[2] != JournalStatus.PENDING:
            raise BrokerRefused(RefusalCode.NOT_CANCELABLE, f"the journal is {row[2]}, not pending")
        tx.execute(
            "UPDATE sim_journals SET status = ?, due_at = NULL, reserved = 0, updated_at = ? WHERE n = ?",
            (JournalStatus.CANCELED, at, row[0]),
        )
        emit_journal(tx, at, row[1], row[0], JournalStatus.CANCELED)

    def advance(self, tx: Writer, now: int) -> None:
        """Execute the steps of journals that are due by `now`.

        The next step of a pending journal is due at the next midnight in New York.
        """
        due = tx.execute(
            "SELECT n, idempotency_key, account, to_firm, amount, status, doom, due_at FROM sim_journals"
            " WHERE due_at <= ? ORDER BY due_at, n",
            (now,),
        ).fetchall()
        for n, key, account, to_firm, amount, status, planned_rejection, due_at in due:
            at: int | None = due_at
            state = JournalStatus(status)
            step = 0
            while at is not None and at <= now:
                step += 1
                state, at = self._step(tx, n, key, account, bool(to_firm), amount, state, planned_rejection, at, step)

    def _step(
        self, tx: Writer, n: int, key: str, account: int, to_firm: bool, amount: int,
        status: JournalStatus, planned_rejection: str | None, at: int, step: int,
    ) -> tuple[JournalStatus, int | None]:  # fmt: skip
        """Advance a journal by one step; returns its new status and when its next step is due, None without one."""
        later = at + self._model.latency(f"journal {key}", step)
        due: int | None = later
        reason: str | None = None
        if status is JournalStatus.PENDING:
            following = JournalStatus.QUEUED
        elif status is JournalStatus.QUEUED:
            following = JournalStatus.SENT_TO_CLEARING
        else:
            due = None
            reason = planned_rejection or (None if to_firm else _cannot_receive(tx, account, amount))
            following = JournalStatus.REJECTED if reason else JournalStatus.EXECUTED
        tx.execute(
            "UPDATE sim_journals SET status = ?, reason = ?, due_at = ?, updated_at = ?,"
            " reserved = CASE WHEN ? IS NULL THEN 0 ELSE reserved END WHERE n = ?",
            (following, reason, due, at, due, n),
        )
        emit_journal(tx, at, account, n, following)
        if following is JournalStatus.EXECUTED:
            kind = CashKind.JOURNAL_OUT if to_firm else CashKind.JOURNAL_IN
            journal_id = self._ids(f"journal:{key}")
            entry = post(tx, account, at, kind, -amount if to_firm else amount, day_of(at).isoformat(), journal_id)
            emit_cash(tx, at, account, entry)
        return following, due


def _check_form(amount: Money, description: str, key: str) -> None:
    if not 0 < amount <= MAX_NANO:
        raise BrokerRefused(RefusalCode.REJECTED, "expected an amount above 0 and up to 9,000,000,000 dollars")
    try:
        display_text(description, MAX_DESCRIPTION_LENGTH)
        display_text(key, MAX_KEY_LENGTH)
    except ValueError as error:
        raise BrokerRefused(RefusalCode.REJECTED, f"description or idempotency key: {error}") from None
    if not key:
        raise BrokerRefused(RefusalCode.REJECTED, "an idempotency key is required")


def _direction(tx: Writer, from_account: str, to_account: str) -> tuple[int, bool]:
    """The integer key of the client's account, and whether the cash goes to the firm. Raises `BrokerRefused`."""
    to_firm = to_account == FIRM_ACCOUNT
    if to_firm == (from_account == FIRM_ACCOUNT):
        raise BrokerRefused(RefusalCode.REJECTED, "a journal moves cash between a client account and the firm account")
    row = tx.execute(
        "SELECT n, status FROM sim_accounts WHERE id = ?", (from_account if to_firm else to_account,)
    ).fetchone()
    if row is None:
        raise BrokerRefused(RefusalCode.NOT_FOUND, "no such account")
    allowed = (AccountStatus.ACTIVE, AccountStatus.ACCOUNT_CLOSED) if to_firm else (AccountStatus.ACTIVE,)
    if row[1] not in allowed:
        raise BrokerRefused(RefusalCode.ACCOUNT_RESTRICTED, f"the account is {row[1]}, not ACTIVE")
    return int(row[0]), to_firm


def _cannot_receive(tx: Writer, account: int, amount: int) -> str | None:
    """Why incoming cash is rejected, None when it is not."""
    status, cash = tx.execute("SELECT status, cash FROM sim_accounts WHERE n = ?", (account,)).fetchone()
    if status != AccountStatus.ACTIVE:
        return f"the account is {status}, not ACTIVE"
    return "the account would exceed 9,000,000,000 dollars" if cash + amount > MAX_NANO else None

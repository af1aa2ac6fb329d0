"""Journals, reservations, cash movements and withdrawals (R-2, R-9, R-30 to R-32)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from rebal_tui.domain.quantities import Money


class JournalStatus(StrEnum):
    QUEUED = "queued"
    SENT_TO_CLEARING = "sent_to_clearing"
    EXECUTED = "executed"
    PENDING = "pending"
    REJECTED = "rejected"
    CANCELED = "canceled"
    REFUSED = "refused"

    @property
    def final(self) -> bool:
        return self in (
            JournalStatus.EXECUTED,
            JournalStatus.REJECTED,
            JournalStatus.CANCELED,
            JournalStatus.REFUSED,
        )


@dataclass(frozen=True, slots=True)
class Journal:
    """A transfer of `amount` dollars, above zero, between a client account and the firm account."""

    id: str
    from_account: str
    to_account: str
    amount: Money
    status: JournalStatus
    description: str
    created_at: datetime
    updated_at: datetime
    reason: str | None = None


class OwnerKind(StrEnum):
    RUN = "run"
    WITHDRAWAL = "withdrawal"
    JOURNAL = "journal"
    PERSON = "person"


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner of a reservation: a run, withdrawal or journal by its id, or a person by name."""

    kind: OwnerKind
    reference: str

    @property
    def text(self) -> str:
        """The owner for display: kind and shortened id, or a person's name."""
        return self.reference if self.kind is OwnerKind.PERSON else f"{self.kind} {self.reference[:8]}"


@dataclass(frozen=True, slots=True)
class Reservation:
    """Cash of an account reserved for an owner; `amount` is above 0 (R-2).

    `origin` is set only if a journal under way is the owner: it is the earlier owner of the cash, before the journal
    reserved it. It is None if the journal reserved cash that was not reserved before (R-9).
    """

    account_id: str
    owner: Owner
    amount: Money
    created_at: datetime
    origin: Owner | None = None


WITHDRAWAL_JOURNAL = "withdrawal"
"""Description of the journals of withdrawals."""


class CashKind(StrEnum):
    OPENING = "opening"
    DEPOSIT = "deposit"
    ACH_RETURN = "ach_return"
    BUY = "buy"
    SELL = "sell"
    JOURNAL_IN = "journal_in"
    JOURNAL_OUT = "journal_out"
    DIVIDEND = "dividend"
    CORPORATE_ACTION = "corporate_action"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class CashEntry:
    """One change of an account's cash; `amount` is negative when cash leaves. `settles_on` is an ISO date."""

    seq: int
    account_id: str
    at: datetime
    kind: CashKind
    amount: Money
    settles_on: str
    reference: str


class WithdrawalStage(StrEnum):
    """The durable steps of a withdrawal (R-32) in order, then its two final stages."""

    REQUESTED = "requested"
    UNSUBSCRIBED = "unsubscribed"
    SELLING = "selling"
    SETTLING = "settling"
    JOURNALING = "journaling"
    RESUBSCRIBING = "resubscribing"
    COMPLETED = "completed"
    CANCELED = "canceled"

    @property
    def final(self) -> bool:
        return self in (WithdrawalStage.COMPLETED, WithdrawalStage.CANCELED)

    @property
    def cancelable(self) -> bool:
        """Whether the withdrawal can be canceled, which is possible until its journal is created."""
        return self in (
            WithdrawalStage.REQUESTED,
            WithdrawalStage.UNSUBSCRIBED,
            WithdrawalStage.SELLING,
            WithdrawalStage.SETTLING,
        )


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """One withdrawal. `stopped` is why it cannot proceed, None while it can. `rounds`: number of its liquidation runs.

    With `everything`, every position is closed and the account stays unsubscribed. `amount` is then the account's
    equity when the withdrawal was requested and, once its journal exists, the amount of the journal.
    """

    id: str
    account_id: str
    portfolio_id: str | None
    amount: Money
    stage: WithdrawalStage
    stopped: str | None
    last_rebalanced_at: datetime | None
    rounds: int
    run_id: str | None
    journal_id: str | None
    created_at: datetime
    updated_at: datetime
    everything: bool = False

    def made(self, run_id: str, at: datetime) -> bool:
        """Whether the run `run_id` of this account, created at `at`, sells for this withdrawal.

        A withdrawal stores only its last run. An earlier one is recognized by its time, as an account has one
        withdrawal at a time.
        """
        return self.run_id == run_id or (self.rounds > 1 and self.created_at <= at <= self.updated_at)

"""Withdrawals, journals and deposits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from rebal_tui.domain.quantities import Money
from rebal_tui.services.view_models.desk import PreviewView

NO_SALE = "no sale"
"""The name of the stage `sell` once it is done for a withdrawal that cash covers, so that nothing was sold."""


@dataclass(frozen=True, slots=True)
class WithdrawalView:
    """A withdrawal and its five stages. `can_leave` is the day the money can leave, None while unknown.

    `steps` are its stages as (name, state, note), in order. `stopped` is why it has stopped, None if it has not.
    `everything` is whether all of the account is withdrawn: `amount` is then its worth at the request, and later the
    amount of the journal. `held` is whether the journal waits because the kill switch is on.
    """

    id: str
    account_id: str
    client: str
    portfolio: str
    amount: Money
    stage: str
    stopped: str | None
    cancelable: bool
    can_leave: date | None
    steps: tuple[tuple[str, str, str], ...]
    created_at: datetime
    updated_at: datetime
    everything: bool
    held: bool = False
    journal_id: str | None = None


@dataclass(frozen=True, slots=True)
class JournalView:
    """A journal of a client account; `incoming` is whether it comes from the firm account."""

    id: str
    account_id: str
    client: str
    incoming: bool
    amount: Money
    status: str
    description: str
    reason: str | None
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class CashSnapshot:
    """The Cash screen: the latest withdrawals, journals and deposits, each newest first.

    A deposit is (time, account id, client, amount, kind). `numbers` has the numbers of all their accounts, by id. `cut`
    has the kinds of which the book has older ones, too: `withdrawal`, `journal`, `deposit`.
    """

    version: int
    withdrawals: tuple[WithdrawalView, ...]
    journals: tuple[JournalView, ...]
    deposits: tuple[tuple[datetime, str, str, Money, str], ...]
    numbers: Mapping[str, str] = field(default_factory=dict)
    cut: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WithdrawalPreview:
    """What a withdrawal would sell, what remains, and when the money can leave; nothing is done.

    `preview` is that of the run that sells, None when a price is missing, so that only settled cash is taken.
    `everything` is whether all of the account is withdrawn: `amount` is then its worth, and `stays` names what cannot
    be sold. `settled_now` is the cash that can leave now; `covered` is whether that suffices, or, for everything,
    whether nothing has to be sold.
    """

    preview: PreviewView | None
    amount: Money
    settled_now: Money
    covered: bool
    can_leave: date | None
    everything: bool
    stays: str

"""Accounts in a list, one in full, and what a bulk action would do and did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from rebal_tui.domain.accounts import RESTRICTION_TEXTS, AccountStatus, Restriction
from rebal_tui.domain.decisions import Decision
from rebal_tui.domain.quantities import Money, Price, Qty
from rebal_tui.services.view_models.runs import RunRow
from rebal_tui.services.view_models.standing import Standing


@dataclass(frozen=True, slots=True)
class AccountRow:
    """Any account of the book, subscribed or not. `exception` names what needs a person, empty when nothing does."""

    account_id: str
    account_number: str
    client: str
    status: str
    restrictions: tuple[str, ...]
    equity: Money
    cash: Money
    withdrawable: Money
    reserve: Money
    portfolio_id: str | None
    portfolio: str
    standing: Standing
    exception: str
    open_run: str | None


class AccountGroup(StrEnum):
    """The groups that filter Accounts. An account can belong to several."""

    EXCEPTIONS = "Exceptions"
    RESTRICTED = "Restricted"
    NOT_ACTIVE = "Not active"
    UNSUBSCRIBED = "Unsubscribed"
    RUNNING = "Running"
    RESERVED = "Set aside"


@dataclass(frozen=True, slots=True)
class InGroup:
    """The filter that keeps the accounts of a group."""

    group: AccountGroup

    def __call__(self, row: AccountRow) -> bool:
        return {
            AccountGroup.EXCEPTIONS: bool(row.exception),
            AccountGroup.RESTRICTED: bool(row.restrictions),
            AccountGroup.NOT_ACTIVE: row.status != AccountStatus.ACTIVE,
            AccountGroup.UNSUBSCRIBED: row.portfolio_id is None,
            AccountGroup.RUNNING: row.open_run is not None,
            AccountGroup.RESERVED: row.reserve > 0,
        }[self.group]


def state_words(exception: str, running: bool, subscribed: bool, standing: Standing) -> str:
    """What is to be said of an account in a few words."""
    if exception:
        return exception
    if running:
        return "run under way"
    if not subscribed:
        return "unsubscribed"
    return "subscribed" if standing is Standing.NONE else standing.value


def restriction_words(restrictions: tuple[str, ...]) -> list[str]:
    """What restricts an account, in words."""
    return [RESTRICTION_TEXTS[Restriction(name)] for name in restrictions]


@dataclass(frozen=True, slots=True)
class PositionView:
    """A holding with what it cost; `gain` is None when the entry price or the price is unknown."""

    symbol: str
    name: str
    qty: Qty
    price: Price | None
    value: Money
    avg_entry_price: Price | None
    gain: Money | None


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A movement of cash with the day it settles; `settled` is whether that day has come."""

    at: datetime
    kind: str
    amount: Money
    settles_on: str
    settled: bool
    text: str


@dataclass(frozen=True, slots=True)
class AccountDetail:
    """Everything the Accounts place shows of one account."""

    row: AccountRow
    positions: tuple[PositionView, ...]
    ledger: tuple[LedgerEntry, ...]
    runs: tuple[RunRow, ...]
    decisions: tuple[Decision, ...]
    created_at: datetime
    last_rebalanced: date | None
    unsettled: Money
    subscription_id: str | None


@dataclass(frozen=True, slots=True)
class BulkResult:
    """What became of one account of a bulk action; `refusal` is empty when it was done."""

    account_id: str
    client: str
    refusal: str


@dataclass(frozen=True, slots=True)
class FirstRun:
    """What a bulk action would lead to for one account. `follows` is its portfolio now, empty when it has none;
    `refusal` is why it would be left out, `note` what else there is to say."""

    account_id: str
    client: str
    follows: str
    orders: int
    turnover: Money
    refusal: str
    note: str


@dataclass(frozen=True, slots=True)
class BulkPreview:
    """A bulk action before it is done; `portfolio` is the one that the accounts would follow."""

    portfolio: str
    rows: tuple[FirstRun, ...]


@dataclass(frozen=True, slots=True)
class AccountsSnapshot:
    """Every account of the book, those that need a person first, and how many belong to each group."""

    version: int
    rows: Sequence[AccountRow]
    groups: tuple[tuple[AccountGroup, int], ...]

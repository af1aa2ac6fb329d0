"""Accounts in a list, one in full, and what a bulk action would do and did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from rebal_tui.domain.decisions import Decision
from rebal_tui.domain.quantities import Money, Price, Qty
from rebal_tui.services.views.runs import RunRow
from rebal_tui.services.views.standing import Standing


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
    set_aside: Money
    portfolio_id: str | None
    portfolio: str
    standing: Standing
    exception: str
    open_run: str | None


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
    """Every account of the book, those that need a person first."""

    version: int
    rows: tuple[AccountRow, ...]

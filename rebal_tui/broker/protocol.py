"""What every broker can do, and how it can fail.

A call either returns, raises `BrokerRefused` (a definitive no), or raises `BrokerUnavailable` (nobody knows whether it
happened: look the thing up by its own id, never send blindly again).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from rebal_tui.domain.accounts import Account, Restriction
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.cash import CashEntry, Journal
from rebal_tui.domain.orders import Fill, Order, OrderRequest, Side
from rebal_tui.domain.quantities import Money, Price, Qty
from rebal_tui.domain.sessions import Session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FIRM_ACCOUNT = "00000000-0000-4000-8000-00000000f1f1"
"""The account that journals go to and come from."""


class BrokerRefused(Exception):
    """The broker said no, and nothing happened. `code` is a `RefusalCode` value or the broker's own."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class RefusalCode(StrEnum):
    ASSET_NOT_TRADABLE = "asset_not_tradable"
    ASSET_NOT_FRACTIONABLE = "asset_not_fractionable"
    INSUFFICIENT_BUYING_POWER = "insufficient_buying_power"
    INSUFFICIENT_QTY = "insufficient_qty"
    BELOW_MINIMUM = "below_minimum"
    ACCOUNT_RESTRICTED = "account_restricted"
    MARKET_CLOSED = "market_closed"
    DUPLICATE_CLIENT_ORDER_ID = "duplicate_client_order_id"
    NOT_CANCELABLE = "not_cancelable"
    NOT_FOUND = "not_found"
    NO_PRICE = "no_price"
    AMOUNT_NOT_AVAILABLE = "amount_not_available"
    REJECTED = "rejected"


class BrokerUnavailable(Exception):
    """No answer. Whether the request took effect is unknown until it is looked up."""


@dataclass(frozen=True, slots=True)
class RateLimit:
    """What the broker said last of its limit: `remaining` of `limit` requests are left until `reset_at`.

    A broker that limits requests has it as `rate_limit`, None until it was told.
    """

    limit: int
    remaining: int
    reset_at: datetime


class EventKind(StrEnum):
    """`ACCOUNT` and `ASSET` say that the thing changed: read it again. The others carry what happened.

    `NOTICE` is something that no rule covers and a person has to look at, as a trade taken back; `note` says what.
    """

    ORDER = "order"
    FILL = "fill"
    CASH = "cash"
    SETTLEMENT = "settlement"
    JOURNAL = "journal"
    ACCOUNT = "account"
    ASSET = "asset"
    NOTICE = "notice"


@dataclass(frozen=True, slots=True)
class BrokerEvent:
    """One thing that happened at the broker. `seq` rises without end; each event is delivered at least once.

    A fill event carries the fill and the order after it. `CASH` and `SETTLEMENT` concern `account_id`; `settled` is
    how much of its unsettled cash a settlement frees.
    """

    seq: int
    kind: EventKind
    at: datetime
    account_id: str | None = None
    symbol: str | None = None
    order: Order | None = None
    fill: Fill | None = None
    cash: CashEntry | None = None
    journal: Journal | None = None
    settled: Money | None = None
    note: str | None = None


class Broker(Protocol):
    """Accounts, positions, assets, orders and journals at a broker. All are named by UUID."""

    def assets(self) -> Sequence[Asset]:
        """Every asset the broker knows, with its last price where it has one."""

    def accounts(self) -> Sequence[Account]:
        """Every client account with its positions; the firm account is not among them."""

    def account(self, account_id: str) -> Account:
        """One account. Raises `BrokerRefused` with `NOT_FOUND`."""

    def submit_order(self, request: OrderRequest) -> Order:
        """Place a market day order. The same `client_order_id` is never accepted twice."""

    def batch(self) -> AbstractContextManager[object]:
        """Orders that are placed inside the block may be kept at its end only: all that were answered, or none when the
        block or its end fails."""

    def order_by_client_id(self, account_id: str, client_order_id: str) -> Order | None:
        """The order under that id, None when the broker never accepted one."""

    def cancel_order(self, account_id: str, order_id: str) -> None:
        """Ask for a cancel; what has filled stands. Raises `BrokerRefused` when the order is final or unknown."""

    def open_orders(self, account_id: str) -> Sequence[Order]:
        """Orders of an account that are not final, of whatever origin."""

    def create_journal(
        self, from_account: str, to_account: str, amount: Money, description: str, idempotency_key: str
    ) -> Journal:
        """Move cash between a client and the firm. A used key returns the journal that it made."""

    def journal(self, journal_id: str) -> Journal:
        """One journal. Raises `BrokerRefused` with `NOT_FOUND`."""

    def cash_transferable(self, account_id: str) -> Money:
        """Settled cash less what open orders and journals reserve (R-2)."""

    def events(self, after: int, limit: int = 10_000) -> Sequence[BrokerEvent]:
        """Events with `seq` above `after`, oldest first."""


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """Which orders of an account: open, final or (None) both; created inside the moments given, both excluded."""

    open: bool | None = None
    after: datetime | None = None
    until: datetime | None = None
    side: Side | None = None
    symbols: frozenset[str] = frozenset()
    oldest_first: bool = False
    limit: int = 500


class LiveBroker(Broker, Protocol):
    """A broker at the other end of a wire: it has a clock and a calendar of its own, and tells what happens."""

    def clock(self) -> datetime:
        """The broker's time."""

    def sessions(self, first: date, last: date) -> Sequence[Session]:
        """The broker's trading days, ascending; the last one has no `next_day`."""

    def listen(self) -> None:
        """Begin to hear of events; without effect when it does already."""

    def request_refresh(self, account_id: str | None, reason: str) -> None:
        """Have an account, or with None the assets, read again with the next events; the same `reason` only once."""

    def close(self) -> None:
        """Listen and ask no more."""


@dataclass(frozen=True, slots=True, eq=False)
class AccountListing:
    """Every client account in columns, in the order of opening; money in billionths, times in microseconds since 1970.

    `restrictions` are names in order, joined by commas. Each position has its account's place in `ids`, its asset's
    place in `symbols`, a quantity and an entry price, -1 where that is unknown; they lie in no order.
    """

    ids: Sequence[str]
    numbers: Sequence[str]
    names: Sequence[str]
    statuses: Sequence[str]
    restrictions: Sequence[str]
    cash: Sequence[int]
    unsettled: Sequence[int]
    created_at: Sequence[int]
    symbols: Sequence[str]
    owner: NDArray[np.int64]
    asset: NDArray[np.int64]
    qty: NDArray[np.int64]
    entry_price: NDArray[np.int64]


class SandboxControls(Protocol):
    """What only a simulated broker can do: tell all that it knows, and make things happen on purpose."""

    def account_listing(self) -> AccountListing:
        """What `accounts` tells, without an object for each account and position."""

    def orders(self, account_id: str, query: OrderQuery) -> Sequence[Order]:
        """Orders of an account, of whatever origin, the newest first unless asked otherwise."""

    def order(self, account_id: str, order_id: str) -> Order | None:
        """One order of an account by the broker's id."""

    def buying_power(self, account_id: str) -> Money:
        """Cash less what open buys and journals reserve, settled or not (R-2)."""

    def cancel_journal(self, journal_id: str) -> None:
        """Call back a journal that is pending. Raises `BrokerRefused`."""

    def advance(self, now: datetime) -> None:
        """Let the broker live up to `now`: settle, fill, expire day orders at the close, clear journals."""

    def open_account(
        self,
        account: Account,
    ) -> None:
        """Add an account with its cash and positions as the opening entries of its ledger."""

    def open_accounts(self, accounts: Sequence[Account]) -> None:
        """Add many accounts: all, or none on `BrokerRefused`."""

    def add_asset(self, asset: Asset) -> None:
        """Add or replace an asset."""

    def add_assets(self, assets: Sequence[Asset]) -> None:
        """Add or replace many assets."""

    def deposit(self, account_id: str, amount: Money, at: datetime) -> CashEntry:
        """Cash arrives at once and is settled (R-31)."""

    def return_deposit(self, account_id: str, amount: Money, at: datetime) -> CashEntry:
        """An ACH deposit bounces: the cash goes and the account is restricted."""

    def set_restrictions(self, account_id: str, restrictions: frozenset[Restriction], at: datetime) -> None:
        """Replace what restricts an account."""

    def set_account_status(self, account_id: str, status: str, at: datetime) -> None:
        """Set one of the API's account statuses."""

    def transfer_in(self, account_id: str, symbol: str, qty: Qty, price: Price, at: datetime) -> None:
        """Add shares from outside, as an account transfer does."""

    def set_asset(
        self,
        symbol: str,
        at: datetime,
        *,
        status: str | None = None,
        tradable: bool | None = None,
        fractionable: bool | None = None,
    ) -> None:
        """Change what an asset allows."""

    def halted(self) -> frozenset[str]:
        """The symbols that are halted."""

    def halt(self, symbol: str, halted: bool, at: datetime) -> None:
        """While halted, orders are accepted and do not fill."""

    def reject_next(self, account_id: str, symbol: str, reason: str) -> None:
        """The next order of that account and symbol is accepted and then rejected."""

    def place_external_order(self, account_id: str, request: OrderRequest, at: datetime) -> Order:
        """An order that somebody else places in the account."""

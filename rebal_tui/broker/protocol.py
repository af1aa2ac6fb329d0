"""The interface to a broker: calls and events. The module `failures` has the errors that calls raise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from rebal_tui.broker.connection import ConnectionState
from rebal_tui.domain.accounts import Account, Restriction
from rebal_tui.domain.action_effects import Holding, Terms
from rebal_tui.domain.activities import Activity, Announcement, TradeReversal
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.cash import CashEntry, Journal
from rebal_tui.domain.corporate_actions import CorporateAction
from rebal_tui.domain.orders import Fill, Order, OrderRequest, Side
from rebal_tui.domain.quantities import Money, Price, Qty
from rebal_tui.domain.sessions import Session

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from rebal_tui.broker.budget import RequestBudget

FIRM_ACCOUNT = "00000000-0000-4000-8000-00000000f1f1"
"""The firm account: every journal moves cash to it or from it."""


class EventKind(StrEnum):
    """Kinds of broker events. `ACCOUNT`, `ASSET`: it changed and must be read. Others contain the change.

    `UNMADE` is an order or journal that the broker refused, or that was not sent. `NOTICE` is an event that cannot be
    applied and that a person must review, such as a busted trade, described by `note`. `UNREADABLE` is an event that
    cannot be read; `note` is the reason. `ANNOUNCEMENT` is a corporate action announced to the market.
    """

    ORDER = "order"
    FILL = "fill"
    CASH = "cash"
    SETTLEMENT = "settlement"
    JOURNAL = "journal"
    ACCOUNT = "account"
    ASSET = "asset"
    NOTICE = "notice"
    UNREADABLE = "unreadable"
    CORPORATE_ACTION = "corporate_action"
    ANNOUNCEMENT = "announcement"
    UNMADE = "unmade"


@dataclass(frozen=True, slots=True)
class ActionHolder:
    """What a corporate action did to one account: `held`, the holding before it; `qty`, `received` and `paid`.

    `qty` is the shares of the asset after the action, `received` the shares of another asset, `paid` the dollars
    received.
    """

    held: Holding
    qty: Qty
    received: Qty
    paid: Money


@dataclass(frozen=True, slots=True)
class ActionNotice:
    """A corporate action at the broker: one notice for each account that held the asset, then a last one.

    The last notice has `holder` None; it reports that the action is complete. `accounts` is the number of holders. Cash
    is reported by `CASH` events that have the notice's `id` as their reference.
    """

    id: str
    terms: Terms
    asset_id: str
    new_asset_id: str | None
    accounts: int
    canceled_orders: int
    holder: ActionHolder | None


@dataclass(frozen=True, slots=True)
class Unmade:
    """An order or journal that was not made: refused by the broker with a code and a message, or not sent to it.

    `what` is `order` or `journal`; `key` is the client_order_id, or the idempotency key. `sent` is False if it was not
    sent to the broker.
    """

    what: str
    key: str
    account_id: str
    code: str
    message: str
    sent: bool


@dataclass(frozen=True, slots=True)
class BrokerEvent:
    """One event at the broker. `seq` increases from event to event; each event is delivered at least once.

    A fill event has the fill, and the order as it is after the fill. `CASH` and `SETTLEMENT` concern `account_id`;
    `settled` is the part of the account's unsettled cash that becomes settled. `activity` is what a real broker booked;
    `CASH` events of a real broker have it, too. `reversal` names the execution that a `NOTICE` is about. `key` is the
    idempotency key of a journal, if the event is the response to this program's request.
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
    action: ActionNotice | None = None
    activity: Activity | None = None
    announcement: Announcement | None = None
    reversal: TradeReversal | None = None
    key: str | None = None
    unmade: Unmade | None = None


@dataclass(frozen=True, slots=True)
class EventBatch:
    """Events, and the broker's data read after all of them were received.

    `accounts` are those that the events changed and the broker still has. `open_orders` has, by account id, the open
    orders of each account with an event of an external order. `assets` has all assets if an event changed one, else
    none. `faults` has, by account id, the reason why an account cannot be read.
    """

    events: Sequence[BrokerEvent]
    accounts: Sequence[Account]
    open_orders: Mapping[str, Sequence[Order]]
    assets: Sequence[Asset]
    faults: Mapping[str, str] = field(default_factory=dict)


class Broker(Protocol):
    """Accounts, positions, assets, orders and journals at a broker, all identified by UUID."""

    def assets(self) -> Sequence[Asset]:
        """Every asset of the broker, with its last price if it has one; a `Listing` if some rows may be unreadable."""

    def asset(self, name: str) -> Asset | None:
        """One asset by its id or its current symbol; None when the broker does not have it."""

    def accounts(self) -> Sequence[Account]:
        """Every client account with positions, without the firm account; a `Listing` if some rows may be unreadable."""

    def account(self, account_id: str) -> Account:
        """One account. Raises `BrokerRefused` with `NOT_FOUND`; `AccountUnreadable` if only this one cannot be read."""

    def submit_order(self, request: OrderRequest) -> Order:
        """Place a market day order. A `client_order_id` is never accepted twice.

        Raises `BrokerRefused`, and for a broker on the network `BrokerPending`: the response then becomes an event.
        """

    def batch(self) -> AbstractContextManager[object]:
        """A `with` block of `submit_order` calls, after which a broker may store all orders in one transaction.

        If it does, and the block or the transaction fails, no order of the block is stored.
        """

    def reading(self) -> AbstractContextManager[object]:
        """A `with` block of several reads that belong together. A read without a response ends it with `BrokerPending`.

        The responses so far are kept, so that a repetition of the block does not request them again.
        """

    def order_by_client_id(self, account_id: str, client_order_id: str) -> Order | None:
        """The order with that client order id; None when the broker never accepted one."""

    def cancel_order(self, account_id: str, order_id: str) -> None:
        """Request a cancel; shares already filled stay. Raises `BrokerRefused` when the order is final or unknown."""

    def open_orders(self, account_id: str) -> Sequence[Order]:
        """Orders of an account that are not final, including external orders."""

    def create_journal(
        self, from_account: str, to_account: str, amount: Money, description: str, idempotency_key: str
    ) -> Journal:
        """Move cash between a client and the firm; for a key used before, returns the journal created with it."""

    def journal(self, journal_id: str) -> Journal:
        """One journal. Raises `BrokerRefused` (`NOT_FOUND`) if unknown."""

    def cash_transferable(self, account_id: str) -> Money:
        """Settled cash less what open orders and journals reserve, in dollars (R-2)."""

    def events(self, after: int, limit: int = 10_000) -> Sequence[BrokerEvent]:
        """Events with `seq` above `after`, oldest first, at most `limit`."""


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """Filter of an account's orders: created after `after` and before `until`, both exclusive.

    `open` selects open orders (True), final ones (False) or both (None).
    """

    open: bool | None = None
    after: datetime | None = None
    until: datetime | None = None
    side: Side | None = None
    symbols: frozenset[str] = frozenset()
    oldest_first: bool = False
    limit: int = 500


@dataclass(frozen=True, slots=True)
class JournalRequest:
    """A journal that this program requested earlier. `key` is its idempotency key, `at` the time of the request.

    `known` are the ids of journals that are responses to other requests.
    """

    key: str
    from_account: str
    to_account: str
    amount: Money
    description: str
    at: datetime
    known: frozenset[str] = frozenset()


class LiveBroker(Broker, Protocol):
    """A broker on the network, which has its own clock and calendar, and event streams.

    No call waits for the network: it raises `BrokerPending` until there is a response; the caller calls again later.
    """

    @property
    def budget(self) -> RequestBudget:
        """The budget of requests a minute, which orders share with all other requests."""

    def clock(self) -> datetime:
        """The broker's time."""

    def sessions(self, first: date, last: date) -> Sequence[Session]:
        """The sessions from `first` through `last`, ascending; only the last one has no `next_day`."""

    def connection(self) -> ConnectionState:
        """The event streams, the broker's clock minus this computer's, and how many requests the rate limit leaves."""

    def listen(self) -> None:
        """Start the event streams; no effect when they are started already."""

    def catch_up(self, until: datetime) -> None:
        """Read the trade events between the last stored trade event and `until`, a time of the broker's clock.

        Raises `BrokerPending` until all have been read; `events` then returns them.
        """

    def ready_events(self, after: int, limit: int) -> EventBatch | None:
        """The next events with `seq` above `after`, at most `limit`, with the accounts and assets that they changed.

        None until these accounts and assets have been read, and if there is no event.
        """

    def behind(self, after: int) -> bool:
        """Whether received events are not applied yet; `after` is the `seq` of the last applied event."""

    def journal_of(self, request: JournalRequest) -> Journal | None:
        """The journal that the broker made for a request whose response was lost; None only when it made none."""

    def under_way(self, key: str) -> bool:
        """Whether an order (by client_order_id) or journal (by idempotency key) is queued or has no response yet."""

    def hold(self, on: bool) -> None:
        """Stop (`on`) or resume sending orders and journals, at once; cancels and reads continue."""

    def request_refresh(self, account_id: str | None, reason: str) -> None:
        """Queue an event that makes the book read an account again, or all assets if `account_id` is None.

        A request with a `reason` that was used before is ignored.
        """

    def close(self) -> None:
        """Stop the event streams and all requests."""


@dataclass(frozen=True, slots=True, eq=False)
class AccountListing:
    """Every client account as columns, in the order in which the accounts were opened.

    Dollars are in billionths, times in microseconds since 1970 UTC. `restrictions` are sorted names joined by commas.
    Positions are columns of equal length, in any order: `owner` has the index of the account in `ids`, `asset` the
    index of the asset in `asset_ids`. `qty` and `entry_price` are in billionths; `entry_price` is -1 if unknown.
    """

    ids: Sequence[str]
    numbers: Sequence[str]
    names: Sequence[str]
    statuses: Sequence[str]
    restrictions: Sequence[str]
    cash: Sequence[int]
    unsettled: Sequence[int]
    created_at: Sequence[int]
    asset_ids: Sequence[str]
    owner: NDArray[np.int64]
    asset: NDArray[np.int64]
    qty: NDArray[np.int64]
    entry_price: NDArray[np.int64]


class SandboxControls(Protocol):
    """Operations of simulated brokers only: further queries, and controls that cause events."""

    def account_listing(self) -> AccountListing:
        """Every client account as columns, which is faster than an object per account and position."""

    def ledger_faults(self) -> Sequence[tuple[str, str]]:
        """Accounts whose cash or shares are not the sum of their ledger entries: id and message."""

    def orders(self, account_id: str, query: OrderQuery) -> Sequence[Order]:
        """Orders of an account, including external orders, newest first unless `query.oldest_first`."""

    def order(self, account_id: str, order_id: str) -> Order | None:
        """One order of an account by the broker's id, None when it does not exist."""

    def buying_power(self, account_id: str) -> Money:
        """Cash, settled or not, less what open buys and outgoing journals reserve, in dollars (R-2)."""

    def cancel_journal(self, journal_id: str) -> None:
        """Cancel a pending journal. Raises `BrokerRefused` when it is unknown or not pending."""

    def advance(self, now: datetime) -> None:
        """Simulate the broker up to `now`: settle sales, fill orders, expire them at the close, execute journals."""

    def open_account(
        self,
        account: Account,
    ) -> None:
        """Add an account with its cash and positions as the opening entries of its ledger."""

    def open_accounts(self, accounts: Sequence[Account]) -> None:
        """Add many accounts: all, or none on `BrokerRefused`."""

    def add_asset(self, asset: Asset) -> None:
        """Add an asset, or replace the asset that has its id; its symbol may change (R-50)."""

    def add_assets(self, assets: Sequence[Asset]) -> None:
        """Add or replace many assets. Raises `BrokerRefused` when two active assets would have one symbol."""

    def deposit(self, account_id: str, amount: Money, at: datetime) -> CashEntry:
        """Deposit cash, which is settled at once (R-31)."""

    def return_deposit(self, account_id: str, amount: Money, at: datetime) -> CashEntry:
        """Return an ACH deposit: the cash is removed and the broker blocks the account (R-40)."""

    def set_restrictions(self, account_id: str, restrictions: frozenset[Restriction], at: datetime) -> None:
        """Replace the broker's own restrictions of an account (R-40) at the time `at`."""

    def set_account_status(self, account_id: str, status: str, at: datetime) -> None:
        """Set an account's broker status to one of the statuses of the API."""

    def transfer_in(self, account_id: str, symbol: str, qty: Qty, price: Price, at: datetime) -> None:
        """Add shares from outside at the entry price `price`, as an account transfer does."""

    def set_asset(
        self,
        symbol: str,
        at: datetime,
        *,
        status: str | None = None,
        tradable: bool | None = None,
        fractionable: bool | None = None,
    ) -> None:
        """Change an asset's status, or whether it is tradable or fractionable."""

    def corporate_action(self, action: CorporateAction, at: datetime) -> str:
        """Carry out a corporate action at once, at the current market prices; returns its id (R-54).

        Cancels the open orders in the asset and changes positions and cash. Reports one event for each holder, and a
        last one for the whole action. Raises `BrokerRefused`.
        """

    def halted(self) -> frozenset[str]:
        """The symbols whose trading is halted."""

    def halt(self, symbol: str, halted: bool, at: datetime) -> None:
        """Halt (`halted`) or resume trading of a symbol at `at`. Orders are accepted during a halt, but do not fill."""

    def reject_next(self, account_id: str, symbol: str, reason: str) -> None:
        """Accept the next order of that account in that symbol, and then reject it, with this `reason`."""

    def place_external_order(self, account_id: str, request: OrderRequest, at: datetime) -> Order:
        """Place an order in the account as if by another program."""

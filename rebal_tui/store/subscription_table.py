"""Active subscriptions in NumPy columns by row of the `AccountTable`; objects are built when they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rebal_tui.domain.portfolios import Subscription
from rebal_tui.store.account_table import AccountTable, Ints
from rebal_tui.store.codec import from_time, to_time_or_none
from rebal_tui.store.database import LISTED, Database, listed
from rebal_tui.store.rows import select_list

NEVER = np.iinfo(np.int64).min
"""`last_rebalanced_at` of a subscription that has not been rebalanced."""
NO_PORTFOLIO = -1


class _SubscriptionRow(NamedTuple):
    """An active subscription as read by a reload, with the id of its account."""

    key: int
    id: str
    account_id: str
    portfolio: int
    created_at: int
    last_rebalanced_at: int | None
    update_spent_at: int | None
    propose_on: str | None


_QUERY = (
    f"SELECT {select_list(_SubscriptionRow, {'account_id': 'accounts.id'}, 'subscriptions')} "
    "FROM subscriptions JOIN accounts ON accounts.key = subscriptions.account WHERE ended_at IS NULL"
)


class SubscriptionTable:
    """Active subscriptions in columns. A row is that of the subscribed account in the `AccountTable`.

    `portfolio` is an index into `portfolio_ids`, or `NO_PORTFOLIO`. `keys` are the subscriptions' keys in the file.
    Times are microseconds since 1970 UTC, `NEVER` for none; `propose_on` is a day as `date.toordinal`, 0 for none.
    `order` has the rows of subscribed accounts, oldest subscription first. `version` increases with every change.
    """

    def __init__(self, accounts: AccountTable) -> None:
        self._accounts = accounts
        self.version = 0
        self.portfolio_ids: list[str] = []
        self._portfolio_keys: dict[int, int] = {}
        self.ids: list[str | None] = []
        self.keys: Ints = np.empty(0, np.int64)
        self.portfolio: NDArray[np.int32] = np.empty(0, np.int32)
        self.created_at: Ints = np.empty(0, np.int64)
        self.last_rebalanced_at: Ints = np.empty(0, np.int64)
        self.update_spent_at: Ints = np.empty(0, np.int64)
        self.propose_on: NDArray[np.int32] = np.empty(0, np.int32)
        self.order: Ints = np.empty(0, np.int64)

    def load(self, database: Database) -> None:
        """Read every active subscription of the accounts in the `AccountTable`."""
        self._load_portfolios(database)
        self.version += 1
        size = len(self._accounts)
        self.ids = [None] * size
        self.keys = np.zeros(size, np.int64)
        self.portfolio = np.full(size, NO_PORTFOLIO, np.int32)
        self.created_at = np.zeros(size, np.int64)
        self.last_rebalanced_at = np.full(size, NEVER, np.int64)
        self.update_spent_at = np.full(size, NEVER, np.int64)
        self.propose_on = np.zeros(size, np.int32)
        rows = database.rows(
            "SELECT key, id, account, portfolio, created_at, last_rebalanced_at, update_spent_at, propose_on "
            "FROM subscriptions WHERE ended_at IS NULL ORDER BY key"
        )
        if not rows:
            self.order = np.empty(0, np.int64)
            return
        keys, ids, accounts, portfolios, created, last, spent, propose_on = zip(*rows, strict=True)
        at = np.searchsorted(self._accounts.keys, np.array(accounts, np.int64)).astype(np.int64)
        for row, identity in zip(at.tolist(), ids, strict=True):
            self.ids[row] = identity
        self.keys[at] = keys
        self.portfolio[at] = [self._portfolio_keys[key] for key in portfolios]
        self.created_at[at] = created
        self.last_rebalanced_at[at] = [_micros(at) for at in last]
        self.update_spent_at[at] = [_micros(at) for at in spent]
        self.propose_on[at] = [_ordinal(day) for day in propose_on]
        self.order = at

    def reload(self, database: Database, account_ids: Sequence[str]) -> None:
        """Read the subscriptions of some accounts again."""
        self._load_portfolios(database)
        self.version += 1
        removed = {self._accounts.row_of[identity] for identity in account_ids}
        before = {row: self.ids[row] for row in removed}
        for row in removed:
            self.ids[row], self.portfolio[row], self.last_rebalanced_at[row] = None, NO_PORTFOLIO, NEVER
        added: list[int] = []
        for first in range(0, len(account_ids), 500):
            these = (listed(account_ids[first : first + 500]),)
            for found in database.rows(f"{_QUERY} AND accounts.id IN {LISTED} ORDER BY subscriptions.key", these):
                row = self._put(_SubscriptionRow._make(found))
                if before[row] == self.ids[row]:
                    removed.discard(row)
                else:
                    added.append(row)
        if removed or added:
            remaining = self.order[~np.isin(self.order, list(removed))] if removed else self.order
            self.order = np.concatenate((remaining, np.array(added, np.int64)))

    def _put(self, found: _SubscriptionRow) -> int:
        row = self._accounts.row_of[found.account_id]
        self.ids[row], self.keys[row] = found.id, found.key
        self.portfolio[row] = self._portfolio_keys[found.portfolio]
        self.created_at[row], self.last_rebalanced_at[row] = found.created_at, _micros(found.last_rebalanced_at)
        self.update_spent_at[row], self.propose_on[row] = _micros(found.update_spent_at), _ordinal(found.propose_on)
        return row

    def _load_portfolios(self, database: Database) -> None:
        rows = database.rows("SELECT key, id FROM portfolios ORDER BY key")
        self.portfolio_ids = [identity for _, identity in rows]
        self._portfolio_keys = {key: index for index, (key, _) in enumerate(rows)}

    def subscription(self, row: int) -> Subscription | None:
        """The subscription of the account of a row, None when it has none."""
        identity = self.ids[row] if row < len(self.ids) else None
        if identity is None:
            return None
        propose_on = int(self.propose_on[row])
        return Subscription(
            identity,
            self._accounts.ids[row],
            self.portfolio_ids[self.portfolio[row]],
            from_time(int(self.created_at[row])),
            _time(self.last_rebalanced_at[row]),
            _time(self.update_spent_at[row]),
            date.fromordinal(propose_on) if propose_on else None,
        )

    def account_of(self, subscription_id: str) -> str | None:
        """The account id of an active subscription, None when there is no such subscription."""
        return self._accounts.ids[self.ids.index(subscription_id)] if subscription_id in self.ids else None

    def store(self, row: int, subscription: Subscription) -> None:
        """Update the subscription of a row: the time of its last rebalance, `update_spent_at` and `propose_on`.

        Portfolio changes at `update_spent_at` or before ask for no rebalance any more (R-14); on the day `propose_on`,
        a run that expired without approval is proposed again (R-27).
        """
        self.version += 1
        self.last_rebalanced_at[row] = _micros(to_time_or_none(subscription.last_rebalanced_at))
        self.update_spent_at[row] = _micros(to_time_or_none(subscription.update_spent_at))
        self.propose_on[row] = subscription.propose_on.toordinal() if subscription.propose_on else 0

    def spend_updates(self, rows: Ints, at: int) -> None:
        """Set `update_spent_at` of some rows: portfolio changes at `at` or before ask for no rebalance any more (R-14).

        `at` is in microseconds since 1970 UTC.
        """
        self.version += 1
        self.update_spent_at[rows] = at

    def last_event(self, portfolio_id: str) -> datetime | None:
        """The latest rebalance of a portfolio's subscribers, or the latest start of a rebalanced subscription if later.

        None when no subscriber has been rebalanced.
        """
        rows = self.rows_of(portfolio_id)
        rows = rows[self.last_rebalanced_at[rows] != NEVER]
        if not len(rows):
            return None
        return from_time(int(max(self.created_at[rows].max(), self.last_rebalanced_at[rows].max())))

    def rows_of(self, portfolio_id: str) -> Ints:
        """The rows of a portfolio's subscribers, the oldest subscription first."""
        if portfolio_id not in self.portfolio_ids:
            return np.empty(0, np.int64)
        found: Ints = self.order[self.portfolio[self.order] == self.portfolio_ids.index(portfolio_id)]
        return found


def _micros(at: int | None) -> int:
    return NEVER if at is None else at


def _time(micros: np.int64) -> datetime | None:
    return None if micros == NEVER else from_time(int(micros))


def _ordinal(day: str | None) -> int:
    return 0 if day is None else date.fromisoformat(day).toordinal()


class Subscriptions(Mapping[str, Subscription]):
    """Active subscriptions by account id; objects are built when they are read."""

    def __init__(self, accounts: AccountTable, columns: SubscriptionTable) -> None:
        self._accounts = accounts
        self._columns = columns

    def __getitem__(self, account_id: str) -> Subscription:
        found = self._columns.subscription(self._accounts.row_of[account_id])
        if found is None:
            raise KeyError(account_id)
        return found

    def __setitem__(self, account_id: str, subscription: Subscription) -> None:
        """Update an account's subscription as `SubscriptionTable.store`. Raises `KeyError` when it has none."""
        if account_id not in self:
            raise KeyError(account_id)
        self._columns.store(self._accounts.row_of[account_id], subscription)

    def __contains__(self, account_id: object) -> bool:
        row = self._accounts.row_of.get(account_id) if isinstance(account_id, str) else None
        return row is not None and row < len(self._columns.ids) and self._columns.ids[row] is not None

    def __iter__(self) -> Iterator[str]:
        return (self._accounts.ids[row] for row in self._columns.order.tolist())

    def __len__(self) -> int:
        return len(self._columns.order)

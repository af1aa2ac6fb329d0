"""The frame, which is the whole book in arrays, kept from one computation to the next and updated incrementally."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from functools import lru_cache
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.portfolios import Portfolio, Unfinished
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import Run
from rebal_tui.domain.sessions import epoch_micros, new_york_day
from rebal_tui.engine.arrays.frame import (
    NEVER,
    UNSUBSCRIBED,
    AccountColumns,
    BookFrame,
    Mark,
    PositionColumns,
    assets_of,
)
from rebal_tui.market.protocol import Quote
from rebal_tui.services.book.prices import PriceCache
from rebal_tui.services.book.quarantine_view import QuarantineView
from rebal_tui.services.book.rules_view import FrameRules
from rebal_tui.store.account_table import STATUSES, AccountTable
from rebal_tui.store.asset_holds import AssetHold
from rebal_tui.store.codec import from_time
from rebal_tui.store.subscription_table import NEVER as NEVER_AT
from rebal_tui.store.subscription_table import SubscriptionTable

K = TypeVar("K")
V = TypeVar("V")
Ints = npt.NDArray[np.int64]
Indexes = npt.NDArray[np.int32]

_HOUR = 3_600_000_000
_ACTIVE = next(code for code, status in enumerate(STATUSES) if status.value == "ACTIVE")
_EVER = np.iinfo(np.int32).max
_REBUILD_MIN_SHARE = 0.2
"""Share of changed accounts above which a rebuild is faster than replacing their holdings."""


class ChangeTrackingDict(dict[K, V], Generic[K, V]):
    """A dictionary that adds every key that is set or deleted to its set `changed`."""

    def __init__(self, content: Mapping[K, V]) -> None:
        super().__init__(content)
        self.changed: set[K] = set()

    def __setitem__(self, key: K, value: V) -> None:
        self.changed.add(key)
        super().__setitem__(key, value)

    def __delitem__(self, key: K) -> None:
        self.changed.add(key)
        super().__delitem__(key)

    def pop(self, key: K, *default: Any) -> Any:
        """`dict.pop`; the key counts as changed."""
        self.changed.add(key)
        return super().pop(key, *default)

    def update(self, *others: Any, **named: V) -> None:
        """`dict.update`; every given key counts as changed."""
        fresh: dict[K, V] = dict(*others, **named)
        self.changed.update(fresh)
        super().update(fresh)


class FrameSource(Protocol):
    """Inputs of a frame: the tables of a book and its in-memory state."""

    version: int
    account_table: AccountTable
    subscription_table: SubscriptionTable
    price_cache: PriceCache
    portfolios: dict[str, Portfolio]
    quarantine: QuarantineView
    unfinished: dict[str, Unfinished]
    asset_holds: dict[str, AssetHold]
    cash_targets: ChangeTrackingDict[tuple[str, int], Money]
    open_runs: ChangeTrackingDict[str, Run]
    system_runs: ChangeTrackingDict[str, tuple[str, str]]

    @property
    def assets(self) -> Mapping[str, Asset]:
        """Every asset with its last price, by label."""

    def paused_rows(self) -> list[int]:
        """The rows of the paused accounts in `account_table`."""

    def held_assets(self) -> dict[str, str]:
        """By label, why no automatic run trades an asset."""


class FrameCache:
    """Builds the frame of a book, and each later frame from the previous one and the changes since then."""

    def __init__(self, book: FrameSource, rules: FrameRules) -> None:
        self._book, self._rules = book, rules
        self._frame: BookFrame | None = None
        self._stamp: tuple[object, ...] = ()
        # The object itself, not its id(): a reloaded dictionary can get the address of a freed one.
        self._portfolios: object = None
        self._version: tuple[int, ...] = ()
        self._index_of: dict[int, int] = {}
        self._subscribed = -1
        self._portfolio: npt.NDArray[np.intp] = np.empty(0, np.intp)
        self._rebalanced_on: Indexes = np.empty(0, np.int32)
        self._update_until: Indexes = np.empty(0, np.int32)
        self._propose_on: Indexes = np.empty(0, np.int32)
        self._floor: Ints = np.empty(0, np.int64)
        self._floors: object = None
        self._run_on: Indexes = np.empty(0, np.int32)
        self._runs: object = None
        self._open: npt.NDArray[np.bool_] = np.empty(0, np.bool_)
        self._opened: object = None

    def frame(self) -> BookFrame:
        """The current book in arrays."""
        book, accounts = self._book, self._book.account_table
        stamp = (accounts.loads, book.price_cache.assets_version, len(accounts.symbols))
        same = self._portfolios is book.portfolios and stamp == self._stamp
        if self._frame is None or not same or len(accounts.dirty_rows) > _REBUILD_MIN_SHARE * len(accounts):
            self._frame = self._rebuilt()
            self._stamp, self._portfolios = stamp, book.portfolios
        else:
            self._frame = self._updated(self._frame)
        self._version = self._versions()
        return self._frame

    def _versions(self) -> tuple[int, ...]:
        book = self._book
        return (book.version, book.account_table.version, book.subscription_table.version)

    def _rebuilt(self) -> BookFrame:
        book, accounts = self._book, self._book.account_table
        wanted = (symbol for portfolio in book.portfolios.values() for symbol in portfolio.weights.symbols)
        columns = assets_of(book.assets, {*accounts.symbols.values(), *wanted})
        book.price_cache.take_unread()
        index = {symbol: at for at, symbol in enumerate(columns.symbols)}
        self._index_of = {key: index[symbol] for key, symbol in accounts.symbols.items()}
        self._subscribed, self._floors, self._runs, self._opened = -1, None, None, None
        accounts.dirty_rows.clear()
        return BookFrame.of(self._accounts(), self._positions(None), columns, tuple(book.portfolios.values()))

    def _updated(self, frame: BookFrame) -> BookFrame:
        book, accounts = self._book, self._book.account_table
        unread = book.price_cache.take_unread()
        if unread:
            frame = with_quotes(frame, unread)
        if self._versions() != self._version:
            frame = frame.with_accounts(self._accounts())
        if accounts.dirty_rows:
            rows = np.array(sorted(accounts.dirty_rows), np.int32)
            accounts.dirty_rows.clear()
            frame = frame.with_holdings(rows, self._positions(rows))
        return frame

    def _positions(self, rows: Indexes | None) -> PositionColumns:
        accounts = self._book.account_table
        owner, indexes = accounts.indexes(rows)
        lookup = np.zeros(max(self._index_of, default=0) + 1, np.int32)
        for key, index in self._index_of.items():
            lookup[key] = index
        return PositionColumns(owner.astype(np.int32), lookup[accounts.asset[indexes]], accounts.qty[indexes])

    def _accounts(self) -> AccountColumns:
        book, accounts, subscriptions = self._book, self._book.account_table, self._book.subscription_table
        if subscriptions.version != self._subscribed:
            self._subscribed = subscriptions.version
            self._portfolio = np.maximum(subscriptions.portfolio, UNSUBSCRIBED, dtype=np.intp)
            self._rebalanced_on = new_york_days(subscriptions.last_rebalanced_at)
            self._propose_on = _propose_on(subscriptions, self._rebalanced_on)
            self._update_until = _update_until(book.portfolios, subscriptions, self._propose_on)
            self._floors = None
        marks = np.where(accounts.status == _ACTIVE, 0, int(Mark.NOT_ACTIVE)).astype(np.uint16)
        marks |= accounts.restrictions << np.uint16(1)
        marks[accounts.external_orders > 0] |= np.uint16(Mark.EXTERNAL_ORDERS)
        marks[book.paused_rows()] |= np.uint16(Mark.UNRECONCILED)
        if book.asset_holds or book.quarantine.assets():
            marks[self._concerned_by_holds()] |= np.uint16(Mark.ASSET_HOLD)
        marks[self._open_runs()] |= np.uint16(Mark.OPEN_RUN)
        return AccountColumns(
            accounts.cash.copy(), accounts.reserve.copy(), self._cash_floor(), self._portfolio, self._rebalanced_on,
            self._system_run_on(), marks, self._update_until, self._propose_on,
            {accounts.row_of[account_id]: undone for account_id, undone in book.unfinished.items()},
            self._rules.by_row(),
        )  # fmt: skip

    def _concerned_by_holds(self) -> npt.NDArray[np.bool_]:
        """By account row, whether the account holds or targets an asset on hold (R-55) or in quarantine (R-52)."""
        book, accounts, held = self._book, self._book.account_table, self._book.held_assets()
        targets = [not held.keys().isdisjoint(p.weights.symbols) for p in book.portfolios.values()]
        concerned = np.array([*targets, False], np.bool_)[self._portfolio]
        on_hold = [key for key, symbol in accounts.symbols.items() if symbol in held]
        owner, indexes = accounts.indexes()
        concerned[owner[np.isin(accounts.asset[indexes], on_hold)]] = True
        return concerned

    def _cash_floor(self) -> Ints:
        book, row_of = self._book, self._book.account_table.row_of
        targets = book.cash_targets
        changed: Iterable[tuple[str, int]] = targets.changed
        if self._floors is not targets:
            self._floors, changed = targets, targets
            self._floor = np.zeros(len(row_of), np.int64)
        elif not targets.changed:
            return self._floor
        weights = [portfolio.weights.cash for portfolio in book.portfolios.values()]
        floor = self._floor.copy()
        for account_id, weight in changed:
            row = row_of[account_id]
            portfolio = self._portfolio[row]
            if portfolio != UNSUBSCRIBED and weights[portfolio] == weight:
                floor[row] = targets.get((account_id, weight), 0)
        targets.changed.clear()
        self._floor = floor
        return floor

    def _open_runs(self) -> npt.NDArray[np.bool_]:
        row_of, open_runs = self._book.account_table.row_of, self._book.open_runs
        changed: Iterable[str] = open_runs.changed
        if self._opened is not open_runs or len(self._open) != len(row_of):
            self._opened, changed = open_runs, open_runs
            self._open = np.zeros(len(row_of), np.bool_)
        known = list(changed)
        self._open[[row_of[account_id] for account_id in known]] = [account_id in open_runs for account_id in known]
        open_runs.changed.clear()
        return self._open

    def _system_run_on(self) -> Indexes:
        row_of, latest = self._book.account_table.row_of, self._book.system_runs
        changed: Iterable[str] = latest.changed
        if self._runs is not latest:
            self._runs, changed = latest, latest
            self._run_on = np.full(len(row_of), NEVER, np.int32)
        elif not latest.changed:
            return self._run_on
        run_on = self._run_on.copy()
        known = list(changed)
        run_on[[row_of[account_id] for account_id in known]] = [
            _ordinal(latest[account_id][0]) if account_id in latest else NEVER for account_id in known
        ]
        latest.changed.clear()
        self._run_on = run_on
        return run_on


def _propose_on(subscriptions: SubscriptionTable, rebalanced_on: Indexes) -> Indexes:
    """By account row, the day on which an unapproved run is proposed again, as an ordinal; 0 without one (R-27)."""
    return np.where(rebalanced_on < subscriptions.propose_on, subscriptions.propose_on, np.int32(0))


def _update_until(
    portfolios: Mapping[str, Portfolio], subscriptions: SubscriptionTable, propose_on: Indexes
) -> Indexes:
    """By account row, the last day on which a change of its portfolio is due, as an ordinal; 0 without one (R-14)."""
    until = np.zeros(len(subscriptions.portfolio), np.int32)
    changed = np.array([epoch_micros(p.changed_at) if p.on_update else -1 for p in portfolios.values()], np.int64)
    if not (changed >= 0).any():
        return until
    rows = np.flatnonzero(subscriptions.portfolio >= 0)
    at = changed[subscriptions.portfolio[rows]]
    since = np.maximum(subscriptions.created_at[rows], subscriptions.last_rebalanced_at[rows])
    spent = subscriptions.update_spent_at[rows]
    last_day = np.where(spent >= at, np.maximum(new_york_days(spent), propose_on[rows]), _EVER)
    until[rows] = np.where(at > since, last_day, 0)
    return until


def with_quotes(frame: BookFrame, quotes: Mapping[str, Quote]) -> BookFrame:
    """The frame with the prices in `quotes`, by label, in place of the old ones. Every label must be in the frame."""
    index = frame.assets.index
    return frame.with_prices(
        np.array([index[symbol] for symbol in quotes], np.int32),
        np.array([quote.price for quote in quotes.values()], np.int64),
        np.array([_micros(quote.at) for quote in quotes.values()], np.int64),
    )


def new_york_days(micros: Ints) -> Indexes:
    """The New York days, as proleptic ordinals, of microseconds since 1970 UTC; `NEVER` for `NEVER_AT` (no time).

    The UTC offset changes only on the hour, so the day is looked up once for each distinct hour.
    """
    days = np.full(len(micros), NEVER, np.int32)
    known = micros != NEVER_AT
    hours, which = np.unique(micros[known] // _HOUR, return_inverse=True)
    ordinals = np.array([new_york_day(from_time(int(hour) * _HOUR)).toordinal() for hour in hours], np.int32)
    days[known] = ordinals[which] if len(ordinals) else 0
    return days


@lru_cache(maxsize=1_024)
def _ordinal(day: str) -> int:
    return date.fromisoformat(day).toordinal()


@lru_cache(maxsize=64)
def _micros(at: Any) -> int:
    return epoch_micros(at)

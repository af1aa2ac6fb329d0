"""Accounts, positions, reserved cash and external orders in NumPy columns; `Account` objects are built on access.

One row per account, by ascending key (the integer primary key in the file). Positions have columns of their own: the
account of row r has `count[r]` positions there, the first at index `start[r]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from rebal_tui.domain.accounts import Account, AccountStatus, Position, Restriction
from rebal_tui.domain.errors import Conflict, Fault
from rebal_tui.domain.quantities import Money, Price, Qty
from rebal_tui.store.accounts import Extras
from rebal_tui.store.assets import ids_by_key, labels_by_key
from rebal_tui.store.codec import from_time, to_restrictions
from rebal_tui.store.database import LISTED, Database, listed
from rebal_tui.store.reservations import totals
from rebal_tui.store.rows import RowTable, select_list

T = TypeVar("T")
Ints = NDArray[np.int64]
Progress = Callable[[int, int], None]
"""Called with the number of accounts read and the total number."""

STATUSES = tuple(AccountStatus)
RESTRICTIONS = tuple(Restriction)
NO_ENTRY_PRICE = -1
ACCOUNTS_PER_QUERY = 4_000
MAX_CACHED_ACCOUNTS = 4_096
SPARE_POSITIONS = 4
"""Spare capacity added when an account outgrows its capacity and its positions move to the end of the columns."""

_RESTRICTION_NAMES = frozenset(restriction.value for restriction in RESTRICTIONS)
STATUS_CODES = {status.value: code for code, status in enumerate(STATUSES)}


class _AccountRow(NamedTuple):
    """An account as read for the table."""

    key: int
    id: str
    number: str
    name: str
    status: str
    cash: int
    unsettled: int
    outside_orders: int
    restrictions: str
    created_at: int


class _Numbers(NamedTuple):
    """The numeric columns of a chunk of accounts."""

    keys: Ints
    status: NDArray[np.uint8]
    cash: Ints
    unsettled: Ints
    external_orders: Ints
    restrictions: NDArray[np.uint16]
    created_at: Ints


class _Position(NamedTuple):
    """One position of an account: the key of its asset, and shares and entry price, both in billionths."""

    asset: int
    qty: int
    avg_entry_price: int | None


_COLUMNS = select_list(_AccountRow)


class AccountTable:
    """Every account of a book in columns.

    Money and prices are in billionths of a dollar, shares in billionths of a share, times in microseconds since 1970
    UTC. `status` has indexes into `STATUSES`; `restrictions` has the broker's blocks of the account, a bit for each of
    `RESTRICTIONS`. For each position, `asset` is the asset's key in the file and `entry_price` the average price paid,
    `NO_ENTRY_PRICE` where unknown. `symbols` and `asset_ids` are the labels and ids of assets by key. `version`
    increases with every change, `texts_version` when a name or number changes, `loads` when everything is read again.
    `dirty_rows` has the rows whose positions were replaced since a caller last cleared the set.
    """

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.numbers: list[str] = []
        self.names: list[str] = []
        self.row_of: dict[str, int] = {}
        self.texts_version = 0
        self.version = 0
        self.loads = 0
        self.dirty_rows: set[int] = set()
        self.symbols: dict[int, str] = {}
        self.asset_ids: dict[int, str] = {}
        self.keys = _empty()
        self.cash = _empty()
        self.unsettled = _empty()
        self.reserve = _empty()
        self.run_reserve = _empty()
        self.external_orders = _empty()
        self.created_at = _empty()
        self.status = np.empty(0, np.uint8)
        self.restrictions = np.empty(0, np.uint16)
        self.start = _empty()
        self.count = np.empty(0, np.int32)
        self._capacity = np.empty(0, np.int32)
        self.asset = np.empty(0, np.int32)
        self.qty = _empty()
        self.entry_price = _empty()
        self._used = 0
        self._made: dict[int, Account] = {}

    def __len__(self) -> int:
        return len(self.ids)

    def relabel(self, symbols: dict[int, str]) -> None:
        """Replace the labels of assets, given by asset key, in every `Account` that is built from now on."""
        self.symbols = symbols
        self._made.clear()

    def copied(self) -> AccountTable:
        """An independent copy, which later changes do not affect."""
        copy = AccountTable()
        for name, value in self.__dict__.items():
            setattr(copy, name, value.copy() if hasattr(value, "copy") else value)
        return copy

    def load(self, database: Database, progress: Progress | None = None) -> None:
        """Read every account. `progress` is called after each chunk of `ACCOUNTS_PER_QUERY` accounts."""
        fresh = AccountTable()
        fresh.texts_version, fresh.version, fresh.loads = self.texts_version + 1, self.version + 1, self.loads + 1
        fresh.symbols, fresh.asset_ids = labels_by_key(database), ids_by_key(database)
        total = int((database.row("SELECT count(*) FROM accounts") or (0,))[0])
        numbers: list[_Numbers] = []
        positions: list[tuple[Ints, ...]] = []
        last = -1
        while rows := database.rows(
            f"SELECT {_COLUMNS} FROM accounts WHERE key > ? ORDER BY key LIMIT {ACCOUNTS_PER_QUERY}", (last,)
        ):
            found = RowTable.of(_AccountRow, rows)
            first, last = found.column("key")[0], found.column("key")[-1]
            fresh.ids.extend(found.column("id"))
            fresh.numbers.extend(found.column("number"))
            fresh.names.extend(found.column("name"))
            numbers.append(_numbers(found))
            positions.append(_positions(database, first, last))
            if progress is not None:
                progress(len(fresh.ids), total)
        fresh._assign(numbers, positions)
        fresh.reserve, fresh.run_reserve = np.zeros(len(fresh), np.int64), np.zeros(len(fresh), np.int64)
        fresh._store_reserves(totals(database))
        self.__dict__.update(fresh.__dict__)

    def _assign(self, numbers: list[_Numbers], positions: list[tuple[Ints, ...]]) -> None:
        self.row_of = {identity: row for row, identity in enumerate(self.ids)}
        if not numbers:
            return
        (
            self.keys, self.status, self.cash, self.unsettled, self.external_orders, self.restrictions, self.created_at,
        ) = (np.concatenate(parts) for parts in zip(*numbers, strict=True))  # fmt: skip
        owner, asset, self.qty, self.entry_price = (np.concatenate(parts) for parts in zip(*positions, strict=True))
        self.asset = asset.astype(np.int32)
        self.start = np.searchsorted(owner, self.keys, "left").astype(np.int64)
        self.count = (np.searchsorted(owner, self.keys, "right") - self.start).astype(np.int32)
        self._capacity = self.count.copy()
        self._used = len(self.qty)

    def reload(self, database: Database, account_ids: Sequence[str]) -> None:
        """Read some accounts again, or all accounts if the table does not have one of them."""
        if not all(identity in self.row_of for identity in account_ids):
            self.load(database)
            return
        self.version += 1
        for first in range(0, len(account_ids), 500):
            chunk = account_ids[first : first + 500]
            these = (listed(chunk),)
            for row in database.rows(f"SELECT {_COLUMNS} FROM accounts WHERE id IN {LISTED}", these):
                self._replace(_AccountRow._make(row))
            self._store_reserves(totals(database, chunk))
            held: dict[int, list[_Position]] = {self.row_of[identity]: [] for identity in chunk}
            for identity, *position in database.rows(
                "SELECT accounts.id, asset, qty, avg_entry_price FROM positions JOIN accounts "
                f"ON accounts.key = positions.account WHERE accounts.id IN {LISTED} ORDER BY account, asset",
                these,
            ):
                held[self.row_of[identity]].append(_Position._make(position))
            if any(position.asset not in self.symbols for found in held.values() for position in found):
                self.symbols, self.asset_ids = labels_by_key(database), ids_by_key(database)
            for index, found in held.items():
                self._store_positions(index, found)

    def _replace(self, found: _AccountRow) -> None:
        row = self.row_of[found.id]
        self._made.pop(row, None)
        if (self.numbers[row], self.names[row]) != (found.number, found.name):
            self.numbers[row], self.names[row] = found.number, found.name
            self.texts_version += 1
        self.status[row], self.restrictions[row] = STATUS_CODES[found.status], restriction_bits(found.restrictions)
        self.cash[row], self.unsettled[row] = found.cash, found.unsettled
        self.reserve[row] = self.run_reserve[row] = 0
        self.external_orders[row], self.created_at[row] = found.outside_orders, found.created_at

    def _store_reserves(self, reserved: Sequence[tuple[int, int, int]]) -> None:
        """Write the reserved cash of accounts, given as (account key, total, part reserved by runs)."""
        rows = np.searchsorted(self.keys, [key for key, _, _ in reserved])
        for row, (_, total, of_runs) in zip(rows.tolist(), reserved, strict=True):
            self.reserve[row], self.run_reserve[row] = total, of_runs

    def _store_positions(self, row: int, held: list[_Position]) -> None:
        """Write an account's positions in place of its earlier ones.

        If they exceed the account's capacity, they are written at the end of the columns.
        """
        self.dirty_rows.add(row)
        if len(held) > self._capacity[row]:
            capacity = len(held) + SPARE_POSITIONS
            if self._used + capacity > len(self.qty):
                more = max(capacity, len(self.qty) // 8, 1_024)
                self.asset = np.concatenate((self.asset, np.zeros(more, np.int32)))
                self.qty = np.concatenate((self.qty, np.zeros(more, np.int64)))
                self.entry_price = np.concatenate((self.entry_price, np.zeros(more, np.int64)))
            self.start[row], self._capacity[row] = self._used, capacity
            self._used += capacity
        self.count[row] = len(held)
        at = int(self.start[row])
        for offset, (asset, qty, price) in enumerate(held, at):
            self.asset[offset], self.qty[offset] = asset, qty
            self.entry_price[offset] = NO_ENTRY_PRICE if price is None else price

    def account(self, row: int) -> Account:
        """The `Account` of the account in a row of the table."""
        made = self._made.get(row)
        if made is None:
            made = self._make(row)
            if len(self._made) >= MAX_CACHED_ACCOUNTS:
                self._made.clear()
            self._made[row] = made
        return made

    def _make(self, row: int) -> Account:
        first, bits = int(self.start[row]), int(self.restrictions[row])
        held_range = slice(first, first + int(self.count[row]))
        held = [
            Position(
                self.symbols[asset], Qty(qty), None if price == NO_ENTRY_PRICE else Price(price), self.asset_ids[asset]
            )
            for asset, qty, price in zip(
                self.asset[held_range].tolist(),
                self.qty[held_range].tolist(),
                self.entry_price[held_range].tolist(),
                strict=True,
            )
        ]
        held.sort(key=lambda position: position.symbol)
        return Account(
            self.ids[row], self.numbers[row], self.names[row], STATUSES[self.status[row]], Money(int(self.cash[row])),
            Money(int(self.unsettled[row])), _NONE if bits == 0 else restrictions_of(bits), tuple(held),
            from_time(int(self.created_at[row])),
        )  # fmt: skip

    def extras(self, row: int) -> Extras:
        """The `Extras` (reserved cash, external orders) of the account in a row of the table."""
        reserve, of_runs = Money(int(self.reserve[row])), Money(int(self.run_reserve[row]))
        return Extras(reserve, of_runs, int(self.external_orders[row]))

    def indexes(self, rows: NDArray[Any] | None = None) -> tuple[Ints, Ints]:
        """For every position of the given rows, or of all rows: the row of its account, and its own index.

        The index is that of the position in the columns `asset`, `qty` and `entry_price`.
        """
        wanted = np.arange(len(self), dtype=np.int64) if rows is None else rows.astype(np.int64)
        count = self.count[wanted]
        before = np.cumsum(count, dtype=np.int64) - count
        inside = np.arange(int(count.sum()), dtype=np.int64) - np.repeat(before, count)
        return np.repeat(wanted, count), np.repeat(self.start[wanted], count) + inside

    def packed_positions(self, rows: NDArray[Any]) -> list[bytes]:
        """The positions of each given row, packed into bytes as by `codec.to_positions`."""
        _, indexes = self.indexes(rows)
        owner = np.repeat(np.arange(len(rows)), self.count[rows])
        order = np.lexsort((self.asset[indexes], owner))
        assets = self.asset[indexes][order].astype("<i4").tobytes()
        qtys = self.qty[indexes][order].astype("<i8").tobytes()
        ends = np.cumsum(self.count[rows], dtype=np.int64).tolist()
        starts = [0, *ends[:-1]] if ends else []
        return [assets[4 * at : 4 * end] + qtys[8 * at : 8 * end] for at, end in zip(starts, ends, strict=True)]


class _ByAccount(Mapping[str, T]):
    """Values from the columns by account id, built on access."""

    def __init__(self, columns: AccountTable) -> None:
        self._columns = columns

    def __contains__(self, account_id: object) -> bool:
        return account_id in self._columns.row_of

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns.ids)

    def __len__(self) -> int:
        return len(self._columns)


class Accounts(_ByAccount[Account]):
    """Every account of an `AccountTable` by account id; `Account` objects are built when they are read."""

    def __getitem__(self, account_id: str) -> Account:
        return self._columns.account(self._columns.row_of[account_id])


class ExtrasByAccount(_ByAccount[Extras]):
    """The `Extras` (reserved cash, external orders) of every account of an `AccountTable`, by account id."""

    def __getitem__(self, account_id: str) -> Extras:
        return self._columns.extras(self._columns.row_of[account_id])


_NONE: frozenset[Restriction] = frozenset()


def restrictions_of(bits: int) -> frozenset[Restriction]:
    """The broker's blocks whose bits are set in `bits`; bit number i stands for `RESTRICTIONS[i]`."""
    return frozenset(restriction for bit, restriction in enumerate(RESTRICTIONS) if bits >> bit & 1)


def restriction_bits(text: str) -> int:
    """The bits, as in `AccountTable.restrictions`, of the broker's blocks stored as names joined by commas."""
    return sum(1 << RESTRICTIONS.index(restriction) for restriction in to_restrictions(text)) if text else 0


def _empty() -> Ints:
    return np.empty(0, np.int64)


def _numbers(found: RowTable[_AccountRow]) -> _Numbers:
    """The numeric columns of accounts.

    Raises `Conflict` naming the accounts whose status or restrictions are not values of their enum.
    """
    columns = zip(found.column("id"), found.column("status"), found.column("restrictions"), strict=True)
    faults = [
        Fault(f"account {identity}", f"unknown status {status!r} or restrictions {restrictions!r} in the file")
        for identity, status, restrictions in columns
        if status not in STATUS_CODES or (restrictions and not _RESTRICTION_NAMES.issuperset(restrictions.split(",")))
    ]
    if faults:
        raise Conflict(faults)
    return _Numbers(
        np.array(found.column("key"), np.int64),
        np.array([STATUS_CODES[name] for name in found.column("status")], np.uint8),
        np.array(found.column("cash"), np.int64),
        np.array(found.column("unsettled"), np.int64),
        np.array(found.column("outside_orders"), np.int64),
        np.array([restriction_bits(text) for text in found.column("restrictions")], np.uint16),
        np.array(found.column("created_at"), np.int64),
    )


def _positions(database: Database, first: int, last: int) -> tuple[Ints, ...]:
    """The positions of accounts in an inclusive key range, in columns: account, asset, quantity, entry price.

    SQLite concatenates each column into one text, which NumPy parses: no object is built per position.
    """
    row = database.row(
        "SELECT group_concat(account), group_concat(asset), group_concat(qty), "
        f"group_concat(ifnull(avg_entry_price, {NO_ENTRY_PRICE})) FROM positions WHERE account BETWEEN ? AND ?",
        (first, last),
    )
    texts = row if row is not None else (None,) * 4
    return tuple(np.fromstring(text, np.int64, sep=",") if text else _empty() for text in texts)

"""Accounts, assets and orders of a files book, as stored in its tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from rebal_tui.broker.failures import BrokerRefused, RefusalCode
from rebal_tui.broker.files.ports import SqlRow, Tables, Value
from rebal_tui.broker.protocol import AccountListing
from rebal_tui.domain.accounts import Account, AccountStatus, Position
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.orders import Order, OrderStatus, Side
from rebal_tui.domain.quantities import Money, Price, Qty

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ACCOUNT = "SELECT n, id, number, name, cash, created_at FROM files_accounts"
OPEN = "o.status NOT IN ('filled', 'canceled', 'expired', 'rejected', 'replaced')"
"""The SQL condition for an order that is not final."""
_ORDER = """
SELECT o.n, o.id, o.client_order_id, o.account, a.id, o.asset, s.symbol, o.side, o.notional, o.qty, o.status,
    o.filled_qty, o.filled_avg_price, o.reason, o.created_at, o.updated_at, o.list, o.line
FROM files_orders AS o JOIN files_accounts AS a ON a.n = o.account JOIN files_assets AS s ON s.n = o.asset
"""


def micros(at: datetime) -> int:
    """A timestamp in microseconds since 1970 UTC."""
    return (at - _EPOCH) // timedelta(microseconds=1)


def time_of(stored: int) -> datetime:
    """The timestamp for a number of microseconds since 1970 UTC."""
    return _EPOCH + timedelta(microseconds=stored)


class StoredOrder(NamedTuple):
    """A row of `files_orders` with its account's id and its asset's symbol.

    `list` is the number of the trade list that has the order, `line` the number of the order's line there; both are
    None as long as the order is on no list. Dollars and shares are in billionths, times in microseconds since 1970 UTC.
    """

    n: int
    id: str
    client_order_id: str
    account: int
    account_id: str
    asset: int
    symbol: str
    side: Side
    notional: int | None
    qty: int | None
    status: OrderStatus
    filled_qty: int
    filled_avg_price: int | None
    reason: str | None
    created_at: int
    updated_at: int
    list: int | None
    line: int | None

    @property
    def left(self) -> int:
        """Shares that are not filled yet, in billionths; 0 for an order in dollars."""
        return max(0, (self.qty or 0) - self.filled_qty)

    def order(self) -> Order:
        """The order as the broker reports it."""
        return order_at(self, self.status, self.filled_qty, self.filled_avg_price, self.updated_at)


def order_at(stored: StoredOrder, status: OrderStatus, filled: int, average: int | None, at: int) -> Order:
    """The order as it was after a change, with the given status and filled shares; `at` is in microseconds since 1970
    UTC.

    `filled` (shares) and `average` (dollars per share, None without a fill) are in billionths.
    """
    created, updated = time_of(stored.created_at), time_of(at)
    return Order(
        id=stored.id,
        client_order_id=stored.client_order_id,
        account_id=stored.account_id,
        symbol=stored.symbol,
        side=stored.side,
        status=status,
        notional=None if stored.notional is None else Money(stored.notional),
        qty=None if stored.qty is None else Qty(stored.qty),
        filled_qty=Qty(filled),
        filled_avg_price=None if average is None else Price(average),
        created_at=created,
        updated_at=updated,
        submitted_at=created,
        filled_at=updated if status is OrderStatus.FILLED else None,
        expired_at=updated if status is OrderStatus.EXPIRED else None,
        canceled_at=updated if status is OrderStatus.CANCELED else None,
        failed_at=updated if status is OrderStatus.REJECTED else None,
        reject_reason=stored.reason if status.final else None,
    )


def load_orders(tables: Tables, condition: str, parameters: Sequence[Value] = ()) -> list[StoredOrder]:
    """Orders that match an SQL condition on `o` (order), `a` (account) or `s` (asset), in order of arrival."""
    rows = tables.rows(f"{_ORDER} WHERE {condition} ORDER BY o.n", parameters)
    return [
        StoredOrder._make((*row[:7], Side(row[7]), row[8], row[9], OrderStatus(row[10]), *row[11:])) for row in rows
    ]


def account_number(tables: Tables, account_id: str) -> int:
    """The integer key of an account. Raises `BrokerRefused` (`NOT_FOUND`) if unknown."""
    row = tables.row("SELECT n FROM files_accounts WHERE id = ?", (account_id,))
    if row is None:
        raise BrokerRefused(RefusalCode.NOT_FOUND, "no such account")
    return int(row[0])


def read_account(tables: Tables, account_id: str) -> Account:
    """One account with its positions, ordered by symbol. Raises `BrokerRefused` (`NOT_FOUND`) if unknown."""
    row = tables.row(f"{_ACCOUNT} WHERE id = ?", (account_id,))
    if row is None:
        raise BrokerRefused(RefusalCode.NOT_FOUND, "no such account")
    held = tables.rows(
        "SELECT s.symbol, p.qty, s.id FROM files_positions AS p JOIN files_assets AS s ON s.n = p.asset"
        " WHERE p.account = ? ORDER BY s.symbol",
        (row[0],),
    )
    return _account(row, [Position(symbol, qty, None, identity) for symbol, qty, identity in held])


def read_accounts(tables: Tables) -> list[Account]:
    """Every account, in the order in which they were imported; its positions are ordered by symbol."""
    positions: defaultdict[int, list[Position]] = defaultdict(list)
    for account, symbol, qty, identity in tables.rows(
        "SELECT p.account, s.symbol, p.qty, s.id FROM files_positions AS p JOIN files_assets AS s ON s.n = p.asset"
        " ORDER BY s.symbol"
    ):
        positions[account].append(Position(symbol, qty, None, identity))
    return [_account(row, positions.get(row[0], [])) for row in tables.rows(f"{_ACCOUNT} ORDER BY n")]


def _account(row: SqlRow, positions: Sequence[Position]) -> Account:
    _, identity, number, name, cash, created_at = row
    return Account(
        id=identity,
        account_number=number,
        name=name,
        status=AccountStatus.ACTIVE,
        cash=Money(cash),
        unsettled=Money(0),
        restrictions=frozenset(),
        positions=tuple(positions),
        created_at=time_of(created_at),
    )


def read_assets(tables: Tables) -> list[Asset]:
    """Every asset, ordered by symbol, without a price, because the book stores prices elsewhere."""
    return [
        Asset(identity, symbol, name, "", AssetStatus.ACTIVE, tradable=True, fractionable=True)
        for identity, symbol, name in tables.rows("SELECT id, symbol, name FROM files_assets ORDER BY symbol")
    ]


def read_listing(tables: Tables) -> AccountListing:
    """Every account as columns (see `AccountListing`)."""
    import numpy as np

    accounts = tables.rows(f"{_ACCOUNT} ORDER BY n")
    assets = tables.rows("SELECT n, id FROM files_assets ORDER BY n")
    held = tables.rows("SELECT account, asset, qty FROM files_positions ORDER BY account, asset")
    columns = np.array(held, np.int64).reshape(-1, 3)
    size = len(accounts)
    return AccountListing(
        [row[1] for row in accounts],
        [row[2] for row in accounts],
        [row[3] for row in accounts],
        [AccountStatus.ACTIVE.value] * size,
        [""] * size,
        [row[4] for row in accounts],
        [0] * size,
        [row[5] for row in accounts],
        [row[1] for row in assets],
        np.searchsorted(np.array([row[0] for row in accounts], np.int64), columns[:, 0]),
        np.searchsorted(np.array([row[0] for row in assets], np.int64), columns[:, 1]),
        columns[:, 2].copy(),
        np.full(len(held), -1, np.int64),
    )

"""Accounts and assets of the simulated broker: opens accounts, adds and changes assets, reads both."""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

from rebal_tui.broker.failures import BrokerRefused, RefusalCode
from rebal_tui.broker.protocol import FIRM_ACCOUNT, AccountListing
from rebal_tui.broker.simulated.ports import PriceOf, Query, Tables, Writer
from rebal_tui.broker.simulated.timestamps import day_of, from_micros, to_micros
from rebal_tui.domain.accounts import Account, AccountStatus, Position, Restriction
from rebal_tui.domain.asset_labels import Listed, by_symbol, conflict_text, labels, plain_symbol
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.cash import CashKind
from rebal_tui.domain.quantities import MAX_NANO, Money, Price, Qty


class _AccountRow(NamedTuple):
    """An account as read: money in billionths of a dollar, times in microseconds since 1970 UTC."""

    n: int
    id: str
    account_number: str
    name: str
    status: str
    restrictions: str
    cash: int
    unsettled: int
    created_at: int


_ACCOUNT = f"SELECT {', '.join(_AccountRow._fields)} FROM sim_accounts"
_CHUNK = 5_000


def account_number(query: Query, account_id: str) -> int:
    """The integer key of an account. Raises `BrokerRefused` (`NOT_FOUND`) if unknown."""
    for (n,) in query("SELECT n FROM sim_accounts WHERE id = ?", (account_id,)):
        return int(n)
    raise BrokerRefused(RefusalCode.NOT_FOUND, "no such account")


def asset_number(query: Query, symbol: str) -> int:
    """The integer key of an asset. Raises `BrokerRefused` (`NOT_FOUND`) if unknown."""
    for (n,) in query("SELECT n FROM sim_assets WHERE symbol = ?", (symbol,)):
        return int(n)
    raise BrokerRefused(RefusalCode.NOT_FOUND, f"no such asset: {symbol}")


def restrictions_text(restrictions: frozenset[Restriction]) -> str:
    return ",".join(sorted(restrictions))


def _account(row: Sequence[Any], positions: Sequence[Position]) -> Account:
    found = _AccountRow._make(row)
    restrictions = found.restrictions.split(",") if found.restrictions else []
    return Account(
        id=found.id,
        account_number=found.account_number,
        name=found.name,
        status=AccountStatus(found.status),
        cash=Money(found.cash),
        unsettled=Money(found.unsettled),
        restrictions=frozenset(Restriction(text) for text in restrictions),
        positions=tuple(positions),
        created_at=from_micros(found.created_at),
    )


def read_account(tables: Tables, account_id: str) -> Account:
    """One account with its positions, ordered by symbol. Raises `BrokerRefused` (`NOT_FOUND`) if unknown."""
    row = tables.row(f"{_ACCOUNT} WHERE id = ?", (account_id,))
    if row is None:
        raise BrokerRefused(RefusalCode.NOT_FOUND, "no such account")
    positions = tables.rows(
        "SELECT s.symbol, p.qty, p.avg_entry_price, s.id FROM sim_positions AS p JOIN sim_assets AS s ON s.n = p.asset"
        " WHERE p.account = ? ORDER BY s.symbol",
        (row[0],),
    )
    return _account(row, [Position(*row) for row in positions])


def read_accounts(tables: Tables) -> list[Account]:
    """Every account, in the order of opening; its positions are ordered by symbol."""
    named = {n: (symbol, identity) for n, symbol, identity in tables.rows("SELECT n, symbol, id FROM sim_assets")}
    positions: defaultdict[int, list[Position]] = defaultdict(list)
    for account, asset, qty, average in tables.rows("SELECT account, asset, qty, avg_entry_price FROM sim_positions"):
        symbol, identity = named[asset]
        positions[account].append(Position(symbol, qty, average, identity))
    for held in positions.values():
        held.sort(key=_symbol)
    return [_account(row, positions.get(row[0], ())) for row in tables.rows(f"{_ACCOUNT} ORDER BY n")]


def read_listing(tables: Tables) -> AccountListing:
    """Every account as columns. SQLite concatenates each column of positions into a text, which NumPy parses."""
    import numpy as np

    rows = tables.rows(f"{_ACCOUNT} ORDER BY n")
    columns = list(zip(*rows, strict=True)) or [()] * 9
    number, ids, account_numbers, names, statuses, restrictions, cash, unsettled, created_at = columns
    numbered = tables.rows("SELECT n, id FROM sim_assets ORDER BY n")
    parts = []
    for first in range(0, len(number), _CHUNK):
        key_range = (number[first], number[min(first + _CHUNK, len(number)) - 1])
        texts = tables.row(
            "SELECT group_concat(account), group_concat(asset), group_concat(qty), "
            "group_concat(ifnull(avg_entry_price, -1)) FROM sim_positions WHERE account BETWEEN ? AND ?",
            key_range,
        )
        parts.append([np.fromstring(text, np.int64, sep=",") for text in texts or () if text])
    positions = [np.concatenate(column) for column in zip(*filter(None, parts), strict=True)] or [
        np.empty(0, np.int64)
    ] * 4
    return AccountListing(
        ids, account_numbers, names, statuses, restrictions, cash, unsettled, created_at,
        [identity for _, identity in numbered],
        np.searchsorted(np.array(number, np.int64), positions[0]),
        np.searchsorted(np.array([n for n, _ in numbered], np.int64), positions[1]),
        *positions[2:],
    )  # fmt: skip


def _symbol(position: Position) -> str:
    return position.symbol


def read_assets(tables: Tables, price: PriceOf) -> list[Asset]:
    """Every asset, ordered by symbol, with its latest price where it has one."""
    assets = []
    for asset_id, symbol, name, exchange, status, tradable, fractionable in tables.rows(
        "SELECT id, symbol, name, exchange, status, tradable, fractionable FROM sim_assets ORDER BY symbol"
    ):
        quote = price(symbol)
        assets.append(
            Asset(
                id=asset_id,
                symbol=symbol,
                name=name,
                exchange=exchange,
                status=AssetStatus(status),
                tradable=bool(tradable),
                fractionable=bool(fractionable),
                price=quote.price if quote else None,
                price_at=quote.at if quote else None,
            )
        )
    return assets


def put_assets(tx: Writer, assets: Sequence[Asset], at: int) -> None:
    """Add assets, or replace those whose id is stored already (R-50).

    If several assets have the same symbol, the label of the active one is the symbol alone. An event is stored for each
    asset in `assets`. Raises `BrokerRefused`, with the assets' ids in its message, when two active assets would have
    one symbol.
    """
    for asset in assets:
        tx.execute(
            "INSERT INTO sim_assets (id, symbol, name, exchange, status, tradable, fractionable)"
            " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
            " symbol = CASE WHEN substr(symbol, 1, instr(symbol || '#', '#') - 1) = ? THEN symbol ELSE excluded.symbol"
            " END, name = excluded.name, exchange = excluded.exchange, status = excluded.status,"
            " tradable = excluded.tradable, fractionable = excluded.fractionable",
            (
                asset.id, f" {plain_symbol(asset.symbol)} {asset.id}", asset.name, asset.exchange, asset.status,
                asset.tradable, asset.fractionable, plain_symbol(asset.symbol),
            ),
        )  # fmt: skip
    relabel_assets(tx)
    numbers = [tx.execute("SELECT n FROM sim_assets WHERE id = ?", (asset.id,)).fetchone() for asset in assets]
    tx.executemany("INSERT INTO sim_events (kind, at, asset) VALUES ('asset', ?, ?)", [(at, n) for (n,) in numbers])


def relabel_assets(tx: Writer) -> None:
    """Determine the label of every asset again; call this after symbols or statuses changed.

    Raises `BrokerRefused`, with the assets' ids in its message, when two active assets have the same symbol.
    """
    known = [_listed(*row) for row in tx.execute("SELECT id, symbol, status FROM sim_assets").fetchall()]
    groups = by_symbol(known)
    for symbol, group in groups.items():
        active = [asset.id for asset in group if asset.active]
        if len(active) > 1:
            raise BrokerRefused(RefusalCode.REJECTED, conflict_text(symbol, active))
    label_of = labels(groups)
    changed = [asset.id for asset in known if asset.label != label_of[asset.id]]
    tx.executemany("UPDATE sim_assets SET symbol = ' ' || n WHERE id = ?", ((identity,) for identity in changed))
    tx.executemany(
        "UPDATE sim_assets SET symbol = ? WHERE id = ?", ((label_of[identity], identity) for identity in changed)
    )


def _listed(identity: str, label: str, status: str) -> Listed:
    """An asset as stored. `label` is its label; before `relabel_assets`, a new asset has a blank, its symbol, a blank
    and its id instead.
    """
    symbol = label.split(" ")[1] if label.startswith(" ") else plain_symbol(label)
    return Listed(identity, symbol, status == AssetStatus.ACTIVE, label)


def open_accounts(tx: Writer, accounts: Sequence[Account], at: int) -> None:
    """Add accounts with cash and positions as their first ledger entries. Raises `BrokerRefused`.

    The caller must then roll the transaction back, because some accounts may have been added.
    """
    assets = {
        name: n
        for n, symbol, identity in tx.execute("SELECT n, symbol, id FROM sim_assets").fetchall()
        for name in (symbol, identity)
    }
    (first,) = tx.execute("SELECT coalesce(max(n), 0) + 1 FROM sim_accounts").fetchone()
    for start in range(0, len(accounts), _CHUNK):
        _open_chunk(tx, accounts[start : start + _CHUNK], first + start, assets, at)


def _open_chunk(tx: Writer, accounts: Sequence[Account], first: int, assets: dict[str, int], at: int) -> None:
    numbered = list(enumerate(accounts, first))
    for _, account in numbered:
        _check_opening(account, assets)
    try:
        tx.executemany(
            "INSERT INTO sim_accounts (n, id, account_number, name, status, restrictions, cash, unsettled, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?)",
            [
                (n, a.id, a.account_number, a.name, a.status, restrictions_text(a.restrictions), a.cash,
                 to_micros(a.created_at))
                for n, a in numbered
            ],
        )  # fmt: skip
    except sqlite3.IntegrityError:
        raise BrokerRefused(RefusalCode.REJECTED, "an account with that id already exists") from None
    day = day_of(at).isoformat()
    tx.executemany(
        "INSERT INTO sim_ledger (account, counter, at, kind, amount, settles_on, reference)"
        " VALUES (?, 'bank', ?, ?, ?, ?, 'opening')",
        [(n, at, CashKind.OPENING, a.cash, day) for n, a in numbered if a.cash],
    )
    held = [(n, assets[p.asset_id or p.symbol], p) for n, a in numbered for p in a.positions]
    tx.executemany(
        "INSERT INTO sim_shares (account, asset, kind, qty, at) VALUES (?, ?, 'opening', ?, ?)",
        [(n, asset, p.qty, at) for n, asset, p in held],
    )
    tx.executemany(
        "INSERT INTO sim_positions (account, asset, qty, avg_entry_price) VALUES (?, ?, ?, ?)",
        [(n, asset, p.qty, p.avg_entry_price) for n, asset, p in held],
    )
    tx.executemany(
        "INSERT INTO sim_events (kind, at, account) VALUES ('account', ?, ?)", [(at, n) for n, _ in numbered]
    )


def _check_opening(account: Account, assets: dict[str, int]) -> None:
    if account.id == FIRM_ACCOUNT:
        raise BrokerRefused(RefusalCode.REJECTED, "the firm account is not a client account")
    if account.unsettled or not -MAX_NANO <= account.cash <= MAX_NANO:
        raise BrokerRefused(
            RefusalCode.REJECTED, "an account must open with settled cash within ±9,000,000,000 dollars"
        )
    held = set()
    for position in account.positions:
        asset = assets.get(position.asset_id or position.symbol)
        if asset is None:
            raise BrokerRefused(RefusalCode.NOT_FOUND, f"no such asset: {position.symbol}")
        if asset in held or not 0 < position.qty <= MAX_NANO:
            raise BrokerRefused(RefusalCode.REJECTED, f"{position.symbol}: expected one position above 0 shares")
        if position.avg_entry_price is not None and position.avg_entry_price <= 0:
            raise BrokerRefused(RefusalCode.REJECTED, f"{position.symbol}: expected an entry price above 0")
        held.add(asset)


def check_transfer(qty: Qty, price: Price) -> None:
    """Raise `BrokerRefused` unless the quantity and the price are above 0 and up to 9,000,000,000."""
    if not 0 < qty <= MAX_NANO or not 0 < price <= MAX_NANO:
        raise BrokerRefused(RefusalCode.REJECTED, "expected a quantity and a price above 0 and up to 9,000,000,000")

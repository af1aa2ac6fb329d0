"""Assets and their last prices. `assets.symbol` is the label under which the book lists an asset (R-50)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from rebal_tui.domain.asset_labels import Listed, by_symbol, conflict_text, labels, plain_symbol
from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.errors import Conflict, Fault
from rebal_tui.domain.quantities import Price
from rebal_tui.store.codec import ASSET_COLUMNS, asset_values, to_asset, to_time
from rebal_tui.store.database import Database, Transaction


class Rename(NamedTuple):
    """An asset whose label changes: its key and id, the label before and after."""

    key: int
    id: str
    before: str
    after: str


def load(database: Database) -> dict[str, Asset]:
    """Every asset by label."""
    rows = database.rows(f"SELECT {ASSET_COLUMNS} FROM assets ORDER BY symbol")
    return {row[1]: to_asset(row) for row in rows}


def labels_by_key(database: Database) -> dict[int, str]:
    """The label of every asset by its integer key in the file."""
    return dict(database.rows("SELECT key, symbol FROM assets"))


def ids_by_key(database: Database) -> dict[int, str]:
    """The id of every asset by its integer key in the file."""
    return dict(database.rows("SELECT key, id FROM assets"))


def key_of(database: Database, symbol: str, asset_id: str | None = None) -> int | None:
    """The integer key of an asset, found by its id if that is given, else by its label; None when it is unknown."""
    column, value = ("symbol", symbol) if asset_id is None else ("id", asset_id)
    row = database.row(f"SELECT key FROM assets WHERE {column} = ?", (value,))
    return None if row is None else int(row[0])


def conflicts(database: Database, assets: Iterable[Asset]) -> dict[str, list[str]]:
    """The symbols that more than one active asset would have if `assets` were stored, with the ids of these (R-50)."""
    groups = by_symbol(_merged(_listed(database), assets).values())
    active = {symbol: [asset.id for asset in group if asset.active] for symbol, group in groups.items()}
    return {symbol: ids for symbol, ids in active.items() if len(ids) > 1}


def save(tx: Transaction, assets: Iterable[Asset]) -> list[Rename]:
    """Insert assets, or update those whose id is known; returns a `Rename` for each stored asset whose label changes.

    A given price is stored only where it certainly is the asset's own. It is not stored where the asset's label
    changes, nor where another asset has or had the given symbol. An asset given without a price keeps its stored one.
    Raises `Conflict` with the ids when two active assets would have one symbol.
    """
    given = {asset.id: asset for asset in assets}
    before = _listed(tx.database)
    groups = by_symbol(_merged(before, given.values()).values())
    for symbol, group in groups.items():
        active = [asset.id for asset in group if asset.active]
        if len(active) > 1:
            raise Conflict([Fault("symbol", conflict_text(symbol, active))])
    label_of = labels(groups)
    renamed = _renames(tx.database, before, label_of)
    _free_labels(tx, renamed)
    names = {rename.id for rename in renamed}
    given_up = {rename.before for rename in renamed}
    rows = [asset_values(asset)._replace(symbol=label_of[asset.id]) for asset in given.values()]
    # A price was looked up under the given symbol, which another asset may bear or may have borne.
    priced = [row.id not in names and row.symbol == given[row.id].symbol and row.symbol not in given_up for row in rows]
    tx.executemany(
        f"INSERT INTO assets ({ASSET_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
        "symbol = excluded.symbol, name = excluded.name, exchange = excluded.exchange, status = excluded.status, "
        "tradable = excluded.tradable, fractionable = excluded.fractionable, "
        "price = coalesce(excluded.price, price), "
        "price_at = CASE WHEN excluded.price IS NULL THEN price_at ELSE excluded.price_at END",
        (row for row, own in zip(rows, priced, strict=True) if own),
    )
    tx.executemany(
        f"INSERT INTO assets ({ASSET_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, NULL, NULL) ON CONFLICT (id) DO UPDATE SET "
        "symbol = excluded.symbol, name = excluded.name, exchange = excluded.exchange, status = excluded.status, "
        "tradable = excluded.tradable, fractionable = excluded.fractionable",
        (row[:7] for row, own in zip(rows, priced, strict=True) if not own),
    )
    tx.executemany(
        "UPDATE assets SET symbol = ? WHERE key = ?",
        ((rename.after, rename.key) for rename in renamed if rename.id not in given),
    )
    return renamed


def _listed(database: Database) -> dict[str, Listed]:
    return {
        identity: Listed(identity, plain_symbol(label), status == AssetStatus.ACTIVE, label)
        for identity, label, status in database.rows("SELECT id, symbol, status FROM assets")
    }


def _merged(known: Mapping[str, Listed], assets: Iterable[Asset]) -> dict[str, Listed]:
    """The assets of the file by id, after `assets` are stored."""
    merged = dict(known)
    for asset in assets:
        before = known.get(asset.id)
        merged[asset.id] = Listed(
            asset.id, plain_symbol(asset.symbol), asset.status is AssetStatus.ACTIVE, before.label if before else ""
        )
    return merged


def _renames(database: Database, before: Mapping[str, Listed], label_of: Mapping[str, str]) -> list[Rename]:
    changed = [asset for asset in before.values() if asset.label != label_of[asset.id]]
    if not changed:
        return []
    key_of = {identity: key for key, identity in ids_by_key(database).items()}
    return [Rename(key_of[asset.id], asset.id, asset.label, label_of[asset.id]) for asset in changed]


def _free_labels(tx: Transaction, renamed: Sequence[Rename]) -> None:
    """Replace the labels that change by temporary ones first, so that assets can swap labels."""
    tx.executemany("UPDATE assets SET symbol = ? WHERE key = ?", ((f" {r.key}", r.key) for r in renamed))


def save_prices(tx: Transaction, prices: Iterable[tuple[str, Price, datetime]]) -> None:
    """Store last prices of assets, given as (label, price, time)."""
    tx.executemany(
        "UPDATE assets SET price = ?, price_at = ? WHERE symbol = ?",
        ((price, to_time(at), symbol) for symbol, price, at in prices),
    )

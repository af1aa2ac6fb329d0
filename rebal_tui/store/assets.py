"""Assets and their last prices."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.quantities import Price
from rebal_tui.store.codec import ASSET_COLUMNS, asset_values, to_asset, to_time
from rebal_tui.store.database import Database, Transaction


def load(database: Database) -> dict[str, Asset]:
    """Every asset by symbol."""
    rows = database.rows(f"SELECT {ASSET_COLUMNS} FROM assets ORDER BY symbol")
    return {row[1]: to_asset(row) for row in rows}


def save(tx: Transaction, assets: Iterable[Asset]) -> None:
    """Insert assets, or update those whose symbol is known."""
    tx.executemany(
        f"INSERT INTO assets ({ASSET_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (symbol) DO UPDATE SET "
        "name = excluded.name, exchange = excluded.exchange, status = excluded.status, tradable = excluded.tradable, "
        "fractionable = excluded.fractionable, price = excluded.price, price_at = excluded.price_at",
        (asset_values(asset) for asset in assets),
    )


def save_prices(tx: Transaction, prices: Iterable[tuple[str, Price, datetime]]) -> None:
    """Store last prices."""
    tx.executemany(
        "UPDATE assets SET price = ?, price_at = ? WHERE symbol = ?",
        ((price, to_time(at), symbol) for symbol, price, at in prices),
    )

"""Assets on hold after a price jump that nothing explains (R-55)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rebal_tui.domain.quantities import Money, Price, money_text
from rebal_tui.store.codec import from_time, to_time
from rebal_tui.store.database import Database, Transaction

_FROM = "FROM asset_holds JOIN assets ON assets.key = asset_holds.asset"


@dataclass(frozen=True, slots=True)
class AssetHold:
    """An asset on hold, which no automatic run trades.

    `at` is when the hold began. `last_close` and `price` are the prices before and after the jump, and `ratio` their
    ratio as text. `looks_like` is the split that the jump resembles, empty when it resembles none.
    """

    symbol: str
    at: datetime
    last_close: Price
    price: Price
    ratio: str
    looks_like: str

    @property
    def reason(self) -> str:
        """Why the asset is on hold, as one sentence without the final period."""
        resembles = f", as after a {self.looks_like}" if self.looks_like else ""
        moved = f"${money_text(Money(self.last_close))} → ${money_text(Money(self.price))}"
        return f"{self.symbol} is on hold: its price moved {moved} (× {self.ratio}{resembles}) without an explanation"


def load(database: Database) -> dict[str, AssetHold]:
    """Every asset on hold by its label; the asset that is on hold for longest comes first."""
    return _read(database, "released_at IS NULL", ())


def at(database: Database, when: datetime) -> dict[str, AssetHold]:
    """The assets that were on hold at a time, by their labels."""
    return _read(database, "at <= ?1 AND (released_at IS NULL OR released_at > ?1)", (to_time(when),))


def put(tx: Transaction, hold: AssetHold) -> None:
    """Put an asset on hold; if it is on hold already, nothing changes."""
    tx.execute(
        "INSERT INTO asset_holds (asset, at, from_price, to_price, ratio, looks_like) "
        "SELECT key, ?, ?, ?, ?, ? FROM assets WHERE symbol = ? ON CONFLICT DO NOTHING",
        (to_time(hold.at), hold.last_close, hold.price, hold.ratio, hold.looks_like, hold.symbol),
    )


def release(tx: Transaction, symbol: str, when: datetime, who: str) -> None:
    """End the hold of an asset."""
    tx.execute(
        "UPDATE asset_holds SET released_at = ?, released_by = ? WHERE released_at IS NULL "
        "AND asset = (SELECT key FROM assets WHERE symbol = ?)",
        (to_time(when), who, symbol),
    )


def _read(database: Database, test: str, values: tuple[int, ...]) -> dict[str, AssetHold]:
    rows = database.rows(
        f"SELECT assets.symbol, at, from_price, to_price, ratio, looks_like {_FROM} WHERE {test} "
        "ORDER BY asset_holds.key",
        values,
    )
    return {
        symbol: AssetHold(symbol, from_time(at), Price(before), Price(after), ratio, looks_like)
        for symbol, at, before, after, ratio, looks_like in rows
    }

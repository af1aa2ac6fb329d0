"""Assets with their latest prices; quotes are buffered until the assets are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.quantities import Price
from rebal_tui.market.protocol import Quote


class PriceCache:
    """The assets by label, with the label of each id. Quotes are buffered and become prices when `assets` is next read.

    `assets_version` increases when an asset is added, removed or changed in anything but its price. `newest` is the
    time of the newest price.
    """

    def __init__(self) -> None:
        self.assets_version = 0
        self._assets = _Assets(self)
        self._waiting: dict[str, Quote] = {}
        self._unread: dict[str, Quote] = {}
        self.newest: datetime | None = None
        self._labels: dict[str, str] = {}
        self._labels_version = 0

    @property
    def assets(self) -> dict[str, Asset]:
        """Every asset with its last price, by label."""
        if self._waiting:
            waiting, self._waiting = self._waiting, {}
            self._assets.apply_quotes(waiting)
        return self._assets

    @property
    def labels(self) -> Mapping[str, str]:
        """The label of every asset by id."""
        if self._labels_version != self.assets_version:
            self._labels = {asset.id: label for label, asset in self._assets.items()}
            self._labels_version = self.assets_version
        return self._labels

    def load(self, assets: Mapping[str, Asset]) -> dict[str, str]:
        """Replace the assets; where the cache has a newer price for an asset id, that price is kept.

        Returns the changed labels as a mapping from old to new.
        """
        before, labels = self.assets, self.labels
        known: dict[str, Asset] = {}
        renamed: dict[str, str] = {}
        for symbol, asset in assets.items():
            label = labels.get(asset.id)
            old = None if label is None else before.get(label)
            if label is not None and label != symbol:
                renamed[label] = symbol
            newer = old is not None and old.price_at and (asset.price_at is None or asset.price_at < old.price_at)
            known[symbol] = replace(asset, price=old.price, price_at=old.price_at) if old and newer else asset
        self._assets = _Assets(self, known)
        self.newest = max((asset.price_at for asset in known.values() if asset.price_at), default=None)
        self.assets_version += 1
        if renamed:
            # They were noted under the old labels and are applied above.
            self._unread.clear()
        return renamed

    def note(self, quotes: Mapping[str, Quote]) -> None:
        """Buffer quotes; those of unknown symbols are dropped."""
        known = quotes if quotes.keys() <= self._assets.keys() else _only(quotes, self._assets)
        self._waiting.update(known)
        self._unread.update(known)
        latest = max((quote.at for quote in known.values()), default=None)
        if latest is not None and (self.newest is None or latest > self.newest):
            self.newest = latest

    def take_unread(self) -> dict[str, Quote]:
        """The last quote, by label, of every asset that was quoted since the previous call."""
        unread, self._unread = self._unread, {}
        return unread


class AssetsById(Mapping[str, Asset]):
    """Every asset with its last price, by id, including those whose label differs from their symbol (R-50)."""

    def __init__(self, price_cache: PriceCache) -> None:
        self._cache = price_cache

    def __getitem__(self, asset_id: str) -> Asset:
        return self._cache.assets[self._cache.labels[asset_id]]

    def __iter__(self) -> Iterator[str]:
        return iter(self._cache.labels)

    def __len__(self) -> int:
        return len(self._cache.labels)


class _Assets(dict[str, Asset]):
    def __init__(self, price_cache: PriceCache, known: Mapping[str, Asset] | None = None) -> None:
        super().__init__(known or {})
        self._cache = price_cache

    def __setitem__(self, symbol: str, asset: Asset) -> None:
        self._cache.assets_version += 1
        super().__setitem__(symbol, asset)

    def __delitem__(self, symbol: str) -> None:
        self._cache.assets_version += 1
        super().__delitem__(symbol)

    def apply_quotes(self, quotes: Mapping[str, Quote]) -> None:
        for symbol, quote in quotes.items():
            super().__setitem__(symbol, _priced(self[symbol], quote.price, quote.at))


def _only(quotes: Mapping[str, Quote], known: Mapping[str, Asset]) -> dict[str, Quote]:
    return {symbol: quote for symbol, quote in quotes.items() if symbol in known}


def _priced(asset: Asset, price: Price, at: datetime) -> Asset:
    return Asset(
        asset.id, asset.symbol, asset.name, asset.exchange, asset.status, asset.tradable, asset.fractionable, price, at
    )

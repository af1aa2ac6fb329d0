"""The assets of a BOOK.json while the file is parsed, and the positions and weights that refer to them (R-50)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rebal_tui.domain.asset_labels import Listed, by_symbol, labels
from rebal_tui.domain.assets import AssetStatus
from rebal_tui.services.parsing.book_values import derived_id
from rebal_tui.services.parsing.fields import shown
from rebal_tui.services.parsing.shapes import Rule


@dataclass(slots=True)
class AssetEntry:
    """An asset of a BOOK.json, with its location in the file, such as `assets[3]`.

    `id` is None if the file gives none, `price` 0 if it gives none.
    """

    location: str
    active: bool
    id: str | None = None
    symbol: str = ""
    price: int = 0

    @property
    def known_id(self) -> str:
        """The asset's id, computed from its symbol if the file gives none."""
        return self.id or derived_id("asset", self.symbol)

    def named(self) -> str:
        """The asset's id and location, for messages."""
        return f"id {shown(self.id)} in {self.location}" if self.id else self.location


class AssetEntries:
    """The assets of a BOOK.json by id and by symbol. Several assets may share a symbol, at most one of them active."""

    def __init__(self) -> None:
        self._by_id: dict[str, AssetEntry] = {}
        self._by_symbol: dict[str, list[AssetEntry]] = {}
        self._by_label: dict[str, AssetEntry] = {}
        self._labels: dict[str, str] = {}

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._by_symbol

    def begin(self, location: str, raw: Any) -> AssetEntry:
        """A new entry for the asset at `location`; `add_id` and `add_symbol` register it when its fields are parsed."""
        status = raw.get("status") if isinstance(raw, dict) else None
        return AssetEntry(location, status in (None, AssetStatus.ACTIVE.value))

    def add_id(self, entry: AssetEntry, identity: str) -> None:
        """Register the id of an asset's entry. Raises `Rule` when another asset has it."""
        first = self._by_id.setdefault(identity, entry)
        if first is not entry:
            raise Rule(f"duplicate id {shown(identity)}, already used in {first.location}")
        entry.id = identity

    def add_symbol(self, entry: AssetEntry, symbol: str) -> None:
        """Register the symbol of an asset's entry.

        Raises `Rule` when another asset has the symbol, and both are active or one of them has no id.
        """
        others = self._by_symbol.setdefault(symbol, [])
        entry.symbol = symbol
        unnamed = next((other for other in others if other.id is None or entry.id is None), None)
        active = next((other for other in others if other.active and entry.active), None)
        if unnamed is not None:
            raise Rule(f"duplicate symbol {shown(symbol)}, already used in {unnamed.location}")
        if active is not None:
            raise Rule(
                f"duplicate symbol {shown(symbol)} of two active assets: {entry.named()}, {active.named()}; "
                "expected one active asset of that symbol"
            )
        others.append(entry)

    def find(self, identity: str) -> AssetEntry:
        """The asset with this id. Raises `Rule` when the file does not list it."""
        if identity not in self._by_id:
            raise Rule(f"unknown asset {shown(identity)}: not listed in assets")
        return self._by_id[identity]

    def referred(self, symbol: str, by_id: AssetEntry | None) -> str:
        """The label of the asset that a position or a weight refers to.

        Raises `Rule` when id and symbol contradict each other, or when several assets have the symbol and none of them
        is active. For an unknown symbol the label is the symbol.
        """
        if by_id is not None:
            if by_id.symbol and by_id.symbol != symbol:
                raise Rule(f"asset {shown(by_id.id)} is {by_id.symbol} in {by_id.location}, not {symbol}")
            return self._label_of(by_id)
        entries = self._by_symbol.get(symbol, [])
        if len(entries) > 1 and not any(entry.active for entry in entries):
            places = " and ".join(entry.named() for entry in entries)
            raise Rule(f"{symbol} is not one asset: {places}; expected an asset_id")
        return symbol

    def price(self, label: str) -> int:
        """The price of the asset with this label, 0 without one."""
        self._label_all()
        return self._by_label[label].price if label in self._by_label else 0

    def id_of(self, label: str) -> str | None:
        """The id that the file gives the asset with this label; None if it gives none."""
        self._label_all()
        return self._by_label[label].id if label in self._by_label else None

    def _label_of(self, entry: AssetEntry) -> str:
        self._label_all()
        return self._labels.get(entry.known_id, entry.symbol)

    def _label_all(self) -> None:
        """Choose the labels once, after every asset was parsed."""
        if self._by_label or not self._by_symbol:
            return
        entries = [entry for group in self._by_symbol.values() for entry in group]
        self._labels = labels(by_symbol(Listed(entry.known_id, entry.symbol, entry.active) for entry in entries))
        self._by_label = {self._labels[entry.known_id]: entry for entry in entries}


def with_symbol(raw: Any, entries: AssetEntries) -> Any:
    """The input of a position or weight; the asset's symbol is added if it has only an asset id."""
    if not isinstance(raw, dict) or raw.get("symbol") is not None:
        return raw
    try:
        symbol = entries.find(raw["asset_id"]).symbol or None
    except (Rule, KeyError, TypeError):
        symbol = None
    return {**raw, "symbol": symbol}

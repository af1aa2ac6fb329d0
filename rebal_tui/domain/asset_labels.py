"""The label of an asset in a book: its symbol, or its symbol with a part of its id (R-50).

An asset is identified by its id, because a symbol can change, be reused or be swapped. Among assets with the same
symbol, the active one has the symbol as its label; each other one gets `SYMBOL#` and the beginning of its id. So labels
are unique, and no holding is hidden.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

SEPARATOR = "#"
"""Between symbol and id in the label of a namesake; it occurs in no symbol."""
_SHORTEST_ID = 4


class Listed(NamedTuple):
    """What decides the label of an asset; `label` is its label so far, empty for a new asset."""

    id: str
    symbol: str
    active: bool
    label: str = ""


def plain_symbol(label: str) -> str:
    """The symbol that a label begins with: `ABC` for `ABC` and for `ABC#1f3c`."""
    return label.partition(SEPARATOR)[0]


def by_symbol(assets: Iterable[Listed]) -> dict[str, list[Listed]]:
    """Assets grouped by symbol."""
    found: defaultdict[str, list[Listed]] = defaultdict(list)
    for asset in assets:
        found[asset.symbol].append(asset)
    return found


def labels(groups: Mapping[str, list[Listed]]) -> dict[str, str]:
    """The label of every asset, by id. `groups` are the assets by symbol; at most one of a group is active.

    The symbol is the label of the active asset. If none is active, the asset that has this label keeps it; if none has
    it, the asset with the lowest id gets it.
    """
    found: dict[str, str] = {}
    for symbol, group in groups.items():
        if len(group) == 1:
            found[group[0].id] = symbol
            continue
        meant = min(group, key=lambda asset: (not asset.active, asset.label != symbol, asset.id))
        others = [asset.id for asset in group if asset.id != meant.id]
        size = _SHORTEST_ID
        while len({identity[:size] for identity in others}) < len(others):
            size += 1
        found[meant.id] = symbol
        found |= {identity: f"{symbol}{SEPARATOR}{identity[:size]}" for identity in others}
    return found


def conflict_text(symbol: str, ids: Iterable[str]) -> str:
    """The message for a symbol that several active assets have, with their ids."""
    return f"{symbol}: expected one active asset of that symbol, found the ids {' and '.join(sorted(ids))}"

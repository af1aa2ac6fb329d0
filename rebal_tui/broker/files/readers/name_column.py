"""What a column `Name` of a generic file has: the clients' names or those of the assets. Its values decide."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

FORM = "name"
"""The form (`name_forms`) of a column name that may mean either."""


class NameRole(Enum):
    """What the values of the column are; the value is the field of a mapping, empty for values not to be used."""

    CLIENT = "name"
    ASSET = "description"
    EITHER = "either"
    NEITHER = ""


@dataclass(frozen=True, slots=True)
class NamedRow:
    """A row of an account: `symbol` is empty for a row without one; `cash` is whether the symbol stands for cash."""

    account: str
    symbol: str
    cash: bool
    name: str


def role_of(rows: Iterable[NamedRow]) -> NameRole:
    """What the names are: a client's name is the same in all rows of an account, an asset's in all rows of a symbol.

    If both hold, it is the client's name where an account has one name for several symbols, unless all accounts of a
    file have that name; otherwise it may be either.
    """
    by_account: defaultdict[str, set[str]] = defaultdict(set)
    by_symbol: defaultdict[str, set[str]] = defaultdict(set)
    symbols: defaultdict[str, set[str]] = defaultdict(set)
    cash: set[str] = set()
    for row in rows:
        by_account[row.account].add(row.name)
        if row.symbol:
            by_symbol[row.symbol].add(row.name)
            symbols[row.account].add(row.symbol)
        if row.cash:
            cash.add(row.symbol)
    assets = [names for symbol, names in by_symbol.items() if symbol not in cash]
    clients = bool(by_account) and all(len(names) == 1 and "" not in names for names in by_account.values())
    one_an_asset = bool(assets) and all(len(names) == 1 and "" not in names for names in assets)
    if not clients:
        return NameRole.ASSET if one_an_asset else NameRole.NEITHER
    if any(len(names) > 1 for names in by_symbol.values()):
        return NameRole.CLIENT
    differ = len(by_account) == 1 or len({name for names in by_account.values() for name in names}) > 1
    return NameRole.CLIENT if differ and any(len(held) > 1 for held in symbols.values()) else NameRole.EITHER

"""Reading the list of assets row by row: a row that cannot be read does not hide the others (R-52)."""

from __future__ import annotations

from typing import Any

from rebal_tui.broker.alpaca import json_values, shapes
from rebal_tui.broker.alpaca.json_values import Malformed
from rebal_tui.broker.failures import BrokerUnavailable
from rebal_tui.broker.unreadable import Listing, Unreadable
from rebal_tui.domain.assets import Asset


def read_assets(rows: Any) -> Listing[Asset]:
    """The US equities in a list of assets, as Alpaca's API returns it; `unreadable` has the rows that cannot be read.

    Raises `BrokerUnavailable` when `rows` is not a list, or when more than half of the rows cannot be read.
    """
    if not isinstance(rows, list):
        raise BrokerUnavailable("invalid response: the assets are no list")
    found: dict[str, Asset] = {}
    unreadable: dict[str, Unreadable] = {}
    for number, row in enumerate(rows, 1):
        key = f"row {number}"
        try:
            data = json_values.as_object(row)
            key = json_values.id_of(data)
            asset = shapes.asset(data)
            if asset is None:
                continue
            if key in found and found[key] != asset:
                raise Malformed(f"two different rows have the id {key}")
            found[key] = asset
        except Malformed as error:
            unreadable[key] = Unreadable(key, f"invalid response: {error}")
    if len(unreadable) > len(rows) // 2:
        first = next(iter(unreadable.values()))
        raise BrokerUnavailable(f"{len(unreadable)} of {len(rows)} assets cannot be read; {first.key}: {first.reason}")
    return Listing((asset for key, asset in found.items() if key not in unreadable), tuple(unreadable.values()))

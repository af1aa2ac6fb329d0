"""The closes of a file arranged by the symbols that a replay's assets have on each day (R-54)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import Price
from rebal_tui.market.closes import Closes
from rebal_tui.services.simulation.asset_tracks import AssetTrack


@dataclass(frozen=True, slots=True)
class AssetCloses:
    """The closes of one asset on the days on which it exists, None for a missing close; `symbol` is its last symbol."""

    symbol: str
    prices: tuple[tuple[date, Price | None], ...]


@dataclass(frozen=True, slots=True)
class ArrangedCloses:
    """The closing prices of the assets of a replay, which is a simulation on recorded prices.

    `closes` has them by day and by the symbol that the asset has in the book on that day; `assets` has them by asset.
    """

    closes: Closes
    assets: tuple[AssetCloses, ...]


def arrange_closes(closes: Closes, tracks: Sequence[AssetTrack]) -> ArrangedCloses:
    """The closes of the assets in `tracks`, without the other columns of the file.

    An asset with several symbols takes, on each day, the column of its symbol on that day. If the file lacks that
    column, it takes the column of a later symbol, else of an earlier one. Raises `Invalid` with every asset that has no
    column, and every column that two assets would use on one day.
    """
    columns = {symbol: index for index, symbol in enumerate(closes.symbols)}
    missing = [track for track in tracks if not any(symbol in columns for _, symbol in track.names)]
    if missing:
        raise Invalid(
            Fault(" or ".join(symbol for _, symbol in track.names), "no such column in the closes") for track in missing
        )
    labels = list(dict.fromkeys(label for track in tracks for _, label in track.labels))
    cells: list[dict[str, Price | None]] = [{} for _ in closes.days]
    used: dict[int, list[tuple[int, int, str]]] = {}
    assets = []
    for track in tracks:
        series: list[tuple[date, Price | None]] = []
        for start, stop, column in _stretches(track, closes.days, columns):
            used.setdefault(column, []).append((start, stop, track.labels[-1][1]))
            for position in range(start, stop):
                day, price = closes.days[position], closes.rows[position][column]
                cells[position][track.label(day)] = price
                series.append((day, price))
        assets.append(AssetCloses(track.labels[-1][1], tuple(series)))
    faults = [fault for column, uses in used.items() for fault in _shared(closes, column, sorted(uses))]
    if faults:
        raise Invalid(faults)
    rows = tuple(tuple(row.get(label) for label in labels) for row in cells)
    return ArrangedCloses(Closes(tuple(labels), closes.days, rows), tuple(assets))


def _stretches(track: AssetTrack, days: Sequence[date], columns: dict[str, int]) -> Iterator[tuple[int, int, int]]:
    """Ranges of days with the same column for an asset, as (first index, end index, column).

    Indexes are those of `days`, the end excluded; the column is an index of the file's columns.
    """
    there = [position for position, day in enumerate(days) if track.since <= day < track.until]
    changes = sorted({track.since, *(start for start, _ in track.names[1:] if start > track.since), track.until})
    for first, following in pairwise(changes):
        positions = [position for position in there if first <= days[position] < following]
        if positions:
            column = next(columns[symbol] for symbol in track.columns(first) if symbol in columns)
            yield positions[0], positions[-1] + 1, column


def _shared(closes: Closes, column: int, uses: Sequence[tuple[int, int, str]]) -> Iterator[Fault]:
    """A fault for every two assets that use one column on a day.

    `uses` are (first index, end index, symbol) of the days, sorted.
    """
    for (_, stop, symbol), (start, _, other) in pairwise(uses):
        if start < stop:
            yield Fault(closes.symbols[column], f"column of both {symbol} and {other} on {closes.days[start]}")

"""Columns, sort orders and filter tabs (tiles) of the Desk."""

from __future__ import annotations

from rebal_tui.domain.text import fold
from rebal_tui.domain.trade_status import StatusKind
from rebal_tui.services.view_models.desk import DeskRow
from rebal_tui.services.view_models.standing import GLYPHS, NEAR_GLYPH, STATUS_TILES, TILE_GLYPHS, Tile
from rebal_tui.tui import formats
from rebal_tui.tui.screens.shared.status_styles import STATUS_STYLES
from rebal_tui.tui.segments import Line
from rebal_tui.tui.widgets import bars
from rebal_tui.tui.widgets.table_layout import Column
from rebal_tui.tui.widgets.tabs import Tab

TILE_STYLES = {
    **{tile: STATUS_STYLES[kind] for tile, kind in STATUS_TILES.items()},
    Tile.OUTSIDE: "bad",
    Tile.NEAR: "warn",
    Tile.UNABLE: "bad",
}
RUN_PENDING = "Run pending"
"""Label of the tab "will trade" if every automatic run awaits review, so that no account trades by itself.

Its accounts have a run that is due, queued, under way or on a trade list.
"""
IN_COOLDOWN = "In cooldown"
"""Label of the tab of accounts whose cooldown runs, most of which wait for nothing."""
Counts = tuple[tuple[Tile, int], ...]
"""Each tile with its number of accounts."""
RANK = 10**9
"""Difference of the sort keys of two statuses in the default order; larger than any band usage."""
NO_BAND = -1
"""Band usage that an account without a band has for sorting."""
_RANKS = {kind: rank * RANK for rank, kind in enumerate(StatusKind)}


def natural(row: DeskRow) -> int:
    """Sort key of the default order: by status, then by descending band usage. An integer,
    so that large books sort fast.
    """
    return _RANKS[row.status] - _band_used(row)


def search(row: DeskRow) -> str:
    """Return the text of a row in which the text filter searches."""
    return f"{row.account_number} {row.client} {row.portfolio} {row.worst} {row.state}"


def _glyph(row: DeskRow) -> Line:
    if row.status is StatusKind.IN_RANGE and not row.tiles.isdisjoint((Tile.NEAR, Tile.OUTSIDE)):
        return ((NEAR_GLYPH, "warn"),)
    return ((GLYPHS[row.status], STATUS_STYLES[row.status]),)


def _drift(row: DeskRow) -> Line:
    style = "bad" if Tile.OUTSIDE in row.tiles else "warn" if Tile.NEAR in row.tiles else ""
    return ((formats.drift(row.drift_bp), style),)


def _state(row: DeskRow) -> Line:
    return ((row.state, STATUS_STYLES[row.status]),)


def _band_used(row: DeskRow) -> int:
    """Sort key of the columns Worst and Band used: the band usage, as both columns are sorted to find the worst
    accounts.
    """
    return NO_BAND if row.band_used is None else row.band_used


def _last(row: DeskRow) -> Line:
    return ((formats.day(row.last_rebalanced, row.year), "muted"),)


def _last_exported(row: DeskRow) -> str:
    """The day of the last rebalance with its year (`2026-01-02`), as an export is also read in later years; or
    `never`.
    """
    return formats.day(None) if row.last_rebalanced is None else row.last_rebalanced.isoformat()


def columns() -> tuple[Column[DeskRow], ...]:
    """Return the columns of the list. A narrow terminal hides the columns with the largest `priority` number first."""
    return (
        Column("glyph", "", 1, _glyph),
        Column(
            "client", "Client", 16, lambda row: row.client, sort=lambda row: fold(row.client), grow=3, max_width=48,
            whole=True,
        ),
        Column(
            "portfolio", "Portfolio", 12, lambda row: row.portfolio, sort=lambda row: fold(row.portfolio),
            priority=4, grow=2, max_width=36, whole=True,
        ),
        Column(
            "equity", "Equity $", 10, lambda row: formats.dollars(row.equity), "right", 3, lambda row: row.equity, True
        ),
        Column("cash", "Cash $", 8, lambda row: formats.dollars(row.cash), "right", 6, lambda row: row.cash, True),
        Column(
            "worst", "Worst", 5, lambda row: row.worst, sort=_band_used, descending=True, priority=2,
            directions=("least of its band used first", "most of its band used first"),
        ),
        Column(
            "drift", "Drift pp", 8, _drift, "right", 0, lambda row: abs(row.drift_bp), True,
            directions=("smallest first", "largest first"),
        ),
        Column(
            "band", "Band used", bars.USAGE_WIDTH, lambda row: bars.band_bar(row.band_used), "left", 1,
            _band_used, True, unit="%",
        ),
        Column("state", "Status", 15, _state, sort=lambda row: row.state, grow=2, max_width=22, whole=True),
        Column(
            "last", "Rebalanced", 10, _last, priority=5,
            sort=lambda row: (row.last_rebalanced is not None, row.last_rebalanced), plain=_last_exported,
        ),
        Column(
            "account", "Account", 9, lambda row: row.account_number, sort=lambda row: row.account_number, priority=7,
            exported=True,
        ),
    )  # fmt: skip


def tile_tabs(found: Counts, whole: Counts, current: Tile, *, reviewed: bool = False) -> tuple[Tab, ...]:
    """Return a tab for each status, and for each other group that has accounts or is `current`; a count of zero is
    muted.

    `found` has the counts shown, of the accounts that the text filter finds, `whole` those without a filter, so that a
    filter hides no tab. If every automatic run is `reviewed`, no account trades without approval, so the tab "will
    trade" is labeled `RUN_PENDING`. The counts of the statuses add up to that of all; the other groups overlap, so that
    a vertical line separates their tabs from these.
    """
    labels = {Tile.COOLDOWN: IN_COOLDOWN, **({Tile.WILL_TRADE: RUN_PENDING} if reviewed else {})}
    return tuple(
        Tab(
            tile,
            labels.get(tile, tile),
            mark=TILE_GLYPHS[tile],
            figure=f"{count:,}",
            style=TILE_STYLES.get(tile, "key") if count else "muted",
            overlaps=tile not in STATUS_TILES and tile is not Tile.ALL,
        )
        for (tile, count), (_, all_of_it) in zip(found, whole, strict=True)
        if all_of_it or tile in STATUS_TILES or tile in (Tile.ALL, current)
    )

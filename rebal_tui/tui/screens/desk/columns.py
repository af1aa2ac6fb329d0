"""Columns, sort orders and tiles of the Desk."""

from __future__ import annotations

from rebal_tui.services.view_models.desk import DeskRow
from rebal_tui.services.view_models.standing import GLYPHS, TILE_GLYPHS, Standing, Tile
from rebal_tui.tui import formats
from rebal_tui.tui.segments import Line
from rebal_tui.tui.widgets import bars
from rebal_tui.tui.widgets.table_layout import Column
from rebal_tui.tui.widgets.tabs import Tab

STANDING_STYLES = {
    Standing.OUTSIDE: "bad",
    Standing.NEAR: "warn",
    Standing.INSIDE: "good",
    Standing.BLOCKED: "warn",
    Standing.UNABLE: "bad",
    Standing.NONE: "muted",
}
TILE_STYLES = {Tile.OUTSIDE: "bad", Tile.NEAR: "warn", Tile.BLOCKED: "warn", Tile.UNABLE: "bad"}
EXCEPTION = 10**9
"""Offset larger than any band usage; it sorts exceptions first."""
SHORT_TILES = {
    Tile.CALENDAR: "Cal",
    Tile.COOLDOWN: "Cool",
    Tile.BLOCKED: "Block",
    Tile.OUTSIDE: "Out",
}


def natural(row: DeskRow) -> int:
    """Sort key: exceptions first, then by descending band usage; an integer, so that large books sort fast."""
    used = -1 if row.band_used is None else row.band_used
    return -used - EXCEPTION if row.exception else -used


def search(row: DeskRow) -> str:
    """Return the text that filters search."""
    return f"{row.account_id} {row.account_number} {row.client} {row.portfolio} {row.worst} {row.state}"


def _glyph(row: DeskRow) -> Line:
    return ((GLYPHS[row.standing], STANDING_STYLES[row.standing]),)


def _drift(row: DeskRow) -> Line:
    style = STANDING_STYLES[row.standing] if row.standing in (Standing.OUTSIDE, Standing.NEAR) else ""
    return ((formats.drift(row.drift_bp), style),)


def _state(row: DeskRow) -> Line:
    return ((row.state, "bad" if row.exception else ""),)


def _last(row: DeskRow) -> Line:
    return ((formats.day(row.last_rebalanced), "muted"),)


def columns() -> tuple[Column[DeskRow], ...]:
    """Return the columns. On narrow terminals, columns with the highest `priority` are hidden first."""
    return (
        Column("standing", "", 1, _glyph),
        Column(
            "account",
            "Account",
            8,
            lambda row: formats.short_id(row.account_id),
            sort=lambda row: row.account_id,
            priority=3,
        ),
        Column(
            "client", "Client", 16, lambda row: row.client, sort=lambda row: row.client.casefold(), grow=3, max_width=30
        ),
        Column(
            "portfolio",
            "Portfolio",
            12,
            lambda row: row.portfolio,
            sort=lambda row: row.portfolio.casefold(),
            priority=4,
            grow=2,
            max_width=24,
        ),
        Column("equity", "Equity", 13, lambda row: formats.money(row.equity), "right", 2, lambda row: row.equity, True),
        Column("cash", "Cash", 11, lambda row: formats.money(row.cash), "right", 6, lambda row: row.cash, True),
        Column("worst", "Worst", 5, lambda row: row.worst, sort=lambda row: row.worst, priority=1),
        Column("drift", "Drift", 6, _drift, "right", 0, lambda row: abs(row.drift_bp), True),
        Column(
            "band",
            "Band used",
            17,
            lambda row: bars.band_bar(row.band_used),
            "left",
            0,
            lambda row: -1 if row.band_used is None else row.band_used,
            True,
        ),
        Column("state", "State", 11, _state, sort=lambda row: row.state, grow=2, max_width=30),
        Column(
            "last",
            "Last",
            6,
            _last,
            sort=lambda row: (row.last_rebalanced is not None, row.last_rebalanced),
            priority=5,
        ),
    )


def tile_tabs(tiles: tuple[tuple[Tile, int], ...]) -> tuple[Tab, ...]:
    """Return a tab per tile with its count; a count of zero is muted."""
    return tuple(
        Tab(
            tile,
            tile,
            mark=TILE_GLYPHS[tile],
            figure=f"{count:,}",
            style=TILE_STYLES.get(tile, "key") if count else "muted",
            short=SHORT_TILES.get(tile, ""),
        )
        for tile, count in tiles
    )

"""Standing of an account: text, glyph, and the tiles above the Desk."""

from __future__ import annotations

from enum import StrEnum


class Standing(StrEnum):
    """The standing of an account; never shown by color alone."""

    OUTSIDE = "outside"
    NEAR = "near"
    INSIDE = "inside"
    BLOCKED = "blocked"
    UNABLE = "unable"
    NONE = "none"


GLYPHS = {
    Standing.OUTSIDE: "■",
    Standing.NEAR: "▲",
    Standing.INSIDE: "●",
    Standing.BLOCKED: "◌",
    Standing.UNABLE: "?",
    Standing.NONE: "·",
}


class Tile(StrEnum):
    """The counts above the Desk, each also a filter. An account can be in several."""

    ALL = "All"
    OUTSIDE = "Outside"
    NEAR = "Near"
    CALENDAR = "Calendar"
    CASH = "Cash"
    FIRST = "First"
    COOLDOWN = "Cooldown"
    BLOCKED = "Blocked"
    UNABLE = "Unable"


TILE_GLYPHS = {
    Tile.ALL: " ",
    Tile.OUTSIDE: "■",
    Tile.NEAR: "▲",
    Tile.CALENDAR: "◇",
    Tile.CASH: "$",
    Tile.FIRST: "☆",
    Tile.COOLDOWN: "◷",
    Tile.BLOCKED: "◌",
    Tile.UNABLE: "?",
}

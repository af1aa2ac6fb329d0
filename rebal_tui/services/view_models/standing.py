"""Statuses of accounts on screen: mark, short text, and the tiles, which are the tabs of the Desk with their counts."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from rebal_tui.domain.sessions import NEW_YORK, new_york_day
from rebal_tui.domain.trade_status import StatusKind, TradeStatus, WaitsFor

GLYPHS = {
    StatusKind.NEEDS_YOU: "!",
    StatusKind.WILL_TRADE: "▶",
    StatusKind.WAITS: "◷",
    StatusKind.IN_RANGE: "●",
}
NEAR_GLYPH = "▲"
"""Glyph of an account in range that uses 80 % of a band or more."""
LABELS = {
    StatusKind.NEEDS_YOU: "Needs you",
    StatusKind.WILL_TRADE: "Will trade",
    StatusKind.WAITS: "Waits",
    StatusKind.IN_RANGE: "In range",
}
STATUS_THEN = "Status then"
"""Stands before the sentence of a stored status, which is about what was to come at its time."""
_DAYS_OF_A_YEAR = 365
"""A date from this many days ahead is shown with its year; a nearer one cannot be taken for that of another year."""
_UNDATED = {
    WaitsFor.EXTERNAL_ORDERS: "waits: external order",
    WaitsFor.MINIMUM_EQUITY: "waits: low equity",
    WaitsFor.KILL_SWITCH: "waits: kill switch",
    WaitsFor.SCHEDULER: "waits: evaluation",
    WaitsFor.EVALUATION: "waits: evaluation",
}

_WAITED_FOR = {
    WaitsFor.QUOTA: "the next session",
    WaitsFor.SESSION: "the next session",
    WaitsFor.PRICES: "fresh prices arrive",
    WaitsFor.EXTERNAL_ORDERS: "the open orders placed outside rebal-tui are filled or canceled",
    WaitsFor.MINIMUM_EQUITY: "the account has $1 for each asset",
    WaitsFor.KILL_SWITCH: "you release the kill switch",
    WaitsFor.SCHEDULER: "you evaluate, or resume automatic evaluations",
    WaitsFor.EVALUATION: "you evaluate, or import positions",
}
"""What ends a wait, after "until"; the end of a cooldown has a date."""


class Tile(StrEnum):
    """The tabs of the Desk, each a filter with a count: all, the four statuses, then groups that can overlap."""

    ALL = "All"
    NEEDS_YOU = "Needs you"
    WILL_TRADE = "Will trade"
    WAITS = "Waits"
    IN_RANGE = "In range"
    OUTSIDE = "Outside"
    NEAR = "Near"
    CALENDAR = "Calendar"
    CASH = "Cash"
    FIRST = "First run"
    COOLDOWN = "Cooldown"
    UNABLE = "Unable"


STATUS_TILES = {
    Tile.NEEDS_YOU: StatusKind.NEEDS_YOU,
    Tile.WILL_TRADE: StatusKind.WILL_TRADE,
    Tile.WAITS: StatusKind.WAITS,
    Tile.IN_RANGE: StatusKind.IN_RANGE,
}
TILE_GLYPHS = {
    Tile.ALL: " ",
    **{tile: GLYPHS[kind] for tile, kind in STATUS_TILES.items()},
    Tile.OUTSIDE: "■",
    Tile.NEAR: NEAR_GLYPH,
    Tile.CALENDAR: "◇",
    Tile.CASH: "$",
    Tile.FIRST: "☆",
    Tile.COOLDOWN: " ",
    Tile.UNABLE: "?",
}


def short_status(
    kind: StatusKind,
    waits_for: WaitsFor | None,
    first_trade_at: datetime | None,
    now: datetime,
    *,
    traded: bool,
    banded: bool,
    reviewed: bool = False,
) -> str:
    """A status in two or three words for a list: `trades 10:00`, `waits → 27 Nov`, `in range`, `next 25 Dec`.

    The last is the next rebalance of an account without a drift band; with one (`banded`), a rebalance may come before
    the next day of the calendar. `traded` is whether an automatic run of today counts against the quota. `reviewed` is
    whether automatic runs of the account wait for approval, so that it does not trade at that time but
    `proposes 10:00`. The texts of accounts with an open run, and the causes of those that need a person, are made in
    `status_columns`.
    """
    when = ""
    if first_trade_at is not None:
        local = first_trade_at.astimezone(NEW_YORK)
        days = (local.date() - new_york_day(now)).days
        when = f"{local.day} {local:%b}" if days else f"{local:%H:%M}"
        if days >= _DAYS_OF_A_YEAR:
            when += f" {local:%Y}"
    if kind is StatusKind.NEEDS_YOU:
        return "needs you"
    if kind is StatusKind.WILL_TRADE:
        return f"{'proposes' if reviewed else 'trades'} {when}".rstrip()
    if kind is StatusKind.WAITS:
        return f"waits → {when}" if when else _UNDATED.get(waits_for or WaitsFor.SESSION, f"waits: {waits_for}")
    if traded:
        return "traded today"
    return f"next {when}" if when and not banded else "in range"


def first_trade_label(status: TradeStatus) -> str:
    """The label before the date of the first possible trade.

    For an account in range, that date is the next day of its calendar condition.
    """
    if status.kind is StatusKind.IN_RANGE:
        return "Next calendar rebalance"
    return "First possible cash run" if status.cash_run else "First possible rebalance"


def what_ends_it(status: TradeStatus) -> str:
    """What must happen before an account that waits or needs a person can trade, worded to follow "until".

    Empty when the account waits only for a date.
    """
    if status.kind is StatusKind.NEEDS_YOU:
        return status.note
    return _WAITED_FOR.get(status.waits_for, "") if status.waits_for else ""

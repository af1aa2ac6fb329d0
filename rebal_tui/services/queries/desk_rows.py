"""Rows of the Desk: every subscribed account, from one sweep over the book's columns."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rebal_tui.domain.quantities import Money, floor_money
from rebal_tui.engine.arrays.day_context import DayContext
from rebal_tui.engine.arrays.equity import exact_equity
from rebal_tui.engine.arrays.exact import exact_account
from rebal_tui.engine.arrays.frame import BLOCKING_MARKS, BookFrame, Mark
from rebal_tui.engine.arrays.sweep import NO_BAND, Group, Sweep
from rebal_tui.services.book.search_index import SearchIndex, ranks
from rebal_tui.services.queries.lazy_rows import Flags, Ints, LazyRows, matching_any
from rebal_tui.services.view_models.desk import DeskRow, InTile, Named
from rebal_tui.services.view_models.standing import Standing, Tile

Codes = NDArray[np.int32]

EXCEPTION = 10**9
"""Sorts exceptions first: larger than any band usage."""
SHORT_TEXTS = {
    "account_status": "not active",
    "trading_blocked": "no trading",
    "account_blocked": "blocked",
    "pattern_day_trader": "day trader",
    "ach_return": "ACH return",
    "position_to_equity_ratio": "6:1 ratio",
    "crypto": "crypto-restricted",
    "options": "options-restricted",
    "unspecified": "restricted",
    "short_position": "short position",
    "crypto_position": "crypto held",
    "needs_adjustment": "inactive asset",
    "inactive": "inactive",
    "unreconciled": "mismatch",
    "asset_hold": "asset on hold",
}
"""What blocks an account, in one or two words; the detail next to the list has the full text."""
TILE_GROUPS = {
    Tile.OUTSIDE: Group.OUTSIDE,
    Tile.NEAR: Group.NEAR,
    Tile.CALENDAR: Group.CALENDAR,
    Tile.CASH: Group.CASH,
    Tile.FIRST: Group.FIRST,
    Tile.COOLDOWN: Group.COOLDOWN,
    Tile.BLOCKED: Group.BLOCKED,
    Tile.UNABLE: Group.UNABLE,
}
STANDINGS = tuple(Standing)
_STANDING = {standing: code for code, standing in enumerate(STANDINGS)}
_STOP_TEXTS = tuple(
    "account_status" if mark is Mark.NOT_ACTIVE else str(mark.name).lower()
    for mark in Mark
    if int(mark) & BLOCKING_MARKS
)


class DeskRows(LazyRows[DeskRow]):
    """Every subscribed account, oldest subscription first. Positions follow that order; columns are by account row."""

    def __init__(
        self,
        frame: BookFrame,
        day_context: DayContext,
        sweep: Sweep,
        subscribed: Ints,
        texts: SearchIndex,
        running: Mapping[int, str],
        when: str,
    ) -> None:
        """`running` maps an account row to its run's state; `when` is the next evaluation's time, empty without one."""
        super().__init__(len(subscribed))
        self._frame, self._sweep, self._subscribed, self._index = frame, sweep, subscribed, texts
        self.standing = _standings(sweep)
        self.states, self.state = _states(frame, day_context, sweep, running, when)

    def tiles(self) -> tuple[tuple[Tile, int], ...]:
        """The number of rows in each tile."""
        counts = {tile: self._sweep.count(group) for tile, group in TILE_GROUPS.items()}
        return tuple((tile, len(self) if tile is Tile.ALL else counts[tile]) for tile in Tile)

    def make(self, position: int) -> DeskRow:
        row = int(self._subscribed[position])
        frame, sweep, texts = self._frame, self._sweep, self._index
        portfolio = frame.portfolios[frame.accounts.portfolio[row]]
        standing = STANDINGS[self.standing[row]]
        exact = exact_account(frame, row)
        worst, used, last = exact.worst, int(sweep.band_used[row]), int(frame.accounts.rebalanced_on[row])
        groups = int(sweep.groups[row])
        return DeskRow(
            account_id=texts.ids[row],
            account_number=texts.numbers[row],
            client=texts.names[row],
            portfolio_id=portfolio.id,
            portfolio=portfolio.name,
            equity=floor_money(exact.booked.equity),
            cash=Money(int(frame.accounts.cash[row])),
            worst=worst.symbol if worst else "",
            drift_bp=worst.points if worst else 0,
            band_used=None if used == NO_BAND else used,
            standing=standing,
            tiles=frozenset([Tile.ALL, *(tile for tile, group in TILE_GROUPS.items() if groups & group)]),
            state=self.states[self.state[row]],
            last_rebalanced=date.fromordinal(last) if last >= 0 else None,
            exception=standing in (Standing.BLOCKED, Standing.UNABLE),
        )

    def named(self) -> Iterator[Named]:
        """The names of every row, without building the rows."""
        texts, portfolios = self._index, [(p.id, p.name) for p in self._frame.portfolios]
        follows = self._frame.accounts.portfolio[self._subscribed].tolist()
        for row, portfolio in zip(self._subscribed.tolist(), follows, strict=True):
            yield texts.ids[row], texts.numbers[row], texts.names[row], *portfolios[portfolio]

    def key_at(self, position: int) -> Hashable:
        return self._index.ids[int(self._subscribed[position])]

    def find(self, key: Hashable) -> int | None:
        row = self._index.row_of.get(key) if isinstance(key, str) else None
        position = -1 if row is None else int(self._position_of[row])
        return None if position < 0 else position

    @cached_property
    def _position_of(self) -> Ints:
        """The position of each account row, -1 for accounts without one."""
        positions = np.full(len(self._index.ids), -1, np.int64)
        positions[self._subscribed] = np.arange(len(self))
        return positions

    def accepted(self, accept: Callable[[DeskRow], bool]) -> Flags:
        if not isinstance(accept, InTile):
            return np.array([accept(row) for row in self], np.bool_)
        if accept.tile is Tile.ALL:
            return np.ones(len(self), np.bool_)
        found: Flags = (self._sweep.groups[self._subscribed] & int(TILE_GROUPS[accept.tile])) != 0
        return found

    def matching(self, needle: str) -> Flags:
        frame = self._frame
        found = self._index.matching(needle).copy()
        found |= matching_any([*(p.name for p in frame.portfolios), ""], frame.accounts.portfolio, needle)
        found |= matching_any([*frame.assets.symbols, ""], self._sweep.worst, needle)
        found |= matching_any(self.states, self.state, needle)
        return found[self._subscribed]

    def order(self, sort: str | None) -> NDArray[Any] | None:
        frame, sweep = self._frame, self._sweep
        if sort is None:
            natural = -sweep.band_used - np.where(self._exceptions, EXCEPTION, 0)
            return natural[self._subscribed]
        columns: dict[str, Callable[[], NDArray[Any]]] = {
            "account": lambda: self._index.by_id,
            "client": lambda: self._index.by_name,
            "portfolio": lambda: ranks([*(p.name.casefold() for p in frame.portfolios), ""])[frame.accounts.portfolio],
            "equity": lambda: self._equity,
            "cash": lambda: frame.accounts.cash,
            "worst": lambda: sweep.worst,
            "drift": lambda: np.abs(sweep.drift),
            "band": lambda: sweep.band_used,
            "state": lambda: ranks(self.states)[self.state],
            "last": lambda: frame.accounts.rebalanced_on,
        }
        found: NDArray[Any] = columns[sort]()[self._subscribed]
        return found

    @cached_property
    def _equity(self) -> Ints:
        return exact_equity(self._frame)

    @property
    def _exceptions(self) -> Flags:
        found: Flags = (self._sweep.groups & int(Group.BLOCKED | Group.UNABLE)) != 0
        return found


def _standings(sweep: Sweep) -> NDArray[np.uint8]:
    """The standing of each account as an index into `STANDINGS`."""
    none, inside = _STANDING[Standing.NONE], _STANDING[Standing.INSIDE]
    found = np.where(sweep.band_used == NO_BAND, none, inside).astype(np.uint8)
    for group, standing in (
        (Group.NEAR, Standing.NEAR),
        (Group.OUTSIDE, Standing.OUTSIDE),
        (Group.UNABLE, Standing.UNABLE),
        (Group.BLOCKED, Standing.BLOCKED),
    ):
        found[(sweep.groups & int(group)) != 0] = _STANDING[standing]
    return found


def _states(
    frame: BookFrame, day_context: DayContext, sweep: Sweep, running: Mapping[int, str], when: str
) -> tuple[list[str], Codes]:
    """The distinct state texts, and the index of each account's text."""
    accounts, groups = frame.accounts, sweep.groups
    texts = ["inside", "near", f"runs {when}", "ran today", "external order", "no price", "stale price"]
    inside, near, runs, ran, external_order, no_price, stale = range(len(texts))

    def in_any(*wanted: Group) -> Flags:
        found: Flags = (groups & sum(int(group) for group in wanted)) != 0
        return found

    state = np.where(in_any(Group.NEAR), near, inside).astype(np.int32)
    cooling = in_any(Group.COOLDOWN)
    left = (accounts.rebalanced_on + frame.table.cooldown[accounts.portfolio] - day_context.day)[cooling]
    occurs = np.bincount(left) > 0
    state[cooling] = len(texts) - 1 + np.cumsum(occurs)[left]
    texts.extend(f"cooling {day}d" for day in np.flatnonzero(occurs).tolist())
    if when:
        fires = in_any(Group.FIRST, Group.CASH) | (~cooling & in_any(Group.CALENDAR, Group.OUTSIDE))
        state[fires] = runs
    state[accounts.system_run_on == day_context.day] = ran
    state[(accounts.marks & int(Mark.EXTERNAL_ORDERS)) != 0] = external_order
    words = sorted(set(running.values()))
    positions = {word: len(texts) + position for position, word in enumerate(words)}
    texts.extend(words)
    if running:
        state[list(running)] = [positions[word] for word in running.values()]
    unable = in_any(Group.UNABLE)
    if unable.any():
        state[unable] = np.where(_lacks_price(frame, day_context)[unable], no_price, stale)
    blocked = in_any(Group.BLOCKED)
    if blocked.any():
        names = [*_STOP_TEXTS, "needs_adjustment", "inactive", "unreconciled", "asset_hold"]
        state[blocked] = len(texts) + _stops(frame, np.flatnonzero(blocked))
        texts.extend(SHORT_TEXTS[name] for name in names)
    return texts, state


def _stops(frame: BookFrame, rows: NDArray[np.intp]) -> Codes:
    """The first blocking reason of each blocked account: an index into `_STOP_TEXTS`, or a later one.

    The indexes after `_STOP_TEXTS` are a portfolio that needs adjustment, an inactive portfolio, a paused account, and
    an asset on hold.
    The marks do not include a position-to-equity ratio above 6:1 that follows only from the figures; that requires
    negative cash.
    """
    ratio = _STOP_TEXTS.index("position_to_equity_ratio")
    marks = (frame.accounts.marks[rows] & BLOCKING_MARKS).astype(np.int64)
    for position in np.flatnonzero(frame.accounts.cash[rows] < 0):
        if exact_account(frame, int(rows[position])).exceeds_ratio:
            marks[position] |= 1 << ratio
    first = np.full(len(rows), -1, np.int32)
    for bit in reversed(range(len(_STOP_TEXTS))):
        first[(marks >> bit & 1) != 0] = bit
    status = np.array([p.status.value == "inactive" for p in frame.portfolios] or [False], np.int32)
    by_portfolio = len(_STOP_TEXTS) + status[frame.accounts.portfolio[rows]]
    for mark, index in ((Mark.ASSET_HOLD, 3), (Mark.UNRECONCILED, 2)):
        paused = frame.accounts.marks[rows] & int(mark) != 0
        by_portfolio = np.where(paused, len(_STOP_TEXTS) + index, by_portfolio)
    return np.where(first >= 0, first, by_portfolio).astype(np.int32)


def _lacks_price(frame: BookFrame, day_context: DayContext) -> Flags:
    """By account, whether the first of its prices that is not fresh is missing rather than stale (R-12.5)."""
    priced, table, others = frame.assets.price > 0, frame.table, frame.others
    lacks = np.zeros(len(frame), np.bool_)
    stale = np.flatnonzero(~day_context.fresh[others.asset])
    owners, first = np.unique(others.account[stale], return_index=True)
    lacks[owners] = ~priced[others.asset[stale[first]]]
    for portfolio in range(len(table)):
        wanted = table.asset[table.start[portfolio] : table.start[portfolio + 1]]
        faulty = wanted[~day_context.fresh[wanted]]
        if len(faulty):
            lacks[frame.accounts.portfolio == portfolio] = not priced[faulty[0]]
    return lacks

"""Rows of the Desk screen: every subscribed account, from one sweep over the book's arrays."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import date
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rebal_tui.domain.quantities import NANO, Money, Value, value_cents
from rebal_tui.domain.text import fold, searchable
from rebal_tui.domain.trade_status import StatusKind
from rebal_tui.engine.arrays.equity import exact_equity
from rebal_tui.engine.arrays.exact import exact_account
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.statuses import KINDS
from rebal_tui.engine.arrays.sweep import NO_ASSET, NO_BAND, Group, Sweep
from rebal_tui.engine.arrays.worst_drift import worst_drifts
from rebal_tui.services.book.search_index import SearchIndex, ranks
from rebal_tui.services.queries.lazy_rows import MAX_CACHED_ROWS, Flags, Ints, LazyRows, longest_used, matching_any
from rebal_tui.services.queries.status_columns import StatusColumns
from rebal_tui.services.queries.term_filters import number_matches, text_matches
from rebal_tui.services.view_models.desk import Among, DeskRow, InTile
from rebal_tui.services.view_models.filter_terms import DESK_CHOICES, DESK_FIELDS, Term
from rebal_tui.services.view_models.standing import LABELS, STATUS_TILES, Tile

Codes = NDArray[np.int32]

FEW_ROWS = 8
"""Up to this number, rows are computed one by one: in arrays, one row takes as long as ten one by one."""
RANK = 10**9
"""Distance of two statuses in the default order: larger than any band usage."""
TILE_GROUPS = {
    Tile.OUTSIDE: Group.OUTSIDE,
    Tile.NEAR: Group.NEAR,
    Tile.CALENDAR: Group.CALENDAR,
    Tile.CASH: Group.CASH,
    Tile.FIRST: Group.FIRST,
    Tile.COOLDOWN: Group.COOLDOWN,
    Tile.UNABLE: Group.UNABLE,
}


class DeskRows(LazyRows[DeskRow]):
    """Every subscribed account, oldest subscription first.

    A row's position in this list is not its account row; the arrays are indexed by account row.
    """

    FIELDS = DESK_FIELDS
    CHOICES = DESK_CHOICES

    def __init__(
        self,
        frame: BookFrame,
        sweep: Sweep,
        subscribed: Ints,
        texts: SearchIndex,
        columns: StatusColumns,
        year: int,
    ) -> None:
        super().__init__(len(subscribed))
        self._frame, self._sweep, self._subscribed, self._index = frame, sweep, subscribed, texts
        self._columns, self._year = columns, year
        self.kind = columns.statuses.kind
        self.states, self.state = columns.texts, columns.text
        self._worst: dict[int, tuple[int, int]] = {}

    def count_groups(self, found: Flags | None) -> tuple[tuple[Tile, int], ...]:
        if found is None:
            counts = {Tile.ALL: len(self)}
            counts |= {tile: self._columns.statuses.count(kind) for tile, kind in STATUS_TILES.items()}
            counts |= {tile: self._sweep.count(group) for tile, group in TILE_GROUPS.items()}
        else:
            rows = self._subscribed[found]
            counts = {Tile.ALL: len(rows)}
            kinds, groups = self.kind[rows], self._sweep.groups[rows]
            counts |= {tile: int(np.count_nonzero(kinds == KINDS.index(kind))) for tile, kind in STATUS_TILES.items()}
            counts |= {tile: int(np.count_nonzero(groups & int(group))) for tile, group in TILE_GROUPS.items()}
        return tuple((tile, counts[tile]) for tile in Tile)

    def worst_of(self, portfolio: int, limit: int) -> Sequence[DeskRow]:
        """At most `limit` subscribers of a portfolio, in descending order of band usage.

        Accounts without a drift band follow, in descending order of their largest drift. `portfolio` is the index of
        the portfolio in the frame.
        """
        follows = np.flatnonzero(self._frame.accounts.portfolio[self._subscribed] == portfolio)
        rows = self._subscribed[follows]
        used, drift = self._sweep.band_used[rows], np.zeros(len(rows), np.int64)
        without = np.flatnonzero(used == NO_BAND)
        if len(without):
            drift[without] = np.abs(worst_drifts(self._frame, rows[without]).drift)
        positions = follows[np.lexsort((-drift, -used))][:limit]
        return self.make_all(positions.tolist(), np.empty(0, np.int64))

    def _find_worst(self, rows: list[int], around: Ints) -> None:
        """Compute the largest drifts of many account rows at once, and those of the rows at the positions `around`.

        In arrays, a few pages of rows cost as much as a few rows. A few rows alone are left to be computed one by one.
        """
        known, rules = self._worst, self._frame.accounts.rules
        if sum(row not in known and row not in rules for row in rows) <= FEW_ROWS:
            return
        if len(known) >= MAX_CACHED_ROWS:
            known.clear()
        wanted = dict.fromkeys([*rows, *self._subscribed[around].tolist()])
        new = [row for row in wanted if row not in known and row not in rules]
        worst = worst_drifts(self._frame, np.array(new, np.int64))
        known.update(zip(new, zip(worst.asset.tolist(), worst.drift.tolist(), strict=True), strict=True))

    def _worst_of(self, row: int) -> tuple[str, int]:
        """The symbol of an account's worst asset and its drift in hundredths of a percentage point.

        An empty symbol and 0 without one.
        """
        found = self._worst.get(row)
        if found is None:
            worst = exact_account(self._frame, row).worst
            return (worst.symbol, worst.points) if worst else ("", 0)
        asset, drift = found
        return "" if asset == NO_ASSET else self._frame.assets.symbols[asset], drift

    def make(self, position: int) -> DeskRow:
        return self.make_all([position], np.empty(0, np.int64))[0]

    def make_all(self, positions: list[int], around: Ints) -> list[DeskRow]:
        frame, texts, rows = self._frame, self._index, self._subscribed[positions]
        self._find_worst(rows.tolist(), around)
        accounts, prices = frame.accounts, [*frame.assets.price.tolist(), 0]
        columns = (
            rows, accounts.portfolio[rows], accounts.cash[rows], self.kind[rows], self._sweep.band_used[rows],
            self._sweep.groups[rows], self.state[rows], accounts.rebalanced_on[rows],
        )  # fmt: skip
        made = []
        for row, follows, cash, kind, used, groups, state, last in zip(*(c.tolist() for c in columns), strict=True):
            portfolio, status, (worst, drift) = frame.portfolios[follows], KINDS[kind], self._worst_of(row)
            made.append(
                DeskRow(
                    account_id=texts.ids[row],
                    account_number=texts.numbers[row],
                    client=texts.names[row],
                    portfolio_id=portfolio.id,
                    portfolio=portfolio.name,
                    equity=value_cents(Value(cash * NANO + frame.holdings_value(row, prices))),
                    cash=Money(cash),
                    worst=worst,
                    drift_bp=drift,
                    band_used=None if used == NO_BAND else used,
                    status=status,
                    tiles=_tiles_of(status, groups),
                    state=self.states[state],
                    last_rebalanced=date.fromordinal(last) if last >= 0 else None,
                    year=self._year,
                )
            )
        return made

    def key_at(self, position: int) -> Hashable:
        return self._index.ids[int(self._subscribed[position])]

    def row_ids(self) -> Ints:
        return np.asarray(self._subscribed, np.int64)

    def find(self, key: Hashable) -> int | None:
        row = self._index.row_of.get(key) if isinstance(key, str) else None
        position = -1 if row is None else int(self._position_of[row])
        return None if position < 0 else position

    @cached_property
    def _position_of(self) -> Ints:
        """By account row, the position of the account in this list; -1 for an account that is not subscribed."""
        positions = np.full(len(self._index.ids), -1, np.int64)
        positions[self._subscribed] = np.arange(len(self))
        return positions

    def accepted(self, accept: Callable[[DeskRow], bool]) -> Flags:
        if isinstance(accept, Among):
            found = np.zeros(len(self), np.bool_)
            found[[at for one in accept.account_ids if (at := self.find(one)) is not None]] = True
            return found if accept.tile is Tile.ALL else found & self.accepted(InTile(accept.tile))
        if not isinstance(accept, InTile):
            return np.array([accept(row) for row in self], np.bool_)
        if accept.tile is Tile.ALL:
            return np.ones(len(self), np.bool_)
        kind = STATUS_TILES.get(accept.tile)
        if kind is not None:
            return np.asarray(self.kind[self._subscribed] == KINDS.index(kind))
        return np.asarray((self._sweep.groups[self._subscribed] & int(TILE_GROUPS[accept.tile])) != 0)

    def matching(self, needle: str) -> Flags:
        frame = self._frame
        found = self._index.matching(needle)
        columns: tuple[tuple[Sequence[str], Callable[[], NDArray[Any]]], ...] = (
            (tuple(p.name for p in frame.portfolios), lambda: frame.accounts.portfolio),
            # The worst assets of all accounts cost more than everything else.
            (frame.assets.symbols, lambda: self._sweep.worst),
            (self.states, lambda: self.state),
        )
        for texts, codes in columns:
            if any(needle in searchable(text) for text in texts):
                found |= matching_any([*texts, ""], codes(), needle)
        return found[self._subscribed]

    def fulfilling(self, term: Term) -> Flags:
        frame, sweep = self._frame, self._sweep
        rows: Callable[[], Flags] = {
            "drift": lambda: number_matches(term, sweep.drift, 100, size=True),
            "band": lambda: number_matches(term, sweep.band_used, 10) & (sweep.band_used != NO_BAND),
            "equity": lambda: number_matches(term, self._equity, NANO),
            "cash": lambda: number_matches(term, frame.accounts.cash, NANO),
            "portfolio": lambda: text_matches(
                term, [*(p.name for p in frame.portfolios), ""], frame.accounts.portfolio
            ),
            "worst": lambda: text_matches(term, [*frame.assets.symbols, ""], sweep.worst),
            "state": lambda: self._in_state(term.value),
            "client": lambda: self._index.matching(term.value),
            "is": lambda: self._in_group(term.value),
        }[term.field]
        return rows()[self._subscribed]

    def _in_state(self, wanted: str) -> Flags:
        """By account row, whether the text `wanted` occurs in the account's state.

        The state is the text in the column State, the status, or the label of the status.
        """
        found = matching_any(self.states, self.state, wanted)
        for code, kind in enumerate(KINDS):
            if wanted in fold(LABELS[kind]) or wanted in kind.value:
                found = found | (self.kind == code)
        return found

    def _in_group(self, wanted: str) -> Flags:
        groups = sum(int(group) for tile, group in TILE_GROUPS.items() if wanted in fold(tile))
        return np.asarray((self._sweep.groups & np.uint8(groups)) != 0)

    def zero_columns(self) -> frozenset[str]:
        """The keys of the columns that are zero in every row."""
        return self._zero_columns

    def widest(self) -> Mapping[str, int]:
        """By column of variable width, the number of characters of its longest text."""
        return self._widest

    @cached_property
    def _zero_columns(self) -> frozenset[str]:
        return frozenset() if self._frame.accounts.cash[self._subscribed].any() else frozenset({"cash"})

    @cached_property
    def _widest(self) -> Mapping[str, int]:
        portfolios = (len(portfolio.name) for portfolio in self._frame.portfolios)
        return {
            "client": self._index.longest_name,
            "portfolio": max(portfolios, default=0),
            "state": longest_used(self.states, self.state),
        }

    def order(self, sort: str | None) -> NDArray[Any] | None:
        frame, sweep = self._frame, self._sweep
        if sort is None:
            natural = self.kind.astype(np.int64) * RANK - sweep.band_used
            return natural[self._subscribed]
        columns: dict[str, Callable[[], NDArray[Any]]] = {
            "account": lambda: self._index.by_number,
            "client": lambda: self._index.by_name,
            "portfolio": lambda: ranks([*(fold(p.name) for p in frame.portfolios), ""])[frame.accounts.portfolio],
            "equity": lambda: self._equity,
            "cash": lambda: frame.accounts.cash,
            "worst": lambda: sweep.band_used,
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


@lru_cache(maxsize=1024)
def _tiles_of(kind: StatusKind, groups: int) -> frozenset[Tile]:
    """The tiles that count an account with this status and these bits of groups (`Group`)."""
    statuses = (tile for tile, one in STATUS_TILES.items() if one is kind)
    return frozenset([Tile.ALL, *statuses, *(tile for tile, group in TILE_GROUPS.items() if groups & group)])

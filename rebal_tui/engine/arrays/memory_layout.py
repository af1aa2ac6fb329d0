"""Memory layout of holdings: matrices with a row per asset slot and a column per account.

An asset slot is the position of an asset in its portfolio, from 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.portfolios import BandType, Portfolio, PortfolioStatus

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Indexes = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

_WIDTHS = (4, 8, 12, 16, 20, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096, 8192, 65536)
"""Size classes of blocks, in slots: a large portfolio does not widen the matrix of small ones."""


@dataclass(frozen=True, slots=True, eq=False)
class PortfolioTable:
    """The portfolios as arrays: one entry per portfolio, and a last entry (index -1) for unsubscribed accounts.

    Percents are in hundredths of a percent. `count` is the number of assets, `cooldown` is in days. `absolute` and
    `relative` are the tightest band of that type, 0 without one. `asset` and `percent` hold the weights of all
    portfolios: those of portfolio p are the entries `start[p]` to `start[p + 1] - 1`, in the portfolio's order. `block`
    is the index of the `Block` that has the portfolio's accounts; portfolios with a similar number of assets share a
    block. `local` is the portfolio's column in the tables of that block.
    """

    cash_weight: Ints
    count: Ints
    cooldown: Ints
    active: Flags
    absolute: Ints
    relative: Ints
    start: Ints
    asset: Indexes
    percent: Ints
    block: Indexes
    local: Indexes

    def __len__(self) -> int:
        return len(self.count) - 1

    @property
    def banded(self) -> Flags:
        """For each portfolio, whether it has a drift band."""
        return np.asarray((self.absolute > 0) | (self.relative > 0))


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """Accounts whose portfolios have a similar number of assets, ordered by portfolio, then by row in the book.

    `rows` are the accounts' rows in the book. The tables `asset`, `target` and `limit` have a row per asset slot and a
    column per portfolio; `members` are the portfolio indexes of these columns, `local` the column of each account's
    portfolio. `asset` is the index of the slot's asset, one past the last asset in an unused slot; `target` is in
    hundredths of a percent; `limit` is the tightest band of the slot in hundredths of a percentage point, 1 in a
    portfolio without bands, infinite in an unused slot. `qty` has the shares in billionths, with a row per slot and a
    column per account.
    """

    rows: npt.NDArray[np.intp]
    local: Indexes
    members: npt.NDArray[np.intp]
    asset: Indexes
    target: Ints
    limit: Floats
    qty: Ints

    @property
    def nbytes(self) -> int:
        return self.rows.nbytes + self.local.nbytes + self.qty.nbytes


@dataclass(frozen=True, slots=True, eq=False)
class OtherHoldings:
    """Holdings outside the portfolio of their account, ordered by account, then by asset."""

    account: Indexes
    asset: Indexes
    qty: Ints


def table_of(portfolios: Sequence[Portfolio], symbols: Sequence[str]) -> PortfolioTable:
    """The portfolios as arrays, assets as indexes in `symbols`. Raises `KeyError` for an asset that is not in it."""
    index = {symbol: number for number, symbol in enumerate(symbols)}
    weights = [portfolio.weights for portfolio in portfolios]
    count = np.array([*(len(w.assets) for w in weights), 0], np.int64)
    width = np.searchsorted(_WIDTHS, count)
    block = np.searchsorted(sorted(set(width.tolist())), width)
    local = np.zeros(len(count), np.int32)
    for number in range(int(block.max()) + 1):
        members = np.flatnonzero(block == number)
        local[members] = np.arange(len(members))
    return PortfolioTable(
        cash_weight=np.array([*(w.cash for w in weights), 0], np.int64),
        count=count,
        cooldown=np.array([*(p.cooldown_days for p in portfolios), 0], np.int64),
        active=np.array([*(p.status is PortfolioStatus.ACTIVE for p in portfolios), False], np.bool_),
        absolute=np.array([*(_tightest(p, BandType.ABSOLUTE) for p in portfolios), 0], np.int64),
        relative=np.array([*(_tightest(p, BandType.RELATIVE) for p in portfolios), 0], np.int64),
        start=np.concatenate(([0], np.cumsum(count))).astype(np.int64),
        asset=np.array([index[a.symbol] for w in weights for a in w.assets], np.int32),
        percent=np.array([a.percent for w in weights for a in w.assets], np.int64),
        block=block.astype(np.int32),
        local=local,
    )


def _tightest(portfolio: Portfolio, kind: BandType) -> int:
    return min((int(band.percent) for band in portfolio.bands if band.sub_type is kind), default=0)


def blocks_of(
    table: PortfolioTable, portfolio: npt.NDArray[np.intp], account: Indexes, asset: Indexes, qty: Ints, assets: int
) -> tuple[tuple[Block, ...], OtherHoldings, Indexes, npt.NDArray[np.intp]]:
    """The array blocks, the holdings outside of portfolios, and the column of each account, in two forms.

    The first is the account's column in its block, the second its column in all blocks put side by side. `portfolio`
    has the index of each account's portfolio. `account`, `asset` and `qty` have one entry per holding; `assets` is the
    number of assets.
    """
    at = portfolio[account]
    slot = slots_of(table, at, asset, assets)
    inside = slot >= 0
    others = others_of(account[~inside], asset[~inside], qty[~inside])
    account, at, slot, qty = account[inside], at[inside], slot[inside], qty[inside]
    column, overall = np.zeros(len(portfolio), np.int32), np.zeros(len(portfolio), np.intp)
    blocks: list[Block] = []
    placed = 0
    for number in range(int(table.block.max()) + 1):
        members = np.flatnonzero(table.block == number)
        rows = np.flatnonzero(table.block[portfolio] == number)
        rows = rows[np.argsort(table.local[portfolio[rows]], kind="stable")]
        column[rows] = np.arange(len(rows))
        overall[rows] = np.arange(placed, placed + len(rows))
        placed += len(rows)
        asset_of, target, limit = _slots(table, members, assets)
        block = Block(
            rows=rows,
            local=table.local[portfolio[rows]],
            members=members,
            asset=asset_of,
            target=target,
            limit=limit,
            qty=np.zeros((len(asset_of), len(rows)), np.int64),
        )
        in_block = slice(None) if len(rows) == len(portfolio) else table.block[at] == number
        block.qty[slot[in_block], column[account[in_block]]] = qty[in_block]
        blocks.append(block)
    return tuple(blocks), others, column, overall


def slots_of(table: PortfolioTable, portfolio: npt.NDArray[np.intp], asset: Indexes, assets: int) -> Indexes:
    """The asset slot of each holding, -1 for a holding outside its account's portfolio.

    `portfolio` is the index of the portfolio of each holding's account; `assets` is the number of assets.
    """
    # One sorted key per weight, (portfolio, asset) as a single integer, finds all holdings in one binary search. An
    # unsubscribed account gets the last entry, which has no weights, so its keys match nothing.
    owner = np.repeat(np.arange(len(table.count)), table.count)
    keys = owner * np.int64(assets + 1) + table.asset
    order = np.argsort(keys)
    sorted_keys = keys[order]
    wanted = np.where(portfolio < 0, len(table), portfolio) * np.int64(assets + 1) + asset
    if not len(keys):
        return np.full(len(asset), -1, np.int32)
    found = np.minimum(np.searchsorted(sorted_keys, wanted), len(keys) - 1)
    slot = order[found] - table.start[owner[order[found]]]
    return np.where(sorted_keys[found] == wanted, slot, -1).astype(np.int32)


def others_of(account: Indexes, asset: Indexes, qty: Ints) -> OtherHoldings:
    """Holdings sorted by account, then by asset. Each array has one entry per holding; `qty` is in billionths."""
    order = np.lexsort((asset, account))
    return OtherHoldings(account[order], asset[order], qty[order])


def _slots(table: PortfolioTable, members: npt.NDArray[np.intp], assets: int) -> tuple[Indexes, Ints, Floats]:
    """Asset, target and tightest band, by slot and portfolio."""
    count = table.count[members]
    width = max(1, int(count.max()))
    asset = np.full((width, len(members)), assets, np.int32)
    target = np.zeros((width, len(members)), np.int64)
    column = np.repeat(np.arange(len(members)), count)
    slot = np.arange(len(column)) - np.repeat(np.cumsum(count) - count, count)
    source = np.repeat(table.start[members], count) + slot
    asset[slot, column] = table.asset[source]
    target[slot, column] = table.percent[source]
    absolute, relative = table.absolute[members], table.relative[members]
    limit = np.where(absolute > 0, absolute.astype(np.float64), np.inf) * np.ones((width, 1))
    scaled = np.where(relative > 0, relative * target / 10_000, np.inf)
    limit = np.minimum(limit, scaled)
    limit[:, (absolute == 0) & (relative == 0)] = 1.0
    limit[np.arange(width)[:, None] >= count] = np.inf
    return asset, target, limit


def refilled(block: Block, columns: npt.NDArray[np.intp], slot: Indexes, column: Indexes, qty: Ints) -> Block:
    """A copy of the block with all holdings of some accounts replaced.

    `columns` are the columns of these accounts in the block; `slot`, `column` and `qty` have one entry per new holding.
    """
    matrix = block.qty.copy()
    matrix[:, columns] = 0
    matrix[slot, column] = qty
    return replace(block, qty=matrix)

"""The book as arrays: accounts, holdings, assets and portfolios, each of which is referred to by its index.

The row of an account is its index in these arrays; a slot is the position of an asset in its portfolio, from 0.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import IntFlag
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.errors import require
from rebal_tui.domain.orders import Side
from rebal_tui.domain.portfolios import Portfolio, Unfinished
from rebal_tui.domain.quantities import Price, Qty, Value
from rebal_tui.domain.sessions import epoch_micros
from rebal_tui.domain.trading_rules import NO_RULES, TradingRules
from rebal_tui.engine.arrays.memory_layout import (
    Block,
    OtherHoldings,
    PortfolioTable,
    blocks_of,
    others_of,
    refilled,
    slots_of,
    table_of,
)
from rebal_tui.engine.tradability import trading_fault

Ints = npt.NDArray[np.int64]
Indexes = npt.NDArray[np.int32]
Bits = npt.NDArray[np.uint16]
Flags = npt.NDArray[np.bool_]

NEVER = -1
"""Placeholder for the ordinal of a day: the event has not happened."""
UNSUBSCRIBED = -1
"""Placeholder for a portfolio index: the account has no subscription."""


class Mark(IntFlag):
    """Reasons for which an account does not trade, one bit each in `AccountColumns.marks`."""

    NOT_ACTIVE = 1
    TRADING_BLOCKED = 2
    ACCOUNT_BLOCKED = 4
    PATTERN_DAY_TRADER = 8
    ACH_RETURN = 16
    POSITION_TO_EQUITY_RATIO = 32
    CRYPTO = 64
    OPTIONS = 128
    UNSPECIFIED = 256
    SHORT_POSITION = 512
    CRYPTO_POSITION = 1024
    OPEN_RUN = 2048
    EXTERNAL_ORDERS = 4096
    UNRECONCILED = 8192
    ASSET_HOLD = 16384


BLOCKING_MARKS = 2047
"""The marks that block an account (R-40)."""
PAUSING_MARKS = int(Mark.UNRECONCILED | Mark.ASSET_HOLD)
"""The marks that pause it: a reconciliation difference, or an asset on hold that it holds or targets (R-55)."""


@dataclass(frozen=True, slots=True, eq=False)
class AccountColumns:
    """One entry per account, in the book's order. Dollars in billionths, days as proleptic ordinals or `NEVER`.

    `reserved` is all reserved cash. `cash_floor` is the cash target of the account's last finished run if the cash
    weight has not changed since, else 0 (R-14.7). `portfolio` is an index in the frame's portfolios or `UNSUBSCRIBED`.
    `rebalanced_on` is the New York day of `last_rebalanced_at`, `system_run_on` the session of the latest automatic run
    (R-11). `marks` has the bits of `Mark`. `update_until` is the last day on which a rebalance after a change of the
    portfolio is due (R-14.6), `propose_on` the day on which a run that nobody approved is proposed again (R-27); both
    are 0 without one. `unfinished` has, by account row, the sells that the last rebalance left undone. `rules` has, by
    account row, the trading rules of the accounts that have any (R-60 to R-67); the exact form plans these accounts.
    """

    cash: Ints
    reserved: Ints
    cash_floor: Ints
    portfolio: npt.NDArray[np.intp]
    rebalanced_on: Indexes
    system_run_on: Indexes
    marks: Bits
    update_until: Indexes
    propose_on: Indexes
    unfinished: Mapping[int, Unfinished]
    rules: Mapping[int, TradingRules] = field(default_factory=dict)

    @property
    def ruled(self) -> npt.NDArray[np.intp]:
        """The rows of the accounts that have trading rules, ascending."""
        return np.array(sorted(self.rules), np.intp)

    def __len__(self) -> int:
        return len(self.cash)

    def part(self, start: int, stop: int) -> AccountColumns:
        """The columns of the accounts at the rows from `start` to `stop` - 1."""
        return AccountColumns(
            self.cash[start:stop], self.reserved[start:stop], self.cash_floor[start:stop], self.portfolio[start:stop],
            self.rebalanced_on[start:stop], self.system_run_on[start:stop], self.marks[start:stop],
            self.update_until[start:stop], self.propose_on[start:stop],
            {row - start: undone for row, undone in self.unfinished.items() if start <= row < stop},
            {row - start: rules for row, rules in self.rules.items() if start <= row < stop},
        )  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class PositionColumns:
    """One entry per holding, in any order: the indexes of account and asset, and the shares in billionths, above 0."""

    account: Indexes
    asset: Indexes
    qty: Ints


@lru_cache(maxsize=4)
def _index_by_symbol(symbols: tuple[str, ...]) -> dict[str, int]:
    return {symbol: index for index, symbol in enumerate(symbols)}


@dataclass(frozen=True, slots=True, eq=False)
class AssetColumns:
    """One entry per asset. `price` in billionths of a dollar, 0 without one; `price_at` in microseconds since 1970 UTC.

    A price of unknown time has `price_at` 0. `sellable` means active; `eligible` active, tradable and fractionable.
    """

    symbols: tuple[str, ...]
    price: Ints
    price_at: Ints
    eligible: Flags
    sellable: Flags
    fractionable: Flags

    def __len__(self) -> int:
        return len(self.symbols)

    @property
    def index(self) -> Mapping[str, int]:
        """The index of each asset in these columns, by symbol."""
        return _index_by_symbol(self.symbols)


@dataclass(frozen=True, slots=True, eq=False)
class BookFrame:
    """A book in arrays. It is immutable: a change returns another frame, which shares all unchanged arrays.

    `portfolios` are the domain objects, `table` has the same data as arrays. Holdings of portfolio assets are in
    `blocks`, matrices with a row per asset slot and a column per account; all other holdings are in `others`. `column`
    is each account's column in its block, `column_overall` its column in all blocks put side by side.
    """

    accounts: AccountColumns
    assets: AssetColumns
    portfolios: tuple[Portfolio, ...]
    table: PortfolioTable
    blocks: tuple[Block, ...]
    others: OtherHoldings
    column: Indexes
    column_overall: npt.NDArray[np.intp]

    @classmethod
    def of(
        cls,
        accounts: AccountColumns,
        positions: PositionColumns,
        assets: AssetColumns,
        portfolios: Sequence[Portfolio],
    ) -> BookFrame:
        """Build a frame. Raises `KeyError` for a portfolio asset that is not in `assets`; `assets_of` can add it."""
        table = table_of(portfolios, assets.symbols)
        blocks, others, column, overall = blocks_of(
            table, accounts.portfolio, positions.account, positions.asset, positions.qty, len(assets)
        )
        return cls(accounts, assets, tuple(portfolios), table, blocks, others, column, overall)

    def __len__(self) -> int:
        return len(self.accounts)

    @property
    def nbytes(self) -> int:
        """The memory of the arrays of accounts and holdings, in bytes."""
        columns = self.accounts
        own = (
            self.column, self.column_overall, columns.cash, columns.reserved, columns.cash_floor, columns.portfolio,
            columns.rebalanced_on, columns.system_run_on, columns.marks, columns.update_until, columns.propose_on,
            self.others.account, self.others.asset, self.others.qty,
        )  # fmt: skip
        return sum(array.nbytes for array in own) + sum(block.nbytes for block in self.blocks)

    def positions(self) -> PositionColumns:
        """Every holding, sorted by account."""
        accounts, assets, qtys = [self.others.account], [self.others.asset], [self.others.qty]
        for block in self.blocks:
            slot, column = np.nonzero(block.qty)
            accounts.append(block.rows[column].astype(np.int32))
            assets.append(block.asset[slot, block.local[column]])
            qtys.append(block.qty[slot, column])
        account, asset, qty = np.concatenate(accounts), np.concatenate(assets), np.concatenate(qtys)
        order = np.argsort(account, kind="stable")
        return PositionColumns(account[order], asset[order], qty[order])

    def holdings(self, row: int) -> dict[str, Qty]:
        """The shares that the account at `row` holds, by symbol."""
        symbols = self.assets.symbols
        held = {symbols[asset]: Qty(qty) for asset, qty in zip(*self._slots(row), strict=True) if qty}
        for index in self._others_of(row):
            held[symbols[self.others.asset[index]]] = Qty(int(self.others.qty[index]))
        return held

    def _others_of(self, row: int) -> range:
        """The indexes in `others` of an account's holdings."""
        # Not by NumPy: it would copy the whole column to align or convert it.
        account = self.others.account
        first = bisect_left(account, row)
        return range(first, bisect_left(account, row + 1, first))

    def _slots(self, row: int) -> tuple[list[int], list[int]]:
        """The asset index and the shares of each slot of the account at `row`; an unused slot has no shares."""
        block = self.blocks[self.table.block[self.accounts.portfolio[row]]]
        column = self.column[row]
        assets, shares = block.asset[:, block.local[column]], block.qty[:, column]
        return assets.tolist(), shares.tolist()

    def priced_holdings(self, row: int) -> tuple[dict[str, Qty], dict[str, Price]]:
        """The shares that the account at `row` holds, and the prices of these assets, both by symbol.

        An asset without a price is in the first result only.
        """
        held, price, index = self.holdings(row), self.assets.price, self.assets.index
        return held, {symbol: Price(found) for symbol in held if (found := int(price[index[symbol]]))}

    def holdings_value(self, row: int, prices: Sequence[int]) -> Value:
        """The exact value of the holdings of the account at `row`.

        `prices` has the price of each asset and a last 0 for unused slots. It is a list because reading one number from
        an array costs more than multiplying it.
        """
        value = sum([prices[asset] * qty for asset, qty in zip(*self._slots(row), strict=True)])
        for index in self._others_of(row):
            value += prices[self.others.asset[index]] * int(self.others.qty[index])
        return Value(value)

    def rules_of(self, row: int) -> TradingRules:
        """The trading rules of the account at `row`."""
        return self.accounts.rules.get(row, NO_RULES)

    def followed(self, row: int) -> Portfolio:
        """The portfolio of the subscribed account at `row`, with the overrides of its subscription (R-67)."""
        portfolio, overrides = self.portfolios[self.accounts.portfolio[row]], self.rules_of(row).overrides
        return portfolio if overrides is None else overrides.applied(portfolio)

    def prices(self) -> dict[str, Price]:
        """The price of every asset that has one, by symbol."""
        return {s: Price(int(p)) for s, p in zip(self.assets.symbols, self.assets.price, strict=True) if p}

    def with_prices(self, indexes: Indexes | Ints, prices: Ints, price_at: Ints | int) -> BookFrame:
        """The frame with the prices of the assets `indexes` replaced.

        `prices` are in billionths of a dollar, `price_at` their times in microseconds since 1970 UTC. The time that a
        call takes does not depend on the number of accounts.
        """
        price, stamped = self.assets.price.copy(), self.assets.price_at.copy()
        price[indexes] = prices
        stamped[indexes] = price_at
        return replace(self, assets=replace(self.assets, price=price, price_at=stamped))

    def with_accounts(self, accounts: AccountColumns) -> BookFrame:
        """The frame with its columns of accounts replaced; they must be the same accounts in the same order.

        A changed subscription rebuilds the array blocks. Raises `BrokenInvariant` when the
        number of accounts differs.
        """
        require(len(accounts) == len(self.accounts), "the number of accounts of a frame must not change")
        if accounts.portfolio is not self.accounts.portfolio and not np.array_equal(
            accounts.portfolio, self.accounts.portfolio
        ):
            return BookFrame.of(accounts, self.positions(), self.assets, self.portfolios)
        return replace(self, accounts=accounts)

    def with_rules(self, rules: Mapping[int, TradingRules]) -> BookFrame:
        """The frame with the trading rules of some accounts replaced, given by account row."""
        every = {row: one for row, one in {**self.accounts.rules, **rules}.items() if one is not NO_RULES}
        return replace(self, accounts=replace(self.accounts, rules=every)) if every or self.accounts.rules else self

    def with_holdings(self, indexes: Indexes | Ints, positions: PositionColumns) -> BookFrame:
        """The frame with all holdings of the accounts `indexes` replaced by `positions`.

        `positions` has holdings of these accounts only. Every call copies the matrix of every array block with one of
        these accounts, so apply the fills of many orders in one call.
        """
        portfolio = self.accounts.portfolio
        slot = slots_of(self.table, portfolio[positions.account], positions.asset, len(self.assets))
        inside = slot >= 0
        unaffected = ~np.isin(self.others.account, indexes)
        others = others_of(
            np.concatenate((self.others.account[unaffected], positions.account[~inside])),
            np.concatenate((self.others.asset[unaffected], positions.asset[~inside])),
            np.concatenate((self.others.qty[unaffected], positions.qty[~inside])),
        )
        account_block, position_block = (
            self.table.block[portfolio[indexes]],
            self.table.block[portfolio[positions.account]],
        )
        blocks = list(self.blocks)
        for number in set(account_block.tolist()):
            in_block = inside & (position_block == number)
            columns, column = self.column[indexes[account_block == number]], self.column[positions.account[in_block]]
            blocks[number] = refilled(blocks[number], columns, slot[in_block], column, positions.qty[in_block])
        return replace(self, blocks=tuple(blocks), others=others)

    def with_portfolios(self, portfolios: Sequence[Portfolio]) -> BookFrame:
        """The frame with its portfolios replaced, each by one at the same index; rebuilds the array blocks."""
        return BookFrame.of(self.accounts, self.positions(), self.assets, portfolios)

    def part(self, start: int, stop: int) -> BookFrame:
        """A frame of the accounts at the rows from `start` to `stop` - 1, with the same assets and portfolios."""
        held = self.positions()
        first, last = np.searchsorted(held.account, (start, stop))
        account = (held.account[first:last] - start).astype(np.int32)
        positions = PositionColumns(account, held.asset[first:last], held.qty[first:last])
        return BookFrame.of(self.accounts.part(start, stop), positions, self.assets, self.portfolios)


def assets_of(assets: Mapping[str, Asset], needed: Iterable[str] = ()) -> AssetColumns:
    """Assets as columns, sorted by symbol.

    A symbol that is in `needed`, but not in `assets`, gets an entry that has no price and is not eligible.
    """
    symbols = tuple(sorted({*assets, *needed}))
    found = [assets.get(symbol) for symbol in symbols]
    return AssetColumns(
        symbols=symbols,
        price=np.array([asset.price or 0 if asset else 0 for asset in found], np.int64),
        price_at=np.array(
            [epoch_micros(asset.price_at) if asset and asset.price_at else 0 for asset in found], np.int64
        ),
        eligible=np.array([asset is not None and asset.eligible for asset in found], np.bool_),
        sellable=np.array([not trading_fault(asset, Side.SELL) for asset in found], np.bool_),
        fractionable=np.array([asset is not None and asset.fractionable for asset in found], np.bool_),
    )

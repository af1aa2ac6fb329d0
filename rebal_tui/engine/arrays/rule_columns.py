"""The trading rules of accounts as arrays (R-60 to R-67).

The trading rules of an account are its restrictions, its minimum trade, where its runs stop, whole shares, and the
overrides of its subscription. `RuleColumns` has one entry per account with rules. `RestrictedLines` has one entry per
restricted line: an asset of an account for which a restriction is in force.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.trading_rules import RangeUnit, RestrictionKind, TradingRules
from rebal_tui.engine.arrays.band_usage import Rows
from rebal_tui.engine.arrays.frame import UNSUBSCRIBED, BookFrame
from rebal_tui.engine.arrays.memory_layout import Flags, Floats, Indexes, Ints, PortfolioTable, slots_of

KEEPING = frozenset({RestrictionKind.NO_SELL, RestrictionKind.LOCK, RestrictionKind.BUY_ONLY})
CAPPING = frozenset({RestrictionKind.NO_BUY, RestrictionKind.LOCK, RestrictionKind.SELL_ONLY})
UNITS = (RangeUnit.PERCENT, RangeUnit.DOLLARS, RangeUnit.SHARES)
OUTSIDE = -1
"""Slot of an asset that is not in the account's portfolio."""
_UNIT = {unit: code for code, unit in enumerate(UNITS)}
_RECENT = 4
PIECE_ACCOUNTS = 4_096
"""Accounts that are computed at once, so that their matrices fit the cache."""


@dataclass(frozen=True, slots=True, eq=False)
class RestrictedLines:
    """One entry per asset of an account that a restriction limits (a line), ordered by account, then by asset.

    `account` is an index in `RuleColumns.rows`. `slot` is the position of the line's asset in the account's portfolio,
    or `OUTSIDE`. `weight` is in hundredths of a percent; `share` is the weight as a fraction, 0 for an unmanaged line.
    `keeps`: may not be sold. `caps`: may not be bought. `low` and `high` are the limits of a range, NaN without one;
    `unit` is the index of their unit in `UNITS`. `block` is the index of the array block that has the account.
    """

    account: Rows
    asset: Indexes
    slot: Indexes
    weight: Ints
    share: Floats
    block: Indexes
    keeps: Flags
    caps: Flags
    unmanaged: Flags
    low: Floats
    high: Floats
    unit: Ints

    def __len__(self) -> int:
        return len(self.account)


@dataclass(frozen=True, slots=True, eq=False)
class RuleColumns:
    """One entry per subscribed account with trading rules, ordered by row.

    `exact` marks rules that only the exact form handles: overridden conditions or cooldown, and several range
    restrictions of one asset. `hold` marks accounts that a hold restriction stops. `boxed` marks accounts with a
    restriction of an asset (a restricted line), `early` those whose drift-band runs may stop before the target.
    `whole`: the account trades in whole shares. `keeps_others`: no holding may be sold, not even outside the portfolio.
    `amount` and `share` are the minimum trade in dollars and as a fraction of equity. `cost` is what buying a share
    takes of cash, as a multiple of its price. `free_share` is the sum of the weights of the lines without restrictions.
    `index` maps an account row to its entry, -1 without rules. `stagger` are the entries of accounts whose runs of a
    calendar condition come some sessions after the condition fires, so that an earlier session is checked (R-66). By
    entry of `stagger`, `stagger_day` is that session, `stagger_offset` sessions ago, and `stagger_next_day` the session
    after it, both as ordinals.
    """

    rows: Rows
    index: Ints
    exact: Flags
    hold: Flags
    boxed: Flags
    keeps_others: Flags
    whole: Flags
    early: Flags
    amount: Floats
    share: Floats
    cost: Floats
    free_share: Floats
    stagger: Rows
    stagger_offset: Ints
    stagger_day: Ints
    stagger_next_day: Ints
    lines: RestrictedLines

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True, slots=True, eq=False)
class _Made:
    rules: Mapping[int, TradingRules]
    symbols: tuple[str, ...]
    table: PortfolioTable
    portfolio: npt.NDArray[np.intp]
    columns: RuleColumns

    def serves(self, frame: BookFrame) -> bool:
        accounts = frame.accounts
        return (
            self.rules is accounts.rules
            and self.symbols is frame.assets.symbols
            and self.table is frame.table
            and (self.portfolio is accounts.portfolio or np.array_equal(self.portfolio, accounts.portfolio))
        )


_recent: deque[_Made] = deque(maxlen=_RECENT)


def rule_columns(frame: BookFrame) -> RuleColumns:
    """The trading rules of a frame's accounts as arrays.

    The result is cached for all frames that share rules, assets and subscriptions.
    """
    for made in tuple(_recent):
        if made.serves(frame):
            return made.columns
    columns = _made(frame)
    accounts = frame.accounts
    _recent.append(_Made(accounts.rules, frame.assets.symbols, frame.table, accounts.portfolio, columns))
    return columns


def _made(frame: BookFrame) -> RuleColumns:
    portfolio = frame.accounts.portfolio
    rows = np.array(sorted(row for row in frame.accounts.rules if portfolio[row] != UNSUBSCRIBED), np.intp)
    rules = [frame.accounts.rules[row] for row in rows.tolist()]
    index = np.full(len(frame), -1, np.int64)
    index[rows] = np.arange(len(rows))
    minimums = [one.minimum_trade for one in rules]
    staggers = [(n, one.stagger) for n, one in enumerate(rules) if one.stagger is not None]
    kinds = [{restriction.kind for restriction in one.restrictions} for one in rules]
    exact = np.array([_known_to_exact_form_only(one) for one in rules], np.bool_)
    lines, ranged_twice = _lines(frame, rows, rules, kinds)
    exact[ranged_twice] = True
    boxed = np.array([bool(found - {RestrictionKind.HOLD}) for found in kinds], np.bool_)
    taken = np.bincount(lines.account, lines.weight, len(rows)).astype(np.int64)
    return RuleColumns(
        rows=rows,
        index=index,
        exact=exact,
        hold=np.array([RestrictionKind.HOLD in found for found in kinds], np.bool_),
        boxed=boxed,
        keeps_others=np.array([RestrictionKind.BUY_ONLY in found for found in kinds], np.bool_),
        whole=np.array([one.whole_shares for one in rules], np.bool_),
        early=np.array([one.stops_early for one in rules], np.bool_),
        amount=np.array([one.amount / 1e9 if one else 0 for one in minimums], np.float64),
        share=np.array([one.percent / 1e4 if one else 0 for one in minimums], np.float64),
        cost=np.array([1.0025 if one.live else 1 for one in rules], np.float64),
        free_share=(10_000 - frame.table.cash_weight[portfolio[rows]] - taken) / 10_000,
        stagger=np.array([n for n, _ in staggers], np.intp),
        stagger_offset=np.array([one.offset for _, one in staggers], np.int64),
        stagger_day=np.array([one.day.toordinal() for _, one in staggers], np.int64),
        stagger_next_day=np.array([one.next_day.toordinal() for _, one in staggers], np.int64),
        lines=lines,
    )


def rows_with_own_conditions(frame: BookFrame) -> list[int]:
    """The rows of the subscribed accounts whose subscription may override conditions or cooldown (R-67)."""
    columns = rule_columns(frame)
    found: list[int] = columns.rows[columns.exact].tolist()
    return found


def _known_to_exact_form_only(rules: TradingRules) -> bool:
    overrides = rules.overrides
    return overrides is not None and (overrides.cooldown_days is not None or overrides.conditions is not None)


def _lines(
    frame: BookFrame, rows: Rows, rules: list[TradingRules], kinds: list[set[RestrictionKind]]
) -> tuple[RestrictedLines, Rows]:
    """The restricted lines, and the entries of the accounts that have several ranges for one line."""
    index, table = frame.assets.index, frame.table
    given = [
        (
            n, at_index, one.kind in KEEPING, one.kind in CAPPING, one.kind is RestrictionKind.UNMANAGED,
            _bound(one.minimum, one.unit), _bound(one.maximum, one.unit), -1 if one.unit is None else _UNIT[one.unit],
        )
        for n, of_account in enumerate(rules)
        for one in of_account.restrictions
        if one.symbol is not None and (at_index := index.get(one.symbol)) is not None
    ]  # fmt: skip
    columns = list(zip(*given, strict=True)) or [()] * 8
    given_account, given_asset = np.array(columns[0], np.int64), np.array(columns[1], np.int64)
    keeps, caps, unmanaged = (np.array(columns[n], np.bool_) for n in (2, 3, 4))
    # A restriction of a whole account is one of each asset of its portfolio.
    every = np.array([n for n, found in enumerate(kinds) if any(kind.of_account for kind in found)], np.int64)
    follows = frame.accounts.portfolio[rows[every]].astype(np.intp)
    count = table.count[follows]
    owner = np.repeat(np.arange(len(every)), count)
    at = np.repeat(table.start[follows], count) + np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    kept_all = np.array([bool(kinds[n] & KEEPING & {RestrictionKind.BUY_ONLY}) for n in every.tolist()], np.bool_)
    capped_all = np.array([bool(kinds[n] & {RestrictionKind.SELL_ONLY}) for n in every.tolist()], np.bool_)
    restricting = (kept_all | capped_all)[owner]
    owner, at = owner[restricting], at[restricting]
    key = np.concatenate((given_account, every[owner])) * len(frame.assets)
    key += np.concatenate((given_asset, table.asset[at]))
    unique, entry = np.unique(key, return_inverse=True)
    account, asset = unique // max(len(frame.assets), 1), unique % max(len(frame.assets), 1)
    given_entry, size = entry[: len(given)], len(unique)
    low, high, unit = np.full(size, np.nan), np.full(size, np.nan), np.full(size, -1, np.int64)
    ranged = np.array(columns[7], np.int64) >= 0
    low[given_entry[ranged]] = np.array(columns[5], np.float64)[ranged]
    high[given_entry[ranged]] = np.array(columns[6], np.float64)[ranged]
    unit[given_entry[ranged]] = np.array(columns[7], np.int64)[ranged]
    portfolio = frame.accounts.portfolio[rows[account]]
    slot = slots_of(table, portfolio, asset.astype(np.int32), len(frame.assets))
    inside = slot >= 0
    weight = np.zeros(size, np.int64)
    weight[inside] = table.percent[table.start[portfolio[inside]] + slot[inside]]
    left_out = _any(given_entry, unmanaged, size)
    lines = RestrictedLines(
        account=account.astype(np.intp),
        asset=asset.astype(np.int32),
        slot=slot,
        weight=weight,
        block=table.block[portfolio],
        share=np.where(left_out, 0, weight / 10_000),
        keeps=_any(given_entry, keeps, size) | np.isin(account, every[kept_all]),
        caps=_any(given_entry, caps, size) | np.isin(account, every[capped_all]),
        unmanaged=left_out,
        low=low,
        high=high,
        unit=unit,
    )
    repeated = np.bincount(given_entry[ranged], minlength=size) > 1
    return lines, np.unique(account[repeated]).astype(np.intp)


def _any(entry: Ints, flags: Flags, size: int) -> Flags:
    found = np.zeros(size, np.bool_)
    found[entry[flags]] = True
    return found


def _bound(limit: int | None, unit: RangeUnit | None) -> float:
    if limit is None:
        return np.nan
    return limit / (1e4 if unit is RangeUnit.PERCENT else 1e9)

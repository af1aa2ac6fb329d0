"""What floats determine with certainty about plans of accounts with trading rules (R-14, R-15, R-60 to R-65).

A statement is sure if the figure is beyond the threshold by more than the float error. If neither a run nor its absence
is sure for an account, the exact form plans it.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from rebal_tui.domain.quantities import NANO
from rebal_tui.engine.arrays.band_usage import Rows
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.kernels import dollars, inverse_limits, slot_prices
from rebal_tui.engine.arrays.memory_layout import Block, Flags, Floats, Ints
from rebal_tui.engine.arrays.rule_targets import RuleTargets, free_cash, pieces_of, values_and_goals

_MIN_DOLLARS = 1.01
"""The minimum order of $1 with a margin for floats."""
_SURE_USAGE = 1e-6
_SLOTS_AT_ONCE = 4
_MAX_RESTRICTED = 8
"""With at most as many restricted lines in addition to a free one, $10 always buys something: not all are below $1."""


@dataclass(frozen=True, slots=True, eq=False)
class SureRebalance:
    """What is sure about the full_rebalance of each requested account. A flag is set only where floats leave no doubt.

    `first`: a first rebalance makes a run, because the plan has an order or the account is on target. `orders`: the
    plan has an order. `off`: an asset is farther from its target than the least distance that an order corrects; `on`:
    no asset is. `served`: the plan has an order that corrects an asset outside its band. `worth`: an asset outside its
    band is far enough from its target for an order; `idle`: no asset outside its band is. `kept_back`: the plan has no
    order, only because of whole shares; `stuck`: the plan has no order, also because cash is short.
    """

    first: Flags
    orders: Flags
    off: Flags
    on: Flags
    served: Flags
    worth: Flags
    idle: Flags
    kept_back: Flags
    stuck: Flags

    def of(self, entries: Rows) -> SureRebalance:
        """The flags of some of the accounts, selected by their indexes `entries`."""
        return SureRebalance(*(getattr(self, one.name)[entries] for one in fields(self)))


def sure_of_full_rebalances(frame: BookFrame, made: RuleTargets, entries: Rows) -> SureRebalance:
    """What floats are sure of about full rebalances of the accounts `entries`, which are indexes in `RuleColumns`."""
    sure = SureRebalance(*(np.zeros(len(made.columns), np.bool_) for _ in fields(SureRebalance)))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        others = _Others.of(frame, made)
        for block, some in pieces_of(frame, made.columns, entries):
            _rebalance(frame, block, made, some, others, sure)
    return sure.of(entries)


def sure_of_invest_cash(frame: BookFrame, made: RuleTargets, entries: Rows) -> tuple[Flags, Flags]:
    """By account: whether an invest_cash run surely buys something, and whether it surely buys nothing.

    The accounts must have excess cash of $10 or more; `entries` are indexes in `RuleColumns`.
    """
    buys, keeps = (np.zeros(len(made.columns), np.bool_) for _ in range(2))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        plain = _always_buy(frame, made, entries)
        buys[entries[plain]] = True
        for block, some in pieces_of(frame, made.columns, entries[~plain]):
            free = some[made.columns.whole[some] & ~made.columns.boxed[some]]
            buys[free[_buys_a_share(frame, block, made, free)]] = True
            some = some[~buys[some]]
            if len(some):
                _invest(frame, block, made, some, buys, keeps)
    return buys[entries], keeps[entries]


@dataclass(frozen=True, slots=True, eq=False)
class _Others:
    """What holdings outside the portfolio mean for a full_rebalance; one entry per account with trading rules.

    `dollars`: the value of the holdings that surely are sold. `farthest`: by how many dollars the holding farthest from
    its target exceeds what an order corrects; `breaching`: the same for holdings that may be outside a band.
    `breached`: a holding is surely outside a band, can be corrected and is sold. `cheap`: a share of a holding costs no
    more than the least order. `any`: there is such a holding.
    """

    dollars: Floats
    farthest: Floats
    breaching: Floats
    breached: Flags
    cheap: Flags
    any: Flags

    @classmethod
    def of(cls, frame: BookFrame, made: RuleTargets) -> _Others:
        size, columns = len(made.columns), made.columns
        others, row = made.others, frame.others.account[made.others]
        entry, asset = columns.index[row], frame.others.asset[others]
        price = frame.assets.price[asset]
        worth = frame.others.qty[others] * (price * 1e-18)
        way = np.where(made.others_managed, worth - made.others_target, 0)
        beyond = np.abs(way) - _least_way(made, entry, np.multiply(price, 1e-9, dtype=np.float64))
        margin = 0.01 + made.margin(entry, free_cash(frame, row))
        share = np.abs(way) * 10_000 / made.equity[entry]
        absolute = frame.table.absolute[frame.accounts.portfolio[row]]
        usage = np.where(absolute > 0, share / np.maximum(absolute, 1), 0)
        closes = made.others_managed & (made.others_target == 0) & (worth > _MIN_DOLLARS)
        closes &= (frame.assets.sellable & frame.assets.fractionable & (frame.assets.price > 0))[asset]
        # A closing of exactly one share is worth an order, and within one share of its target.
        one_share = closes & columns.whole[entry] & (frame.others.qty[others] == NANO)
        one_share &= (price > _MIN_DOLLARS * NANO) & (_minimum(made, entry) <= 1)
        farthest, breaching = np.full(size, -np.inf), np.full(size, -np.inf)
        np.maximum.at(farthest, entry, np.where(made.others_managed & ~one_share, beyond, -np.inf))
        np.maximum.at(breaching, entry, np.where(usage > 1 - _SURE_USAGE, np.where(one_share, 0, beyond), -np.inf))
        breached = np.zeros(size, np.bool_)
        breached[entry[closes & (usage > 1 + _SURE_USAGE) & ((beyond > margin) | one_share)]] = True
        sold = np.bincount(entry, np.where(closes, worth, 0), size).astype(np.float64, copy=False)
        cheap = np.zeros(size, np.bool_)
        cheap[entry[price <= _MIN_DOLLARS * NANO]] = True
        some = np.zeros(size, np.bool_)
        some[entry] = True
        return cls(sold, farthest, breaching, breached, cheap, some)


def _minimum(made: RuleTargets, entries: Ints) -> Floats:
    """The least order of each account in dollars: $1, or its minimum trade if larger."""
    columns = made.columns
    return np.maximum(1.0, np.maximum(columns.amount[entries], columns.share[entries] * made.equity[entries]))


def _least_way(made: RuleTargets, entries: Ints, price: Floats) -> Floats:
    """The least distance to the target, in dollars, that an order corrects; `price` is that of a share."""
    return np.maximum(_minimum(made, entries), np.where(made.columns.whole[entries], price, 0))


def _wants_share(made: RuleTargets, entries: Rows, short: Floats, price: Floats, margin: Floats) -> Flags:
    """By slot and account, whether one more share brings the line nearer its target.

    The share must surely be within the line's maximum. `short` is what the line lacks, in dollars.
    """
    wants = np.asarray(2 * short > price + margin)
    lines, at = made.lines_of(entries)
    slot = made.columns.lines.slot[lines]
    # A restricted line's maximum is its target or more.
    wants[slot, at] &= short[slot, at] > price[slot, at] + margin[at]
    return wants


def _rebalance(
    frame: BookFrame, block: Block, made: RuleTargets, entries: Rows, others: _Others, sure: SureRebalance
) -> None:
    columns, table = made.columns, frame.table
    rows = columns.rows[entries]
    local = block.local[frame.column[rows]]
    value, goal, unmanaged, unit = values_and_goals(frame, block, made, entries)
    price, whole, cost = unit * 1e9, columns.whole[entries], columns.cost[entries]
    cash, equity = free_cash(frame, rows), made.equity[entries]
    margin = 0.01 + made.margin(entries, cash)
    way = np.where(unmanaged, 0, value - goal)
    distance, minimum = np.abs(way), _minimum(made, entries)
    beyond = distance - np.maximum(minimum, np.where(whole, price, 0))
    # A sale is rounded down to a billionth of a share, or to a share.
    step = np.where(whole, price, unit)
    sold = way - step
    sold = np.where(whole & (way > price * (1 + 1e-9) + margin), np.maximum(sold, price), sold)
    sellable = np.append(frame.assets.sellable & frame.assets.fractionable & (frame.assets.price > 0), False)
    sells = sellable[block.asset].take(local, axis=1) & (sold > minimum + margin) & (way > 2 * unit)
    budget = cash + np.where(sells, sold, 0).sum(axis=0) + others.dollars[entries] - made.cash[entries] - margin
    short = np.where(way < 0, -way, 0)
    lines = (short > 0).sum(axis=0)
    # Each raised portion takes at most a dollar from the budget; drops only enlarge the other portions.
    portions = short * np.clip((budget - lines) / (short.sum(axis=0) + margin), 0, 1)
    bought = np.where(whole, portions / cost - price, portions)
    bought = np.where(whole & (portions > price * cost * (1 + 1e-9) + margin), np.maximum(bought, price), bought)
    # A line that is not held may buy less than the minimum trade, so the minimum of all is on the safe side.
    buys = (short > 1 + margin) & (bought > minimum * 1.01 + margin)
    serves = buys & ((bought > 10 * _MIN_DOLLARS) | (bought * 10 > short * _MIN_DOLLARS))
    affordable = (
        whole & (price * cost < budget) & (price > _MIN_DOLLARS) & _wants_share(made, entries, short, price, margin)
    )
    affordable |= ~whole & (short > 1 + margin) & (budget > _MIN_DOLLARS)
    some = (minimum <= 1) & affordable.any(axis=0)
    solvent = equity > margin
    plain = whole & (minimum <= 1) & ~columns.boxed[entries] & ~columns.early[entries] & solvent
    left = cash - made.cash[entries]
    unsold = (way < price - margin) | (goal == 0)
    unbought = (price * cost > left + margin) | (2 * short < price - margin) | (goal == 0)
    idle = plain & unsold.all(axis=0) & unbought.all(axis=0) & ~others.any[entries]
    sure.kept_back[entries] = idle & (left > margin)
    sure.stuck[entries] = idle & (left < -margin) & (short > 0.02 + margin).any(axis=0)
    inverse = (inverse_limits(block) * table.banded[block.members]).take(local, axis=1)
    usage = distance * inverse * (10_000 / equity)
    breached = usage > 1 + _SURE_USAGE
    farthest = np.maximum(beyond.max(axis=0, initial=-np.inf), others.farthest[entries])
    breaching = np.where(usage > 1 - _SURE_USAGE, beyond, -np.inf).max(axis=0, initial=-np.inf)
    breaching = np.maximum(breaching, others.breaching[entries])
    far = (breached & (beyond > margin)).any(axis=0)
    sure.orders[entries] = solvent & ((others.dollars[entries] > 0) | sells.any(axis=0) | buys.any(axis=0) | some)
    sure.off[entries] = solvent & (farthest > margin)
    sure.on[entries] = solvent & (farthest < -margin)
    dear = ((price > _MIN_DOLLARS) | (goal == 0)).all(axis=0) & ~others.cheap[entries]
    sure.first[entries] = sure.orders[entries] | (sure.on[entries] & whole & (minimum <= 1) & dear)
    sure.worth[entries] = solvent & (far | others.breached[entries])
    sure.idle[entries] = solvent & (breaching < -margin)
    corrected = (breached & (beyond > margin) & (sells | serves)).any(axis=0)
    sure.served[entries] = solvent & (corrected | others.breached[entries])


def _always_buy(frame: BookFrame, made: RuleTargets, entries: Rows) -> Flags:
    """By account, whether $10 of excess cash always buys something.

    So it does if a line without restrictions takes what restricted lines leave, and no minimum but $1 applies.
    """
    columns = made.columns
    restricted = np.bincount(columns.lines.account[columns.lines.weight > 0], minlength=len(columns))[entries]
    count = frame.table.count[frame.accounts.portfolio[columns.rows[entries]]]
    plain = ~columns.whole[entries] & (_minimum(made, entries) <= 1)
    return np.asarray(plain & (restricted <= _MAX_RESTRICTED) & (restricted < count))


def _buys_a_share(frame: BookFrame, block: Block, made: RuleTargets, entries: Rows) -> Flags:
    """Whether excess cash surely buys a share of some line, in accounts without restrictions.

    It decides most accounts and is fast: it reads a few slots at a time, because one of the first slots lacks a share
    in nearly every account.
    """
    columns = made.columns
    rows = columns.rows[entries]
    column = frame.column[rows]
    local, unit = block.local[column], slot_prices(frame, block)
    cash = free_cash(frame, rows)
    margin = 0.01 + made.margin(entries, cash)
    budget = cash - np.maximum(made.cash[entries], dollars(frame.accounts.cash_floor[rows])) - margin
    most, hundredth = budget / columns.cost[entries], made.equity[entries] / 10_000
    buys = np.zeros(len(entries), np.bool_)
    left = np.flatnonzero(_minimum(made, entries) <= 1)
    for start in range(0, len(unit), _SLOTS_AT_ONCE):
        if not len(left):
            break
        slots, of = slice(start, start + _SLOTS_AT_ONCE), local[left]
        price = unit[slots].take(of, axis=1)
        short = block.target[slots].take(of, axis=1) * hundredth[left]
        short -= block.qty[slots].take(column[left], axis=1) * price
        price *= 1e9
        found = ((price < most[left]) & (price > _MIN_DOLLARS) & (2 * short > price + margin[left])).any(axis=0)
        buys[left[found]] = True
        left = left[~found]
    return buys


def _invest(
    frame: BookFrame, block: Block, made: RuleTargets, entries: Rows, sure_buys: Flags, sure_keeps: Flags
) -> None:
    """Set `sure_buys` where $10 or more of excess cash surely buy something, `sure_keeps` where they buy nothing."""
    columns = made.columns
    rows = columns.rows[entries]
    whole, minimum, boxed = columns.whole[entries], _minimum(made, entries), columns.boxed[entries]
    value, goal, unmanaged, unit = values_and_goals(frame, block, made, entries)
    local = block.local[frame.column[rows]]
    target, price = block.target.take(local, axis=1), unit * 1e9
    real = (target > 0) & ~unmanaged
    cash = free_cash(frame, rows)
    margin = 0.01 + made.margin(entries, cash)
    budget = cash - np.maximum(made.cash[entries], dollars(frame.accounts.cash_floor[rows]))
    short = np.where(real, np.maximum(goal - value, 0), 0)
    total = short.sum(axis=0)
    portion = short * np.clip((budget - margin) / (total + margin), 0, 1)
    rest = np.maximum(budget - total, 0) + margin
    weights = np.where(real, target, 0).sum(axis=0)
    share = np.where(boxed, 1, target / np.maximum(weights, 1))
    most = np.where(
        real, np.minimum(short * np.clip((budget + margin) / (total + 1e-9), 0, 1) + rest * share, budget), 0
    )
    price_of = np.where(real, price * columns.cost[entries], np.inf)
    affordable = (price_of < budget - margin) & _wants_share(made, entries, short, price, margin)
    one = ~boxed & (portion + np.maximum(rest - 2 * margin, 0) * share > price_of * (1 + 1e-9) + margin)
    one |= portion > price_of * (1 + 1e-9) + margin
    buys = (affordable | one) & (price > _MIN_DOLLARS) & (minimum <= 1)
    # With a minimum trade, the shares of the portion alone must reach it.
    buys |= (portion / columns.cost[entries] - price > minimum * 1.01 + margin) & (minimum > 1)
    fractional = portion > minimum * 1.01 + margin
    sure_buys[entries] = np.where(whole, buys.any(axis=0), fractional.any(axis=0))
    out_of_reach = ((most < price_of - margin) & ((price_of > budget + margin) | (2 * short < price - margin))) | ~real
    dear = (price > _MIN_DOLLARS) | ~real
    none_whole = (out_of_reach & dear).all(axis=0) & (minimum <= 1)
    held = (block.qty.take(frame.column[rows], axis=1) > 0) | ~real
    none_small = held.all(axis=0) & (budget < minimum - margin)
    sure_keeps[entries] = np.where(whole, none_whole, none_small)

"""Plans of many accounts at once, with the same orders as the exact form (R-20 to R-22)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.decisions import LineReason, Plan
from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import CENT, NANO, Money
from rebal_tui.engine.arrays.budget_split import BuyDemand, split_budgets
from rebal_tui.engine.arrays.exact_triggers import assets_of_frame
from rebal_tui.engine.arrays.frame import UNSUBSCRIBED, BookFrame
from rebal_tui.engine.arrays.int128 import MAX_EXACT_DOLLARS, Int128, product
from rebal_tui.engine.arrays.kernels import any_other, any_weight, dollars, other_holding_values
from rebal_tui.engine.arrays.memory_layout import Block, Flags, Floats, Indexes, Ints
from rebal_tui.engine.bounds import RestrictionsConflict
from rebal_tui.engine.goals import DUST
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.planning import goals_cash, plan_full_rebalance, plan_goals, plan_invest_cash
from rebal_tui.engine.situation import compute_cash_target

REASONS = tuple(LineReason)
"""Line reasons by code."""
_REASON = {reason: code for code, reason in enumerate(REASONS)}
_DUST = DUST // NANO
_PIECE_MAX_ACCOUNTS = 2_048
_MAX_PRICE_DOLLARS = 1e9
"""Above this many dollars a share, the exact planner plans: `Int128.shares_up` needs a bounded price."""


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Orders or skipped orders, one entry each, sorted by account, then by plan line; sells and buys are mixed.

    `account` and `asset` are indexes in the frame. `line` is the index of the line in the account's plan, which has the
    portfolio's assets, then the other holdings by symbol. A sell has `qty` in billionths of a share; a buy or a skipped
    order has `notional` in billionths of a dollar; the other of the two is 0, except that a buy in whole shares has
    both (R-65). `reason` is an index in `REASONS`.
    """

    account: Indexes
    line: Indexes
    asset: Indexes
    buy: Flags
    qty: Ints
    notional: Ints
    reason: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.account)

    def amounts(self, prices: Ints) -> Ints:
        """The amount of each order in billionths of a dollar: dollars of a buy, shares × price of a sell.

        `prices` has one entry per asset, in billionths of a dollar.
        """
        return np.where(self.buy, self.notional, product(self.qty, prices[self.asset]).nano)


@dataclass(frozen=True, slots=True, eq=False)
class Plans:
    """The plans of the account rows `accounts`. `cash_target` has one entry per account, in billionths of a dollar.

    `by_exact` is the number of accounts that the exact form planned. `too_large` are the rows of accounts with an
    amount above `MAX_EXACT_DOLLARS`, or whose restrictions exclude each other; these have no lines in `orders` and
    `skipped`.
    """

    accounts: Ints
    orders: Lines
    skipped: Lines
    cash_target: Ints
    by_exact: int
    too_large: tuple[int, ...]


def plan_full_rebalances(frame: BookFrame, accounts: Ints, by_band: Collection[int] = ()) -> Plans:
    """The plans of full rebalances, equal to those of `plan_full_rebalance`, for subscribed accounts.

    `accounts` are account rows in ascending order. `by_band` are the rows of the accounts whose trigger is a drift
    band, so that the run may stop before the target (R-62).
    """
    return _plans(frame, accounts, by_band, invest=False)


def plan_invest_cashes(frame: BookFrame, accounts: Ints) -> Plans:
    """The plans of invest_cash runs, equal to those of `plan_invest_cash`, for subscribed accounts.

    `accounts` are account rows in ascending order.
    """
    return _plans(frame, accounts, (), invest=True)


def _plans(frame: BookFrame, accounts: Ints, by_band: Collection[int], *, invest: bool) -> Plans:
    follows = frame.accounts.portfolio[accounts]
    assets = frame.assets
    excluded = ~assets.eligible | (assets.price == 0) | (assets.price > _MAX_PRICE_DOLLARS * NANO)
    needs_exact = any_weight(frame, excluded)[follows] | (follows == UNSUBSCRIBED)
    excluded = (
        ~assets.sellable | ~assets.fractionable | (assets.price == 0) | (assets.price > _MAX_PRICE_DOLLARS * NANO)
    )
    needs_exact |= any_other(frame, excluded)[accounts]
    other_holdings = _OtherHoldings.of(frame)
    gross = np.abs(dollars(frame.accounts.cash[accounts])) + dollars(np.abs(frame.accounts.reserved[accounts]))
    needs_exact |= gross + other_holdings.dollars[accounts] > MAX_EXACT_DOLLARS
    if frame.accounts.rules:
        needs_exact |= np.isin(accounts, frame.accounts.ruled)
    target = np.zeros(len(frame), np.int64)
    builder = _PlanBuilder([], [], [])
    builder.needs_exact.extend(accounts[needs_exact].tolist())
    for number, block in enumerate(frame.blocks):
        in_block = accounts[~needs_exact & (frame.table.block[follows] == number)]
        columns = np.sort(frame.column[in_block])
        for start in range(0, len(columns), _PIECE_MAX_ACCOUNTS):
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                _plan_piece(
                    frame, block, columns[start : start + _PIECE_MAX_ACCOUNTS], other_holdings, target, builder, invest
                )
    too_large = []
    for row in builder.needs_exact:
        try:
            plan = _exact_plan(frame, row, by_band=row in by_band, invest=invest)
        except RestrictionsConflict:
            too_large.append(row)
            continue
        if _fits(plan):
            target[row] = plan.cash_target
            builder.add_exact(frame, row, plan)
        else:
            too_large.append(row)
    orders, skipped = _joined(builder.orders), _joined(builder.skipped)
    return Plans(accounts, orders, skipped, target[accounts], len(builder.needs_exact), tuple(too_large))


def _fits(plan: Plan) -> bool:
    amounts = [
        plan.cash_target,
        *(x.order_amount for x in plan.lines),
        *(x.notional or 0 for x in plan.skipped_orders),
    ]
    return max(amounts) <= MAX_EXACT_DOLLARS * NANO


@dataclass(frozen=True, slots=True, eq=False)
class _OtherHoldings:
    """Holdings outside the portfolios, by account: value modulo 2**64, value in dollars, proceeds of their sale."""

    modular: Ints
    dollars: Floats
    proceeds: Ints

    @classmethod
    def of(cls, frame: BookFrame) -> _OtherHoldings:
        others = frame.others
        price = frame.assets.price[others.asset]
        modular, proceeds = np.zeros(len(frame), np.int64), np.zeros(len(frame), np.int64)
        with np.errstate(over="ignore"):
            np.add.at(modular, others.account, others.qty * price)
            np.add.at(proceeds, others.account, product(others.qty, price).nano)
        return cls(modular, other_holding_values(frame)[1], proceeds)


@dataclass(slots=True, eq=False)
class _PlanBuilder:
    orders: list[Lines]
    skipped: list[Lines]
    needs_exact: list[int]

    def add_exact(self, frame: BookFrame, row: int, plan: Plan) -> None:
        """Add the orders and skipped orders of a plan by the exact form, that of the account at `row`."""
        index = frame.assets.index
        number = {line.symbol: n for n, line in enumerate(plan.lines)}
        sent = [line for line in plan.lines if line.side]
        self.orders.append(
            _lines(
                [row] * len(sent), [number[x.symbol] for x in sent], [index[x.symbol] for x in sent],
                [x.side is Side.BUY for x in sent], [x.qty or 0 for x in sent], [x.notional or 0 for x in sent],
                [_REASON[x.reason] for x in sent],
            )
        )  # fmt: skip
        reasons = {line.symbol: line.reason for line in plan.lines}
        left = plan.skipped_orders
        self.skipped.append(
            _lines(
                [row] * len(left), [number[x.symbol] for x in left], [index[x.symbol] for x in left],
                [x.side is Side.BUY for x in left], [0] * len(left), [x.notional or 0 for x in left],
                [_REASON[reasons[x.symbol]] for x in left],
            )
        )  # fmt: skip


def _plan_piece(
    frame: BookFrame,
    block: Block,
    columns: Ints,
    other_holdings: _OtherHoldings,
    target: Ints,
    builder: _PlanBuilder,
    invest: bool,
) -> None:
    """Plan the accounts at `columns` of a block: add their lines to `builder`, their cash targets to `target`."""
    rows, local = block.rows[columns], block.local[columns]
    accounts, table = frame.accounts, frame.table
    asset, weight = block.asset[:, local], block.target[:, local]
    real = weight > 0
    price = np.where(real, np.append(frame.assets.price, 1)[asset], 1)
    qty, cash = block.qty[:, columns], accounts.cash[rows] - accounts.reserved[rows]
    rough = np.multiply(qty, price * 1e-18, dtype=np.float64)
    equity_dollars = rough.sum(axis=0) + dollars(cash) + other_holdings.dollars[rows]
    modular = qty * price
    equity = Int128.of(modular.sum(axis=0) + cash * NANO + other_holdings.modular[rows], equity_dollars)
    # No holding is worth more than equity plus cash owed, so all values here are within `MAX_EXACT_DOLLARS`. The shares
    # of `goal` need an equity of 0 or more.
    needs_exact = (equity.nano < 0) | (np.abs(equity_dollars) + np.abs(dollars(cash)) > MAX_EXACT_DOLLARS)
    goal = equity.share(weight)
    over = Int128.of(modular - goal.modular, rough - goal.dollars)
    short = over.negated()
    by_weight = equity.share_up(table.cash_weight[block.members[local]])
    near = (over.nano < _DUST) & (short.nano < _DUST)
    if invest:
        cash_target = np.maximum(by_weight, accounts.cash_floor[rows])
        needs_exact |= dollars(np.abs(accounts.cash_floor[rows])) > MAX_EXACT_DOLLARS
        budget = np.maximum(0, cash - cash_target)
        lacking = short.nano >= 0
        short = Int128(np.where(lacking, short.nano, 0), np.where(lacking, short.rest, 0))
        buyable, sold, small_sell, sell_qty = real, np.zeros_like(real), np.zeros_like(real), np.zeros_like(qty)
    else:
        cash_target = by_weight
        wants_sale = real & (qty > 0) & over.at_least(_DUST)
        whole_shares_only = np.append(~frame.assets.fractionable, False)[asset]
        needs_exact |= (wants_sale & whole_shares_only).any(axis=0)
        # qty - ceil(goal / price) is floor((value - goal) / price), the shares that the exact planner sells.
        sell_qty = np.where(wants_sale, qty - goal.shares_up(price), 0)
        sale = Int128.of(sell_qty * price, np.multiply(sell_qty, price * 1e-18, dtype=np.float64)).nano
        small_sell = wants_sale & (sale < NANO)
        sold = wants_sale & ~small_sell
        proceeds = np.where(sold, sale, 0).sum(axis=0) + other_holdings.proceeds[rows]
        budget = cash + proceeds - cash_target
        buyable = real & short.at_least(_DUST)
    # Without a budget, the buys become skipped orders for insufficient cash: the exact planner adds these.
    needs_exact |= (budget <= 0) & buyable.any(axis=0)
    target[rows] = cash_target
    symbol_rank = np.append(_ranks(frame.assets.symbols), -1)[asset]
    easy = np.flatnonzero(~needs_exact)
    demand = BuyDemand(short, equity.share_inexact(weight), buyable, weight, symbol_rank).of(easy)
    budget_split = split_budgets(demand, budget[easy], spread_rest=invest)
    builder.needs_exact.extend(rows[needs_exact].tolist())
    builder.needs_exact.extend(rows[easy[budget_split.needs_exact]].tolist())
    easy, amounts, dropped = (
        easy[~budget_split.needs_exact],
        budget_split.amounts[:, ~budget_split.needs_exact],
        budget_split.dropped[:, ~budget_split.needs_exact],
    )
    if invest:
        inherits = near[:, easy] & (amounts <= short.nano[:, easy])
        bought = np.where(inherits, _REASON[LineReason.BELOW_TARGET], _REASON[LineReason.EXCESS_CASH])
    else:
        bought = np.full(amounts.shape, _REASON[LineReason.BELOW_TARGET])
    sold, small_sell, sell_qty, excess = sold[:, easy], small_sell[:, easy], sell_qty[:, easy], over.nano[:, easy]
    rows, asset = rows[easy], asset[:, easy]
    reason = np.where(sold, _REASON[LineReason.ABOVE_TARGET], bought)
    builder.orders.append(_picked(sold | (amounts > 0), rows, asset, amounts > 0, sell_qty, amounts, reason))
    skip = small_sell | (dropped >= 0)
    notional = np.where(small_sell, excess // CENT * CENT, dropped)
    least = np.full(skip.shape, _REASON[LineReason.ORDER_LESS_THAN_MIN_NOTIONAL])
    builder.skipped.append(_picked(skip, rows, asset, dropped >= 0, np.zeros_like(sell_qty), notional, least))
    if not invest:
        builder.orders.append(_closing(frame, rows))


def _closing(frame: BookFrame, rows: npt.NDArray[np.intp]) -> Lines:
    """The sells of all holdings outside the portfolio of the accounts `rows`."""
    others = frame.others
    wanted = np.zeros(len(frame), np.bool_)
    wanted[rows] = True
    indexes = np.flatnonzero(wanted[others.account])
    account, asset = others.account[indexes], others.asset[indexes]
    order = np.lexsort((_ranks(frame.assets.symbols)[asset], account))
    indexes, account = indexes[order], account[order]
    first = np.searchsorted(account, account)
    line = frame.table.count[frame.accounts.portfolio[account]] + np.arange(len(indexes)) - first
    count = len(indexes)
    reason = np.full(count, _REASON[LineReason.NOT_IN_PORTFOLIO])
    return _lines(account, line, others.asset[indexes], np.zeros(count), others.qty[indexes], np.zeros(count), reason)


def _ranks(symbols: tuple[str, ...]) -> Ints:
    """The rank of each symbol in sorted order."""
    ranks = np.empty(len(symbols), np.int64)
    ranks[sorted(range(len(symbols)), key=symbols.__getitem__)] = np.arange(len(symbols))
    return ranks


def _picked(
    wanted: Flags, rows: npt.NDArray[np.intp], asset: Indexes, buy: Flags, qty: Ints, notional: Ints, reason: Ints
) -> Lines:
    column, slot = np.nonzero(wanted.T)
    at = (slot, column)
    return _lines(rows[column], slot, asset[at], buy[at], np.where(buy[at], 0, qty[at]), notional[at], reason[at])


def _lines(
    account: npt.ArrayLike, line: npt.ArrayLike, asset: npt.ArrayLike, buy: npt.ArrayLike, qty: npt.ArrayLike,
    notional: npt.ArrayLike, reason: npt.ArrayLike,
) -> Lines:  # fmt: skip
    return Lines(
        np.asarray(account, np.int32), np.asarray(line, np.int32), np.asarray(asset, np.int32),
        np.asarray(buy, np.bool_), np.asarray(qty, np.int64), np.asarray(notional, np.int64),
        np.asarray(reason, np.uint8),
    )  # fmt: skip


def _joined(parts: list[Lines]) -> Lines:
    parts = parts or [_lines([], [], [], [], [], [], [])]
    account = np.concatenate([p.account for p in parts])
    line = np.concatenate([p.line for p in parts])
    order = np.lexsort((line, account))
    return Lines(
        account[order], line[order], np.concatenate([p.asset for p in parts])[order],
        np.concatenate([p.buy for p in parts])[order], np.concatenate([p.qty for p in parts])[order],
        np.concatenate([p.notional for p in parts])[order], np.concatenate([p.reason for p in parts])[order],
    )  # fmt: skip


def _exact_plan(frame: BookFrame, row: int, *, by_band: bool, invest: bool) -> Plan:
    """The plan of the account at `row` by the exact form: invest_cash with `invest`, else full_rebalance.

    `by_band`: a drift band makes the run.
    """
    portfolio = frame.followed(row)
    weights = portfolio.weights
    held = frame.holdings(row)
    cash = Money(int(frame.accounts.cash[row]) - int(frame.accounts.reserved[row]))
    rules = frame.rules_of(row).of_run(portfolio.bands if by_band else ())
    start = Holdings(cash, held, assets_of_frame(frame, {*held, *weights.symbols}), rules)
    if not invest:
        return plan_full_rebalance(start, weights, rules.bands)
    floor = Money(int(frame.accounts.cash_floor[row]))
    goals = plan_goals(start, weights, start.equity)
    if goals is not None:
        return plan_invest_cash(start, weights, Money(max(goals_cash(goals), floor)))
    return plan_invest_cash(start, weights, compute_cash_target(start.equity, weights.cash, floor))

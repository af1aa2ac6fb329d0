"""Plans of many accounts at once: the orders of the exact planner, line by line (R-20 to R-22)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rebal_tui.domain.assets import Asset, AssetStatus
from rebal_tui.domain.decisions import LineReason, Plan
from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import CENT, NANO, Money, Price
from rebal_tui.engine.arrays.exact import exact_account
from rebal_tui.engine.arrays.frame import UNSUBSCRIBED, BookFrame
from rebal_tui.engine.arrays.layout import Block, Flags, Floats, Ints, Places
from rebal_tui.engine.arrays.passes import any_other, any_weight, dollars, values_besides
from rebal_tui.engine.arrays.split import Wants, split
from rebal_tui.engine.arrays.wide import MOST, Wide, product
from rebal_tui.engine.evaluation import least_cash
from rebal_tui.engine.planning import DUST, Holdings, plan_full_rebalance, plan_invest_cash

REASONS = tuple(LineReason)
"""A line's reason code is a place in this."""
_REASON = {reason: code for code, reason in enumerate(REASONS)}
_DUST = DUST // NANO
_PIECE = 2_048
_DEAREST = 1e9
"""Dollars a share from which on a price is left to the exact planner."""


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """Orders, or orders skipped, ordered by account, then by line: sells and buys mixed as a plan's lines are.

    `account` and `asset` are places in the frame; `line` numbers the lines of the account's plan, which are its
    portfolio's assets and then, by symbol, what is held besides. A sell has `qty` in billionths of a share, a buy or a
    skipped order `notional` in billionths of a dollar; the other is 0. `reason` is a code of `REASONS`.
    """

    account: Places
    line: Places
    asset: Places
    buy: Flags
    qty: Ints
    notional: Ints
    reason: npt.NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.account)


@dataclass(frozen=True, slots=True, eq=False)
class Plans:
    """The plans of `accounts`, which are places in the frame. `cash_target` is by account, in billionths of a dollar.

    `by_exact` counts the accounts that the exact planner planned. `too_large` are accounts with an amount of more than
    64 bits: they have no lines here.
    """

    accounts: Ints
    orders: Lines
    skipped: Lines
    cash_target: Ints
    by_exact: int
    too_large: tuple[int, ...]


def plan_full_rebalances(frame: BookFrame, accounts: Ints) -> Plans:
    """What `plan_full_rebalance` plans for each of some subscribed accounts, given in ascending order."""
    return _plans(frame, accounts, invest=False)


def plan_invest_cashes(frame: BookFrame, accounts: Ints) -> Plans:
    """What `plan_invest_cash` plans for each of some subscribed accounts, given in ascending order."""
    return _plans(frame, accounts, invest=True)


def _plans(frame: BookFrame, accounts: Ints, *, invest: bool) -> Plans:
    follows = frame.accounts.portfolio[accounts]
    assets = frame.assets
    hindered = ~assets.eligible | (assets.price == 0) | (assets.price > _DEAREST * NANO)
    hard = any_weight(frame, hindered)[follows] | (follows == UNSUBSCRIBED)
    hindered = ~assets.sellable | (assets.price == 0) | (assets.price > _DEAREST * NANO)
    hard |= any_other(frame, hindered)[accounts]
    besides = _Besides.of(frame)
    gross = np.abs(dollars(frame.accounts.cash[accounts])) + dollars(np.abs(frame.accounts.reserved[accounts]))
    hard |= gross + besides.dollars[accounts] > MOST
    target = np.zeros(len(frame), np.int64)
    made = _Made([], [], [])
    made.hard.extend(accounts[hard].tolist())
    for number, block in enumerate(frame.blocks):
        mine = accounts[~hard & (frame.table.block[follows] == number)]
        columns = np.sort(frame.column[mine])
        for start in range(0, len(columns), _PIECE):
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                _plan_piece(frame, block, columns[start : start + _PIECE], besides, target, made, invest)
    too_large = []
    for row in made.hard:
        plan = _exact_plan(frame, row, invest=invest)
        if _fits(plan):
            target[row] = plan.cash_target
            made.take(frame, row, plan)
        else:
            too_large.append(row)
    orders, skipped = _joined(made.orders), _joined(made.skipped)
    return Plans(accounts, orders, skipped, target[accounts], len(made.hard), tuple(too_large))


def _fits(plan: Plan) -> bool:
    amounts = [
        plan.cash_target,
        *(x.notional or 0 for x in plan.lines),
        *(x.notional or 0 for x in plan.skipped_orders),
    ]
    return max(amounts) < 2**63


@dataclass(frozen=True, slots=True, eq=False)
class _Besides:
    """Holdings outside the portfolios: their sum by account, modulo 2**64 and in dollars, and what selling brings."""

    modular: Ints
    dollars: Floats
    proceeds: Ints

    @classmethod
    def of(cls, frame: BookFrame) -> _Besides:
        others = frame.others
        price = frame.assets.price[others.asset]
        modular, proceeds = np.zeros(len(frame), np.int64), np.zeros(len(frame), np.int64)
        with np.errstate(over="ignore"):
            np.add.at(modular, others.account, others.qty * price)
            np.add.at(proceeds, others.account, product(others.qty, price).nano)
        return cls(modular, values_besides(frame)[1], proceeds)


@dataclass(slots=True, eq=False)
class _Made:
    orders: list[Lines]
    skipped: list[Lines]
    hard: list[int]

    def take(self, frame: BookFrame, row: int, plan: Plan) -> None:
        """Add an exact plan."""
        place = frame.assets.place
        number = {line.symbol: n for n, line in enumerate(plan.lines)}
        sent = [line for line in plan.lines if line.side]
        self.orders.append(
            _lines(
                [row] * len(sent), [number[x.symbol] for x in sent], [place[x.symbol] for x in sent],
                [x.side is Side.BUY for x in sent], [x.qty or 0 for x in sent], [x.notional or 0 for x in sent],
                [_REASON[x.reason] for x in sent],
            )
        )  # fmt: skip
        reasons = {line.symbol: line.reason for line in plan.lines}
        left = plan.skipped_orders
        self.skipped.append(
            _lines(
                [row] * len(left), [number[x.symbol] for x in left], [place[x.symbol] for x in left],
                [x.side is Side.BUY for x in left], [0] * len(left), [x.notional or 0 for x in left],
                [_REASON[reasons[x.symbol]] for x in left],
            )
        )  # fmt: skip


def _plan_piece(
    frame: BookFrame, block: Block, columns: Ints, besides: _Besides, target: Ints, made: _Made, invest: bool
) -> None:
    rows, local = block.rows[columns], block.local[columns]
    accounts, table = frame.accounts, frame.table
    asset, weight = block.asset[:, local], block.target[:, local]
    real = weight > 0
    price = np.where(real, np.append(frame.assets.price, 1)[asset], 1)
    qty, cash, reserved = block.qty[:, columns], accounts.cash[rows], accounts.reserved[rows]
    rough = np.multiply(qty, price * 1e-18, dtype=np.float64)
    equity_dollars = rough.sum(axis=0) + dollars(cash) + besides.dollars[rows]
    modular = qty * price
    equity = Wide.of(modular.sum(axis=0) + cash * NANO + besides.modular[rows], equity_dollars)
    hard = (equity.nano < 0) | (np.abs(equity_dollars) + np.abs(dollars(cash)) > MOST)
    goal = equity.share(weight)
    over = Wide.of(modular - goal.modular, rough - goal.dollars)
    short = over.negated()
    by_weight = equity.share_up(table.cash_weight[block.members[local]])
    near = (over.nano < _DUST) & (short.nano < _DUST)
    if invest:
        kept = np.maximum(by_weight, accounts.cash_floor[rows])
        hard |= dollars(np.abs(accounts.cash_floor[rows])) > MOST
        budget = np.maximum(0, cash - reserved - kept)
        lacking = short.nano >= 0
        short = Wide(np.where(lacking, short.nano, 0), np.where(lacking, short.rest, 0))
        takes, sold, small_sell, sell_qty = real, np.zeros_like(real), np.zeros_like(real), np.zeros_like(qty)
    else:
        kept = by_weight
        wants_sale = real & (qty > 0) & over.at_least(_DUST)
        unsplit = np.append(~frame.assets.fractionable, False)[asset]
        hard |= (wants_sale & unsplit).any(axis=0)
        sell_qty = np.where(wants_sale, qty - goal.shares_up(price), 0)
        sale = Wide.of(sell_qty * price, np.multiply(sell_qty, price * 1e-18, dtype=np.float64)).nano
        small_sell = wants_sale & (sale < NANO)
        sold = wants_sale & ~small_sell
        proceeds = np.where(sold, sale, 0).sum(axis=0) + besides.proceeds[rows]
        budget = cash + proceeds - reserved - kept
        takes = real & short.at_least(_DUST)
    hard |= (budget <= 0) & takes.any(axis=0)
    target[rows] = kept
    later = np.append(_ranks(frame.assets.symbols), -1)[asset]
    easy = np.flatnonzero(~hard)
    wants = Wants(short, takes, weight, later).of(easy)
    parted = split(wants, budget[easy], spread_rest=invest)
    made.hard.extend(rows[hard].tolist())
    made.hard.extend(rows[easy[parted.hard]].tolist())
    easy, amounts, dropped = easy[~parted.hard], parted.amounts[:, ~parted.hard], parted.dropped[:, ~parted.hard]
    if invest:
        inherits = near[:, easy] & (amounts <= short.nano[:, easy])
        bought = np.where(inherits, _REASON[LineReason.BELOW_TARGET], _REASON[LineReason.EXCESS_CASH])
    else:
        bought = np.full(amounts.shape, _REASON[LineReason.BELOW_TARGET])
    sold, small_sell, sell_qty, excess = sold[:, easy], small_sell[:, easy], sell_qty[:, easy], over.nano[:, easy]
    rows, asset = rows[easy], asset[:, easy]
    reason = np.where(sold, _REASON[LineReason.ABOVE_TARGET], bought)
    made.orders.append(_picked(sold | (amounts > 0), rows, asset, amounts > 0, sell_qty, amounts, reason))
    skip = small_sell | (dropped >= 0)
    notional = np.where(small_sell, excess // CENT * CENT, dropped)
    least = np.full(skip.shape, _REASON[LineReason.ORDER_LESS_THAN_MIN_NOTIONAL])
    made.skipped.append(_picked(skip, rows, asset, dropped >= 0, np.zeros_like(sell_qty), notional, least))
    if not invest:
        made.orders.append(_closing(frame, rows))


def _closing(frame: BookFrame, rows: npt.NDArray[np.intp]) -> Lines:
    """Sells of everything that is no part of the portfolio."""
    others = frame.others
    wanted = np.zeros(len(frame), np.bool_)
    wanted[rows] = True
    places = np.flatnonzero(wanted[others.account])
    account, asset = others.account[places], others.asset[places]
    order = np.lexsort((_ranks(frame.assets.symbols)[asset], account))
    places, account = places[order], account[order]
    first = np.searchsorted(account, account)
    line = frame.table.count[frame.accounts.portfolio[account]] + np.arange(len(places)) - first
    count = len(places)
    reason = np.full(count, _REASON[LineReason.NOT_IN_PORTFOLIO])
    return _lines(account, line, others.asset[places], np.zeros(count), others.qty[places], np.zeros(count), reason)


def _ranks(symbols: tuple[str, ...]) -> Ints:
    """The place of each symbol among them in order."""
    ranks = np.empty(len(symbols), np.int64)
    ranks[sorted(range(len(symbols)), key=symbols.__getitem__)] = np.arange(len(symbols))
    return ranks


def _picked(
    wanted: Flags, rows: npt.NDArray[np.intp], asset: Places, buy: Flags, qty: Ints, notional: Ints, reason: Ints
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


def _exact_plan(frame: BookFrame, row: int, *, invest: bool) -> Plan:
    """What the exact planner plans for one account."""
    weights = frame.portfolios[frame.accounts.portfolio[row]].weights
    held = frame.holdings(row)
    cash, reserved = Money(int(frame.accounts.cash[row])), Money(int(frame.accounts.reserved[row]))
    start = Holdings(cash, reserved, held, _assets(frame, {*held, *weights.symbols}))
    if not invest:
        return plan_full_rebalance(start, weights)
    equity = exact_account(frame, row).valuation.equity
    return plan_invest_cash(
        start, weights, least_cash(equity, weights.cash, Money(int(frame.accounts.cash_floor[row])))
    )


def _assets(frame: BookFrame, symbols: Iterable[str]) -> dict[str, Asset]:
    columns, place = frame.assets, frame.assets.place
    found = {}
    for symbol in symbols:
        at = place[symbol]
        price = int(columns.price[at])
        found[symbol] = Asset(
            symbol, symbol, symbol, "", AssetStatus.ACTIVE, bool(columns.sellable[at]), bool(columns.fractionable[at]),
            Price(price) if price else None,
        )  # fmt: skip
    return found

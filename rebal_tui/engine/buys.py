"""The buys of a plan: what each line lacks, and what a budget buys of it (R-20 to R-22, R-64, R-65)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from fractions import Fraction

from rebal_tui.domain.decisions import LineReason, Plan, PlanLine
from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import HUNDRED_PERCENT, NANO, Money, Price, Qty, Value, floor_cents, floor_money
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.trading_rules import TradingRules
from rebal_tui.engine.allocation import MIN_BUY_VALUE, Allocation, BuyIntent, allocate, portions_of
from rebal_tui.engine.goals import DUST, minimum_trade_value
from rebal_tui.engine.plan_lines import Holdings, aim_text, below_minimum_trade, too_small
from rebal_tui.engine.trace_text import money_down
from rebal_tui.engine.tradability import trading_fault
from rebal_tui.engine.whole_shares import smallest_order, whole_share_buys

_UNFILLED_BUY_REASONS = (
    LineReason.ORDER_LESS_THAN_MIN_NOTIONAL,
    LineReason.INSUFFICIENT_CASH,
    LineReason.BELOW_MINIMUM_TRADE,
    LineReason.WHOLE_SHARES,
)


def buy_intents(
    lines: Iterable[PlanLine], holdings: Holdings, equity: Value, *, every: bool = False
) -> list[BuyIntent]:
    """One intent for each line that can be bought and is $0.02 or more below its goal.

    With `every`, portfolio assets that are not below their goals are included, so that they also get a part of the cash
    that is split by weight. `equity` is managed equity.
    """
    intents = []
    for line in lines:
        asset = holdings.assets.get(line.symbol)
        if (line.target == 0 and not line.goal) or line.reason is LineReason.UNMANAGED:
            continue
        if asset is None or asset.price is None or trading_fault(asset, Side.BUY):
            continue
        missing = shortfall(line, equity)
        if missing >= DUST or (every and line.target):
            intents.append(_intent(line, missing, holdings.rules, equity))
    return intents


def shortfall(line: PlanLine, equity: Value) -> Fraction:
    """The exact amount by which a line is below its goal, in the units of a `Value`; 0 when it is not below."""
    goal = Fraction(max(0, equity) * line.target, HUNDRED_PERCENT) if line.goal is None else line.goal
    return max(Fraction(0), goal - line.value)


def wanted_dollars(plan: Plan, lines: Iterable[PlanLine]) -> Money:
    """The dollars that the buys in `lines` would amount to if no budget cut them.

    With whole shares, it is what the lines lack to their goals, each rounded down to the cent, and not
    `PlanLine.wanted`, which is the order's amount where that is more, as for an order rounded up to whole shares. In
    an invest_cash run with whole shares, it is the amounts of the orders in the plan.
    """
    if not plan.rules.whole_shares:
        return Money(sum(line.wanted for line in lines))
    if plan.type is RunType.INVEST_CASH:
        return Money(sum(line.notional or 0 for line in lines))
    return Money(sum(floor_cents(Value(int(shortfall(line, plan.equity)))) for line in lines))


def size_buys(
    lines: Iterable[PlanLine],
    intents: list[BuyIntent],
    budget: Money,
    rules: TradingRules,
    *,
    spread_rest: bool = False,
) -> tuple[list[PlanLine], Allocation]:
    """The lines, with the buys that fit the buy budget added, and how the budget was split.

    With `spread_rest`, the budget beyond all shortfalls is split by weight.
    """
    lines = list(lines)
    prices = {line.symbol: line.price for line in lines if line.price is not None}
    allocation = _allocation(intents, budget, rules, prices, spread_rest=spread_rest)
    wanted = {intent.symbol: floor_money(Value(int(intent.shortfall))) for intent in intents}
    pays = budget > 0
    return [_with_buy(line, wanted, allocation, rules, invests=spread_rest, pays=pays) for line in lines], allocation


def resize_buys(plan: Plan, cash: Money) -> Allocation:
    """The buys of a plan, recalculated after its sells have finished (R-20).

    `cash` is the account's cash less reservations, after the sells.
    """
    spread = plan.type is RunType.INVEST_CASH
    intents = [
        _intent(
            line,
            Fraction((line.notional or Money(0)) * NANO) if spread else shortfall(line, plan.equity),
            plan.rules,
            plan.equity,
        )
        for line in plan.lines
        if line.side is Side.BUY or (line.reason in _UNFILLED_BUY_REASONS and line.value < line.target_value)
    ]
    prices = {line.symbol: line.price for line in plan.lines if line.price is not None}
    return _allocation(intents, Money(cash - plan.cash_target), plan.rules, prices, spread_rest=False)


def _intent(line: PlanLine, missing: Fraction, rules: TradingRules, equity: Value) -> BuyIntent:
    if line.goal is None and rules.minimum_trade is None:
        return BuyIntent(line.symbol, line.target, missing)
    # The first purchase of a line needs no more than $1.
    least = minimum_trade_value(rules.minimum_trade, equity) if line.held > 0 else Fraction(0)
    room = None if line.upper is None else max(Fraction(0), line.upper - line.value)
    above_weight = line.goal is not None and line.goal * HUNDRED_PERCENT > max(0, equity) * line.target
    held = above_weight and line.upper is not None and line.goal == line.value
    return BuyIntent(line.symbol, line.target, missing, max(least, Fraction(MIN_BUY_VALUE)), room, held)


def _allocation(
    intents: list[BuyIntent],
    budget: Money,
    rules: TradingRules,
    prices: dict[str, Price],
    *,
    spread_rest: bool,
) -> Allocation:
    if not rules.whole_shares:
        return allocate(intents, budget, spread_rest=spread_rest)
    available = Value(max(0, budget) * NANO)
    remaining = list(intents)
    dropped: dict[str, Money] = {}
    kept_back: set[str] = set()

    def portions(some: Sequence[BuyIntent]) -> dict[str, Fraction]:
        return portions_of(some, available, spread_rest and not kept_back)[0]

    while True:
        shares = whole_share_buys(remaining, available, prices, portions, live=rules.live)
        small = smallest_order(shares, remaining, prices)
        if small is None:
            break
        worth = floor_cents(Value(shares[small.symbol] * prices[small.symbol] * NANO))
        dropped[small.symbol] = worth
        if small.minimum > MIN_BUY_VALUE:
            kept_back.add(small.symbol)
        remaining.remove(small)
    scale = portions_of(remaining, available, spread_rest and not kept_back)[1]
    return Allocation(
        {symbol: Money(count * prices[symbol]) for symbol, count in shares.items()},
        frozenset(),
        dropped,
        (scale.numerator, scale.denominator),
        {symbol: Qty(count * NANO) for symbol, count in shares.items()},
        frozenset(kept_back),
    )


def _with_buy(
    line: PlanLine,
    wanted: dict[str, Money],
    allocation: Allocation,
    rules: TradingRules,
    *,
    invests: bool,
    pays: bool,
) -> PlanLine:
    """The line with its buy, or with the reason for none; `invests` when excess cash is split by weight.

    `pays` is whether the budget is above 0.
    """
    missing = floor_money(Value(max(0, line.target_value - line.value)))
    if line.symbol in allocation.amounts:
        notional = allocation.amounts[line.symbol]
        lacking = wanted[line.symbol]
        if invests and (notional > lacking or line.reason is LineReason.BUYS_ONLY):
            reason, detail = LineReason.EXCESS_CASH, "its share of the excess cash"
        else:
            raised = ", raised to the $1 minimum" if line.symbol in allocation.raised else ""
            rounded = _rounding(line, notional, lacking) if rules.whole_shares else ""
            reason, detail = LineReason.BELOW_TARGET, f"{money_down(lacking)} below {aim_text(line)}{raised}{rounded}"
        return replace(
            line,
            side=Side.BUY,
            notional=notional,
            qty=allocation.shares.get(line.symbol),
            wanted=Money(max(lacking, notional)),
            reason=reason,
            detail=detail,
        )
    if line.symbol in allocation.dropped:
        dropped = allocation.dropped[line.symbol]
        amount = wanted[line.symbol] or dropped
        if line.symbol in allocation.kept_back:
            return below_minimum_trade(line, amount, dropped, rules)
        return too_small(line, amount, dropped)
    if Value(missing * NANO) < DUST or line.reason is LineReason.UNMANAGED:
        return line
    if line.symbol in wanted:
        if rules.whole_shares and pays:
            detail = f"{money_down(missing)} below {aim_text(line)}, which buys no whole share"
            return replace(line, wanted=missing, reason=LineReason.WHOLE_SHARES, detail=detail)
        return replace(
            line,
            wanted=missing,
            reason=LineReason.INSUFFICIENT_CASH,
            detail=f"{money_down(missing)} below {aim_text(line)}; no cash above the cash target",
        )
    reason = LineReason.NO_PRICE if line.price is None else LineReason.ASSET_NOT_TRADABLE
    return replace(line, wanted=missing, reason=reason, detail="cannot be bought")


def _rounding(line: PlanLine, notional: Money, lacking: Money) -> str:
    """Why a buy in whole shares is not what its line lacks, as text; empty if it is short of a whole share or more."""
    if notional > lacking:
        return ", rounded up to whole shares"
    return ", rounded down to whole shares" if 0 < lacking - notional < (line.price or 0) else ""

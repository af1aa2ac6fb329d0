"""Plans for full_rebalance, invest_cash and partial_liquidation, with a reason code on every line (R-20 to R-23)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.decisions import SKIP_REASONS, LineReason, Plan, PlanLine
from rebal_tui.domain.orders import Side, SkippedOrder
from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import (
    CENT,
    HUNDRED_PERCENT,
    NANO,
    Money,
    Price,
    Qty,
    Value,
    floor_cents,
    floor_money,
    market_value,
    qty_text,
    share_of,
)
from rebal_tui.domain.runs import RunType
from rebal_tui.engine.allocation import Allocation, BuyIntent, allocate
from rebal_tui.engine.cash_raising import (
    MIN_ORDER_VALUE,
    most_overweight_first,
    price_of,
    proportional_floors,
    raise_cash,
    sale,
    spare_cash,
)
from rebal_tui.engine.drift import value_account
from rebal_tui.engine.trace_text import dollars
from rebal_tui.engine.tradability import sellable_qty, trading_fault

DUST = Value(2 * CENT * NANO)
"""$0.02: the rounding of an order and of its scaling may leave up to this. A smaller difference is on target."""


class AmountTooLarge(ValueError):
    """A partial_liquidation exceeds the amount that the account can raise, which is `max_amount`."""

    def __init__(self, max_amount: Money) -> None:
        super().__init__(f"the account can raise at most {dollars(Value(max_amount * NANO))}")
        self.max_amount = max_amount


@dataclass(frozen=True, slots=True)
class Holdings:
    """The starting point of a plan. `cash` is booked cash less reservations, so equity is managed equity (R-2)."""

    cash: Money
    positions: Mapping[str, Qty]
    assets: Mapping[str, Asset]

    @property
    def prices(self) -> dict[str, Price]:
        return {symbol: asset.price for symbol, asset in self.assets.items() if asset.price is not None}


def plan_full_rebalance(holdings: Holdings, weights: Weights) -> Plan:
    """Sell assets above target and all holdings outside the portfolio; buy assets below target (R-20).

    The budget is cash plus the sells' proceeds, less the cash target.
    """
    lines = _blank_lines(holdings, weights, None)
    sold = [_rebalancing_sell(line, holdings) for line in lines]
    equity = value_account(holdings.cash, holdings.positions, holdings.prices).equity
    cash_target = _money_up(equity * weights.cash, HUNDRED_PERCENT)
    budget = Money(holdings.cash + _proceeds(sold) - cash_target)
    bought = size_buys(sold, _shortfalls(sold, holdings, equity), budget)
    return _plan(RunType.FULL_REBALANCE, holdings, weights, equity, cash_target, budget, bought)


def plan_invest_cash(holdings: Holdings, weights: Weights, cash_target: Money) -> Plan:
    """Buys only: split cash above `cash_target` over the shortfalls, then the rest by weight (R-21)."""
    lines = _blank_lines(holdings, weights, LineReason.BUYS_ONLY)
    equity = value_account(holdings.cash, holdings.positions, holdings.prices).equity
    budget = Money(max(0, holdings.cash - cash_target))
    bought = size_buys(lines, _shortfalls(lines, holdings, equity, every=True), budget, spread_rest=True)
    return _plan(RunType.INVEST_CASH, holdings, weights, equity, cash_target, budget, bought)


def plan_partial_liquidation(holdings: Holdings, weights: Weights, amount: Money) -> Plan:
    """Raise `amount` in cash: from excess cash first, then from the relatively most overweight assets (R-23).

    The smaller portfolio is equity less `amount`. Assets are sold down to their targets in it. Only when that does not
    raise the amount (an asset is not tradable, cash is below zero), further sells follow in proportion to the remaining
    value of each asset. A shortfall of cash to the cash target is not raised; a shortfall to the reservations is.
    Raises `AmountTooLarge` when all sellable assets and cash do not suffice.
    """
    equity = value_account(holdings.cash, holdings.positions, holdings.prices).equity
    smaller = Value(max(0, equity - amount * NANO))
    cash_target = _money_up(smaller * weights.cash, HUNDRED_PERCENT)
    lines = [
        replace(line, target_value=share_of(smaller, line.target))
        for line in _blank_lines(holdings, weights, LineReason.SELLS_ONLY)
    ]
    free = holdings.cash
    sellable = [line for line in lines if line.held > 0 and _sell_fault(line, holdings) is None]
    max_amount = Money(max(0, free + sum(sale(_sellable(line, holdings), line) for line in sellable)))
    if amount > max_amount:
        raise AmountTooLarge(max_amount)
    needed = amount - spare_cash(free, cash_target)
    sells = needed > 0
    ordered = sorted(sellable, key=most_overweight_first)
    raised = {line.symbol: Qty(0) for line in ordered}
    assets = holdings.assets
    needed = raise_cash(ordered, raised, needed, {line.symbol: line.target_value for line in ordered}, assets)
    if needed * NANO >= DUST:
        floors = proportional_floors(ordered, raised, Value(needed * NANO))
        needed = raise_cash(ordered, raised, needed, floors, assets)
    raise_cash(ordered, raised, needed, {}, assets)
    done = [_liquidation_line(line, raised.get(line.symbol, Qty(0)), holdings, sells) for line in lines]
    plan = _plan(RunType.PARTIAL_LIQUIDATION, holdings, weights, equity, cash_target, Money(0), (done, _NO_BUYS))
    return replace(plan, amount=amount)


def size_buys(
    lines: Iterable[PlanLine], intents: list[BuyIntent], budget: Money, *, spread_rest: bool = False
) -> tuple[list[PlanLine], Allocation]:
    """The lines with the buys that a budget pays for, and the allocation of the budget."""
    allocation = allocate(intents, budget, spread_rest=spread_rest)
    wanted = {intent.symbol: floor_money(Value(int(intent.shortfall))) for intent in intents}
    return [_with_buy(line, wanted, allocation, invests=spread_rest) for line in lines], allocation


def resize_buys(plan: Plan, cash: Money) -> Allocation:
    """The buys of a plan recalculated after its sells have finished, from booked cash less reservations (R-20)."""
    spread = plan.type is RunType.INVEST_CASH
    intents = [
        BuyIntent(
            line.symbol,
            line.target,
            Fraction((line.notional or Money(0)) * NANO) if spread else _shortfall(line, plan.equity),
        )
        for line in plan.lines
        if line.side is Side.BUY or (line.reason in _UNFILLED_BUY_REASONS and line.value < line.target_value)
    ]
    return allocate(intents, Money(cash - plan.cash_target))


_NO_BUYS = Allocation({}, frozenset(), {}, (1, 1))
_UNFILLED_BUY_REASONS = (LineReason.ORDER_LESS_THAN_MIN_NOTIONAL, LineReason.INSUFFICIENT_CASH)


def _blank_lines(holdings: Holdings, weights: Weights, idle: LineReason | None) -> list[PlanLine]:
    """A line without an order for every portfolio asset, then for every other holding by symbol.

    `idle` is the reason of a line that is not on target; None marks every line `ON_TARGET`.
    """
    equity = value_account(holdings.cash, holdings.positions, holdings.prices).equity
    others = sorted(symbol for symbol in holdings.positions if symbol not in weights)
    lines = []
    for symbol in (*weights.symbols, *others):
        asset = holdings.assets.get(symbol)
        price = asset.price if asset else None
        held = holdings.positions.get(symbol, Qty(0))
        target = weights.of(symbol)
        value = market_value(held, price) if price is not None else Value(0)
        target_value = Value(max(0, equity) * target // HUNDRED_PERCENT)
        near = abs(value - target_value) < DUST
        reason = LineReason.ON_TARGET if near or idle is None else idle
        detail = _IDLE_DETAILS[reason]
        lines.append(
            PlanLine(symbol, target, held, price, value, target_value, None, None, None, Money(0), reason, detail)
        )
    return lines


_IDLE_DETAILS = {
    LineReason.ON_TARGET: "within $0.02 of its target",
    LineReason.BUYS_ONLY: "at or above its target; cash runs only buy",
    LineReason.SELLS_ONLY: "not overweight after the withdrawal",
}


def _sell_fault(line: PlanLine, holdings: Holdings) -> tuple[LineReason, str] | None:
    """Why a holding cannot be sold, as (reason, display text); None when it can."""
    asset = holdings.assets.get(line.symbol)
    if asset is None or asset.price is None:
        return LineReason.NO_PRICE, "no price"
    fault = trading_fault(asset, Side.SELL)
    return (LineReason.ASSET_NOT_TRADABLE, f"the asset is {fault}") if fault else None


def _sellable(line: PlanLine, holdings: Holdings) -> Qty:
    return sellable_qty(holdings.assets[line.symbol], line.held)


def _rebalancing_sell(line: PlanLine, holdings: Holdings) -> PlanLine:
    """Sell down to target; a holding outside the portfolio is sold entirely."""
    excess = Value(line.value - line.target_value)
    closes = line.target == 0
    if line.held <= 0 or (not closes and excess < DUST):
        return line
    wanted = floor_money(excess)
    fault = _sell_fault(line, holdings)
    if fault:
        return replace(line, wanted=wanted, reason=fault[0], detail=fault[1])
    price = price_of(line)
    qty = sellable_qty(holdings.assets[line.symbol], Qty(excess // price))
    if closes:
        return _closing_sell(line, wanted, qty)
    if market_value(qty, price) < MIN_ORDER_VALUE:
        return _too_small(line, wanted, wanted)
    detail = f"{dollars(excess)} above its target"
    return replace(line, side=Side.SELL, qty=qty, wanted=wanted, reason=LineReason.ABOVE_TARGET, detail=detail)


def _closing_sell(line: PlanLine, wanted: Money, qty: Qty) -> PlanLine:
    """The full exit of a holding, without the fraction of a share that cannot be sold (R-56)."""
    rest = qty_text(Qty(line.held - qty))
    if not qty:
        detail = f"not in the portfolio, but a fraction ({rest} of a share) of an asset in whole shares cannot be sold"
        return replace(line, reason=LineReason.FRACTION_NOT_SELLABLE, detail=detail)
    detail = "not in the portfolio; the whole position is sold"
    if qty < line.held:
        detail = f"not in the portfolio; all whole shares are sold, the remaining {rest} of a share cannot be sold"
    return replace(line, side=Side.SELL, qty=qty, wanted=wanted, reason=LineReason.NOT_IN_PORTFOLIO, detail=detail)


def _too_small(line: PlanLine, wanted: Money, order: Money) -> PlanLine:
    """The line without an order: its order of `order` dollars is below the minimum."""
    detail = f"order notional value ({dollars(Value(order * NANO))}) is less than the minimum ($1)"
    return replace(line, wanted=wanted, reason=LineReason.ORDER_LESS_THAN_MIN_NOTIONAL, detail=detail)


def _shortfalls(
    lines: Iterable[PlanLine], holdings: Holdings, equity: Value, *, every: bool = False
) -> list[BuyIntent]:
    """Shortfalls of the buyable portfolio assets.

    With `every`, assets without a shortfall are included, so that they take part in the split of the rest by weight.
    """
    intents = []
    for line in lines:
        asset = holdings.assets.get(line.symbol)
        if line.target == 0 or asset is None or asset.price is None or trading_fault(asset, Side.BUY):
            continue
        missing = _shortfall(line, equity)
        if every or missing >= DUST:
            intents.append(BuyIntent(line.symbol, line.target, missing))
    return intents


def _shortfall(line: PlanLine, equity: Value) -> Fraction:
    """The exact amount that a line lacks to its target, 0 when it lacks none."""
    return max(Fraction(0), Fraction(max(0, equity) * line.target, HUNDRED_PERCENT) - line.value)


def _with_buy(line: PlanLine, wanted: dict[str, Money], allocation: Allocation, *, invests: bool) -> PlanLine:
    """The line with its buy, or with the reason that it has none; `invests` when excess cash is split by weight."""
    missing = floor_money(Value(max(0, line.target_value - line.value)))
    if line.symbol in allocation.amounts:
        notional = allocation.amounts[line.symbol]
        whole = wanted[line.symbol]
        if invests and (notional > whole or line.reason is LineReason.BUYS_ONLY):
            reason, detail = LineReason.EXCESS_CASH, "its share of the excess cash"
        else:
            raised = ", raised to the $1 minimum" if line.symbol in allocation.raised else ""
            reason, detail = LineReason.BELOW_TARGET, f"{dollars(Value(whole * NANO))} below its target{raised}"
        return replace(
            line,
            side=Side.BUY,
            notional=notional,
            wanted=Money(max(whole, notional)),
            reason=reason,
            detail=detail,
        )
    if line.symbol in allocation.dropped:
        dropped = allocation.dropped[line.symbol]
        return _too_small(line, wanted[line.symbol] or dropped, dropped)
    if Value(missing * NANO) < DUST:
        return line
    if line.symbol in wanted:
        return replace(
            line,
            wanted=missing,
            reason=LineReason.INSUFFICIENT_CASH,
            detail=f"{dollars(Value(missing * NANO))} below its target; no cash above the cash target",
        )
    reason = LineReason.NO_PRICE if line.price is None else LineReason.ASSET_NOT_TRADABLE
    return replace(line, wanted=missing, reason=reason, detail="cannot be bought")


def _liquidation_line(line: PlanLine, qty: Qty, holdings: Holdings, sells: bool) -> PlanLine:
    """The line with its sell of `qty`, or with the reason that it has none.

    With `sells`, cash alone did not raise the amount, so an overweight asset that cannot be sold is reported.
    """
    if qty > 0:
        wanted = sale(qty, line)
        return replace(
            line,
            side=Side.SELL,
            qty=qty,
            wanted=wanted,
            reason=LineReason.RAISES_CASH,
            detail=f"sold to raise {dollars(Value(wanted * NANO))}",
        )
    excess = Value(line.value - line.target_value)
    fault = _sell_fault(line, holdings) if line.held > 0 and sells else None
    if fault and (excess > 0 or line.price is None):
        return replace(line, wanted=floor_money(Value(max(0, excess))), reason=fault[0], detail=fault[1])
    if abs(excess) < DUST:
        return replace(line, reason=LineReason.ON_TARGET, detail=_IDLE_DETAILS[LineReason.ON_TARGET])
    detail = _IDLE_DETAILS[LineReason.SELLS_ONLY]
    if excess > 0:
        detail = "overweight after the withdrawal, but not needed to raise the amount"
    return replace(line, reason=LineReason.SELLS_ONLY, detail=detail)


def _proceeds(lines: Iterable[PlanLine]) -> Money:
    """Proceeds of the sells at the plan's prices, each rounded down to a billionth as the broker does."""
    return Money(sum(sale(line.qty, line) for line in lines if line.qty))


def _money_up(numerator: int, denominator: int) -> Money:
    """Dollars in numerator ÷ denominator attodollars, 0 or more, rounded up so that no plan undercuts a cash target."""
    return Money(-(-max(0, numerator) // (denominator * NANO)))


def _plan(
    kind: RunType,
    holdings: Holdings,
    weights: Weights,
    equity: Value,
    cash_target: Money,
    budget: Money,
    sized: tuple[list[PlanLine], Allocation],
) -> Plan:
    lines, split = sized
    sells_only = kind is RunType.PARTIAL_LIQUIDATION
    return Plan(
        type=kind,
        weights=weights,
        equity=equity,
        cash=holdings.cash,
        cash_target=cash_target,
        budget=Money(max(0, budget)),
        scale=split.scale,
        lines=tuple(lines),
        skipped_orders=tuple(_skipped(line, split, sells_only) for line in lines if line.reason in SKIP_REASONS),
    )


def _skipped(line: PlanLine, split: Allocation, sells_only: bool) -> SkippedOrder:
    above = line.value > line.target_value or line.target == 0
    side = Side.SELL if sells_only or (above and line.symbol not in split.dropped) else Side.BUY
    notional = split.dropped.get(line.symbol, line.wanted)
    return SkippedOrder(line.symbol, side, floor_cents(Value(notional * NANO)), SKIP_REASONS[line.reason], line.detail)

"""Plans for partial_liquidation (R-23, R-60)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rebal_tui.domain.decisions import LineReason, Plan, PlanLine
from rebal_tui.domain.orders import Side
from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import NANO, Money, Qty, Value, floor_money, share_of
from rebal_tui.domain.runs import RunType
from rebal_tui.engine.allocation import Allocation
from rebal_tui.engine.bounds import Bound, line_bounds, require_each
from rebal_tui.engine.cash_raising import (
    most_overweight_first,
    price_of,
    proportional_floors,
    raise_cash,
    sale,
    spare_cash,
)
from rebal_tui.engine.complete_plan import complete_plan, money_up
from rebal_tui.engine.goals import DUST, Goals, lines_of
from rebal_tui.engine.plan_lines import IDLE_DETAILS, Holdings, blank_lines, held_lines, sell_fault, sellable
from rebal_tui.engine.planning import goals_cash, plan_goals
from rebal_tui.engine.trace_text import money, money_down
from rebal_tui.engine.tradability import sellable_qty

_NO_BUYS = Allocation({}, frozenset(), {}, (1, 1))


class AmountTooLarge(ValueError):
    """The amount of a partial_liquidation exceeds `max_amount`, the most that the account can raise.

    `held` names what restrictions keep, as text; empty when they keep nothing.
    """

    def __init__(self, max_amount: Money, held: str = "") -> None:
        kept = f"; kept by restrictions: {held}" if held else ""
        super().__init__(f"the account can raise at most {money_down(max_amount)}{kept}")
        self.max_amount = max_amount
        self.held = held


def plan_partial_liquidation(holdings: Holdings, weights: Weights, amount: Money) -> Plan:
    """The plan that raises `amount`: from excess cash, then from the assets with the highest value ÷ target (R-23).

    First, assets are sold down to their targets in the equity that remains, the account's equity less `amount`. If
    that does not raise the amount (an asset cannot be sold, or cash is below zero), further sells follow in
    proportion to the remaining value of each asset. Cash below the cash target is not filled up; cash below the
    reservations is. What a restriction keeps is not sold. Raises `AmountTooLarge` when all cash and sellable assets
    do not suffice, and `RestrictionsConflict`.
    """
    equity = holdings.equity
    smaller = Value(max(0, equity - amount * NANO))
    bounds = _bounds(holdings, weights, smaller)
    lines = [
        replace(line, target_value=share_of(smaller, line.target))
        for line in blank_lines(holdings, weights, None, LineReason.SELLS_ONLY)
    ]
    free, assets = holdings.cash, holdings.assets
    floors = {symbol: Value(-int(-bound.low // 1)) for symbol, bound in bounds.items()}
    can_sell = [
        line for line in lines if line.held > 0 and _managed(line, holdings) and sell_fault(line, holdings) is None
    ]
    most = {line.symbol: _sellable_above(line, holdings, floors.get(line.symbol)) for line in can_sell}
    max_amount = Money(max(0, free + sum(sale(most[line.symbol], line) for line in can_sell)))
    if amount > max_amount:
        raise AmountTooLarge(max_amount, _holding_texts(bounds))
    goals = plan_goals(holdings, weights, smaller)
    cash_target = money_up(smaller * weights.cash) if goals is None else goals_cash(goals)
    if goals is not None:
        lines = [_toward(line, goals) for line in lines]
        can_sell = [_toward(line, goals) for line in can_sell]
    needed = amount - spare_cash(free, cash_target)
    sells = needed > 0
    ordered = sorted(can_sell, key=most_overweight_first)
    raised = {line.symbol: Qty(0) for line in ordered}
    whole = holdings.rules.whole_shares
    needed = raise_cash(
        ordered, raised, needed, {line.symbol: line.target_value for line in ordered}, assets, most, whole
    )
    if needed * NANO >= DUST:
        further = proportional_floors(ordered, raised, Value(needed * NANO), floors)
        needed = raise_cash(ordered, raised, needed, further, assets, most, whole)
    raise_cash(ordered, raised, needed, floors, assets, most, whole)
    done = [_liquidation_line(line, raised.get(line.symbol, Qty(0)), holdings, sells) for line in lines]
    sized = held_lines(done, goals), _NO_BUYS
    plan = complete_plan(RunType.PARTIAL_LIQUIDATION, holdings, weights, equity, cash_target, Money(0), sized)
    return replace(plan, amount=amount)


def _bounds(holdings: Holdings, weights: Weights, smaller: Value) -> dict[str, Bound]:
    """The bounds of every line in the smaller portfolio, even when all minimums together exceed its equity.

    Raises `RestrictionsConflict` when a minimum of a line exceeds its maximum.
    """
    if not holdings.rules.restrictions:
        return {}
    lines = lines_of(holdings.positions, holdings.assets, weights, holdings.rules.unmanaged)
    bounds = line_bounds(lines, holdings.rules.restrictions, smaller)
    require_each(bounds)
    return bounds


def _managed(line: PlanLine, holdings: Holdings) -> bool:
    return line.symbol not in holdings.rules.unmanaged


def _sellable_above(line: PlanLine, holdings: Holdings, floor: Value | None) -> Qty:
    """The shares of a line that can be sold without going below what a restriction keeps."""
    most = sellable(line, holdings)
    if not floor:
        return most
    above = max(0, line.value - floor) // price_of(line)
    if holdings.rules.whole_shares:
        above = above // NANO * NANO
    return min(most, sellable_qty(holdings.assets[line.symbol], Qty(above)))


def _holding_texts(bounds: Mapping[str, Bound]) -> str:
    held = ((symbol, bound.low_by) for symbol, bound in bounds.items() if bound.low > 0)
    return "; ".join(f"{symbol}: {one.text}" for symbol, one in held if one is not None)


def _toward(line: PlanLine, goals: Goals) -> PlanLine:
    """The line with its goal in the smaller portfolio."""
    if line.symbol not in goals.bounds:
        return line
    goal = goals.goal(line.symbol)
    return replace(line, target_value=Value(-int(-goal // 1)), goal=goal)


def _liquidation_line(line: PlanLine, qty: Qty, holdings: Holdings, sells: bool) -> PlanLine:
    """The line with its sell of `qty`, or with the reason for none.

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
            detail=f"sold to raise {money(wanted)}",
        )
    if not _managed(line, holdings):
        return replace(line, reason=LineReason.UNMANAGED, detail="not managed")
    excess = Value(line.value - line.target_value)
    fault = sell_fault(line, holdings) if line.held > 0 and sells else None
    if fault and (excess > 0 or line.price is None):
        return replace(line, wanted=floor_money(Value(max(0, excess))), reason=fault[0], detail=fault[1])
    if abs(excess) < DUST:
        return replace(line, reason=LineReason.ON_TARGET, detail=IDLE_DETAILS[LineReason.ON_TARGET])
    detail = IDLE_DETAILS[LineReason.SELLS_ONLY]
    if excess > 0:
        detail = "overweight after the withdrawal, but not needed to raise the amount"
    return replace(line, reason=LineReason.SELLS_ONLY, detail=detail)

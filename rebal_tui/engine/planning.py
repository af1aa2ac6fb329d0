"""Plans for full_rebalance and invest_cash, with a reason code on every line (R-20 to R-22, R-60 to R-65)."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from fractions import Fraction

from rebal_tui.domain.decisions import LineReason, Plan, PlanLine
from rebal_tui.domain.orders import Side
from rebal_tui.domain.portfolios import DriftBand, Weights
from rebal_tui.domain.quantities import NANO, Money, Qty, Value, floor_money, market_value, qty_text
from rebal_tui.domain.runs import RunType
from rebal_tui.engine.buys import buy_intents, size_buys
from rebal_tui.engine.cash_raising import MIN_ORDER_VALUE, price_of, sale
from rebal_tui.engine.complete_plan import complete_plan, money_up
from rebal_tui.engine.goals import DUST, Goals, goals_of, lines_of, minimum_trade_value
from rebal_tui.engine.plan_lines import (
    Holdings,
    aim_text,
    below_minimum_trade,
    blank_lines,
    held_lines,
    sell_fault,
    sellable,
    too_small,
)
from rebal_tui.engine.trace_text import dollars
from rebal_tui.engine.tradability import sellable_qty


def plan_full_rebalance(holdings: Holdings, weights: Weights, bands: Collection[DriftBand] = ()) -> Plan:
    """The plan to sell assets above target and all holdings outside the portfolio, and buy assets below target (R-20).

    The buy budget is cash plus the proceeds of the sells, less the cash target; for a trade list, a part of the
    proceeds is withheld (R-73). `bands` are those of the portfolio for a run that a drift band made, which may stop
    before the target (R-62); empty for other runs. Raises `RestrictionsConflict`.
    """
    equity = holdings.equity
    goals = plan_goals(holdings, weights, equity, bands)
    least = minimum_trade_value(holdings.rules.minimum_trade, equity)
    lines = blank_lines(holdings, weights, goals, None)
    sold = [_rebalancing_sell(line, holdings, least) for line in lines]
    cash_target = money_up(equity * weights.cash) if goals is None else goals_cash(goals)
    budget = Money(holdings.cash + holdings.rules.expected(_proceeds(sold)) - cash_target)
    lines, split = size_buys(sold, buy_intents(sold, holdings, equity), budget, holdings.rules)
    sized = held_lines(lines, goals), split
    return complete_plan(RunType.FULL_REBALANCE, holdings, weights, equity, cash_target, budget, sized)


def plan_invest_cash(holdings: Holdings, weights: Weights, cash_target: Money) -> Plan:
    """A plan of buys only: cash above `cash_target` is split over the shortfalls, then the rest by weight (R-21).

    With restrictions, `cash_target` is at least the reachable cash. Raises `RestrictionsConflict`.
    """
    equity = holdings.equity
    goals = plan_goals(holdings, weights, equity)
    lines = blank_lines(holdings, weights, goals, LineReason.BUYS_ONLY)
    budget = Money(max(0, holdings.cash - cash_target))
    intents = buy_intents(lines, holdings, equity, every=True)
    lines, split = size_buys(lines, intents, budget, holdings.rules, spread_rest=True)
    sized = held_lines(lines, goals), split
    return complete_plan(RunType.INVEST_CASH, holdings, weights, equity, cash_target, budget, sized)


def plan_goals(holdings: Holdings, weights: Weights, base: Value, bands: Collection[DriftBand] = ()) -> Goals | None:
    """The goals of the lines under the account's trading rules; None when every line is brought to its weight.

    `base` is the equity to distribute. `bands` are those of the portfolio for a run that a drift band made, else empty.
    Raises `RestrictionsConflict`.
    """
    rules = holdings.rules
    if not rules.restrictions and not (bands and rules.stops_early):
        return None
    lines = lines_of(holdings.positions, holdings.assets, weights, rules.unmanaged)
    return goals_of(lines, weights, rules, base, holdings.cash, bands)


def goals_cash(goals: Goals) -> Money:
    """The cash target of a plan under restrictions, rounded up to a billionth of a dollar."""
    return Money(max(0, -int(-goals.stops.cash // NANO)))


def _rebalancing_sell(line: PlanLine, holdings: Holdings, least: Fraction) -> PlanLine:
    """The line with the sell that brings it down to its goal, or unchanged.

    A holding outside the portfolio is sold entirely. `least` is the minimum trade (R-64).
    """
    excess = Value(line.value - line.target_value)
    closes = line.target == 0 and not line.goal
    if line.held <= 0 or line.reason is LineReason.UNMANAGED or (not closes and excess < DUST):
        return line
    wanted = floor_money(excess)
    fault = sell_fault(line, holdings)
    if fault:
        return replace(line, wanted=wanted, reason=fault[0], detail=fault[1])
    price = price_of(line)
    if closes:
        return _closing_sell(line, wanted, sellable(line, holdings))
    exact = excess if line.goal is None else line.value - line.goal
    qty = sellable_qty(holdings.assets[line.symbol], Qty(int(exact // price)))
    if holdings.rules.whole_shares:
        qty = Qty(qty // NANO * NANO)
        if not qty:
            detail = f"{dollars(excess)} above {aim_text(line)}, less than a whole share"
            return replace(line, wanted=wanted, reason=LineReason.WHOLE_SHARES, detail=detail)
    if market_value(qty, price) < least:
        return below_minimum_trade(line, wanted, wanted, holdings.rules)
    if market_value(qty, price) < MIN_ORDER_VALUE:
        return too_small(line, wanted, wanted)
    detail = f"{dollars(excess)} above {aim_text(line)}"
    return replace(line, side=Side.SELL, qty=qty, wanted=wanted, reason=LineReason.ABOVE_TARGET, detail=detail)


def _closing_sell(line: PlanLine, wanted: Money, qty: Qty) -> PlanLine:
    """The line with the sell of the whole holding, without the fraction of a share that cannot be sold (R-56)."""
    rest = qty_text(Qty(line.held - qty))
    if not qty:
        detail = f"not in the portfolio, but a fraction ({rest} of a share) of an asset in whole shares cannot be sold"
        return replace(line, reason=LineReason.FRACTION_NOT_SELLABLE, detail=detail)
    detail = "not in the portfolio; the whole position is sold"
    if qty < line.held:
        detail = f"not in the portfolio; all whole shares are sold, the remaining {rest} of a share cannot be sold"
    return replace(line, side=Side.SELL, qty=qty, wanted=wanted, reason=LineReason.NOT_IN_PORTFOLIO, detail=detail)


def _proceeds(lines: Iterable[PlanLine]) -> Money:
    """Proceeds of the sells at the plan's prices, each rounded down to a billionth of a dollar as the broker does."""
    return Money(sum(sale(line.qty, line) for line in lines if line.qty))

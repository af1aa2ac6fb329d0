"""The last step of planning: a `Plan` is made from its lines, with the orders that it skips (R-20 to R-23)."""

from __future__ import annotations

from dataclasses import replace

from rebal_tui.domain.decisions import SKIP_REASONS, Plan, PlanLine
from rebal_tui.domain.orders import Side, SkippedOrder
from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import HUNDRED_PERCENT, NANO, Money, Value, floor_cents
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.trading_rules import RestrictionKind, TradingRules
from rebal_tui.engine.allocation import Allocation
from rebal_tui.engine.plan_lines import Holdings

_BARRED = {
    Side.BUY: frozenset(RestrictionKind) - {RestrictionKind.NO_SELL, RestrictionKind.BUY_ONLY},
    Side.SELL: frozenset(RestrictionKind) - {RestrictionKind.NO_BUY, RestrictionKind.SELL_ONLY},
}
"""The kinds of restriction that may stop an order of a side."""


def money_up(numerator: int) -> Money:
    """A percent of a value, rounded up to a billionth of a dollar, so that no plan goes below a cash target.

    `numerator` is the `Value` × the percent in hundredths; below 0 it counts as 0.
    """
    return Money(-(-max(0, numerator) // (HUNDRED_PERCENT * NANO)))


def complete_plan(
    kind: RunType,
    holdings: Holdings,
    weights: Weights,
    equity: Value,
    cash_target: Money,
    budget: Money,
    sized: tuple[list[PlanLine], Allocation],
) -> Plan:
    """The plan made from lines that have their orders already; skipped orders are derived from the lines.

    `sized` has the lines and how the buy budget was split; `budget` is that budget.
    """
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
        lines=tuple(_overriding(line, holdings.rules) for line in lines),
        rules=holdings.rules,
        skipped_orders=tuple(_skipped(line, split, sells_only) for line in lines if line.reason in SKIP_REASONS),
    )


def _overriding(line: PlanLine, rules: TradingRules) -> PlanLine:
    """The line, with the restrictions that the run overrides for its order added to its detail (R-61)."""
    if line.side is None or not rules.overridden:
        return line
    of_line = (one for one in rules.overridden if one.kind.of_account or one.symbol == line.symbol)
    named = [one.text for one in of_line if one.kind in _BARRED[line.side]]
    if not named:
        return line
    return replace(line, detail=f"{line.detail}; overrides {'; '.join(named)}: {rules.override_note}")


def _skipped(line: PlanLine, split: Allocation, sells_only: bool) -> SkippedOrder:
    above = line.value > line.target_value or line.target == 0
    side = Side.SELL if sells_only or (above and line.symbol not in split.dropped) else Side.BUY
    notional = split.dropped.get(line.symbol, line.wanted)
    return SkippedOrder(line.symbol, side, floor_cents(Value(notional * NANO)), SKIP_REASONS[line.reason], line.detail)

"""Whether the orders of a plan correct what its trigger found, such as a drift outside a band (R-14, R-15).

If they do, the plan is said to serve the trigger. A trigger whose plan does not serve it makes no run.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from fractions import Fraction

from rebal_tui.domain.decisions import SKIP_REASONS, LineReason, Plan, PlanLine
from rebal_tui.domain.orders import Side
from rebal_tui.domain.portfolios import DriftBand
from rebal_tui.domain.quantities import ATTO, HUNDRED_PERCENT, NANO, Price, Qty, Value
from rebal_tui.domain.trading_rules import TradingRules
from rebal_tui.engine.drift import AssetDrift, magnitude
from rebal_tui.engine.goals import DUST, Goals, minimum_trade_value
from rebal_tui.engine.plan_lines import Holdings
from rebal_tui.engine.tradability import sellable_qty

TOLERANCE = Value(ATTO)
"""$1: on a calendar or portfolio-update day, an asset within it of its target is on target."""
FIRST_TOLERANCE = Value(DUST - 1)
"""Less than two cents: the tolerance of a first rebalance."""
MIN_WAY = Value(ATTO)
"""$1: a breach with a shorter way to the target does not fire, because no order could correct it (R-15)."""
SERVING_ORDER = Value(10 * ATTO)
SERVING_SHARE = 10
"""An order serves a breached asset with $10, or with this fraction of its way to the target if that is less."""
_LISTED = 3
_UNSERVED = {
    *SKIP_REASONS,
    LineReason.FRACTION_NOT_SELLABLE,
    LineReason.BELOW_MINIMUM_TRADE,
    LineReason.WHOLE_SHARES,
    LineReason.NO_BUY,
    LineReason.NO_SELL,
    LineReason.LOCKED,
    LineReason.OUT_OF_RANGE,
}


def has_orders(plan: Plan) -> bool:
    return any(line.side for line in plan.lines)


def on_target(plan: Plan, tolerance: Value) -> bool:
    """Whether every line of a plan is on its target within a tolerance.

    The tolerance of a line is the largest of `tolerance`, the minimum trade and, for an account that trades in whole
    shares, one share. A remaining fraction of a share that cannot be sold is on target (R-56).
    """
    return all(
        magnitude(_gap(line, plan)) <= _tolerance(line, plan, tolerance) * HUNDRED_PERCENT
        or line.reason is LineReason.FRACTION_NOT_SELLABLE
        for line in plan.lines
    )


def first_on_target(plan: Plan) -> bool:
    """Whether a first rebalance without an order is on target: every line is less than $0.02 from its target.

    For an account that trades in whole shares, a line may be off by less than the price of one share (R-65). A
    remaining fraction of a share that cannot be sold is on target (R-56).
    """
    return all(
        magnitude(_gap(line, plan)) <= FIRST_TOLERANCE * HUNDRED_PERCENT
        or line.reason is LineReason.FRACTION_NOT_SELLABLE
        or (plan.rules.whole_shares and magnitude(_gap(line, plan)) < (line.price or 0) * NANO * HUNDRED_PERCENT)
        for line in plan.lines
    )


def least_way(rules: TradingRules, equity: Value, price: Price | None) -> Fraction:
    """The least distance to the target that an order can correct, in the units of a `Value` (R-15).

    It is the largest of $1, the minimum trade and, for an account that trades in whole shares, one share at `price`.
    """
    share = (price or 0) * NANO if rules.whole_shares else 0
    return max(Fraction(MIN_WAY), minimum_trade_value(rules.minimum_trade, equity), Fraction(share))


def still_to_sell(plan: Plan, symbols: Collection[str]) -> tuple[str, ...]:
    """Those of `symbols` that are held and above their targets by $0.02 or more, or have no price, in plan order.

    A remaining fraction of a share that cannot be sold is left out (R-56).
    """
    return tuple(
        line.symbol
        for line in plan.lines
        if line.symbol in symbols
        and line.held > 0
        and line.reason is not LineReason.FRACTION_NOT_SELLABLE
        and (line.price is None or _gap(line, plan) >= DUST * HUNDRED_PERCENT)
    )


def sells_any(plan: Plan, symbols: Collection[str]) -> bool:
    """Whether a plan sells any of the assets `symbols`."""
    return any(line.symbol in symbols for line in plan.sells)


def correctable(
    drifts: Iterable[AssetDrift], bands: Collection[DriftBand], holdings: Holdings, goals: Goals | None = None
) -> tuple[AssetDrift, ...]:
    """The drifts beyond a band that an order can correct: the distance to the destination is large enough (R-15).

    A fraction of a share that cannot be sold is left out (R-56). `goals` are those of the run that the bands would
    make; None when every line is brought to its weight.
    """
    rules, prices = holdings.rules, holdings.prices
    return tuple(
        drift
        for drift in drifts
        if any(drift.breaches(band) for band in bands)
        and magnitude(_way(drift, goals)) >= least_way(rules, drift.equity, prices.get(drift.symbol)) * HUNDRED_PERCENT
        and not _is_leftover(drift, holdings)
    )


def corrects_any(plan: Plan, breached: Iterable[AssetDrift], goals: Goals | None = None) -> bool:
    """Whether a plan has an order that corrects one of the assets outside a band.

    Such an order moves the asset toward its destination by $10 or more, or by a tenth of the distance if that is less.
    """
    lines = {line.symbol: line for line in plan.lines}
    return any(_serves(lines[drift.symbol], _way(drift, goals)) for drift in breached)


def minimums_only(plan: Plan) -> bool:
    """Whether a plan lacks orders only because of minimums or whole shares.

    An account whose drift is not corrected for this reason alone does not count as an exception (R-64). Cash that is
    missing for a buy is missing for it, too: what another reason keeps from being sold has that reason on its line.
    """
    found = {line.reason for line in plan.lines if line.side is None} & _UNSERVED
    own = {LineReason.BELOW_MINIMUM_TRADE, LineReason.WHOLE_SHARES}
    kept = {*own, LineReason.ORDER_LESS_THAN_MIN_NOTIONAL, LineReason.INSUFFICIENT_CASH}
    return bool(found & own) and found <= kept


def obstacles(plan: Plan) -> str:
    """Why lines of a plan have no order, as text such as `GLD: the asset is inactive`, for at most three lines."""
    found = [f"{line.symbol}: {line.detail}" for line in plan.lines if line.side is None and line.reason in _UNSERVED]
    more = f"; {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return "; ".join(found[:_LISTED]) + more or "no order would be large enough"


def _serves(line: PlanLine, way: int | Fraction) -> bool:
    if line.side is not (Side.SELL if way > 0 else Side.BUY):
        return False
    order = line.order_value
    return order >= SERVING_ORDER or order * HUNDRED_PERCENT * SERVING_SHARE >= magnitude(way)


def _way(drift: AssetDrift, goals: Goals | None) -> int | Fraction:
    """How far an asset is above its destination, in attodollars times `HUNDRED_PERCENT`; negative if it is below.

    An attodollar is the unit of a `Value`.
    """
    return drift.gap if goals is None else goals.way(drift.symbol) * HUNDRED_PERCENT


def _tolerance(line: PlanLine, plan: Plan, tolerance: Value) -> Fraction | Value:
    rules = plan.rules
    if not rules.whole_shares and rules.minimum_trade is None:
        return tolerance
    return max(Fraction(tolerance), least_way(rules, plan.equity, line.price))


def _is_leftover(drift: AssetDrift, holdings: Holdings) -> bool:
    """Whether a holding outside the portfolio is a fraction of a share that cannot be sold."""
    asset = holdings.assets.get(drift.symbol)
    held = holdings.positions.get(drift.symbol, Qty(0))
    return drift.target == 0 and asset is not None and held > 0 and sellable_qty(asset, held) == 0


def _gap(line: PlanLine, plan: Plan) -> int | Fraction:
    """The exact value of a line less its goal, in attodollars times `HUNDRED_PERCENT`; 0 for an unmanaged line.

    An attodollar is the unit of a `Value`.
    """
    if line.reason is LineReason.UNMANAGED:
        return 0
    if line.goal is not None:
        return (line.value - line.goal) * HUNDRED_PERCENT
    return line.value * HUNDRED_PERCENT - line.target * max(0, plan.equity)

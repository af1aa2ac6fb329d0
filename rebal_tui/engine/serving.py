"""Whether a plan serves the trigger that created it (R-14, R-15)."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from rebal_tui.domain.decisions import SKIP_REASONS, LineReason, Plan, PlanLine
from rebal_tui.domain.orders import Side
from rebal_tui.domain.portfolios import DriftBand
from rebal_tui.domain.quantities import ATTO, HUNDRED_PERCENT, NANO, Qty, Value
from rebal_tui.engine.drift import AssetDrift
from rebal_tui.engine.planning import DUST, Holdings
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
_UNSERVED = {*SKIP_REASONS, LineReason.FRACTION_NOT_SELLABLE}


def has_orders(plan: Plan) -> bool:
    return any(line.side for line in plan.lines)


def on_target(plan: Plan, tolerance: Value) -> bool:
    """Whether every line is within `tolerance` of its target.

    A fraction of a share that cannot be sold does not count (R-56).
    """
    return all(
        abs(_gap(line, plan)) <= tolerance * HUNDRED_PERCENT or line.reason is LineReason.FRACTION_NOT_SELLABLE
        for line in plan.lines
    )


def still_to_sell(plan: Plan, symbols: Collection[str]) -> tuple[str, ...]:
    """Those of some holdings that are above their targets, in plan order."""
    return tuple(
        line.symbol
        for line in plan.lines
        if line.symbol in symbols
        and line.held > 0
        and line.reason is not LineReason.FRACTION_NOT_SELLABLE
        and (line.price is None or _gap(line, plan) >= DUST * HUNDRED_PERCENT)
    )


def sells_any(plan: Plan, symbols: Collection[str]) -> bool:
    """Whether a plan sells any of some holdings."""
    return any(line.symbol in symbols for line in plan.sells)


def correctable(
    drifts: Iterable[AssetDrift], bands: Collection[DriftBand], holdings: Holdings
) -> tuple[AssetDrift, ...]:
    """The breached assets whose way to the target is worth $1 or more, without fractions that cannot be sold (R-56)."""
    return tuple(
        drift
        for drift in drifts
        if any(drift.breaches(band) for band in bands)
        and abs(drift.gap) >= MIN_WAY * HUNDRED_PERCENT
        and not _is_leftover(drift, holdings)
    )


def corrects_any(plan: Plan, breached: Iterable[AssetDrift]) -> bool:
    """Whether a plan has an order that serves a breached asset.

    It moves the asset towards its target by $10, or by a tenth of its way to the target if that is less.
    """
    lines = {line.symbol: line for line in plan.lines}
    return any(_serves(lines[drift.symbol], drift) for drift in breached)


def obstacles(plan: Plan) -> str:
    """Why lines of a plan are not corrected, as display text: `GLD: the asset is inactive`, at most three of them."""
    found = [f"{line.symbol}: {line.detail}" for line in plan.lines if line.side is None and line.reason in _UNSERVED]
    more = f"; {len(found) - _LISTED} more" if len(found) > _LISTED else ""
    return "; ".join(found[:_LISTED]) + more or "no order would be large enough"


def _serves(line: PlanLine, drift: AssetDrift) -> bool:
    if line.side is not (Side.SELL if drift.gap > 0 else Side.BUY):
        return False
    order = (line.notional or 0) * NANO + (line.qty or 0) * (line.price or 0)
    return order >= SERVING_ORDER or order * HUNDRED_PERCENT * SERVING_SHARE >= abs(drift.gap)


def _is_leftover(drift: AssetDrift, holdings: Holdings) -> bool:
    """Whether a holding outside the portfolio is a fraction of a share that cannot be sold."""
    asset = holdings.assets.get(drift.symbol)
    held = holdings.positions.get(drift.symbol, Qty(0))
    return drift.target == 0 and asset is not None and held > 0 and sellable_qty(asset, held) == 0


def _gap(line: PlanLine, plan: Plan) -> int:
    """The exact difference of a line to its target, in attodollars times `HUNDRED_PERCENT`."""
    return line.value * HUNDRED_PERCENT - line.target * max(0, plan.equity)

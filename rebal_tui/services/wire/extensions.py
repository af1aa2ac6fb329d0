"""Fields that the API returns only with extensions: reachable targets and trading settings (R-60 to R-67)."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from rebal_tui.domain.decisions import Decision, Reachable
from rebal_tui.domain.portfolios import MinimumTrade, Portfolio
from rebal_tui.domain.quantities import money_text, percent_text
from rebal_tui.engine.trace_text import fraction_text

Json = dict[str, Any]

_PLACES = 9


def decision_extension(decision: Decision) -> Json:
    """The reachable target of a decision: λ, cash, and for each asset its drift from that target and from its weight.

    Percents, and drifts in percentage points, have nine decimals, λ has twelve. λ is null when restrictions hold every
    asset.
    """
    return {"reachable": None if decision.reachable is None else _reachable_json(decision.reachable)}


def portfolio_extension(portfolio: Portfolio) -> Json:
    """Destination and scope of drift-band runs, minimum trade and calendar sessions of a portfolio (R-62 to R-66)."""
    return {
        "rebalance_to": portfolio.rebalance_to,
        "rebalance_scope": portfolio.rebalance_scope,
        "minimum_trade": minimum_json(portfolio.minimum_trade),
        "stagger_sessions": portfolio.stagger_sessions,
    }


def minimum_json(minimum: MinimumTrade | None) -> Json | None:
    """A minimum trade; null without one."""
    if minimum is None:
        return None
    return {"amount": money_text(minimum.amount), "percent": percent_text(minimum.percent)}


def _reachable_json(reachable: Reachable) -> Json:
    return {
        "lambda": None if reachable.factor is None else fraction_text(reachable.factor),
        "cash_percent": fraction_text(reachable.cash * 100, _PLACES),
        "lines": [
            {
                "symbol": line.symbol,
                "target_percent": percent_text(line.target),
                "reachable_percent": fraction_text(line.reachable * 100, _PLACES),
                "actual_percent": fraction_text(line.actual * 100, _PLACES),
                "drift": fraction_text((line.actual - line.reachable) * 100, _PLACES),
                "drift_from_weight": fraction_text(line.actual * 100 - Fraction(line.target, 100), _PLACES),
                "reason": line.reason,
                "detail": line.detail,
            }
            for line in reachable.lines
        ],
        "unmanaged": [{"symbol": symbol, "detail": detail} for symbol, detail in reachable.unmanaged],
    }

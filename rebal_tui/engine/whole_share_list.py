"""Orders of a plan in whole shares, for a trade list that holds sells and buys together (R-65, R-73)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from rebal_tui.domain.decisions import Plan, PlanLine
from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import HUNDRED_PERCENT, NANO, Money, Percent, Price, Qty


@dataclass(frozen=True, slots=True)
class BuyLine:
    """A line to buy: its price, the exact dollars that it lacks (billionths), and its weight for ties."""

    symbol: str
    price: Price
    shortfall: Fraction
    weight: int


def listed_sells(plan: Plan) -> list[tuple[str, Qty]]:
    """The sells of a plan rounded down to whole shares; a full exit sells what is held."""
    sells = []
    for line in plan.sells:
        qty = line.qty or Qty(0)
        if qty != line.held:
            qty = Qty(qty // NANO * NANO)
        if qty:
            sells.append((line.symbol, qty))
    return sells


def expected_proceeds(plan: Plan, sells: Sequence[tuple[str, Qty]], buffer: Percent) -> Money:
    """Dollars of the sells at the plan's prices, less the buffer (R-73)."""
    prices = {line.symbol: line.price or Price(0) for line in plan.lines}
    worth = sum(qty * prices[symbol] // NANO for symbol, qty in sells)
    return Money(worth * (HUNDRED_PERCENT - buffer) // HUNDRED_PERCENT)


def listed_buys(plan: Plan, budget: Money) -> dict[str, Qty]:
    """The buys of a plan in whole shares that a budget pays for, by symbol."""
    return whole_share_buys([_buy_line(line) for line in plan.lines if line.side is Side.BUY], budget)


def whole_share_buys(lines: Sequence[BuyLine], budget: Money) -> dict[str, Qty]:
    """Whole shares by symbol: each line's part of the budget floored, then one share at a time (R-65).

    The next share goes to the affordable line with the largest shortfall ÷ price (ties: the larger weight, then the
    earlier symbol), while it brings the line nearer its target.
    """
    total = sum((line.shortfall for line in lines), Fraction(0))
    if budget <= 0 or total <= 0:
        return {}
    scale = min(Fraction(1), Fraction(budget) / total)
    shares = {line.symbol: int(line.shortfall * scale // line.price) for line in lines}
    left = budget - sum(shares[line.symbol] * line.price for line in lines)
    while True:
        candidates = [
            line
            for line in lines
            if line.price <= left and 2 * (line.shortfall - shares[line.symbol] * line.price) > line.price
        ]
        if not candidates:
            return {symbol: Qty(count * NANO) for symbol, count in shares.items() if count}
        best = min(
            candidates,
            key=lambda line: (-(line.shortfall / line.price - shares[line.symbol]), -line.weight, line.symbol),
        )
        shares[best.symbol] += 1
        left -= best.price


def _buy_line(line: PlanLine) -> BuyLine:
    price = line.price or Price(1)
    lacking = Fraction(max(0, line.target_value - line.value), NANO)
    return BuyLine(line.symbol, price, max(lacking, Fraction(line.notional or 0)), line.target)

"""Sells that raise an amount of cash (R-23)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.decisions import PlanLine
from rebal_tui.domain.quantities import ATTO, NANO, Money, Price, Qty, Value, floor_money, market_value

MIN_ORDER_VALUE = Value(ATTO)
"""$1, the minimum value of an order that does not close a position."""


def spare_cash(free: Money, cash_target: Money) -> Money:
    """The cash that a liquidation uses before it sells: the part of `free` above the cash target, or 0.

    `free` is cash less reservations; if negative, it is returned as it is.
    """
    return Money(min(free, max(0, free - cash_target)))


def most_overweight_first(line: PlanLine) -> tuple[int, Fraction, str]:
    """A sort key: assets without a target first, then by value ÷ target descending; ties by symbol.

    The target is the weight, and not the target value in dollars, which is rounded. With restrictions it is the
    reachable target (R-61).
    """
    goal = line.target if line.goal is None else line.goal
    if goal == 0:
        return (0, Fraction(0), line.symbol)
    return (1, -Fraction(line.value) / goal, line.symbol)


def raise_cash(
    ordered: Iterable[PlanLine],
    raised: dict[str, Qty],
    needed: int,
    floors: Mapping[str, Value],
    assets: Mapping[str, Asset],
    most: Mapping[str, Qty],
    whole_shares: bool = False,
) -> int:
    """Add sells until they raise `needed`; returns the amount still needed, 0 or less if none. Billionths of a dollar.

    `ordered` are the lines in the order in which they are sold. `raised` has the shares to sell by symbol; the sells
    are added to it. No line is sold below its value in `floors`. `most` is the most shares to sell of each line in all,
    so that rounding up never sells what a restriction keeps. With `whole_shares`, sells are in whole shares, but a line
    that is sold entirely sells its fraction, too (R-65).
    """
    for line in ordered:
        if needed <= 0:
            break
        asset, already = assets[line.symbol], raised[line.symbol]
        floor = floors.get(line.symbol, Value(0))
        whole = whole_shares or not asset.fractionable
        wanted = _raising_qty(line, Value(needed * NANO), floor, already, whole=whole)
        raised[line.symbol] = min(wanted, most[line.symbol])
        needed -= sale(raised[line.symbol], line) - sale(already, line)
    return needed


def proportional_floors(
    ordered: Iterable[PlanLine], raised: Mapping[str, Qty], needed: Value, kept: Mapping[str, Value]
) -> dict[str, Value]:
    """The value of each asset that remains when the assets raise `needed` in proportion to what can be sold of each.

    What can be sold of an asset is its value after the sells in `raised` (shares by symbol), less the value that
    restrictions keep (`kept`).
    """
    floor = {line.symbol: kept.get(line.symbol, Value(0)) for line in ordered}
    left = {
        line.symbol: max(0, line.value - market_value(raised[line.symbol], price_of(line)) - floor[line.symbol])
        for line in ordered
    }
    total = sum(left.values())
    return {
        symbol: Value(floor[symbol] + (value * max(0, total - needed) // total if total else 0))
        for symbol, value in left.items()
    }


def _raising_qty(line: PlanLine, needed: Value, floor: Value, already: Qty, *, whole: bool) -> Qty:
    """Shares to sell in total, `already` included: enough to raise `needed` more, not below `floor`, at most all.

    They are worth at least $1 unless the whole position is worth less. With `whole`, they are rounded up to whole
    shares.
    """
    price = price_of(line)
    sellable_value = Value(line.value - market_value(already, price) - floor)
    take = Value(min(sellable_value, needed))
    if take <= 0:
        return already
    qty = max(already + -(-take // price), -(-MIN_ORDER_VALUE // price))
    if whole:
        qty = -(-qty // NANO) * NANO
    return Qty(min(line.held, qty))


def sale(qty: Qty, line: PlanLine) -> Money:
    """The proceeds of selling `qty` shares of a line, at the plan's price.

    They are rounded down to a billionth of a dollar, as the broker does.
    """
    return floor_money(market_value(qty, price_of(line)))


def price_of(line: PlanLine) -> Price:
    """The price of a line to sell. Raises `ValueError` for a line without a price, which a plan never sells."""
    if line.price is None:
        raise ValueError(f"{line.symbol} has no price")
    return line.price

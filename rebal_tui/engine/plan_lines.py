"""The account that a plan starts from, and the plan's lines before they have orders (R-20, R-26, R-60)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from rebal_tui.domain.assets import Asset
from rebal_tui.domain.decisions import LineReason, PlanLine
from rebal_tui.domain.orders import Side
from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import HUNDRED_PERCENT, Money, Price, Qty, Value, market_value
from rebal_tui.domain.trading_rules import NO_RULES, RestrictionKind, TradingRules
from rebal_tui.engine.drift import value_account
from rebal_tui.engine.goals import DUST, Goals
from rebal_tui.engine.trace_text import money_down
from rebal_tui.engine.tradability import sellable_qty, trading_fault

IDLE_DETAILS = {
    LineReason.ON_TARGET: "within $0.02 of its target",
    LineReason.BUYS_ONLY: "at or above its target; cash runs only buy",
    LineReason.SELLS_ONLY: "not overweight after the withdrawal",
}


@dataclass(frozen=True, slots=True)
class Holdings:
    """The account that a plan starts from: `cash` is its cash less reservations, so equity is managed equity (R-2).

    `rules` are the account's trading rules: its restrictions, minimum trade, whole shares, and where the plan stops
    (R-60 to R-65).
    """

    cash: Money
    positions: Mapping[str, Qty]
    assets: Mapping[str, Asset]
    rules: TradingRules = NO_RULES

    @property
    def prices(self) -> dict[str, Price]:
        return {symbol: asset.price for symbol, asset in self.assets.items() if asset.price is not None}

    @property
    def managed(self) -> Mapping[str, Qty]:
        """The shares of each position that is not unmanaged (R-60), by symbol."""
        if not self.rules.restrictions:
            return self.positions
        unmanaged = self.rules.unmanaged
        return {symbol: qty for symbol, qty in self.positions.items() if symbol not in unmanaged}

    @property
    def equity(self) -> Value:
        """Managed equity: cash less reservations, and the value of the managed positions."""
        return value_account(self.cash, self.managed, self.prices).equity


def blank_lines(holdings: Holdings, weights: Weights, goals: Goals | None, idle: LineReason | None) -> list[PlanLine]:
    """Lines without orders: the portfolio's assets, then other holdings by symbol, then unmanaged holdings.

    Without restrictions, `goals` is None and every line is brought to its weight. `idle` is the reason given to a line
    that is off its target; with None, every line gets the reason `ON_TARGET` until it has an order or another reason.
    """
    equity = holdings.equity
    unmanaged = holdings.rules.unmanaged if goals is not None else frozenset()
    others = sorted(symbol for symbol in holdings.positions if symbol not in weights)
    lines = []
    for symbol in (*weights.symbols, *others):
        if symbol in unmanaged:
            continue
        asset = holdings.assets.get(symbol)
        price = asset.price if asset else None
        held = holdings.positions.get(symbol, Qty(0))
        target = weights.of(symbol)
        value = market_value(held, price) if price is not None else Value(0)
        goal, upper = None, None
        if goals is None:
            target_value = Value(max(0, equity) * target // HUNDRED_PERCENT)
        else:
            goal, upper = goals.goal(symbol), goals.bounds[symbol].high
            target_value = Value(int(goal // 1))
        near = abs(value - target_value) < DUST
        reason = LineReason.ON_TARGET if near or idle is None else idle
        detail = IDLE_DETAILS[reason]
        lines.append(
            PlanLine(
                symbol,
                target,
                held,
                price,
                value,
                target_value,
                None,
                None,
                None,
                Money(0),
                reason,
                detail,
                goal,
                upper,
            )
        )
    shown = (symbol for symbol in sorted(unmanaged) if symbol in weights or symbol in holdings.positions)
    return lines + [_unmanaged_line(symbol, holdings, weights) for symbol in shown]


def _unmanaged_line(symbol: str, holdings: Holdings, weights: Weights) -> PlanLine:
    asset = holdings.assets.get(symbol)
    price = asset.price if asset else None
    held = holdings.positions.get(symbol, Qty(0))
    value = market_value(held, price) if price is not None else Value(0)
    detail = next(
        r.text for r in holdings.rules.restrictions if r.kind is RestrictionKind.UNMANAGED and r.symbol == symbol
    )
    return PlanLine(
        symbol, weights.of(symbol), held, price, value, value, None, None, None, Money(0), LineReason.UNMANAGED, detail
    )


def held_lines(lines: list[PlanLine], goals: Goals | None) -> list[PlanLine]:
    """The lines; those that are off their weights and have no order get the reason that `goals` gives, if any."""
    if goals is None:
        return lines
    idle = {LineReason.ON_TARGET, LineReason.BUYS_ONLY, LineReason.SELLS_ONLY}
    made = []
    for line in lines:
        why = goals.idle_reason(line.symbol) if line.side is None and line.reason in idle else None
        made.append(line if why is None else replace(line, reason=why[0], detail=why[1]))
    return made


def sell_fault(line: PlanLine, holdings: Holdings) -> tuple[LineReason, str] | None:
    """Why a holding cannot be sold, as (reason, display text); None when it can."""
    asset = holdings.assets.get(line.symbol)
    if asset is None or asset.price is None:
        return LineReason.NO_PRICE, "no price"
    fault = trading_fault(asset, Side.SELL)
    return (LineReason.ASSET_NOT_TRADABLE, f"the asset is {fault}") if fault else None


def sellable(line: PlanLine, holdings: Holdings) -> Qty:
    """The most shares of a line that can be sold."""
    return sellable_qty(holdings.assets[line.symbol], line.held)


def aim_text(line: PlanLine) -> str:
    """The words for the goal of a line: `its target`, or `its goal` if it differs from the weight (R-61, R-62)."""
    return "its target" if line.goal is None else "its goal"


def too_small(line: PlanLine, wanted: Money, order: Money) -> PlanLine:
    """The line without its order, with the reason that the order (`order` dollars) is below $1.

    `wanted` are the dollars that the line would trade.
    """
    detail = f"order notional value ({money_down(order)}) is less than the minimum ($1)"
    return replace(line, wanted=wanted, reason=LineReason.ORDER_LESS_THAN_MIN_NOTIONAL, detail=detail)


_MINIMUM_SET_FOR = {
    "subscription": ", set for this account",
    "account": ", set for this account",
    "portfolio": ", set for the portfolio",
    "book": ", set for the book",
}


def below_minimum_trade(line: PlanLine, wanted: Money, order: Money, rules: TradingRules) -> PlanLine:
    """The line without its order, with the reason that the order (`order` dollars) is below the minimum trade (R-64).

    `wanted` are the dollars that the line would trade. The line's detail names what sets the minimum: subscription,
    account, portfolio or book.
    """
    source = _MINIMUM_SET_FOR.get(rules.minimum_source, "")
    detail = f"{money_down(order)} is below the minimum trade{source}"
    return replace(line, wanted=wanted, reason=LineReason.BELOW_MINIMUM_TRADE, detail=detail)

"""Decisions with their trace, and plans with a reason code on every line (sections 2 and 3 of RULES.md)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from rebal_tui.domain.orders import Side, SkippedOrder, SkipReason
from rebal_tui.domain.portfolios import Weights
from rebal_tui.domain.quantities import NANO, Money, Percent, Price, Qty, Value, floor_money
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.trade_status import TradeStatus
from rebal_tui.domain.trading_rules import NO_RULES, TradingRules


class Outcome(StrEnum):
    FULL_REBALANCE = "full_rebalance"
    INVEST_CASH = "invest_cash"
    NONE = "none"
    BLOCKED = "blocked"


class Verdict(StrEnum):
    """The result of a check. A prerequisite has `PASS` or `FAIL`; `INFO` is a note that decides nothing.

    A trigger has one of the others. `FIRES`: the trigger makes a run. `HOLDS_BACK`: its condition holds, but a cooldown
    or the minimum equity stops it. `CANNOT`: its condition holds, but no order that can be placed would correct it.
    `NO`: its condition does not hold.
    """

    PASS = "pass"
    FAIL = "fail"
    FIRES = "fires"
    HOLDS_BACK = "holds_back"
    CANNOT = "cannot_be_corrected"
    NO = "no"
    INFO = "info"


REPORTED = frozenset({Verdict.FIRES, Verdict.FAIL, Verdict.HOLDS_BACK, Verdict.CANNOT})
"""The verdicts that make a decision differ from another one."""


@dataclass(frozen=True, slots=True)
class Check:
    """One step of an evaluation: its name, its verdict, its figures as text, and the rule number."""

    check: str
    verdict: Verdict
    detail: str
    rule: str


class LineReason(StrEnum):
    """Why a plan line has an order, or why it has none."""

    ABOVE_TARGET = "ABOVE_TARGET"
    NOT_IN_PORTFOLIO = "NOT_IN_PORTFOLIO"
    BELOW_TARGET = "BELOW_TARGET"
    EXCESS_CASH = "EXCESS_CASH"
    RAISES_CASH = "RAISES_CASH"
    ON_TARGET = "ON_TARGET"
    BUYS_ONLY = "BUYS_ONLY"
    SELLS_ONLY = "SELLS_ONLY"
    ORDER_LESS_THAN_MIN_NOTIONAL = "ORDER_LESS_THAN_MIN_NOTIONAL"
    ASSET_NOT_TRADABLE = "ASSET_NOT_TRADABLE"
    INSUFFICIENT_CASH = "INSUFFICIENT_CASH"
    NO_PRICE = "NO_PRICE"
    FRACTION_NOT_SELLABLE = "FRACTION_NOT_SELLABLE"
    NO_BUY = "NO_BUY"
    NO_SELL = "NO_SELL"
    LOCKED = "LOCKED"
    OUT_OF_RANGE = "OUT_OF_RANGE"
    UNMANAGED = "UNMANAGED"
    ACCOUNT_HOLD = "ACCOUNT_HOLD"
    BELOW_MINIMUM_TRADE = "BELOW_MINIMUM_TRADE"
    IN_BAND = "IN_BAND"
    SCOPE_NOT_BREACHED = "SCOPE_NOT_BREACHED"
    WHOLE_SHARES = "WHOLE_SHARES"
    RESTRICTIONS_CONFLICT = "RESTRICTIONS_CONFLICT"


SKIP_REASONS = {
    LineReason.ORDER_LESS_THAN_MIN_NOTIONAL: SkipReason.ORDER_LESS_THAN_MIN_NOTIONAL,
    LineReason.ASSET_NOT_TRADABLE: SkipReason.ASSET_NOT_TRADABLE,
    LineReason.INSUFFICIENT_CASH: SkipReason.INSUFFICIENT_CASH,
    LineReason.NO_PRICE: SkipReason.NO_PRICE,
}


@dataclass(frozen=True, slots=True)
class PlanLine:
    """One asset of the portfolio or the account in a plan, with its order or the reason for none.

    `side` is None when the line has no order. A buy has `notional`, a sell `qty`; a buy in whole shares has both, and
    is ordered by `qty` (R-65). `wanted` are the dollars that the line would trade without minimums and with enough
    cash; a skipped order has this amount. `goal` is the exact value to which the run brings the line; None means its
    weight times managed equity. Only restrictions and destinations set a `goal` (R-61, R-62); `upper` is then the most
    that the line may be worth.
    """

    symbol: str
    target: Percent
    held: Qty
    price: Price | None
    value: Value
    target_value: Value
    side: Side | None
    notional: Money | None
    qty: Qty | None
    wanted: Money
    reason: LineReason
    detail: str
    goal: Fraction | None = None
    upper: Fraction | None = None

    @property
    def order_value(self) -> Value:
        """The value of the line's order at the plan's price, 0 without an order. That of a buy is its `notional`."""
        if self.side is Side.BUY:
            return Value((self.notional or 0) * NANO)
        return Value((self.qty or 0) * (self.price or 0) if self.side is Side.SELL else 0)

    @property
    def order_amount(self) -> Money:
        """`order_value` in dollars, rounded down to a billionth."""
        return floor_money(self.order_value)

    @property
    def value_after(self) -> Value:
        """The line's value at the plan's price after its order has filled."""
        return Value(self.value - self.order_value if self.side is Side.SELL else self.value + self.order_value)


@dataclass(frozen=True, slots=True)
class ReachableLine:
    """One asset of an account with restrictions (R-61); `actual` and `reachable` are fractions of managed equity.

    `reason` is the code of the restriction because of which the asset does not reach its target, None without one;
    `detail` is that restriction as text, empty without one.
    """

    symbol: str
    target: Percent
    actual: Fraction
    reachable: Fraction
    reason: LineReason | None
    detail: str


@dataclass(frozen=True, slots=True)
class Reachable:
    """The reachable target of an account; `factor` is λ, None when restrictions decide the value of every line (R-61).

    `cash` is a fraction of managed equity. `unmanaged` has the holdings left out of managed equity: the symbol, and the
    restriction as text.
    """

    factor: Fraction | None
    cash: Fraction
    lines: tuple[ReachableLine, ...]
    unmanaged: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would trade: a line for each asset, with its order or the reason for none.

    `scale` is the common factor by which the buys are cut, as (numerator, denominator); (1, 1) when cash suffices
    (R-20). `cash` is the account's cash less reservations; `cash_target` is the part of that cash that is never spent.
    `budget` is the buy budget, which includes the proceeds of the sells at the plan's prices. `amount` is the cash to
    raise, for a partial liquidation only. `rules` are the settings that the plan was made with (R-60 to R-65).
    """

    type: RunType
    weights: Weights
    equity: Value
    cash: Money
    cash_target: Money
    budget: Money
    scale: tuple[int, int]
    lines: tuple[PlanLine, ...]
    skipped_orders: tuple[SkippedOrder, ...]
    amount: Money | None = None
    rules: TradingRules = NO_RULES

    @property
    def sells(self) -> tuple[PlanLine, ...]:
        return tuple(line for line in self.lines if line.side is Side.SELL)

    @property
    def buys(self) -> tuple[PlanLine, ...]:
        return tuple(line for line in self.lines if line.side is Side.BUY)

    @property
    def sold(self) -> Money:
        """Dollars of all sells, at the plan's prices."""
        return Money(sum(line.order_amount for line in self.sells))

    @property
    def bought(self) -> Money:
        """Dollars of all buys, at the plan's prices."""
        return Money(sum(line.order_amount for line in self.buys))

    @property
    def turnover(self) -> Money:
        """Dollars bought plus dollars sold, at the plan's prices."""
        return Money(self.bought + self.sold)

    @property
    def cash_after(self) -> Money:
        """Cash after every order has filled at the plan's prices."""
        return Money(self.cash + self.sold - self.bought)


@dataclass(frozen=True, slots=True)
class Decision:
    """The outcome of one evaluation of a subscription.

    `culprits` are the symbols of the ineligible assets that stop the evaluation (R-12.6). `status` is the account's
    status by this evaluation; None in a decision stored by an early version of the program. `reachable` is the
    reachable target of an account with restrictions (R-61); None for an account without any, and when a prerequisite
    failed.
    """

    account_id: str
    portfolio_id: str
    subscription_id: str
    at: datetime
    session: str
    outcome: Outcome
    reason: str
    trace: tuple[Check, ...]
    plan: Plan | None = None
    culprits: tuple[str, ...] = ()
    status: TradeStatus | None = None
    reachable: Reachable | None = None

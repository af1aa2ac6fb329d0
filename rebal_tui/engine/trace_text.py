"""Figures as text for traces and plans."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction

from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.portfolios import BandType, CalendarCondition, CalendarType, Condition, DriftBand
from rebal_tui.domain.quantities import (
    ATTO,
    CENT,
    HUNDRED_PERCENT,
    NANO,
    Money,
    Percent,
    Value,
    floor_cents,
    floor_money,
    format_scaled,
    nearest_cents,
    percent_text,
    value_cents,
)
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.trading_rules import Stagger
from rebal_tui.engine.drift import BandUsage
from rebal_tui.engine.goals import Goals


def dollars(value: Value) -> str:
    """A value as text such as `$104,311.20`, to the nearest cent.

    A value of less than one cent is shown with up to nine decimals.
    """
    return _dollars(value, value_cents(Value(abs(value))))


def dollars_down(value: Value) -> str:
    """A value as text as by `dollars`, but rounded toward zero.

    It is for three kinds of values: one below a limit, which must not read as the limit; the largest amount that a
    person may enter; and the shortfall of a buy, whose order is rounded down as well (R-8).
    """
    return _dollars(value, floor_cents(Value(abs(value))))


def _dollars(value: Value, cents: Money) -> str:
    sign = "-" if value < 0 else ""
    if 0 < abs(value) < ATTO // 100:
        return f"{sign}${format_scaled(floor_money(Value(abs(value))), 9, 2)}"
    return f"{sign}${cents // 1_000_000_000:,}.{cents % 1_000_000_000 // 10_000_000:02d}"


def money(amount: Money) -> str:
    """An amount as text such as `$104,311.20`, rounded as by `dollars`."""
    return dollars(Value(amount * 1_000_000_000))


def money_down(amount: Money) -> str:
    """An amount as text such as `$104,311.20`, rounded as by `dollars_down`."""
    return dollars_down(Value(amount * 1_000_000_000))


def difference(exact: Value, start: Money, less: Iterable[Money], limit: Value) -> str:
    """The text of `exact`, which is `start` less the amounts `less`, computed from the rounded amounts as printed.

    A reader who subtracts the printed amounts then gets the same result. `exact` itself is printed where that result
    would be on another side of `limit` or of zero, or below one cent.
    """
    shown = Value((nearest_cents(start) - sum(map(nearest_cents, less))) * NANO)
    sides = [(_sign(value - limit), _sign(value)) for value in (exact, shown)]
    return dollars(shown) if sides[0] == sides[1] and shown else dollars_down(exact)


def cash_target_note(plan: Plan) -> str:
    """Why the cash target of a plan is not cash weight × equity: `by its weight it would be $2,868.04; …`, else empty.

    An invest_cash run keeps the cash target of the last completed run, if that is more (R-14.7); restrictions change
    what cash is reachable (R-61). Empty for a partial_liquidation, too.
    """
    by_weight = Money(-(-max(0, plan.equity) * plan.weights.cash // (HUNDRED_PERCENT * NANO)))
    if plan.type is RunType.PARTIAL_LIQUIDATION or money(plan.cash_target) == money(by_weight):
        return ""
    weight = f"by its weight it would be {money(by_weight)}"
    if plan.type is RunType.FULL_REBALANCE:
        return f"{weight}; restrictions move it"
    moved = "restrictions move it or " if plan.rules.restrictions else ""
    return f"{weight}; {moved}the last completed run's cash target was more"


def buys_cut_text(plan: Plan, scale: tuple[int, int], bought: Money, wanted: Money) -> str:
    """How far a common factor cuts the buys of a plan: `cash short: buys cut to 99.61 %` (R-20).

    Empty for a cut of less than a cent. `wanted` are the dollars of the buys without the cut, by
    `buys.wanted_dollars`; `bought` are the dollars that are bought. For an account that trades in whole shares, the
    percentage is `bought` ÷ `wanted`, and the text ends with `wanted`; if one more share of each order would cover
    the missing amount, it names whole shares as the cause (R-65). Proceeds that are held back (R-73) are named as the
    cause if they would have sufficed. The percentage is rounded to the nearest, but never up to 100.
    """
    top, bottom = scale
    if top >= bottom or (wanted and wanted * Fraction(bottom - top, bottom) < CENT):
        return ""
    rules, cause, base = plan.rules, "cash short", ""
    if rules.whole_shares and wanted:
        if bought >= wanted:
            return ""
        top, bottom = bought, wanted
        base = f" of {money(wanted)} {'planned' if plan.type is RunType.INVEST_CASH else 'below target'}"
        if wanted - bought <= sum(line.price or 0 for line in (*plan.sells, *plan.buys)):
            cause = "whole shares"
    if rules.proceeds_buffer and plan.cash + plan.sold - plan.cash_target >= wanted:
        cause = "a part of the proceeds is held back"
    percent = min(round(Fraction(top * HUNDRED_PERCENT, bottom)), HUNDRED_PERCENT - 1)
    return f"{cause}: buys cut to {format_scaled(percent, 2, 2)} %{base}"


def percent(value: Percent) -> str:
    return f"{percent_text(value)} %"


def ratio_text(numerator: int, denominator: int, limit: int, limit_denominator: int = 1) -> str:
    """The text of `numerator` ÷ `denominator` ÷ 100 with two decimals, rounded half to even: 1284 ÷ 1 gives `12.84`.

    It gets more decimals, up to 18, as long as rounding puts it on the wrong side of `limit` ÷ `limit_denominator`.
    """
    side = _sign(numerator * limit_denominator - limit * denominator)
    for places in range(2, 19):
        scaled = _half_even(numerator * 10 ** (places - 2), denominator)
        shown = format_scaled(scaled, places, 2)
        if _sign(scaled * limit_denominator - limit * 10 ** (places - 2)) == side:
            break
    return shown


def _half_even(numerator: int, denominator: int) -> int:
    whole, rest = divmod(numerator, denominator)
    return whole + (2 * rest > denominator or (2 * rest == denominator and whole & 1))


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def drift_text(usage: BandUsage) -> str:
    """Drift as `SPY drifted to 65.42 % (target 60.00 %, band ±5 pp, 108.40 % used)`; inside the band, `SPY is at`."""
    drift, band = usage.drift, usage.band
    above = 1 if drift.gap > 0 else -1
    if drift.reachable is not None:
        return _reachable_drift_text(usage)
    if band.sub_type is BandType.ABSOLUTE:
        edge, edge_denominator = drift.target + above * band.percent, 1
    else:
        edge, edge_denominator = drift.target * (HUNDRED_PERCENT + above * band.percent), int(HUNDRED_PERCENT)
    actual = ratio_text(drift.value * HUNDRED_PERCENT, drift.equity, edge, edge_denominator)
    used = ratio_text(int(usage.numerator) * HUNDRED_PERCENT, usage.denominator, HUNDRED_PERCENT)
    return (
        f"{drift.symbol} {'drifted to' if usage.breached else 'is at'} {actual} % "
        f"(target {format_scaled(drift.target, 2, 2)} %, band {condition_text(band)}, {used} % used)"
    )


def _reachable_drift_text(usage: BandUsage) -> str:
    """The text of `drift_text` for an asset with a reachable target other than its weight (R-61)."""
    drift, band = usage.drift, usage.band
    share = Fraction(HUNDRED_PERCENT, 100 * drift.equity)
    actual, target = fraction_text(drift.value * share, 2), fraction_text((drift.reachable or Fraction(0)) * share, 2)
    used = fraction_text(Fraction(usage.numerator * 100) / usage.denominator, 2)
    return (
        f"{drift.symbol} {'drifted to' if usage.breached else 'is at'} {actual} % (reachable target {target} %, "
        f"weight {format_scaled(drift.target, 2, 2)} %, band {condition_text(band)}, {used} % used)"
    )


def condition_text(condition: Condition) -> str:
    """A condition such as `±5 pp`, `±20 %`, `monthly on the 15th` or `on update`."""
    if isinstance(condition, DriftBand):
        unit = "pp" if condition.sub_type is BandType.ABSOLUTE else "%"
        return f"±{percent_text(condition.percent)} {unit}"
    if isinstance(condition, CalendarCondition):
        return calendar_text(condition)
    return "on update"


def condition_words(condition: Condition) -> str:
    """The text of `condition_text`, except that a relative band is named as `±20 % of target`."""
    relative = isinstance(condition, DriftBand) and condition.sub_type is BandType.RELATIVE
    return f"{condition_text(condition)} of target" if relative else condition_text(condition)


def calendar_text(condition: CalendarCondition) -> str:
    if condition.sub_type is CalendarType.WEEKLY:
        return f"weekly on {condition.day}"
    if condition.sub_type is CalendarType.ANNUALLY:
        return f"annually on {condition.day}"
    return f"{condition.sub_type} on the {ordinal(int(condition.day))}"


def stagger_text(stagger: Stagger | None) -> str:
    """How a calendar condition is spread over sessions: `, spread over 5 sessions (this account: 2 after)` (R-66).

    Empty for a condition that is not spread.
    """
    if stagger is None:
        return ""
    return f", spread over {stagger.sessions} sessions (this account: {stagger.offset} after)"


def ordinal(number: int) -> str:
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"


def fraction_text(value: Fraction, decimals: int = 12) -> str:
    """A fraction as a decimal number with `decimals` decimals, rounded half to even."""
    return format_scaled(round(value * 10**decimals), decimals, decimals)


def reachable_text(goals: Goals) -> str:
    """What stays off its weight because of restrictions, and λ (R-61), as text.

    Example: `SPY stays at 70.00 %: no sell (low basis); the other assets aim at 71.43 % of their weights`.
    """
    held = []
    for line in goals.lines:
        restriction = goals.held_by(line)
        if restriction is not None and goals.base > 0:
            actual = fraction_text(Fraction(line.value * 100, goals.base), 2)
            held.append(f"{line.symbol} stays at {actual} %: {restriction.text}")
    factor = goals.target.factor
    if factor is None:
        held.append("no other asset is free to trade, cash takes or gives the rest")
    elif factor != 1:
        held.append(f"the other assets aim at {fraction_text(factor * 100, 2)} % of their weights")
    return "; ".join(held) or "no asset is kept from its weight"

"""Formatting of figures for traces and plans."""

from __future__ import annotations

from rebal_tui.domain.portfolios import BandType, CalendarCondition, CalendarType, Condition, DriftBand
from rebal_tui.domain.quantities import (
    HUNDRED_PERCENT,
    Money,
    Percent,
    Value,
    floor_cents,
    floor_money,
    format_scaled,
    percent_text,
)
from rebal_tui.engine.drift import BandUsage


def dollars(value: Value) -> str:
    """`$104,311.20`, rounded toward zero to the cent; less than one cent is shown with up to nine decimals."""
    cents = floor_cents(Value(abs(value)))
    sign = "-" if value < 0 else ""
    if cents == 0 and value != 0:
        return f"{sign}${format_scaled(floor_money(Value(abs(value))), 9, 2)}"
    return f"{sign}${cents // 1_000_000_000:,}.{cents % 1_000_000_000 // 10_000_000:02d}"


def money(amount: Money) -> str:
    """An amount in dollars and cents."""
    return dollars(Value(amount * 1_000_000_000))


def percent(value: Percent) -> str:
    return f"{percent_text(value)} %"


def ratio_text(numerator: int, denominator: int, limit: int, limit_denominator: int = 1) -> str:
    """numerator ÷ denominator, in hundredths, rounded down to two decimal places.

    It has more decimals, up to 18, while it would otherwise show on the wrong side of `limit` ÷ `limit_denominator`.
    """
    side = _sign(numerator * limit_denominator - limit * denominator)
    for places in range(2, 19):
        scaled = numerator * 10 ** (places - 2) // denominator
        shown = format_scaled(scaled, places, 2)
        if _sign(scaled * limit_denominator - limit * 10 ** (places - 2)) == side:
            break
    return shown


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def drift_text(usage: BandUsage) -> str:
    """`SPY drifted to 65.42 % (target 60.00 %, band ±5 pp, 108.40 % used)`; within the band, `SPY is at`."""
    drift, band = usage.drift, usage.band
    above = 1 if drift.gap > 0 else -1
    if band.sub_type is BandType.ABSOLUTE:
        edge, edge_denominator = drift.target + above * band.percent, 1
    else:
        edge, edge_denominator = drift.target * (HUNDRED_PERCENT + above * band.percent), int(HUNDRED_PERCENT)
    actual = ratio_text(drift.value * HUNDRED_PERCENT, drift.equity, edge, edge_denominator)
    used = ratio_text(usage.numerator * HUNDRED_PERCENT, usage.denominator, HUNDRED_PERCENT)
    return (
        f"{drift.symbol} {'drifted to' if usage.breached else 'is at'} {actual} % "
        f"(target {format_scaled(drift.target, 2, 2)} %, band {condition_text(band)}, {used} % used)"
    )


def condition_text(condition: Condition) -> str:
    """`±5 pp`, `±20 %`, `monthly on the 15th`, `on update`."""
    if isinstance(condition, DriftBand):
        unit = "pp" if condition.sub_type is BandType.ABSOLUTE else "%"
        return f"±{percent_text(condition.percent)} {unit}"
    if isinstance(condition, CalendarCondition):
        return calendar_text(condition)
    return "on update"


def calendar_text(condition: CalendarCondition) -> str:
    if condition.sub_type is CalendarType.WEEKLY:
        return f"weekly on {condition.day}"
    if condition.sub_type is CalendarType.ANNUALLY:
        return f"annually on {condition.day}"
    return f"{condition.sub_type} on the {ordinal(int(condition.day))}"


def ordinal(number: int) -> str:
    if 10 <= number % 100 <= 20:
        return f"{number}th"
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th') }"

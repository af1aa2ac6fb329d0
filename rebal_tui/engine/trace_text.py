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
from rebal_tui.engine.drift import AssetDrift, BandUsage


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


def ratio_text(numerator: int, denominator: int, limit: int) -> str:
    """numerator ÷ denominator, in hundredths, as a decimal: 4 places, more (up to 18) when it would read as `limit`."""
    for places in range(4, 19):
        scaled = numerator * 10 ** (places - 2) // denominator
        shown = format_scaled(scaled, places, 2 if places == 4 else places)
        equal_shown = scaled == limit * 10 ** (places - 2)
        if not equal_shown or numerator == limit * denominator:
            return shown
    return shown


def drift_text(usage: BandUsage) -> str:
    """`SPY 65.4200 % for a target of 60 %: absolute drift 5.4200 exceeds the band of 5`."""
    drift, band = usage.drift, usage.band
    gap = abs(drift.gap)
    actual = actual_percent(drift)
    if band.sub_type is BandType.ABSOLUTE:
        edge = drift.target + (band.percent if drift.gap > 0 else -band.percent)
        actual = ratio_text(drift.value * HUNDRED_PERCENT, drift.equity, edge)
        shown = ratio_text(gap, drift.equity, band.percent)
        unit = "pp"
    else:
        shown = ratio_text(gap * HUNDRED_PERCENT, drift.target * drift.equity, band.percent)
        unit = "%"
    relation = "exceeds" if usage.breached else "is within"
    return (
        f"{drift.symbol} {actual} % for a target of {percent_text(drift.target)} %: "
        f"{band.sub_type} drift {shown} {unit} {relation} the band of {percent_text(band.percent)} {unit}"
    )


def actual_percent(drift: AssetDrift) -> str:
    """The asset's share of equity in percent: 4 decimals, more when it would read as its target."""
    return ratio_text(drift.value * HUNDRED_PERCENT, drift.equity, drift.target)


def condition_text(condition: Condition) -> str:
    """`±5 pp`, `±20 %`, `monthly on the 15th`."""
    if isinstance(condition, DriftBand):
        unit = "pp" if condition.sub_type is BandType.ABSOLUTE else "%"
        return f"±{percent_text(condition.percent)} {unit}"
    return calendar_text(condition)


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

"""Portfolios as they come in: the API's body, checked whole, with every fault and its place (R-3 to R-5, section 6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from rebal_tui.domain.errors import Fault
from rebal_tui.domain.portfolios import (
    WEEKDAYS,
    AssetWeight,
    BandType,
    CalendarCondition,
    CalendarType,
    Condition,
    DriftBand,
    Portfolio,
    Weights,
)
from rebal_tui.domain.quantities import HUNDRED_PERCENT, Percent, parse_percent, percent_text
from rebal_tui.domain.text import MAX_NOTE_LENGTH, display_text
from rebal_tui.services.parsing import fields
from rebal_tui.services.parsing.exact_json import Number
from rebal_tui.services.parsing.fields import Faults, Fields, shown

CONDITION_KEYS = ("rebalance_conditions", "rebalancing_conditions")
"""The name that is written, and the other one that the API's pages also use."""
PORTFOLIO_KEYS = frozenset({"name", "description", "weights", "cooldown_days", "review", *CONDITION_KEYS})
WEIGHT_KEYS = frozenset({"type", "symbol", "percent"})
CONDITION_FIELDS = frozenset({"type", "sub_type", "percent", "day"})
MAX_COOLDOWN = 36_500

_PERCENT = "expected a percent above 0 with at most two decimals"
_CASH_PERCENT = "expected a percent of 0 or more with at most two decimals"
_MONTH_DAY = re.compile(r"[1-9]|[12][0-9]|3[01]", re.ASCII)
_DATE = re.compile(r"([0-9]{2})-([0-9]{2})", re.ASCII)
_COOLDOWN = re.compile(r"[0-9]{1,5}", re.ASCII)
_LEAP_YEAR = 2024
_TYPES = ("drift_band", "calendar")


@dataclass(frozen=True, slots=True)
class PortfolioBody:
    """What a portfolio says: the API's create body, and whether its system runs ask for review (R-27)."""

    name: str
    description: str
    weights: Weights
    cooldown_days: int
    conditions: tuple[Condition, ...]
    review: bool = False


def parse_portfolio(raw: object, location: str = "", faults: list[Fault] | None = None) -> PortfolioBody:
    """A portfolio from the API's create body; fields that it does not have are left to the caller.

    Every fault goes to `faults`; without that list, `Invalid` with all of them is raised. What is returned beside
    faults is incomplete.
    """
    found = _collector(faults)
    body = _body(Fields(raw, location, found, "a portfolio"), None)
    _deliver(found, faults)
    return body


def portfolio_patch(before: Portfolio, raw: object) -> PortfolioBody:
    """A portfolio with the fields of a partial body in place of its own; null leaves a field as it is.

    Raises `Invalid` with every fault.
    """
    found = Faults()
    body = _body(Fields(raw, "", found, "a portfolio"), before)
    found.raise_if_any()
    return body


def parse_weights(raw: object, location: str = "weights", faults: list[Fault] | None = None) -> Weights:
    """Weights that sum to exactly 100 (R-4). Faults as in `parse_portfolio`."""
    found = _collector(faults)
    weights = _weights(raw, location, found)
    _deliver(found, faults)
    return weights


def _collector(faults: list[Fault] | None) -> Faults:
    return faults if isinstance(faults, Faults) else Faults()


def _deliver(found: Faults, faults: list[Fault] | None) -> None:
    if faults is None:
        found.raise_if_any()
    elif faults is not found:
        faults.extend([*found, *found.rest])


def _body(given: Fields, before: Portfolio | None) -> PortfolioBody:
    if before is None:
        name = given.read("name", fields.name) or ""
        weights = Weights(())
        if given.valid and not given.given("weights"):
            given.fault("weights", "weights is required: expected a list")
    else:
        name = given.read("name", fields.name, before.name)
        weights = before.weights
    if given.given("weights"):
        weights = _weights(given.get("weights"), given.at("weights"), given.faults)
    return PortfolioBody(
        name=name,
        description=given.read("description", _description, before.description if before else ""),
        weights=weights,
        cooldown_days=given.read("cooldown_days", _cooldown, before.cooldown_days if before else 0),
        conditions=_conditions(given, before.conditions if before else ()),
        review=given.read("review", fields.boolean, before.review if before else False),
    )


def _description(value: object) -> str:
    return display_text(fields.string(value), MAX_NOTE_LENGTH)


def _cooldown(value: object) -> int:
    expected = f"expected a whole number of days from 0 to {MAX_COOLDOWN}"
    text = fields.decimal_text(value, expected)
    if not _COOLDOWN.fullmatch(text) or int(text) > MAX_COOLDOWN:
        raise ValueError(expected)
    return int(text)


def _percent(value: object) -> Percent:
    return fields.amount(_above_zero, _PERCENT)(value)


def _cash_percent(value: object) -> Percent:
    return fields.amount(_not_negative, _CASH_PERCENT)(value)


def _above_zero(text: str) -> Percent:
    percent = parse_percent(text)
    if percent <= 0:
        raise ValueError
    return percent


def _not_negative(text: str) -> Percent:
    percent = parse_percent(text)
    if percent < 0:
        raise ValueError
    return percent


def _weights(raw: object, location: str, faults: Faults) -> Weights:
    if not isinstance(raw, list):
        faults.note(location, f"expected a list of weights, got {shown(raw)}")
        return Weights(())
    before = len(faults) + faults.more
    assets: dict[str, AssetWeight] = {}
    cash: Percent | None = None
    for index, item in enumerate(raw):
        weight = Fields(item, f"{location}[{index}]", faults, "a weight")
        kind = weight.read("type", _weight_type)
        if kind == "cash":
            percent = weight.read("percent", _cash_percent)
            if weight.get("symbol") not in (None, ""):
                weight.fault("symbol", f"expected no symbol for cash, got {shown(weight.get('symbol'))}")
            if cash is not None:
                weight.fault("type", "duplicate cash weight: expected one at most")
            cash = percent or Percent(0)
        elif kind == "asset":
            symbol = weight.read("symbol", fields.symbol)
            percent = weight.read("percent", _percent)
            if symbol is not None and symbol in assets:
                weight.fault("symbol", f"duplicate asset {symbol}: expected every asset once")
            elif symbol is not None:
                assets[symbol] = AssetWeight(symbol, percent or Percent(0))
        if weight.valid:
            weight.refuse_unknown(WEIGHT_KEYS)
    total = sum(weight.percent for weight in assets.values()) + (cash or 0)
    if len(faults) + faults.more == before and total != HUNDRED_PERCENT:
        faults.note(location, f"weights must sum to 100, they sum to {percent_text(Percent(total))}")
    return Weights(tuple(assets.values()), cash or Percent(0))


def _weight_type(value: object) -> str:
    if value not in ("asset", "cash"):
        raise ValueError("expected asset or cash")
    return str(value)


def _conditions(given: Fields, default: tuple[Condition, ...]) -> tuple[Condition, ...]:
    used = [key for key in CONDITION_KEYS if given.given(key)]
    if not used:
        return default
    if len(used) > 1:
        given.fault(used[1], f"expected {used[0]} or {used[1]}, got both")
    read: list[Condition] = []
    calendars = 0
    for location, item in given.items(used[0]):
        condition = Fields(item, location, given.faults, "a condition")
        kind = condition.read("type", _condition_type)
        if condition.valid:
            condition.refuse_unknown(CONDITION_FIELDS)
        parsed = _band(condition) if kind == "drift_band" else _calendar(condition) if kind else None
        if kind == "calendar":
            calendars += 1
            if calendars > 1:
                condition.fault("type", "expected one calendar condition at most, this is another")
        if parsed is not None:
            read.append(parsed)
    return tuple(read)


def _condition_type(value: object) -> str:
    if value not in _TYPES:
        raise ValueError("expected drift_band or calendar")
    return str(value)


def _band(condition: Fields) -> DriftBand | None:
    sub_type = condition.read("sub_type", _sub_type(BandType, "a drift_band"))
    percent = condition.read("percent", _percent)
    if condition.given("day"):
        condition.fault("day", f"expected no day for a drift_band, got {shown(condition.get('day'))}")
    return DriftBand(sub_type, percent) if sub_type and percent else None


def _calendar(condition: Fields) -> CalendarCondition | None:
    sub_type = condition.read("sub_type", _sub_type(CalendarType, "a calendar"))
    if condition.given("percent"):
        condition.fault("percent", f"expected no percent for a calendar, got {shown(condition.get('percent'))}")
    if sub_type is None:
        return None
    day = condition.read("day", _DAYS[sub_type])
    return CalendarCondition(sub_type, day) if day else None


def _sub_type(kind: type[fields.E], owner: str) -> fields.Parse[fields.E]:
    def read(value: object) -> fields.E:
        try:
            return fields.choice(kind)(value)
        except ValueError as error:
            raise ValueError(f"{error} for {owner}") from None

    return read


def _weekday(value: object) -> str:
    if value not in WEEKDAYS:
        raise ValueError(f"expected {fields.one_of(list(WEEKDAYS))}")
    return str(value)


def _month_day(value: object) -> str:
    if isinstance(value, Number) or not isinstance(value, str) or not _MONTH_DAY.fullmatch(value):
        raise ValueError('expected a day of the month as text, "1" to "31"')
    return value


def _year_day(value: object) -> str:
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    try:
        if match is None:
            raise ValueError
        date(_LEAP_YEAR, int(match[1]), int(match[2]))
    except ValueError:
        raise ValueError('expected a date as "MM-DD", such as "02-29"') from None
    return match.group()


_DAYS: dict[CalendarType, fields.Parse[str]] = {
    CalendarType.WEEKLY: _weekday,
    CalendarType.MONTHLY: _month_day,
    CalendarType.QUARTERLY: _month_day,
    CalendarType.ANNUALLY: _year_day,
}

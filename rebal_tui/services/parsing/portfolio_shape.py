"""Models of a portfolio's weights and conditions, one per type (R-4, R-5)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, TypeAdapter, ValidationInfo

from rebal_tui.domain import portfolios as domain
from rebal_tui.domain import quantities
from rebal_tui.domain.portfolios import (
    WEEKDAYS,
    BandType,
    CalendarCondition,
    CalendarType,
    Condition,
    PortfolioUpdate,
    Weights,
)
from rebal_tui.domain.quantities import HUNDRED_PERCENT, percent_text
from rebal_tui.services.parsing import fields
from rebal_tui.services.parsing.exact_json import Number
from rebal_tui.services.parsing.field_types import CashPercent, Percent, Symbol
from rebal_tui.services.parsing.shapes import Broken, Read, Reading, Rule, Shape, StrictShape, items, one_of, repeated

_MONTH_DAY = re.compile(r"[1-9]|[12][0-9]|3[01]", re.ASCII)
_DATE = re.compile(r"([0-9]{2})-([0-9]{2})", re.ASCII)
_LEAP_YEAR = 2024


def _must_be_null(expected: str) -> fields.Parse[None]:
    """A parser of a field that must be missing or null."""

    def read(value: object) -> None:
        if value is not None:
            raise ValueError(expected)

    return read


def _no_symbol(value: object) -> None:
    if value not in (None, ""):
        raise ValueError("expected no symbol for cash")


def _any_of(*names: str) -> fields.Parse[str]:
    def read(value: object) -> str:
        if value not in names:
            raise ValueError(f"expected {fields.one_of(list(names))}")
        return str(value)

    return read


def _sub_type(kind: type[fields.E], owner: str) -> fields.Parse[fields.E]:
    def read(value: object) -> fields.E:
        try:
            return fields.choice(kind)(value)
        except ValueError as error:
            raise ValueError(f"{error} for {owner}") from None

    return read


def _month_day(value: object) -> str:
    if isinstance(value, Number) or not isinstance(value, str):
        raise ValueError('expected a day of the month as text, such as "15"')
    if not _MONTH_DAY.fullmatch(value):
        raise ValueError("expected a day of the month from 1 to 31")
    return value


def _year_day(value: object) -> str:
    match = _DATE.fullmatch(value) if isinstance(value, str) else None
    try:
        if match is None:
            raise ValueError
        date(_LEAP_YEAR, int(match[1]), int(match[2]))
    except ValueError:
        raise ValueError("expected a date as MM-DD, such as 02-29") from None
    return match.group()


_NoPercent = Annotated[None, Read(_must_be_null("expected no percent for a calendar"), None)]


class CashWeight(StrictShape):
    """The percent of equity held as cash; at most one per portfolio."""

    what: ClassVar[str] = "a weight"
    type: Literal["cash"]
    symbol: Annotated[None, Read(_no_symbol, None)] = None
    percent: CashPercent


class AssetWeight(StrictShape):
    """The target percent of equity of an asset; each asset occurs once."""

    type: Literal["asset"]
    symbol: Symbol
    percent: Percent


class UnknownWeight(StrictShape):
    """A weight of an unknown type; its other fields cannot be checked."""

    type: Annotated[str, Read(_any_of("asset", "cash"), str)]
    symbol: Any = None
    percent: Any = None


class DriftBand(StrictShape):
    """Fires when drift exceeds `percent`: percentage points if absolute, percent of the target if relative."""

    what: ClassVar[str] = "a condition"
    type: Literal["drift_band"]
    sub_type: Annotated[BandType, Read(_sub_type(BandType, "a drift_band"), BandType)]
    percent: Percent
    day: Annotated[None, Read(_must_be_null("expected no day for a drift_band"), None)] = None


class Weekly(StrictShape):
    """Fires on a weekday, or on the session before it if that day is not a session."""

    type: Literal["calendar"]
    sub_type: Literal["weekly"]
    day: Annotated[str, Read(_any_of(*WEEKDAYS), Literal["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"])]
    percent: _NoPercent = None


class DayOfMonth(StrictShape):
    """Fires on a day of every month or of the quarterly months, or on the session before it if it is not a session."""

    type: Literal["calendar"]
    sub_type: Literal["monthly", "quarterly"]
    day: Annotated[str, Read(_month_day, Annotated[str, Field(pattern="^([1-9]|[12][0-9]|3[01])$")])]
    percent: _NoPercent = None


class Annually(StrictShape):
    """Fires on a date of the year, or on the session before it if that date is not a session."""

    type: Literal["calendar"]
    sub_type: Literal["annually"]
    day: Annotated[
        str,
        Read(
            _year_day,
            Annotated[
                str,
                Field(
                    pattern="^((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)"
                    "|02-(0[1-9]|[12][0-9]))$",
                    examples=["02-29"],
                ),
            ],
        ),
    ]
    percent: _NoPercent = None


class OnPortfolioUpdate(StrictShape):
    """Fires when weights or conditions changed since the last full rebalance; at most one per portfolio."""

    type: Literal["on_portfolio_update"]
    sub_type: Annotated[None, Read(_must_be_null("expected no sub_type for on_portfolio_update"), None)] = None
    percent: Annotated[None, Read(_must_be_null("expected no percent for on_portfolio_update"), None)] = None
    day: Annotated[None, Read(_must_be_null("expected no day for on_portfolio_update"), None)] = None


class _UnknownCalendar(StrictShape):
    """A calendar condition of an unknown sub_type; its day cannot be checked."""

    type: Literal["calendar"]
    sub_type: Annotated[str, Read(_sub_type(CalendarType, "a calendar"), str)]
    percent: _NoPercent = None
    day: Any = None


class _UnknownCondition(StrictShape):
    """A condition of an unknown type; its other fields cannot be checked."""

    type: Annotated[str, Read(_any_of("drift_band", "calendar", "on_portfolio_update"), str)]
    sub_type: Any = None
    percent: Any = None
    day: Any = None


WEIGHT_SHAPES = (CashWeight, AssetWeight)
CONDITION_SHAPES = (DriftBand, Weekly, DayOfMonth, Annually, OnPortfolioUpdate)
_CALENDARS: dict[object, type[Shape]] = {
    "weekly": Weekly,
    "monthly": DayOfMonth,
    "quarterly": DayOfMonth,
    "annually": Annually,
}


def _weight_shape(raw: dict[Any, Any]) -> type[Shape]:
    kind = raw.get("type")
    return CashWeight if kind == "cash" else AssetWeight if kind == "asset" else UnknownWeight


def _condition_shape(raw: dict[Any, Any]) -> type[Shape]:
    if raw.get("type") == "drift_band":
        return DriftBand
    if raw.get("type") == "on_portfolio_update":
        return OnPortfolioUpdate
    if raw.get("type") != "calendar":
        return _UnknownCondition
    sub_type = raw.get("sub_type")
    return _CALENDARS.get(sub_type, _UnknownCalendar) if isinstance(sub_type, str) else _UnknownCalendar


AnyWeight = Annotated[CashWeight | AssetWeight, Field(discriminator="type")]
AnyCondition = DriftBand | Weekly | DayOfMonth | Annually | OnPortfolioUpdate
_WEIGHTS = TypeAdapter(list[Annotated[CashWeight | AssetWeight, Read(one_of(_weight_shape), None)]])
_CONDITIONS = TypeAdapter(list[Annotated[AnyCondition, Read(one_of(_condition_shape), None)]])


def read_weights(raw: object, info: ValidationInfo[Reading]) -> Weights:
    """Parse weights, which must sum to exactly 100 (R-4)."""
    return weights_of(_WEIGHTS, raw, info.context)


def weights_of(adapter: TypeAdapter[list[Any]], raw: object, reading: Reading, *, by_id: bool = False) -> Weights:
    """Parse weights, which must sum to exactly 100, with `adapter`, a pydantic adapter for a list of weights.

    With `by_id`, two weights may have one symbol if they have different asset ids. Raises `ValueError` and
    `ValidationError`.
    """
    if not isinstance(raw, list):
        raise ValueError("expected a list of weights")
    weights = items(adapter, raw, reading, _repeated_weights(raw, by_id=by_id))
    total = quantities.Percent(sum(weight.percent for weight in weights))
    if total != HUNDRED_PERCENT:
        raise Rule(f"weights must sum to 100, but sum to {percent_text(total)}")
    assets = tuple(domain.AssetWeight(w.symbol, w.percent) for w in weights if not isinstance(w, CashWeight))
    for index in repeated(weight.symbol for weight in assets):
        raise Rule(f"duplicate asset {assets[index].symbol}; list each asset once")
    cash = next((weight.percent for weight in weights if isinstance(weight, CashWeight)), quantities.Percent(0))
    return Weights(assets, cash)


def asset_symbols(raw: object) -> list[str | None]:
    """The symbol of each asset weight in a list, even if the rest of the weight is invalid; None without a symbol."""
    return [_symbol(item) for item in raw] if isinstance(raw, list) else []


def _symbol(item: object) -> str | None:
    try:
        return fields.symbol(item.get("symbol")) if isinstance(item, dict) and item.get("type") == "asset" else None
    except ValueError:
        return None


def _repeated_weights(raw: list[Any], *, by_id: bool) -> Iterator[Broken]:
    for index in repeated(_kind(item, "cash") for item in raw):
        yield (index, "type"), "duplicate cash weight; at most one is allowed"
    symbols = asset_symbols(raw)
    if by_id:
        symbols = [
            None if isinstance(item, dict) and item.get("asset_id") else symbol
            for item, symbol in zip(raw, symbols, strict=True)
        ]
    for index in repeated(symbols):
        yield (index, "symbol"), f"duplicate asset {symbols[index]}; list each asset once"


def _kind(item: object, kind: str) -> str | None:
    return kind if isinstance(item, dict) and item.get("type") == kind else None


def read_conditions(raw: object, info: ValidationInfo[Reading]) -> tuple[Condition, ...] | None:
    """Parse conditions, at most one `calendar` and one `on_portfolio_update` (R-5); None if there is no list."""
    if raw is None:
        return None
    if not isinstance(raw, list):
        raise ValueError("expected a list")
    surplus = [
        ((index, "type"), f"at most one {kind} condition is allowed")
        for kind in ("calendar", "on_portfolio_update")
        for index in repeated(_kind(item, kind) for item in raw)
    ]
    return tuple(_condition(item) for item in items(_CONDITIONS, raw, info.context, surplus))


def _condition(given: AnyCondition) -> Condition:
    if isinstance(given, DriftBand):
        return domain.DriftBand(given.sub_type, given.percent)
    if isinstance(given, OnPortfolioUpdate):
        return PortfolioUpdate()
    return CalendarCondition(CalendarType(given.sub_type), given.day)


def read_other_conditions(raw: object, info: ValidationInfo[Reading]) -> tuple[Condition, ...] | None:
    """Parse conditions under the alternative field name `rebalancing_conditions`; giving both names is an error."""
    if raw is not None and info.data.get("rebalance_conditions", ()) is not None:
        raise Rule("expected rebalance_conditions or rebalancing_conditions, got both")
    return read_conditions(raw, info)

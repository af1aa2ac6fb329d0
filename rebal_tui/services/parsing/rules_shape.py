"""The schema of restrictions, minimum trades, destinations and overrides in a BOOK.json (R-60 to R-67)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, ClassVar, Self, cast

from pydantic import Field, ModelWrapValidatorHandler, ValidationInfo, WithJsonSchema, model_validator

from rebal_tui.domain import portfolios as domain
from rebal_tui.domain.portfolios import Condition
from rebal_tui.domain.quantities import Money, Percent, parse_money, parse_percent, parse_scaled
from rebal_tui.domain.text import MAX_NOTE_LENGTH, display_text
from rebal_tui.domain.trading_rules import (
    Overrides,
    RangeUnit,
    RestrictionKind,
    RestrictionScope,
    TradeRestriction,
    range_fault,
)
from rebal_tui.services.parsing import book_values, fields
from rebal_tui.services.parsing.book_names import Names
from rebal_tui.services.parsing.field_types import DOLLARS, ID, SYMBOL, Cooldown
from rebal_tui.services.parsing.portfolio_shape import CONDITION_SHAPES, AnyCondition, read_conditions
from rebal_tui.services.parsing.shapes import Broken, Read, StrictShape, bounded, with_rules

MAX_STAGGER = {"weekly": 5, "monthly": 15, "quarterly": 40, "annually": 200}
"""The most sessions over which a calendar condition of each kind may be spread (R-66)."""

_DAY = Annotated[str, Field(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="The last day, in New York time.")]
_LIMIT = Annotated[
    str,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": r"^[0-9]{1,10}(\.[0-9]{1,9}0*)?$"},
                {"type": "number", "minimum": 0},
            ],
            "description": "In percent (two decimals), dollars or shares (nine decimals), by unit; 0 or more.",
        }
    ),
]


def _minimum_amount(value: object) -> Money:
    return fields.amount(_not_negative_money, "expected dollars of 0 or more with at most nine decimals")(value)


def _not_negative_money(text: str) -> Money:
    amount = parse_money(text)
    if amount < 0:
        raise ValueError
    return amount


def _minimum_percent(value: object) -> Percent:
    expected = "expected a percent from 0 to 100 with at most two decimals"
    percent = fields.amount(parse_percent, expected)(value)
    if not 0 <= percent <= 10_000:
        raise ValueError(expected)
    return percent


class MinimumTrade(StrictShape):
    """The least value of an order: the larger of an amount in dollars and a percent of managed equity."""

    what: ClassVar[str] = "a minimum trade"
    amount: Annotated[Money, Read(_minimum_amount, DOLLARS | None, null=Money(0))] = Money(0)
    percent: Annotated[Percent, Read(_minimum_percent, DOLLARS | None, null=Percent(0))] = Percent(0)


def read_minimum_trade(raw: object, info: ValidationInfo[Any]) -> domain.MinimumTrade | None:
    """Parse a minimum trade; None where there is none."""
    if raw is None:
        return None
    made = MinimumTrade.model_validate(raw, context=info.context)
    return domain.MinimumTrade(made.amount, made.percent)


MinimumTradeField = Annotated[
    domain.MinimumTrade | None, Read(read_minimum_trade, MinimumTrade | None, shapes=(MinimumTrade,))
]


def _stagger(value: object) -> int:
    expected = "expected a whole number of sessions from 1 to 200"
    text = fields.decimal_text(value, expected)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:4]) <= 200:
        raise ValueError(expected)
    return int(text)


StaggerField = Annotated[int, Read(_stagger, Annotated[int, Field(ge=1, le=200)], null=1)]


def stagger_fault(sessions: int, conditions: tuple[Condition, ...]) -> str:
    """What is wrong with the number of sessions over which a calendar condition is spread; empty if nothing (R-66)."""
    if sessions == 1:
        return ""
    calendar = next((c for c in conditions if isinstance(c, domain.CalendarCondition)), None)
    if calendar is None:
        return "stagger_sessions needs a calendar condition"
    most = MAX_STAGGER[calendar.sub_type.value]
    return f"a {calendar.sub_type} condition is spread over at most {most} sessions" if sessions > most else ""


_CONDITIONS = Annotated[
    tuple[Condition, ...] | None, Read(read_conditions, list[AnyCondition] | None, shapes=CONDITION_SHAPES)
]


class SubscriptionOverrides(StrictShape):
    """Settings of one account that replace those of its portfolio; conditions replace the whole list of conditions."""

    what: ClassVar[str] = "overrides of a subscription"
    cooldown_days: Cooldown | None = None
    rebalance_conditions: _CONDITIONS = None
    minimum_trade: MinimumTradeField = None
    review: Annotated[bool | None, Read(fields.boolean, bool | None, null=None)] = None


def read_overrides(raw: object, info: ValidationInfo[Any]) -> Overrides | None:
    """Parse overrides; None where there are none."""
    if raw is None:
        return None
    made = SubscriptionOverrides.model_validate(raw, context=info.context)
    return Overrides(made.cooldown_days, made.rebalance_conditions, made.minimum_trade, made.review)


OverridesField = Annotated[
    Overrides | None, Read(read_overrides, SubscriptionOverrides | None, shapes=(SubscriptionOverrides,))
]


def _reason(value: object) -> str:
    text = display_text(fields.string(value), MAX_NOTE_LENGTH).strip()
    if not text:
        raise ValueError("expected a reason")
    return text


def _until(value: object) -> date:
    try:
        return date.fromisoformat(fields.string(value))
    except ValueError:
        raise ValueError("expected a day as YYYY-MM-DD") from None


def _limit(value: object) -> str:
    expected = "expected a number of 0 or more"
    text = fields.decimal_text(value, expected)
    try:
        if parse_scaled(text, 9) < 0:
            raise ValueError
    except ValueError:
        raise ValueError(expected) from None
    return text


class BookRestriction(StrictShape):
    """A limit on what may be traded, for the book, a portfolio or an account.

    hold, buy_only and sell_only are for whole accounts and have no symbol; range has a unit, and min or max.
    """

    what: ClassVar[str] = "a restriction"
    scope: Annotated[RestrictionScope, Read(fields.choice(RestrictionScope), RestrictionScope)]
    account_id: Annotated[str | None, Read(fields.identity, ID | None, null=None)] = None
    portfolio_id: Annotated[str | None, Read(fields.identity, ID | None, null=None)] = None
    symbol: Annotated[str | None, Read(fields.symbol, SYMBOL | None, null=None)] = None
    kind: Annotated[RestrictionKind, Read(fields.choice(RestrictionKind), RestrictionKind)]
    min: Annotated[str | None, Read(_limit, _LIMIT | None, null=None)] = None
    max: Annotated[str | None, Read(_limit, _LIMIT | None, null=None)] = None
    unit: Annotated[RangeUnit | None, Read(fields.choice(RangeUnit), RangeUnit, null=None)] = None
    reason: Annotated[str, Read(_reason, Annotated[str, Field(min_length=1, max_length=MAX_NOTE_LENGTH)])]
    until: Annotated[date | None, Read(_until, _DAY | None, null=None)] = None

    @model_validator(mode="wrap")
    @classmethod
    def _check(cls, raw: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo[Any]) -> Self:
        names: Names = info.context
        names.enter("restrictions")
        if not isinstance(raw, dict):
            return handler(raw)
        made: list[BookRestriction] = []

        def value() -> BookRestriction:
            made.append(handler(bounded(cls, raw)))
            return made[0]

        with_rules(value, lambda: _broken(made[0], names) if made else iter(()))
        return cast("Self", made[0])

    def restriction(self, info: ValidationInfo[Names]) -> TradeRestriction:
        """The restriction with its bounds as integers; its id is computed from its path in the JSON of the file."""
        names = info.context
        label = None if self.symbol is None else names.assets.referred(self.symbol, None)
        return TradeRestriction(
            book_values.derived_id("restriction", names.location), self.scope, self.kind, self.reason, label,
            self.account_id, self.portfolio_id, _scaled(self.min, self.unit), _scaled(self.max, self.unit), self.unit,
            self.until, "imported",
        )  # fmt: skip


def _scaled(text: str | None, unit: RangeUnit | None) -> int | None:
    if text is None:
        return None
    return parse_scaled(text, 2 if unit is RangeUnit.PERCENT else 9)


def _broken(given: BookRestriction, names: Names) -> Iterator[Broken]:
    named = {RestrictionScope.ACCOUNT: "account_id", RestrictionScope.PORTFOLIO: "portfolio_id"}
    wanted = named.get(given.scope)
    for field, known in (("account_id", names.accounts), ("portfolio_id", names.portfolios)):
        identity = getattr(given, field)
        if field == wanted and identity is None:
            yield (field,), f"expected the {field.removesuffix('_id')} of a restriction of scope {given.scope}"
        elif field != wanted and identity is not None:
            yield (field,), f"expected no {field} for a restriction of scope {given.scope}"
        elif identity is not None and identity not in known:
            yield (field,), f"unknown {field.removesuffix('_id')} {fields.shown(identity)}"
    if given.kind.of_account and given.symbol is not None:
        yield ("symbol",), f"expected no symbol for {given.kind}, which concerns whole accounts"
    elif not given.kind.of_account and given.symbol is None:
        yield ("symbol",), f"expected the symbol of the asset for {given.kind}"
    elif given.symbol is not None and given.symbol not in names.assets:
        yield ("symbol",), f"unknown asset {given.symbol}: not listed in assets"
    try:
        low, high = _scaled(given.min, given.unit), _scaled(given.max, given.unit)
    except ValueError as error:
        yield ("min",), str(error)
        return
    fault = range_fault(
        TradeRestriction("", given.scope, given.kind, given.reason, minimum=low, maximum=high, unit=given.unit)
    )
    if fault:
        yield ("kind",), fault


Destination = Annotated[
    domain.Destination, Read(fields.choice(domain.Destination), domain.Destination, null=domain.Destination.TARGET)
]
Scope = Annotated[
    domain.RebalanceScope,
    Read(fields.choice(domain.RebalanceScope), domain.RebalanceScope, null=domain.RebalanceScope.WHOLE),
]

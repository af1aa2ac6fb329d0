"""Models of portfolios in API requests that create or change one (R-3 to R-5, R-62 to R-66)."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, Field, ValidationInfo
from pydantic.json_schema import SkipJsonSchema

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.portfolios import (
    CalendarCondition,
    Condition,
    Destination,
    MinimumTrade,
    RebalanceScope,
    Weights,
)
from rebal_tui.services.parsing import field_types, fields
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.parsing.portfolio_shape import (
    CONDITION_SHAPES,
    WEIGHT_SHAPES,
    read_conditions,
    read_other_conditions,
    read_weights,
)
from rebal_tui.services.parsing.rule_requests import REMOVES_MINIMUM, MinimumChange, changed_minimum
from rebal_tui.services.parsing.rules_shape import MAX_STAGGER, StaggerField, stagger_fault
from rebal_tui.services.parsing.rules_shape import Destination as DestinationField
from rebal_tui.services.parsing.rules_shape import MinimumTrade as MinimumTradeShape
from rebal_tui.services.parsing.rules_shape import Scope as ScopeField
from rebal_tui.services.parsing.shapes import Read, Reading, Shape

_Percent = Annotated[str, Field(pattern=r"^[0-9]{1,3}(\.[0-9]{1,2})?$", examples=["60"])] | float
_Symbol = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9.\-]{0,15}$", examples=["SPY"])]
_Name = Annotated[str, Field(min_length=1, max_length=200)]
_Days = Annotated[int, Field(ge=0, le=36_500)]
_Text = Annotated[str, Field(max_length=2_000)]

Name = Annotated[str, Read(fields.name, _Name)]


def _new_weights(raw: object, info: ValidationInfo[Reading]) -> Weights | None:
    return None if raw is None else read_weights(raw, info)


def _minimum(raw: object, info: ValidationInfo[Reading]) -> MinimumTrade | None:
    given = changed_minimum(raw, info)
    return None if given is None else given[0]


def _as_is(value: object) -> object:
    return value


class OneWeight(BaseModel):
    # The summary of the weight types in `portfolio_shape` for the OpenAPI document.
    type: Literal["cash", "asset"]
    symbol: _Symbol | None = None
    percent: _Percent


class OneCondition(BaseModel):
    # The summary of the condition types in `portfolio_shape` for the OpenAPI document.
    type: Literal["drift_band", "calendar", "on_portfolio_update"]
    sub_type: Literal["absolute", "relative", "weekly", "monthly", "quarterly", "annually"] | None = None
    percent: _Percent | None = None
    day: Annotated[str, Field(description="Monday…Friday, 1…31 or MM-DD")] | None = None


_Conditions = list[OneCondition] | None
_OtherConditions = SkipJsonSchema[
    Annotated[tuple[Condition, ...] | None, Read(read_other_conditions, None, shapes=CONDITION_SHAPES)]
]


class CreatePortfolio(Shape):
    what: ClassVar[str] = "a portfolio"
    name: Name
    description: Annotated[str, Read(field_types.description, _Text, null="")] = ""
    weights: Annotated[Weights, Read(read_weights, list[OneWeight], shapes=WEIGHT_SHAPES)]
    cooldown_days: Annotated[int, Read(field_types.cooldown, _Days, null=0)] = 0
    rebalance_conditions: Annotated[
        tuple[Condition, ...] | None, Read(read_conditions, _Conditions, shapes=CONDITION_SHAPES)
    ] = None
    rebalancing_conditions: _OtherConditions = None
    review: Annotated[bool, Read(fields.boolean, bool, null=False)] = False
    rebalance_to: DestinationField = Destination.TARGET
    rebalance_scope: ScopeField = RebalanceScope.WHOLE
    minimum_trade: Annotated[
        MinimumTrade | None, Read(_minimum, MinimumTradeShape | None, shapes=(MinimumTradeShape,))
    ] = None
    stagger_sessions: StaggerField = 1

    def body(self) -> PortfolioBody:
        """The portfolio. Raises `Invalid` if its calendar condition does not permit `stagger_sessions` (R-66)."""
        made = PortfolioBody(
            name=self.name,
            description=self.description,
            weights=self.weights,
            cooldown_days=self.cooldown_days,
            conditions=self.rebalance_conditions or self.rebalancing_conditions or (),
            review=self.review,
            rebalance_to=self.rebalance_to,
            rebalance_scope=self.rebalance_scope,
            minimum_trade=self.minimum_trade,
            stagger_sessions=self.stagger_sessions,
        )
        _require_stagger(made)
        return made


class UpdatePortfolio(Shape):
    what: ClassVar[str] = "a portfolio"
    name: Name | None = None
    description: Annotated[str | None, Read(field_types.description, _Text | None, null=None)] = None
    weights: Annotated[Weights | None, Read(_new_weights, list[OneWeight] | None, shapes=WEIGHT_SHAPES)] = None
    cooldown_days: Annotated[int | None, Read(field_types.cooldown, _Days | None, null=None)] = None
    rebalance_conditions: Annotated[
        tuple[Condition, ...] | None, Read(read_conditions, _Conditions, shapes=CONDITION_SHAPES)
    ] = None
    rebalancing_conditions: _OtherConditions = None
    review: Annotated[bool | None, Read(fields.boolean, bool | None, null=None)] = None
    rebalance_to: Annotated[Destination | None, Read(fields.choice(Destination), Destination, null=None)] = None
    rebalance_scope: Annotated[
        RebalanceScope | None, Read(fields.choice(RebalanceScope), RebalanceScope, null=None)
    ] = None
    minimum_trade: MinimumChange = Field(None, description=REMOVES_MINIMUM)
    stagger_sessions: StaggerField | None = None
    status: Annotated[object, Read(_as_is, Literal["active"] | None)] = None

    def over(self, before: PortfolioBody) -> PortfolioBody:
        """The content `before` with the given fields changed.

        If `stagger_sessions` is not given, it stays, cut to what the calendar condition permits. If it is given and
        the calendar condition does not permit it, raises `Invalid` (R-66).
        """
        given: dict[str, Any] = {
            "name": self.name,
            "description": self.description,
            "weights": self.weights,
            "cooldown_days": self.cooldown_days,
            "conditions": self.rebalancing_conditions
            if self.rebalance_conditions is None
            else self.rebalance_conditions,
            "review": self.review,
            "rebalance_to": self.rebalance_to,
            "rebalance_scope": self.rebalance_scope,
            "stagger_sessions": self.stagger_sessions,
        }
        made = replace(before, **{name: value for name, value in given.items() if value is not None})
        if self.minimum_trade is not None:
            made = replace(made, minimum_trade=self.minimum_trade[0])
        if self.stagger_sessions is not None:
            _require_stagger(made)
        return replace(made, stagger_sessions=min(made.stagger_sessions, _most_sessions(made.conditions)))


def _require_stagger(body: PortfolioBody) -> None:
    fault = stagger_fault(body.stagger_sessions, body.conditions)
    if fault:
        raise Invalid([Fault("stagger_sessions", fault)])


def _most_sessions(conditions: tuple[Condition, ...]) -> int:
    calendar = next((one for one in conditions if isinstance(one, CalendarCondition)), None)
    return 1 if calendar is None else MAX_STAGGER[calendar.sub_type.value]

"""Models of request bodies that change trading rules of an account, a subscription or the book (R-61, R-64 to R-67)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo

from rebal_tui.domain.portfolios import MinimumTrade
from rebal_tui.domain.trading_rules import AccountSettings
from rebal_tui.services.parsing import fields
from rebal_tui.services.parsing.field_types import ID
from rebal_tui.services.parsing.rules_shape import MinimumTrade as MinimumTradeShape
from rebal_tui.services.parsing.rules_shape import OverridesField, read_minimum_trade
from rebal_tui.services.parsing.shapes import Read, Reading, StrictShape

MAX_OVERRIDDEN = 100
"""Restrictions that one run may override."""
_EMPTY: dict[str, object] = {}


def changed_minimum(raw: object, info: ValidationInfo[Reading]) -> tuple[MinimumTrade | None] | None:
    """The new minimum trade in a tuple; `(None,)` for an empty object, which removes it; None for null: no change."""
    if raw is None:
        return None
    return (None,) if raw == _EMPTY else (read_minimum_trade(raw, info),)


MinimumChange = Annotated[
    tuple[MinimumTrade | None] | None,
    Read(changed_minimum, MinimumTradeShape | None, shapes=(MinimumTradeShape,)),
]
REMOVES_MINIMUM = "An empty object removes it; null leaves it as it is."


def _restriction_ids(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not 0 < len(value) <= MAX_OVERRIDDEN:
        raise ValueError(f"expected a list of 1 to {MAX_OVERRIDDEN} ids of restrictions")
    return tuple(fields.identity(one) for one in value)


class OverrideRestrictions(StrictShape):
    what: ClassVar[str] = "the restrictions that a run overrides"
    restrictions: Annotated[
        tuple[str, ...],
        Read(_restriction_ids, Annotated[list[ID], Field(min_length=1, max_length=MAX_OVERRIDDEN)]),
    ]
    note: Annotated[str, Read(fields.string, Annotated[str, Field(min_length=1, description="Kept in the audit.")])]


def read_override(raw: object, info: ValidationInfo[Reading]) -> OverrideRestrictions | None:
    """Parse which restrictions a run overrides, with its note (R-61); None if it overrides none."""
    return None if raw is None else OverrideRestrictions.model_validate(raw, context=info.context)


OverrideField = Annotated[
    OverrideRestrictions | None,
    Read(read_override, OverrideRestrictions | None, shapes=(OverrideRestrictions,)),
]


class ChangeAccountSettings(StrictShape):
    what: ClassVar[str] = "settings of an account"
    whole_shares: Annotated[bool | None, Read(fields.boolean, bool | None, null=None)] = None
    minimum_trade: MinimumChange = Field(None, description=REMOVES_MINIMUM)

    def over(self, before: AccountSettings) -> AccountSettings:
        """The settings `before` with the given fields changed."""
        return AccountSettings(
            before.whole_shares if self.whole_shares is None else self.whole_shares,
            before.minimum_trade if self.minimum_trade is None else self.minimum_trade[0],
        )


class ChangeSubscription(StrictShape):
    what: ClassVar[str] = "changes to a subscription"
    overrides: OverridesField = Field(description="In place of all earlier ones; null or an empty object removes them.")


class ChangeBookSettings(StrictShape):
    what: ClassVar[str] = "settings of the book"
    minimum_trade: MinimumChange = Field(None, description=REMOVES_MINIMUM)

"""Parsing of corporate actions: bodies of requests to the simulated broker, and rows of an actions file."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from fractions import Fraction
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, ModelWrapValidatorHandler, model_validator

from rebal_tui.domain.corporate_actions import FIELDS, ActionKind, CorporateAction, field_faults, parse_ratio
from rebal_tui.domain.quantities import Price
from rebal_tui.services.parsing import fields
from rebal_tui.services.parsing.shapes import Broken, Read, StrictShape, bounded, read, with_rules

_Decimal = Annotated[str, Field(pattern=r"^[0-9]{1,10}(\.[0-9]{1,9})?$")] | float | None
_Symbol = Annotated[str, Field(pattern=r"^[A-Z][A-Z0-9.\-]{0,15}$", examples=["SPY"])]
_Ratio = Annotated[str, Field(pattern=r"^[0-9]{1,18}(\.[0-9]{1,9})?(:[0-9]{1,18}(\.[0-9]{1,9})?)?$", examples=["10"])]


def _ratio(value: object) -> Fraction:
    return parse_ratio(fields.decimal_text(value, 'expected a ratio such as "10", "1.5", "3:2" or "1:8"'))


class ApplyCorporateAction(StrictShape):
    what: ClassVar[str] = "a corporate action"
    kind: Annotated[ActionKind, Read(fields.choice(ActionKind), ActionKind)]
    symbol: Annotated[str, Read(fields.symbol, _Symbol)]
    ratio: Annotated[Fraction | None, Read(_ratio, _Ratio | float | None, null=None)] = None
    amount: Annotated[Price | None, Read(fields.price, _Decimal, null=None)] = None
    new_symbol: Annotated[str | None, Read(fields.symbol, _Symbol | None, null=None)] = None
    price: Annotated[Price | None, Read(fields.price, _Decimal, null=None)] = None

    @model_validator(mode="wrap")
    @classmethod
    def _fields_of_its_kind(cls, raw: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return with_rules(lambda: handler(bounded(cls, raw)), lambda: _broken(raw))


def _broken(raw: object) -> list[Broken]:
    if not isinstance(raw, dict):
        return []
    try:
        kind, symbol = fields.choice(ActionKind)(raw.get("kind")), str(raw.get("symbol"))
    except ValueError:
        return []
    given = {name: raw.get(name) for name in FIELDS}
    with suppress(ValueError):  # Reported with its field.
        given["ratio"] = _ratio(given["ratio"])
    return [((fault.location,), fault.message) for fault in field_faults(kind, symbol, given)]


def read_action(raw: object) -> CorporateAction:
    """Parse `{"kind", "symbol", "ratio", "amount", "new_symbol", "price"}`; null means absent.

    `ratio` is `10`, `1.5`, `3:2` or `1:8`; numbers are text or exact JSON numbers. Raises `Invalid` with every unknown,
    missing, unexpected or malformed field.
    """
    return CorporateAction(**dict(read(ApplyCorporateAction, raw)))


def read_action_row(row: Mapping[str, str]) -> CorporateAction:
    """Parse a row of texts by column; an empty cell means absent. Raises the errors of `read_action`."""
    return read_action({name: text for name, text in row.items() if text})

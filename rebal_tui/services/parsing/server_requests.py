"""Models of the request bodies that manage the server: its API keys and the kill switch."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, ClassVar, Literal

from pydantic import Field, WithJsonSchema

from rebal_tui.domain.api_keys import MAX_OVERLAP_HOURS, KeyScope
from rebal_tui.services.parsing import fields
from rebal_tui.services.parsing.shapes import Read, StrictShape

MAX_NAME = 200

_Time = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
Expiry = Annotated[datetime | None, Read(fields.timestamp, _Time | None, null=None)]


def _hours(value: object) -> int:
    expected = f"expected a whole number of hours from 0 to {MAX_OVERLAP_HOURS}"
    return fields.whole_number(value, MAX_OVERLAP_HOURS, expected)


class AddKey(StrictShape):
    what: ClassVar[str] = "a key"
    name: Annotated[str, Read(fields.name, Annotated[str, Field(min_length=1, max_length=MAX_NAME)])]
    scope: Annotated[KeyScope, Read(fields.choice(KeyScope), KeyScope)] = KeyScope.TRADE
    expires_at: Expiry = None


def _true(value: object) -> bool:
    if value is not True:
        raise ValueError("expected true; DELETE releases the kill switch")
    return value


class TurnOn(StrictShape):
    what: ClassVar[str] = "a kill switch that is on"
    on: Annotated[bool, Read(_true, Literal[True])] = True


class RotateKey(StrictShape):
    what: ClassVar[str] = "a rotation of a key"
    keep_old_hours: Annotated[int, Read(_hours, Annotated[int, Field(ge=0, le=MAX_OVERLAP_HOURS)], null=0)] = 0
    expires_at: Expiry = None

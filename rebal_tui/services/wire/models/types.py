"""Types of the values in the API's responses, with their OpenAPI schemas, and marks of what Alpaca's API lacks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import ConfigDict, Field, WithJsonSchema, with_config

Decimal = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", examples=["417.8"])]
Timestamp = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""RFC 3339: UTC with microseconds, except where the market's clock is shown with New York's offset."""
Day = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]
TimeOfDay = Annotated[str, Field(pattern=r"^[0-2][0-9]:[0-5][0-9]$")]
Uuid = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]

OURS = Field(description="Ours: present when the request has the header `Rebal-Extensions: 1`.")
"""Marks a key that Alpaca's API does not have: `NotRequired[Annotated[bool, OURS]]`."""


@dataclass(frozen=True)
class ShownAs:
    """Marks a key with values that clients of Alpaca's API do not know; `known` maps each to the one that they get."""

    known: Mapping[str, str]

    def __hash__(self) -> int:
        return hash(frozenset(self.known.items()))


documented = with_config(ConfigDict(extra="allow"))
"""Configuration of a shape in the OpenAPI document; additional keys are allowed."""

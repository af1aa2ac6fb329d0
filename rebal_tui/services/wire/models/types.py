"""Value types of the shapes, with their OpenAPI schemas, and the mark of what Alpaca's API does not have."""

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
    """Marks a key whose values clients of Alpaca's API may not know; `known` has the values they get instead."""

    known: Mapping[str, str]

    def __hash__(self) -> int:
        return hash(frozenset(self.known.items()))


documented = with_config(ConfigDict(extra="allow"))
"""Configuration of a shape in the OpenAPI document; additional keys are allowed."""

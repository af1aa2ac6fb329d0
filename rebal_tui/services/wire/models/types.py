"""Value types of the shapes, with their OpenAPI schemas."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field, WithJsonSchema, with_config

Decimal = Annotated[str, Field(pattern=r"^-?[0-9]+(\.[0-9]+)?$", examples=["417.8"])]
Timestamp = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
"""RFC 3339: UTC with microseconds, except where the market's clock is shown with New York's offset."""
Day = Annotated[str, WithJsonSchema({"type": "string", "format": "date"})]
TimeOfDay = Annotated[str, Field(pattern=r"^[0-2][0-9]:[0-5][0-9]$")]
Uuid = Annotated[str, WithJsonSchema({"type": "string", "format": "uuid"})]

documented = with_config(ConfigDict(extra="allow"))
"""Configuration of a shape in the OpenAPI document; additional keys are allowed."""

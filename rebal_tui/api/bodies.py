"""Request bodies: exact JSON of a limited size; an unknown field is refused, or reported to the client."""

from __future__ import annotations

from typing import TypeVar

from fastapi import Request

from rebal_tui.api.responses import add_warnings, json_body
from rebal_tui.services.parsing.shapes import Shape, read
from rebal_tui.services.parsing.unknown_fields import check_unknown

M = TypeVar("M", bound=Shape)


async def raw_body(request: Request, shape: type[Shape], *, required: bool = True) -> object:
    """The parsed JSON of a request body, for a route that checks the values of the fields itself.

    Unknown fields are listed in the `warnings` header of the response. Raises `Invalid` for an unknown field that looks
    like a typo of a field of `shape`. Raises `NotJson`, `TooLarge` and `Malformed` as `json_body` does.
    """
    raw = await json_body(request, required=required)
    add_warnings(request, check_unknown(shape, raw, shape.ignored))
    return raw


async def body_of(request: Request, shape: type[M], *, required: bool = True) -> M:
    """The request body, parsed and checked by the pydantic model `shape`.

    Raises what `raw_body` raises, and `Invalid` for values that the model does not accept.
    """
    return read(shape, await raw_body(request, shape, required=required))

"""Routes that check the query: a misspelled or repeated parameter is refused, another unknown one is reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, get_args, get_origin
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from starlette.responses import Response

from rebal_tui.api.responses import add_warnings
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.services.parsing.unknown_fields import check_names

MAX_PARAMETERS = 500
"""Parameters of a query; with thousands of them, reading it takes longer than answering."""
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class CheckedRoute(APIRoute):
    """A route that refuses repeated and misspelled query parameters.

    Other unknown parameters are listed in the `warnings` header of the response. If a route ignored misspelled ones, a
    filter with a typo would return everything.
    """

    def get_route_handler(self) -> Handler:
        handle, lists = super().get_route_handler(), dict(_parameters(self.dependant))

        async def checked(request: Request) -> Response:
            query: bytes = request.scope["query_string"]
            if query:
                _check(request, query, lists)
            return await handle(request)

        return checked


def _check(request: Request, query: bytes, lists: dict[str, bool]) -> None:
    """Name unknown parameters in the `warnings` header. `lists` are the known ones, and whether each may be repeated.

    Raises `Invalid`.
    """
    if query.count(b"&") >= MAX_PARAMETERS:
        raise Invalid([Fault("", f"expected at most {MAX_PARAMETERS} parameters")])
    given = Counter(name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True))
    repeated = [name for name, number in given.items() if number > 1 and not lists.get(name, True)]
    if repeated:
        raise Invalid([Fault(name, f"expected once, got it {given[name]} times") for name in repeated])
    add_warnings(request, check_names("parameter", lists, given))


def _parameters(dependant: Dependant) -> Iterator[tuple[str, bool]]:
    for parameter in dependant.query_params:
        yield parameter.alias, _is_list(parameter.field_info.annotation)
    for one in dependant.dependencies:
        yield from _parameters(one)


def _is_list(annotation: Any) -> bool:
    return get_origin(annotation) is list or any(map(_is_list, get_args(annotation)))

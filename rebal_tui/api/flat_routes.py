"""Adding the routes of a router to an application one by one, because that makes finding them faster.

FastAPI matches a path against each included router before it matches it against the routes of that router, once more
for each level of nesting. With seventy routes, most of them under two prefixes such as `/v1` and `/v1/beta`, that takes
longer than handling a request.
"""

from __future__ import annotations

from typing import cast

from fastapi import APIRouter, FastAPI
from fastapi.routing import APIRoute


def add_routes(app: FastAPI, router: APIRouter, prefix: str = "", *, include_in_schema: bool = True) -> None:
    """Add every route of a router, with its tags, dependencies and documentation, under a prefix."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            described = include_in_schema and route.include_in_schema
            app.router.add_api_route(
                prefix + route.path,
                route.endpoint,
                response_model=route.response_model,
                status_code=route.status_code,
                tags=route.tags,
                dependencies=route.dependencies,
                responses=route.responses if described else None,
                methods=route.methods,
                name=route.name,
                include_in_schema=described,
                openapi_extra=route.openapi_extra,
            )
            if not described:
                # FastAPI would build a validator for each; answers need to know the shapes alone.
                cast("APIRoute", app.router.routes[-1]).responses = route.responses

"""OpenAPI descriptions of routes: request body, response, errors."""

from __future__ import annotations

from functools import cache
from typing import Any

from fastapi import FastAPI, Request
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema
from starlette.responses import HTMLResponse, Response

from rebal_tui.api.docs_page import DOCS_POLICY, docs_page
from rebal_tui.api.responses import json_response
from rebal_tui.services.parsing import requests
from rebal_tui.services.wire.models.rebalancing import Error

API_DESCRIPTION = """\
The Rebalancing API of Alpaca's Broker API, for a rebal-tui book. Money, quantities, prices and percents are decimal
strings in responses; requests accept strings and JSON numbers, and both are parsed exactly. Timestamps are RFC 3339.
Keys that Alpaca's API does not have are in the answers to requests with the header `Rebal-Extensions: 1` only.
`Date` and `X-RateLimit-Reset` are by the book's clock, which in a sandbox is not the real time: their difference, or
`Retry-After`, is how long to wait. Errors are `{"code", "message"}`. Every path under `/v1` is also available under
`/v1/beta`.
"""
_ERROR_DESCRIPTIONS = {
    400: "A field is missing or invalid.",
    401: "The API key or its secret is wrong.",
    403: "The account is restricted, or has insufficient funds or shares.",
    404: "The requested object does not exist.",
    405: "The path does not support this method.",
    413: "The request body is too large.",
    415: "The content type is not application/json, or the body is compressed.",
    422: "The request is valid, but the current state does not allow it.",
    429: "Too many requests. Retry after the seconds in Retry-After.",
    500: "Internal server error.",
    503: "The book is not written at present, or the broker does not answer. The message has the reason.",
}
_REF = "#/components/schemas/{model}"


def responds_with(model: Any, status: int | None = None) -> dict[str, Any]:
    """Route options that document a JSON response with the fields of `model`; for status 204, one without a body."""
    good = status or (200 if model else 204)
    success: dict[str, Any] = {"description": "Success."}
    if model is not None:
        success["model"] = model
    # A reference instead of a model: FastAPI builds a validator for each model of each route, for seconds at the start.
    content = {"application/json": {"schema": {"$ref": _REF.format(model=Error.__name__)}}}
    errors: dict[int, dict[str, Any]] = {
        code: {"content": content, "description": text} for code, text in _ERROR_DESCRIPTIONS.items()
    }
    return {"response_model": None, "status_code": good, "responses": {good: success, **errors}}


def responds_with_list(model: Any, status: int = 200) -> dict[str, Any]:
    """Route options that document a response that is a JSON array of objects with the fields of `model`."""
    made = responds_with(model, status)
    made["responses"][status]["model"] = list[model]
    return made


def body(model: type[BaseModel], *, required: bool = True) -> dict[str, Any]:
    """Route options that document a request body; the route itself parses the body with the same model."""
    content = {"application/json": {"schema": {"$ref": _REF.format(model=model.__name__)}}}
    return {"openapi_extra": {"requestBody": {"required": required, "content": content}}}


def describe(app: FastAPI) -> None:
    """Make the application publish its OpenAPI document, with request bodies and security scheme, also as a page."""
    routes = list(app.routes)

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            made = get_openapi(title=app.title, version=app.version, description=app.description, routes=routes)
            _, bodies = models_json_schema([(m, "validation") for m in requests.BODIES], ref_template=_REF)
            components = made.setdefault("components", {})
            components.setdefault("schemas", {}).update(bodies["$defs"])
            components["schemas"][Error.__name__] = TypeAdapter(Error).json_schema()
            components["securitySchemes"] = {"basic": {"type": "http", "scheme": "basic"}}
            made["security"] = [{"basic": []}]
            app.openapi_schema = made
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]  # as FastAPI documents
    # Rendered once: they take longer than any other answer, and need no key.
    as_json = cache(lambda: json_response(document()).body)
    as_html = cache(lambda: docs_page(document()).encode())

    async def openapi_json(_request: Request) -> Response:
        return Response(as_json(), media_type="application/json")

    async def docs(_request: Request) -> Response:
        return HTMLResponse(as_html(), headers={"Content-Security-Policy": DOCS_POLICY})

    app.add_route("/openapi.json", openapi_json, include_in_schema=False)
    app.add_route("/docs", docs, include_in_schema=False)

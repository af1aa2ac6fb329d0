"""Routes that manage the API keys of the book; they need a key of the scope admin. Not part of Alpaca's API."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, TypeVar

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from rebal_tui.api.access import require_admin
from rebal_tui.api.bodies import body_of
from rebal_tui.api.openapi import body, responds_with, responds_with_list
from rebal_tui.api.responses import actor_of, book_client, json_response, no_content, real_now
from rebal_tui.services.book.book import Book
from rebal_tui.services.parsing.server_requests import AddKey, RotateKey
from rebal_tui.services.wire import keys
from rebal_tui.services.wire.models import server as models

T = TypeVar("T")

router = APIRouter(prefix="/api_keys", tags=["server"], dependencies=[Depends(require_admin)])

Name = Annotated[str, Path(max_length=200, description="The id of a key, or its name.")]


@router.get("", **responds_with_list(models.ApiKey))
async def list_keys(request: Request) -> Response:
    """List the keys that are not revoked, without their secrets. `last_used_at` is known to the minute."""
    found = await book_client(request).ask(lambda book: keys.good_keys(book.database, real_now(request)))
    return json_response([keys.key_json(key) for key in found])


@router.post("", **responds_with(models.NewApiKey), **body(AddKey))
async def add_key(request: Request) -> Response:
    """Add a key. The answer has its secret, which is not stored and cannot be shown again.

    A key of the scope `read` reads; `trade` also changes the book; `admin` also manages keys. `expires_at` is a real
    time, in a sandbox too.
    """
    given, made, actor = await body_of(request, AddKey), request.app.state.options.new_key(), actor_of(request)
    key = await _change(
        request,
        lambda book: keys.add_key(
            book.database,
            given.name,
            made,
            real_now(request),
            scope=given.scope,
            expires_at=given.expires_at,
            actor=actor,
            audit_at=book.now(),
        ),
    )
    return json_response(keys.new_key_json(key, made.secret))


@router.post("/{name:path}/rotate", **responds_with(models.NewApiKey), **body(RotateKey))
async def rotate_key(request: Request, name: Name) -> Response:
    """Replace a key with a new one of the same name and scope. The old one stays valid for `keep_old_hours`."""
    given, made = await body_of(request, RotateKey), request.app.state.options.new_key()
    overlap, actor = timedelta(hours=given.keep_old_hours), actor_of(request)
    key = await _change(
        request,
        lambda book: keys.rotate_key(
            book.database,
            name,
            made,
            real_now(request),
            overlap=overlap,
            expires_at=given.expires_at,
            actor=actor,
            audit_at=book.now(),
        ),
    )
    return json_response(keys.new_key_json(key, made.secret))


@router.delete("/{name:path}", **responds_with(None))
async def revoke_key(request: Request, name: Name) -> Response:
    """Revoke a key at once. A name also revokes the earlier key of that name, which the key replaced."""
    actor = actor_of(request)
    await _change(
        request, lambda book: keys.revoke_key(book.database, name, real_now(request), actor, audit_at=book.now())
    )
    return no_content()


async def _change(request: Request, act: Callable[[Book], T]) -> T:
    """Change the keys in the file, then reload those that requests are checked against."""

    def changed(book: Book) -> T:
        made = act(book)
        request.app.state.keyring.replace(keys.good_keys(book.database, real_now(request)))
        return made

    return await book_client(request).ask(changed)

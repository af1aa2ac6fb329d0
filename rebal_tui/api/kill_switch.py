"""The kill switch. Not part of Alpaca's API."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from rebal_tui.api.bodies import body_of
from rebal_tui.api.openapi import body, responds_with
from rebal_tui.api.responses import book_client, json_response
from rebal_tui.services.book import kill_switch
from rebal_tui.services.book.book import Book
from rebal_tui.services.parsing.server_requests import TurnOn
from rebal_tui.services.wire.models import server as models

router = APIRouter(prefix="/kill_switch", tags=["server"])


@router.get("", **responds_with(models.KillSwitch))
async def get_kill_switch(request: Request) -> Response:
    """Get whether the kill switch is on."""
    return json_response({"on": await book_client(request).ask(kill_switch.halted)})


@router.post("", **responds_with(models.KillSwitch), **body(TurnOn, required=False))
async def turn_on(request: Request) -> Response:
    """Turn the kill switch on: no run starts, no order is sent and no journal of a withdrawal is created.

    Needs no body. No limit of a key refuses it.
    """
    await body_of(request, TurnOn, required=False)
    return await _set(request, True)


@router.delete("", **responds_with(models.KillSwitch))
async def release(request: Request) -> Response:
    """Release the kill switch: what waited continues."""
    return await _set(request, False)


async def _set(request: Request, on: bool) -> Response:
    """Set the switch unless it is in that position already."""

    def change(book: Book) -> None:
        if kill_switch.halted(book) is not on:
            kill_switch.set_halt(book, on)

    await book_client(request).ask(change)
    # The next heartbeat would say the same.
    request.app.state.options.heartbeats.kill_switch = on
    return json_response({"on": on})

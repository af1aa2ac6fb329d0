"""The kill switch. Not part of Alpaca's API."""

from __future__ import annotations

import sqlite3

from fastapi import APIRouter, Request
from starlette.responses import Response

from rebal_tui.api.bodies import body_of
from rebal_tui.api.heartbeats import HeartbeatRecord, turn_kill_switch
from rebal_tui.api.openapi import body, responds_with
from rebal_tui.api.responses import actor_of, book_client, is_locked, json_response
from rebal_tui.domain.errors import FILE_LOST, Halt, ReadOnly
from rebal_tui.services.book import kill_switch
from rebal_tui.services.book.book import Book
from rebal_tui.services.parsing.server_requests import TurnOn
from rebal_tui.services.wire.models import server as models

router = APIRouter(prefix="/kill_switch", tags=["server"])

_ON = responds_with(models.KillSwitch)
_ON["responses"][202] = {"description": "Remembered until the book can be written.", "model": models.KillSwitch}


@router.get("", **responds_with(models.KillSwitch))
async def get_kill_switch(request: Request) -> Response:
    """Get whether the kill switch is on."""
    record = _record(request)
    on = await book_client(request).ask(lambda book: record.stop_asked_by is not None or kill_switch.halted(book))
    return json_response({"on": on})


@router.post("", **_ON, **body(TurnOn, required=False))
async def turn_on(request: Request) -> Response:
    """Turn the kill switch on: no run starts, no order is sent and no journal of a withdrawal is created.

    Needs no body. A request without a body is not refused because of a limit of its API key. While the book cannot be
    written, the answer is 202: the server remembers the stop, and stores it as the first act of the next heartbeat that
    can write. A server that ends before that forgets it.
    """
    await body_of(request, TurnOn, required=False)
    try:
        return await _set(request, True)
    except (ReadOnly, sqlite3.OperationalError) as fault:
        if not _may_end(fault):
            raise
    record = _record(request)
    record.stop_asked_by, record.kill_switch = actor_of(request), True
    return json_response({"on": True}, 202)


@router.delete("", **responds_with(models.KillSwitch))
async def release(request: Request) -> Response:
    """Release the kill switch: runs, orders and journals that waited continue."""
    return await _set(request, False)


async def _set(request: Request, on: bool) -> Response:
    """Set the switch unless it is in that position already."""
    record = _record(request)

    def change(book: Book) -> None:
        turn_kill_switch(book, record, on)

    await book_client(request).ask(change)
    # The next heartbeat would have the same result.
    record.kill_switch = on
    return json_response({"on": on})


def _record(request: Request) -> HeartbeatRecord:
    record: HeartbeatRecord = request.app.state.options.heartbeats
    return record


def _may_end(fault: ReadOnly | sqlite3.OperationalError) -> bool:
    """Whether this server may write again: its book neither has another writer nor is lost."""
    if isinstance(fault, ReadOnly):
        return fault.halt is not Halt.TAKEN_OVER and fault.halt not in FILE_LOST
    return is_locked(fault)

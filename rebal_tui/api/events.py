"""Event streams (SSE), each resumable after the last event received."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from itertools import takewhile
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from rebal_tui.api.key_slots import SlottedStream
from rebal_tui.api.responses import Timestamp, book_client, error, wants_extensions
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.services.book.book import Book
from rebal_tui.services.wire import activity_events
from rebal_tui.services.wire import events as wire_events
from rebal_tui.services.wire.contract import remove_extensions
from rebal_tui.services.wire.events import Source, Start, StreamEvent
from rebal_tui.services.wire.models import events as models

router = APIRouter(prefix="/events", tags=["events"])
beta_router = APIRouter(tags=["events"])
"""Streams that have one version only, with their whole paths."""

POLL_INTERVAL_SECONDS = 0.25
"""Seconds between two polls for new events."""
KEEP_ALIVE_SECONDS = 15.0
_STREAM: dict[str, Any] = {
    "response_model": None,
    "responses": {
        200: {
            "description": "Event stream; endless without `until` and `until_id`.",
            "content": {"text/event-stream": {}},
        },
        422: {"description": "Not used."},
    },
}

Since = Annotated[Timestamp | None, Query(description="Start time, inclusive. Default: now.")]
Until = Annotated[Timestamp | None, Query(description="End time, inclusive.")]
SinceId = Annotated[str | None, Query(max_length=26, description="Start after this event.")]
UntilId = Annotated[str | None, Query(max_length=26, description="End after this event.")]
LastId = Annotated[str | None, Header(alias="Last-Event-ID", max_length=26)]


@router.get("/rebalancer", include_in_schema=True, **_STREAM)
async def rebalancer(
    request: Request, since: Since = None, until: Until = None, since_id: SinceId = None, until_id: UntilId = None,
    last_event_id: LastId = None,
) -> Response:  # fmt: skip
    """Events portfolio.status_changed, run.created and run.status_changed. Give `since` or `since_id`, not both."""
    return await _stream(request, wire_events.REBALANCER, since, until, last_event_id or since_id, until_id)


@router.get("/trades", **_STREAM)
async def trades(
    request: Request, since: Since = None, until: Until = None, since_id: SinceId = None, until_id: UntilId = None,
    last_event_id: LastId = None,
) -> Response:  # fmt: skip
    """Order status changes and fills. Each fill has an execution_id."""
    return await _stream(request, wire_events.TRADES, since, until, last_event_id or since_id, until_id)


@router.get("/journals/status", **_STREAM)
async def journals(
    request: Request, since: Since = None, until: Until = None, since_id: SinceId = None, until_id: UntilId = None,
    last_event_id: LastId = None,
) -> Response:  # fmt: skip
    """Journal status changes."""
    return await _stream(request, wire_events.JOURNALS, since, until, last_event_id or since_id, until_id)


def _poll(book: Book, source: Source, seq: int) -> tuple[Sequence[StreamEvent], datetime]:
    return source.after(book, seq), book.now()


@router.get("/accounts/status", **_STREAM)
async def accounts(
    request: Request, since: Since = None, until: Until = None, since_id: SinceId = None, until_id: UntilId = None,
    last_event_id: LastId = None,
) -> Response:  # fmt: skip
    """Account changes other than cash and positions."""
    return await _stream(request, wire_events.ACCOUNTS, since, until, last_event_id or since_id, until_id)


@router.get("/nta", **_STREAM)
async def cash_activities(
    request: Request, since: Since = None, until: Until = None, since_id: SinceId = None, until_id: UntilId = None,
    last_event_id: LastId = None,
) -> Response:  # fmt: skip
    """Cash activities other than trades: deposits (CSD), returned deposits (CSR), journals (JNLC), dividends (DIV),
    cash from other corporate actions (REORG)."""
    return await _stream(request, wire_events.ACTIVITIES, since, until, last_event_id or since_id, until_id)


@beta_router.get("/v2beta1/events/activities", **_STREAM)
async def activities(
    request: Request, since: Since = None, until: Until = None, since_id: SinceId = None, until_id: UntilId = None,
    last_event_id: LastId = None,
) -> Response:  # fmt: skip
    """Activities of accounts: executions (TRD), and the cash activities of `/events/nta`.

    The `ref_id` of an activity never changes.
    """
    return await _stream(request, activity_events.ACTIVITIES, since, until, last_event_id or since_id, until_id)


@beta_router.get("/v1beta1/events/corporate-actions", **_STREAM)
async def corporate_actions(
    request: Request, since: Since = None, until: Until = None, since_id: SinceId = None, until_id: UntilId = None,
    last_event_id: LastId = None,
) -> Response:  # fmt: skip
    """Corporate actions, once for all accounts. Each is added to the stream when the action takes effect."""
    return await _stream(request, activity_events.CORPORATE_ACTIONS, since, until, last_event_id or since_id, until_id)


def _lines(kind: str, data: models.Event, contract_only: bool) -> str:
    if contract_only:
        remove_extensions(models.Event, data)
    return f"id: {data['event_id']}\nevent: {kind}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"


def _is_beyond(event: StreamEvent, until: datetime | None, last: int | None) -> bool:
    return (until is not None and event.at > until) or (last is not None and event.seq > last)


async def _stream(
    request: Request, source: Source, since: Timestamp | None, until: Timestamp | None, since_id: str | None,
    until_id: str | None,
) -> Response:  # fmt: skip
    if since is not None and since_id is not None:
        raise Invalid([Fault("since", "expected since or since_id, not both")])
    if source is wire_events.REBALANCER and until is not None and since is None:
        raise Invalid([Fault("until", "expected only with since")])
    last = wire_events.seq_of(until_id, "until_id") if until_id else None
    state = request.app.state
    client = book_client(request)
    slot = state.streams.take(request.state.caller)
    if slot is None:
        return error(429, "too many open streams", {"Retry-After": str(int(KEEP_ALIVE_SECONDS))})
    try:
        seq = await client.ask(lambda book: wire_events.begin(book, source, Start(since, since_id)))
    except BaseException:
        slot.release()
        raise

    contract_only = not wants_extensions(request)

    async def lines() -> AsyncIterator[str]:
        nonlocal seq
        quiet = 0.0
        yield ": begin\n\n"
        while request.state.still_accepted() and not state.options.closing():
            events, now = await client.ask(partial(_poll, source=source, seq=seq))
            if not request.state.still_accepted():
                return
            within = list(takewhile(lambda event: not _is_beyond(event, until, last), events))
            # One write for all of them: asyncio logs each write to a connection that the client has just closed.
            text = "".join(_lines(event.kind, event.data, contract_only) for event in within if event.data is not None)
            if within:
                seq = within[-1].seq
            if text:
                yield text
            if len(within) < len(events):
                return
            if events:
                quiet = 0.0
                continue
            if (until is not None and now >= until) or (last is not None and seq >= last):
                return
            await asyncio.sleep(POLL_INTERVAL_SECONDS)
            quiet += POLL_INTERVAL_SECONDS
            if quiet >= KEEP_ALIVE_SECONDS:
                quiet = 0.0
                yield ": heartbeat\n\n"

    return SlottedStream(slot, lines(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

"""Assets, the calendar and the clock."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from rebal_tui.api.openapi import responds_with, responds_with_list
from rebal_tui.api.responses import answer, book_client, json_text_response
from rebal_tui.domain.assets import AssetStatus
from rebal_tui.services.wire import market
from rebal_tui.services.wire.models import market as models

router = APIRouter(tags=["market"])


@router.get("/assets", **responds_with_list(models.Asset))
async def list_assets(
    request: Request,
    status: AssetStatus | None = None,
    asset_class: Literal["us_equity", "us_option", "crypto"] | None = None,
    exchange: Annotated[str | None, Query(max_length=20)] = None,
) -> Response:
    """List assets by symbol. Only US equities are supported."""
    if asset_class not in (None, "us_equity"):
        return answer(request, [])
    return answer(request, await book_client(request).ask(lambda book: market.list_assets(book, status, exchange)))


@router.get("/assets/{symbol_or_asset_id}", **responds_with(models.Asset))
async def get_asset(request: Request, symbol_or_asset_id: str) -> Response:
    """Get an asset."""
    return answer(request, await book_client(request).ask(lambda book: market.find_asset(book, symbol_or_asset_id)))


@router.get("/calendar", **responds_with_list(models.CalendarDay))
async def get_calendar(
    request: Request,
    start: date | None = None,
    end: date | None = None,
    date_type: Literal["trading", "TRADING"] = "trading",  # noqa: ARG001 - clients send it; there is one kind of date
) -> Response:
    """List the sessions between two days, both inclusive, within the range of the calendar."""
    return answer(request, await book_client(request).ask(lambda book: market.calendar(book, start, end)))


@router.get("/clock", **responds_with(models.Clock))
async def get_clock(request: Request) -> Response:
    """Get the current time, and the next open and close of the market."""
    return answer(request, await book_client(request).ask(market.clock))


data_router = APIRouter(tags=["market"])


@data_router.get("/stocks/snapshots", **responds_with(models.Snapshots))
async def get_snapshots(request: Request, symbols: Annotated[str, Query(max_length=4_000)]) -> Response:
    """Get the last price of each asset in the market data API's format. Separate symbols by commas."""
    named = symbols.split(",")
    return json_text_response(await book_client(request).ask(lambda book: market.snapshots(book, named)))

"""Accounts, trading accounts and positions."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from rebal_tui.api import schemas
from rebal_tui.api.answers import Moment, answer, desk_of
from rebal_tui.api.described import listed, told
from rebal_tui.domain.accounts import AccountStatus
from rebal_tui.services import api_accounts
from rebal_tui.services.api_accounts import AccountQuery

router = APIRouter(tags=["accounts"])


@router.get("/accounts", **listed(schemas.Account))
async def list_accounts(
    request: Request,
    query: Annotated[str, Query(max_length=200, description="In name, number or id.")] = "",
    status: Annotated[list[AccountStatus] | None, Query()] = None,
    created_after: Moment | None = None,
    created_before: Moment | None = None,
    sort: Literal["asc", "desc"] = "desc",
) -> Response:
    """Accounts by their opening, at most 1,000."""
    wanted = AccountQuery(query, status or (), created_after, created_before, sort == "desc")
    return answer(await desk_of(request).ask(lambda book: api_accounts.list_accounts(book, wanted)))


@router.get("/accounts/positions", **told(schemas.AllPositions))
async def all_positions(request: Request) -> Response:
    """The holdings of every account that has any."""
    return answer(await desk_of(request).ask(api_accounts.all_positions))


@router.get("/accounts/{account_id}", **told(schemas.Account))
async def get_account(request: Request, account_id: str) -> Response:
    """One account."""
    return answer(await desk_of(request).ask(lambda book: api_accounts.account_shape(book, book.account(account_id))))


@router.get("/trading/accounts/{account_id}/account", **told(schemas.TradingAccount))
async def trading_account(request: Request, account_id: str) -> Response:
    """The figures of an account: cash moves with a fill, cash_withdrawable when it settles (T+1)."""
    return answer(await desk_of(request).ask(lambda book: api_accounts.trading_account(book, account_id)))


@router.get("/trading/accounts/{account_id}/positions", **listed(schemas.Position))
async def list_positions(request: Request, account_id: str) -> Response:
    """Every holding of an account."""
    return answer(await desk_of(request).ask(lambda book: api_accounts.positions(book, account_id)))


@router.get("/trading/accounts/{account_id}/positions/{symbol_or_asset_id}", **told(schemas.Position))
async def get_position(request: Request, account_id: str, symbol_or_asset_id: str) -> Response:
    """One holding."""
    return answer(await desk_of(request).ask(lambda book: api_accounts.position(book, account_id, symbol_or_asset_id)))

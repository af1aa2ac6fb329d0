"""Accounts, their balances (which Alpaca's API calls trading accounts) and their positions."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from rebal_tui.api.openapi import responds_with, responds_with_list
from rebal_tui.api.responses import Timestamp, answer, book_client, wants_extensions
from rebal_tui.domain.accounts import AccountStatus
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries import accounts as account_queries
from rebal_tui.services.wire import accounts
from rebal_tui.services.wire.accounts import AccountQuery
from rebal_tui.services.wire.models import accounts as models

router = APIRouter(tags=["accounts"])


@router.get("/accounts", **responds_with_list(models.Account))
async def list_accounts(
    request: Request,
    query: Annotated[str, Query(max_length=200, description="Text in name, account number or id.")] = "",
    status: Annotated[list[AccountStatus] | None, Query()] = None,
    created_after: Timestamp | None = None,
    created_before: Timestamp | None = None,
    sort: Literal["asc", "desc"] = "desc",
) -> Response:
    """List accounts by opening date, at most 1,000."""
    wanted = AccountQuery(query, status or (), created_after, created_before, sort == "desc")
    return answer(request, await book_client(request).ask(lambda book: accounts.list_accounts(book, wanted)))


@router.get("/accounts/positions", **responds_with(models.AllPositions))
async def all_positions(request: Request) -> Response:
    """List the positions of every account that has any."""
    return answer(request, await book_client(request).ask(accounts.all_positions))


@router.get("/accounts/{account_id}", **responds_with(models.Account))
async def get_account(request: Request, account_id: str) -> Response:
    """Get an account."""
    return answer(
        request, await book_client(request).ask(lambda book: accounts.account_shape(book, book.account(account_id)))
    )


@router.get("/trading/accounts/{account_id}/account", **responds_with(models.TradingAccount))
async def trading_account(request: Request, account_id: str) -> Response:
    """Get an account's balances. A fill changes `cash` at once and `cash_withdrawable` at settlement (T+1)."""
    extended = wants_extensions(request)
    shape = await book_client(request).ask(lambda book: _trading_account(book, account_id, extended=extended))
    return answer(request, shape)


@router.get("/trading/accounts/{account_id}/positions", **responds_with_list(models.Position))
async def list_positions(request: Request, account_id: str) -> Response:
    """List an account's positions."""
    return answer(request, await book_client(request).ask(lambda book: accounts.positions(book, account_id)))


@router.get("/trading/accounts/{account_id}/positions/{symbol_or_asset_id}", **responds_with(models.Position))
async def get_position(request: Request, account_id: str, symbol_or_asset_id: str) -> Response:
    """Get a position."""
    return answer(
        request, await book_client(request).ask(lambda book: accounts.position(book, account_id, symbol_or_asset_id))
    )


def _trading_account(book: Book, account_id: str, *, extended: bool) -> models.TradingAccount:
    """A trading account, if `extended` with its status as an evaluation now would find it."""
    status = account_queries.trade_status_of(book, account_id) if extended else None
    return accounts.trading_account(book, account_id, status)

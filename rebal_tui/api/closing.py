"""Routes that cancel all open orders of an account, or sell positions of an account that is not subscribed to a
portfolio.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from rebal_tui.api.openapi import responds_with, responds_with_list
from rebal_tui.api.responses import answer, book_client, error_json
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import Qty, parse_qty
from rebal_tui.services.advisory import closing
from rebal_tui.services.book.book import Book
from rebal_tui.services.wire.models import accounts, rebalancing
from rebal_tui.services.wire.shapes import asset_ids, order_json

router = APIRouter(prefix="/trading/accounts/{account_id}", tags=["orders"])

MULTI_STATUS = 207
Shares = Annotated[str | None, Query(pattern=r"^[0-9]{1,9}(\.[0-9]{1,9})?$")]
Share = Annotated[str | None, Query(pattern=r"^[0-9]{1,3}(\.[0-9]{1,9})?$")]


@router.delete("/orders", **responds_with_list(accounts.CanceledOrder, MULTI_STATUS))
async def cancel_all(request: Request, account_id: str) -> Response:
    """Cancel every open order. The answer has a status for each; existing fills stand."""

    def act(book: Book) -> list[accounts.CanceledOrder]:
        return [
            {"id": one.order_id, "status": 200 if one.refusal is None else one.refusal.status}
            for one in closing.cancel_all(book, account_id)
        ]

    return answer(request, await book_client(request).ask(act), MULTI_STATUS)


@router.delete("/positions", **responds_with_list(accounts.ClosedPosition, MULTI_STATUS))
async def close_all(request: Request, account_id: str, cancel_orders: bool = False) -> Response:
    """Sell every position. The answer has a status for each, with its order or the error.

    Refused for each position while the account is subscribed to a portfolio.
    """

    def act(book: Book) -> list[accounts.ClosedPosition]:
        outcomes = closing.close_all(book, account_id, cancel_orders=cancel_orders)
        return [_closed(book, one) for one in outcomes]

    return answer(request, await book_client(request).ask(act), MULTI_STATUS)


@router.delete("/positions/{symbol_or_asset_id}", **responds_with(rebalancing.Order))
async def close_position(
    request: Request, account_id: str, symbol_or_asset_id: str, qty: Shares = None, percentage: Share = None
) -> Response:
    """Sell a position: all of it, `qty` shares or a `percentage`. Refused while the account is subscribed."""
    shares = None if qty is None else _shares(qty)
    part = None if percentage is None else Fraction(percentage)

    def act(book: Book) -> rebalancing.Order:
        order = closing.close_position(book, account_id, symbol_or_asset_id, qty=shares, percentage=part)
        return order_json(order, asset_ids(book.assets))

    return answer(request, await book_client(request).ask(act))


def _shares(text: str) -> Qty:
    shares = parse_qty(text)
    if shares <= 0:
        raise Invalid([Fault("qty", "expected a quantity above 0")])
    return shares


def _closed(book: Book, one: closing.Closed) -> accounts.ClosedPosition:
    if one.order is None:
        refusal = one.refusal
        status = 422 if refusal is None else refusal.status
        return {"order_id": None, "symbol": one.symbol, "status": status, "body": error_json(status, str(refusal))}
    shown = order_json(one.order, asset_ids(book.assets))
    return {"order_id": shown["id"], "symbol": shown["symbol"], "status": 200, "body": shown}

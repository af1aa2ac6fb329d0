"""Orders that are placed manually in an account."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from rebal_tui.api.bodies import raw_body
from rebal_tui.api.openapi import body, responds_with, responds_with_list
from rebal_tui.api.responses import Timestamp, answer, book_client, no_content
from rebal_tui.domain.orders import Order, Side
from rebal_tui.services.advisory import manual_orders
from rebal_tui.services.book.book import Book
from rebal_tui.services.parsing import requests
from rebal_tui.services.wire.models import rebalancing as models
from rebal_tui.services.wire.shapes import asset_ids, order_json

router = APIRouter(prefix="/trading/accounts/{account_id}", tags=["orders"])

_MAX_ORDERS = 500


@router.post("/orders", **responds_with(models.Order), **body(requests.CreateOrder))
async def submit_order(request: Request, account_id: str) -> Response:
    """Place a market day order in shares or dollars. Refused while the account is subscribed to a portfolio."""
    given = requests.read_order(await raw_body(request, requests.CreateOrder), account_id)
    return answer(
        request, await book_client(request).ask(lambda book: _shape(book, manual_orders.place_order(book, given)))
    )


@router.get("/orders", **responds_with_list(models.Order))
async def list_orders(
    request: Request,
    account_id: str,
    status: Literal["open", "closed", "all"] = "open",
    limit: Annotated[int, Query(ge=1, le=_MAX_ORDERS)] = 50,
    after: Timestamp | None = None,
    until: Timestamp | None = None,
    direction: Literal["asc", "desc"] = "desc",
    side: Side | None = None,
    symbols: Annotated[str, Query(max_length=2_000, description="Separated by commas.")] = "",
) -> Response:
    """List an account's orders, including the orders of its runs."""
    open_ = {"open": True, "closed": False, "all": None}[status]
    named = frozenset(filter(None, symbols.split(",")))

    def find(book: Book) -> list[models.Order]:
        found = manual_orders.list_orders(
            book, account_id, open_=open_, after=after, until=until, side=side, symbols=named,
            oldest_first=direction == "asc", limit=limit,
        )  # fmt: skip
        return [_shape(book, order) for order in found]

    return answer(request, await book_client(request).ask(find))


@router.get("/orders:by_client_order_id", **responds_with(models.Order))
async def get_order_by_client_id(
    request: Request, account_id: str, client_order_id: Annotated[str, Query(max_length=128)]
) -> Response:
    """Get an order by its client order id."""
    return answer(
        request,
        await book_client(request).ask(
            lambda book: _shape(book, manual_orders.order_by_client_id(book, account_id, client_order_id))
        ),
    )


@router.get("/orders/{order_id}", **responds_with(models.Order))
async def get_order(request: Request, account_id: str, order_id: str) -> Response:
    """Get an order."""
    return answer(
        request,
        await book_client(request).ask(lambda book: _shape(book, manual_orders.find_order(book, account_id, order_id))),
    )


@router.delete("/orders/{order_id}", **responds_with(None))
async def cancel_order(request: Request, account_id: str, order_id: str) -> Response:
    """Cancel an order. Existing fills stand."""
    await book_client(request).ask(lambda book: manual_orders.cancel_order(book, account_id, order_id))
    return no_content()


def _shape(book: Book, order: Order) -> models.Order:
    return order_json(order, asset_ids(book.assets))

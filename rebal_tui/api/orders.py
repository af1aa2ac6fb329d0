"""Orders that somebody places in an account by hand."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from rebal_tui.api import schemas
from rebal_tui.api.answers import Moment, answer, desk_of, json_body, nothing
from rebal_tui.api.described import body, listed, told
from rebal_tui.domain.orders import Order, Side
from rebal_tui.services import hand_orders
from rebal_tui.services.api_shapes import Json, asset_ids, order_json
from rebal_tui.services.book import Book
from rebal_tui.services.intake.requests import read_order

router = APIRouter(prefix="/trading/accounts/{account_id}", tags=["orders"])

_MOST = 500


@router.post("/orders", **told(schemas.Order), **body(schemas.CreateOrder))
async def submit_order(request: Request, account_id: str) -> Response:
    """Place a market day order, by shares or by dollars; refused while the account is subscribed to a portfolio."""
    given = read_order(await json_body(request), account_id)
    return answer(await desk_of(request).ask(lambda book: _shape(book, hand_orders.place_order(book, given))))


@router.get("/orders", **listed(schemas.Order))
async def list_orders(
    request: Request,
    account_id: str,
    status: Literal["open", "closed", "all"] = "open",
    limit: Annotated[int, Query(ge=1, le=_MOST)] = 50,
    after: Moment | None = None,
    until: Moment | None = None,
    direction: Literal["asc", "desc"] = "desc",
    side: Side | None = None,
    symbols: Annotated[str, Query(max_length=2_000, description="Separated by commas.")] = "",
) -> Response:
    """Orders of an account, those of its runs as well."""
    open_ = {"open": True, "closed": False, "all": None}[status]
    named = frozenset(filter(None, symbols.split(",")))

    def find(book: Book) -> list[Json]:
        found = hand_orders.list_orders(
            book, account_id, open_=open_, after=after, until=until, side=side, symbols=named,
            oldest_first=direction == "asc", limit=limit,
        )  # fmt: skip
        return [_shape(book, order) for order in found]

    return answer(await desk_of(request).ask(find))


@router.get("/orders:by_client_order_id", **told(schemas.Order))
async def get_order_by_client_id(
    request: Request, account_id: str, client_order_id: Annotated[str, Query(max_length=128)]
) -> Response:
    """The order that was placed under an id."""
    return answer(
        await desk_of(request).ask(
            lambda book: _shape(book, hand_orders.order_by_client_id(book, account_id, client_order_id))
        )
    )


@router.get("/orders/{order_id}", **told(schemas.Order))
async def get_order(request: Request, account_id: str, order_id: str) -> Response:
    """One order."""
    return answer(
        await desk_of(request).ask(lambda book: _shape(book, hand_orders.find_order(book, account_id, order_id)))
    )


@router.delete("/orders/{order_id}", **told(None))
async def cancel_order(request: Request, account_id: str, order_id: str) -> Response:
    """Cancel an order; what has filled stands."""
    await desk_of(request).ask(lambda book: hand_orders.cancel_order(book, account_id, order_id))
    return nothing()


def _shape(book: Book, order: Order) -> Json:
    return order_json(order, asset_ids(book.assets))

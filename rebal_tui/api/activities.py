"""Activities of accounts."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from rebal_tui.api.openapi import responds_with_list
from rebal_tui.api.responses import Timestamp, answer, book_client
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.services.wire.activities import ActivityQuery, list_activities
from rebal_tui.services.wire.models import accounts as models

router = APIRouter(prefix="/accounts/activities", tags=["accounts"])

Id = Annotated[str | None, Query(max_length=64)]
Size = Annotated[int, Query(ge=1, le=100)]
Token = Annotated[str | None, Query(max_length=120, description="The id of the last activity of the page before.")]
Types = Annotated[str | None, Query(max_length=500, description="Separated by commas.")]
Direction = Literal["asc", "desc"]
Category = Literal["trade_activity", "non_trade_activity"]
_DAY = timedelta(days=1)
_MICROSECOND = timedelta(microseconds=1)


@router.get("", **responds_with_list(models.AccountActivity))
async def list_all(
    request: Request, account_id: Id = None, order_id: Id = None, activity_types: Types = None,
    category: Category | None = None, day: Annotated[date | None, Query(alias="date")] = None,
    after: Timestamp | None = None, until: Timestamp | None = None, direction: Direction = "desc",
    page_size: Size = 100, page_token: Token = None,
) -> Response:  # fmt: skip
    """List executions and cash activities, newest first. `date` is a day in New York; give it, or `after` and `until`,
    not both.
    """
    if activity_types and category is not None:
        raise Invalid([Fault("category", "expected activity_types or category, not both")])
    types = tuple(filter(None, (activity_types or "").split(",")))
    start, end = _span(day, after, until)
    query = ActivityQuery(account_id, types, category, order_id, start, end, direction == "desc", page_token, page_size)
    return answer(request, await book_client(request).ask(lambda book: list_activities(book, query)))


@router.get("/{activity_type}", **responds_with_list(models.AccountActivity))
async def list_of_type(
    request: Request, activity_type: Annotated[str, Path(max_length=20)], account_id: Id = None, order_id: Id = None,
    day: Annotated[date | None, Query(alias="date")] = None, after: Timestamp | None = None,
    until: Timestamp | None = None, direction: Direction = "desc", page_size: Size = 100, page_token: Token = None,
) -> Response:  # fmt: skip
    """List the activities of a type, such as FILL, newest first."""
    start, end = _span(day, after, until)
    query = ActivityQuery(
        account_id, (activity_type,), None, order_id, start, end, direction == "desc", page_token, page_size
    )
    return answer(request, await book_client(request).ask(lambda book: list_activities(book, query)))


def _span(day: date | None, after: datetime | None, until: datetime | None) -> tuple[datetime | None, datetime | None]:
    """The times of a query, the first exclusive, the second inclusive. Raises `Invalid`."""
    if day is None:
        return after, until
    if after is not None or until is not None:
        raise Invalid([Fault("date", "expected date, or after and until")])
    if not 1970 <= day.year < 2200:
        raise Invalid([Fault("date", "expected a year from 1970 to 2199")])
    opens, closes = (datetime.combine(one, time(), NEW_YORK) for one in (day, day + _DAY))
    return opens - _MICROSECOND, closes - _MICROSECOND

"""The 13 rebalancing operations of Alpaca's API on portfolios, subscriptions and runs; also exceptions and asset
holds."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import Response

from rebal_tui.api.bodies import body_of, raw_body
from rebal_tui.api.openapi import body, responds_with, responds_with_list
from rebal_tui.api.responses import (
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    answer,
    book_client,
    key_of,
    next_token,
    no_content,
)
from rebal_tui.domain.errors import Conflict, NotFound
from rebal_tui.domain.portfolios import PortfolioStatus
from rebal_tui.domain.runs import RunStatus, RunType
from rebal_tui.services.advisory import portfolios, subscriptions
from rebal_tui.services.book.book import Book
from rebal_tui.services.parsing import requests
from rebal_tui.services.parsing.portfolio_requests import CreatePortfolio, UpdatePortfolio
from rebal_tui.services.queries import exceptions
from rebal_tui.services.runs import asset_holds
from rebal_tui.services.runs.manual import cancel_run, queue_run, start_run
from rebal_tui.services.runs.run_overrides import checked_override
from rebal_tui.services.view_models.exceptions import ExceptionKind
from rebal_tui.services.wire import exceptions as wire_exceptions
from rebal_tui.services.wire import pages, shapes
from rebal_tui.services.wire import subscriptions as wire_subscriptions
from rebal_tui.services.wire.models import rebalancing as models

router = APIRouter(prefix="/rebalancing", tags=["rebalancing"])

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE_SIZE, description="Items per page.")]
Token = Annotated[str | None, Query(max_length=100, description="next_page_token of the previous page.")]
Text = Annotated[str, Query(max_length=200)]
Id = Annotated[str | None, Query(max_length=64)]


@router.post("/portfolios", **responds_with(models.Portfolio), **body(CreatePortfolio))
async def create_portfolio(request: Request) -> Response:
    """Create a portfolio. Weights sum to exactly 100; every asset must be active, tradable and fractionable."""
    given = (await body_of(request, CreatePortfolio)).body()
    made = await book_client(request).ask(lambda book: portfolios.create_portfolio(book, given))
    return answer(request, shapes.portfolio_json(made))


@router.get("/portfolios", **responds_with_list(models.Portfolio))
async def list_portfolios(
    request: Request, name: Text = "", description: Text = "", symbol: Text = "", portfolio_id: Text = "",
    status: PortfolioStatus | None = None,
) -> Response:  # fmt: skip
    """List portfolios that match every filter. Name and description match in part, the others exactly.

    Inactive portfolios are listed only with `status=inactive`.
    """
    found = await book_client(request).ask(
        lambda book: portfolios.list_portfolios(
            book, name=name, description=description, symbol=symbol, portfolio_id=portfolio_id, status=status
        )
    )
    hidden = PortfolioStatus.INACTIVE if status is None else None
    return answer(request, [shapes.portfolio_json(one) for one in found if one.status is not hidden])


@router.get("/portfolios/{portfolio_id}", **responds_with(models.Portfolio))
async def get_portfolio(request: Request, portfolio_id: str) -> Response:
    """Get a portfolio."""
    return answer(
        request, await book_client(request).ask(lambda book: shapes.portfolio_json(book.portfolio(portfolio_id)))
    )


@router.patch("/portfolios/{portfolio_id}", **responds_with(models.Portfolio), **body(UpdatePortfolio))
async def update_portfolio(request: Request, portfolio_id: str) -> Response:
    """Update a portfolio. Weights and conditions are replaced as a whole; `"status": "active"` reactivates it."""
    given = await raw_body(request, UpdatePortfolio)
    made = await book_client(request).ask(lambda book: portfolios.patch_portfolio(book, portfolio_id, given))
    return answer(request, shapes.portfolio_json(made))


@router.delete("/portfolios/{portfolio_id}", **responds_with(None))
async def inactivate_portfolio(request: Request, portfolio_id: str) -> Response:
    """Deactivate a portfolio. Refused while accounts are subscribed to it."""
    try:
        await book_client(request).ask(lambda book: portfolios.inactivate_portfolio(book, portfolio_id))
    except NotFound as unknown:
        raise Conflict("invalid portfolio_id") from unknown
    return no_content()


@router.post("/subscriptions", **responds_with(models.Subscription), **body(requests.CreateSubscription))
async def create_subscription(request: Request) -> Response:
    """Subscribe an account to a portfolio. The account must be ACTIVE, without open orders, and not subscribed."""
    given = requests.read_subscription(await raw_body(request, requests.CreateSubscription))
    return answer(
        request, await book_client(request).ask(lambda book: wire_subscriptions.make_subscription(book, given))
    )


@router.get("/subscriptions", **responds_with(models.SubscriptionPage))
async def list_subscriptions(
    request: Request,
    account_id: Id = None,
    portfolio_id: Id = None,
    limit: Limit = DEFAULT_PAGE_SIZE,
    page_token: Token = None,
) -> Response:
    """List active subscriptions, oldest first."""
    after = key_of(page_token)
    found = await book_client(request).ask(
        lambda book: pages.page_of_subscriptions(
            book, limit, after=after, account_id=account_id, portfolio_id=portfolio_id
        )
    )
    page: models.SubscriptionPage = {"subscriptions": found.items, "next_page_token": next_token(found.next_key)}
    return answer(request, page)


@router.get("/subscriptions/{subscription_id}", **responds_with(models.Subscription))
async def get_subscription(request: Request, subscription_id: str) -> Response:
    """Get an active subscription."""
    return answer(request, await book_client(request).ask(lambda book: pages.find_subscription(book, subscription_id)))


@router.delete("/subscriptions/{subscription_id}", **responds_with(None))
async def delete_subscription(request: Request, subscription_id: str) -> Response:
    """End a subscription. A queued run is canceled; a run in progress finishes."""
    try:
        await book_client(request).ask(lambda book: subscriptions.unsubscribe(book, subscription_id))
    except NotFound as unknown:
        raise Conflict("the subscription does not exist") from unknown
    return no_content()


@router.post("/runs", **responds_with(models.Run), **body(requests.CreateRun))
async def create_manual_run(request: Request) -> Response:
    """Create a run: with weights for an account without a subscription, without weights for a subscribed account.

    The answer shows the run as it was made, QUEUED. Outside the window (open to 30 minutes before the close) it stays
    so. `partial_liquidation` reserves an amount of cash; responses have it as type full_rebalance with kind
    partial_liquidation.
    """
    given = await body_of(request, requests.CreateRun)

    def make(book: Book) -> models.Run:
        override = None
        if given.override is not None:
            override = checked_override(
                book, given.account_id, given.override.restrictions, given.override.note, at="override."
            )
        run = queue_run(
            book, given.account_id, given.type, weights=given.weights, amount=given.amount, override=override
        )
        made = pages.wire_run(book, run)
        start_run(book, run)
        return made

    return answer(request, await book_client(request).ask(make))


@router.get("/runs", **responds_with(models.RunPage))
async def list_runs(
    request: Request,
    account_id: Id = None,
    status: RunStatus | None = None,
    type: RunType | None = None,
    limit: Limit = DEFAULT_PAGE_SIZE,
    page_token: Token = None,
) -> Response:
    """List runs, newest first."""
    before = key_of(page_token)
    found = await book_client(request).ask(
        lambda book: pages.page_of_runs(book, limit, before=before, account_id=account_id, status=status, kind=type)
    )
    page: models.RunPage = {"runs": found.items, "next_page_token": next_token(found.next_key)}
    return answer(request, page)


@router.get("/runs/{run_id}", **responds_with(models.Run))
async def get_run(request: Request, run_id: str) -> Response:
    """Get a run with its orders."""
    return answer(request, await book_client(request).ask(lambda book: pages.find_run(book, run_id)))


@router.delete("/runs/{run_id}", **responds_with(None))
async def delete_run(request: Request, run_id: str) -> Response:
    """Cancel a run that is QUEUED or IN_PROGRESS. Existing fills stand."""
    await book_client(request).ask(lambda book: cancel_run(book, run_id))
    return no_content()


@router.get("/exceptions", tags=["ours"], **responds_with(models.ExceptionPage))
async def list_exceptions(
    request: Request,
    kind: ExceptionKind | None = None,
    account_id: Id = None,
    limit: Limit = DEFAULT_PAGE_SIZE,
    page_token: Token = None,
) -> Response:
    """List the exceptions: what stops trading or needs a person. Not part of Alpaca's API."""
    after = key_of(page_token)
    found = await book_client(request).ask(
        lambda book: exceptions.list_exceptions(book, limit, after=after, kind=kind, account_id=account_id)
    )
    page: models.ExceptionPage = {
        "exceptions": [wire_exceptions.exception_json(one) for one in found.items],
        "next_page_token": next_token(found.next_key),
    }
    return answer(request, page)


@router.get("/asset_holds", tags=["ours"], **responds_with_list(models.AssetHold))
async def list_asset_holds(request: Request) -> Response:
    """List the assets on hold after a price jump that nothing explains. Not part of Alpaca's API."""
    return answer(request, await book_client(request).ask(wire_exceptions.asset_holds))


@router.post("/asset_holds/{symbol}/release", tags=["ours"], **responds_with(models.AssetHold))
async def release_asset(request: Request, symbol: Annotated[str, Path(max_length=30)]) -> Response:
    """Release an asset on hold for all accounts together, until its next price jump. Not part of Alpaca's API."""
    released = await book_client(request).ask(lambda book: asset_holds.release(book, symbol))
    return answer(request, wire_exceptions.asset_hold_json(released))

"""Trading settings of accounts, subscriptions and the book; these routes are not part of Alpaca's API."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from rebal_tui.api.bodies import body_of
from rebal_tui.api.openapi import body, responds_with
from rebal_tui.api.responses import answer, book_client
from rebal_tui.services.advisory import trade_settings
from rebal_tui.services.book.book import Book
from rebal_tui.services.parsing.rule_requests import ChangeAccountSettings, ChangeBookSettings, ChangeSubscription
from rebal_tui.services.wire import pages
from rebal_tui.services.wire.accounts import account_shape
from rebal_tui.services.wire.models import accounts as account_models
from rebal_tui.services.wire.models import rebalancing as models
from rebal_tui.services.wire.shapes import minimum_json

router = APIRouter(tags=["ours"])


@router.patch("/accounts/{account_id}", **responds_with(account_models.Account), **body(ChangeAccountSettings))
async def update_account(request: Request, account_id: str) -> Response:
    """Change whether an account trades whole shares only, and its minimum trade. No other field can be changed."""
    given = await body_of(request, ChangeAccountSettings)

    def change(book: Book) -> account_models.Account:
        before = trade_settings.account_settings(book, account_id)
        trade_settings.set_account_settings(book, account_id, given.over(before))
        return account_shape(book, book.account(account_id))

    return answer(request, await book_client(request).ask(change))


@router.patch(
    "/rebalancing/subscriptions/{subscription_id}", **responds_with(models.Subscription), **body(ChangeSubscription)
)
async def update_subscription(request: Request, subscription_id: str) -> Response:
    """Replace the overrides of a subscription: settings that differ from its portfolio's. Not part of Alpaca's API."""
    given = await body_of(request, ChangeSubscription)

    def change(book: Book) -> models.Subscription:
        trade_settings.set_overrides(book, subscription_id, given.overrides)
        return pages.find_subscription(book, subscription_id)

    return answer(request, await book_client(request).ask(change))


@router.get("/rebalancing/settings", **responds_with(models.BookSettings))
async def book_settings(request: Request) -> Response:
    """Get the settings of the book that concern trading. Not part of Alpaca's API."""
    return answer(request, await book_client(request).ask(_settings))


@router.patch("/rebalancing/settings", **responds_with(models.BookSettings), **body(ChangeBookSettings))
async def update_book_settings(request: Request) -> Response:
    """Change the book's minimum trade, which counts where no other minimum trade is set. Not part of Alpaca's API."""
    given = await body_of(request, ChangeBookSettings)

    def change(book: Book) -> models.BookSettings:
        if given.minimum_trade is not None:
            trade_settings.set_book_minimum(book, given.minimum_trade[0])
        return _settings(book)

    return answer(request, await book_client(request).ask(change))


def _settings(book: Book) -> models.BookSettings:
    return {"minimum_trade": minimum_json(trade_settings.book_minimum(book))}

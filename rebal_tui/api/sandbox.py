"""Sandbox operations: create accounts, set prices, step time."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Path, Request
from starlette.responses import Response

from rebal_tui.api.bodies import body_of
from rebal_tui.api.openapi import body, responds_with
from rebal_tui.api.responses import book_client, json_body, json_response
from rebal_tui.services.advisory import cash
from rebal_tui.services.book import guards
from rebal_tui.services.book.book import Book
from rebal_tui.services.parsing import corporate_action, requests
from rebal_tui.services.simulation import corporate_actions, sandbox, simulator
from rebal_tui.services.wire.accounts import account_shape
from rebal_tui.services.wire.exceptions import guards_json
from rebal_tui.services.wire.market import corporate_action_json
from rebal_tui.services.wire.models import accounts, market
from rebal_tui.services.wire.shapes import asset_json

router = APIRouter(prefix="/sandbox", tags=["sandbox"])


@router.get("", **responds_with(market.Sandbox))
async def get_sandbox(request: Request) -> Response:
    """Get the current time and the id of the firm account."""
    return json_response(await book_client(request).ask(sandbox.sandbox_json))


@router.post("/accounts", **responds_with(accounts.Account), **body(requests.OpenAccount))
async def open_account(request: Request) -> Response:
    """Open an ACTIVE account with settled cash."""
    given = await body_of(request, requests.OpenAccount)
    return json_response(
        await book_client(request).ask(
            lambda book: account_shape(book, sandbox.open_account(book, given.name, given.cash))
        )
    )


@router.post("/accounts/{account_id}", **responds_with(accounts.Account), **body(requests.ChangeAccount))
async def change_account(request: Request, account_id: str) -> Response:
    """Change an account's status or replace its restrictions."""
    given = await body_of(request, requests.ChangeAccount)
    return json_response(
        await book_client(request).ask(
            lambda book: account_shape(
                book,
                sandbox.set_account(
                    book,
                    account_id,
                    status=given.status,
                    restrictions=None if given.restrictions is None else frozenset(given.restrictions),
                ),
            )
        )
    )


@router.post("/deposits", **responds_with(accounts.Account), **body(requests.Deposit))
async def deposit(request: Request) -> Response:
    """Deposit cash into an account; it is settled immediately."""
    given = await body_of(request, requests.Deposit)

    def act(book: Book) -> accounts.Account:
        cash.deposit(book, given.account_id, given.amount)
        return account_shape(book, book.account(given.account_id))

    return json_response(await book_client(request).ask(act))


@router.post("/prices", **responds_with(market.Sandbox), **body(requests.Prices))
async def set_prices(request: Request) -> Response:
    """Set prices: `{"SPY": "417.80"}`. They remain until the next change."""
    given = requests.read_prices(await json_body(request))

    def act(book: Book) -> market.Sandbox:
        sandbox.set_prices(book, given)
        return sandbox.sandbox_json(book)

    return json_response(await book_client(request).ask(act))


@router.post("/assets/{symbol}", **responds_with(market.Asset), **body(requests.ChangeAsset))
async def change_asset(request: Request, symbol: Annotated[str, Path(pattern=r"^[A-Z][A-Z0-9.\-]{0,15}$")]) -> Response:
    """Change an asset, or add an unknown one."""
    given = requests.read_asset_change(await json_body(request))
    return json_response(
        await book_client(request).ask(lambda book: asset_json(sandbox.set_asset(book, symbol, given)))
    )


@router.post(
    "/corporate-actions", **responds_with(market.CorporateAction), **body(corporate_action.ApplyCorporateAction)
)
async def apply_action(request: Request) -> Response:
    """Apply a corporate action at once: a split, a dividend, a spin-off, a changed symbol, a merger or a delisting.

    `ratio` is new:old for a split, else shares received per share held: `10`, `1.5`, `3:2` or `1:8`. `amount` is
    dollars per share. `price` is the first price of the new asset.
    """
    given = corporate_action.read_action(await json_body(request))
    return json_response(
        await book_client(request).ask(
            lambda book: corporate_action_json(corporate_actions.apply_corporate_action(book, given))
        )
    )


@router.post("/rejections", **responds_with(market.Sandbox), **body(requests.Rejection))
async def reject_next(request: Request) -> Response:
    """Accept and then reject the next order of an account and symbol."""
    given = await body_of(request, requests.Rejection)

    def act(book: Book) -> market.Sandbox:
        sandbox.reject_next(book, given.account_id, given.symbol, given.reason)
        return sandbox.sandbox_json(book)

    return json_response(await book_client(request).ask(act))


@router.post("/step", **responds_with(market.Sandbox), **body(requests.Step))
async def step(request: Request) -> Response:
    """Advance time and run all scheduled work due in between. Prices do not change.

    `sessions` advances to the same time of day that number of sessions later, `minutes` by that number of minutes.
    """
    given = await body_of(request, requests.Step)
    client = book_client(request)
    for _ in range(given.sessions):
        await client.ask(simulator.step_day)
    if given.minutes:
        await client.ask(lambda book: sandbox.step_minutes(book, given.minutes))
    return json_response(await client.ask(sandbox.sandbox_json))


@router.get("/settings", **responds_with(market.Guards))
async def get_settings(request: Request) -> Response:
    """Get the guards of the book."""
    return json_response(await book_client(request).ask(lambda book: guards_json(book.settings.guards)))


@router.post("/settings", **responds_with(market.Guards), **body(requests.ChangeGuards))
async def change_settings(request: Request) -> Response:
    """Switch the guards against price jumps and surges on or off, or change their limits."""
    given = requests.read_guards(await json_body(request))

    def act(book: Book) -> market.Guards:
        guards.apply_guards(book, replace(book.settings.guards, **given))
        return guards_json(book.settings.guards)

    return json_response(await book_client(request).ask(act))

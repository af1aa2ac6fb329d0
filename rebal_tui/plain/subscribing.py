"""Commands that subscribe, move and unsubscribe accounts: one account, or all of the last list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.text import count_text
from rebal_tui.plain.reading import find_portfolio
from rebal_tui.plain.session import Session
from rebal_tui.plain.speech import spoken
from rebal_tui.services.view_models.accounts import BulkPreview, BulkResult
from rebal_tui.tui.book_services import bulk, undo
from rebal_tui.tui.questions import Question
from rebal_tui.tui.screens.accounts.bulk_lines import bulk_effects, bulk_items
from rebal_tui.tui.screens.accounts.bulk_parts import change_in_parts, preview_in_parts

if TYPE_CHECKING:
    from rebal_tui.services.advisory.undo import Undo

LIST = "list"
"""What is typed for all accounts of the last list."""
Results = tuple[tuple[BulkResult, ...], "Undo | None"]


async def find_accounts(session: Session, text: str) -> tuple[str, ...]:
    """The ids of the accounts that `text` names: one account, or for `list` all of the last list. Raises `Invalid`."""
    if text.casefold() != LIST:
        return ((await session.find_account(text)).account_id,)
    if not session.accounts:
        raise Invalid("List accounts first, such as: accounts unsubscribed")
    return tuple(row.account_id for row in session.accounts)


async def subscribe(session: Session, text: str) -> None:
    """Let accounts follow a portfolio; `text` names the account, or all of the last list, and the portfolio."""
    await _subscribe(session, text, moving=False)


async def move(session: Session, text: str) -> None:
    """Move accounts to another portfolio; `text` names the account, or all of the last list, and the portfolio."""
    await _subscribe(session, text, moving=True)


async def _subscribe(session: Session, text: str, *, moving: bool) -> None:
    verb, done = ("Move", "Moved") if moving else ("Subscribe", "Subscribed")
    name, to, wanted = f" {text}".rpartition(" to ")
    if not to:
        raise Invalid(f"Type an account and a portfolio, such as: {verb.lower()} moreau to balanced")
    chosen = await find_accounts(session, name.strip())
    portfolio = await find_portfolio(session, wanted.strip())
    if not moving and (await session.ask(bulk.chosen_accounts, chosen)).subscribed == len(chosen):
        raise Invalid(
            "This account follows a portfolio already; the command move moves it to another"
            if len(chosen) == 1
            else "Each of these accounts follows a portfolio already; the command move moves them to another"
        )
    preview = await preview_in_parts(session, bulk.preview_subscriptions, chosen, portfolio.id, moving=moving)

    async def do() -> Results:
        return await change_in_parts(session, done, undo.subscribe_all, preview, portfolio.id, moving=moving)

    await _change(session, f"{verb} to {preview.portfolio}?", verb, preview, do, f"{done} to {preview.portfolio}")


async def unsubscribe(session: Session, text: str) -> None:
    """End the subscription of the account that `text` names, or of all accounts of the last list."""
    preview = await preview_in_parts(session, bulk.preview_unsubscriptions, await find_accounts(session, text))

    async def do() -> Results:
        return await change_in_parts(session, "Unsubscribed", undo.unsubscribe_all, preview)

    await _change(session, "End these subscriptions?", "Unsubscribe", preview, do, "Unsubscribed")


async def _change(
    session: Session, title: str, verb: str, preview: BulkPreview, do: Callable[[], Awaitable[Results]], done: str
) -> None:
    """Confirm and make a change of subscriptions, which can be undone, and write each refusal."""
    refused = [row for row in preview.rows if row.refusal]
    if len(refused) == len(preview.rows):
        _refuse(session, [(row.client, row.refusal) for row in refused])
        return
    items = bulk_items(preview, lambda _row: None)
    question = Question(title, verb, effects=bulk_effects(preview, verb), items=items, sends=True)
    if await session.confirm(question) is None:
        return
    results, change = await do()
    made = [result for result in results if not result.refusal]
    if made:
        whom = made[0].client if len(made) == 1 else count_text(len(made), "account")
        session.done(f"{done}: {whom}", (change, f"{done[0].lower()}{done[1:]}, {whom}"))
    _refuse(session, [(result.client, result.refusal) for result in results if result.refusal])


def _refuse(session: Session, refused: list[tuple[str, str]]) -> None:
    for client, reason in refused:
        session.refuse(f"Not changed, {spoken(client)}: {reason}")

"""Commands that answer exceptions and alerts: do what an exception requires, or acknowledge."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.text import count_text
from rebal_tui.plain.acting import make
from rebal_tui.plain.reading import numbered, read_exceptions
from rebal_tui.plain.session import Session
from rebal_tui.services.view_models.exceptions import ExceptionKind
from rebal_tui.services.view_models.log import AlertView
from rebal_tui.tui.book_services import asset_holds, log_queries, release
from rebal_tui.tui.questions import Effect, Question
from rebal_tui.tui.screens.shared.holds import reconcile_effects, release_asset_effects

if TYPE_CHECKING:
    from rebal_tui.services.view_models.exceptions import ExceptionView


async def answer(session: Session, text: str) -> None:
    """Resolve the exception with the number `text` in the last list, or write what a person must do.

    It may release an asset or an account, or acknowledge a run.
    """
    _, row = numbered(session, text)
    if isinstance(row, AlertView):
        raise Invalid("This is an alert; the command acknowledge acknowledges it")
    if row.kind is ExceptionKind.ASSET_ON_HOLD and row.symbol is not None:
        await _release_asset(session, row, row.symbol)
    elif row.kind is ExceptionKind.UNEXPLAINED_DIFFERENCE and row.account_id is not None:
        await _reconcile(session, row.account_id)
    elif row.kind is ExceptionKind.RUN_FAILED:
        rows = await read_exceptions(session)
        keys = [one.key for one in rows if isinstance(one, AlertView) and one.subject == row.run_id]
        await _acknowledge(session, keys)
    else:
        session.say(f"To do: {row.remedy}")


async def _release_asset(session: Session, row: ExceptionView, symbol: str) -> None:
    async def do() -> str:
        await session.ask(asset_holds.release, symbol)
        return symbol

    effects = release_asset_effects(symbol, row.text.removesuffix("."), row.accounts)
    await make(session, Question(f"Release {symbol}?", "Release", effects=effects, sends=True), do, "Released")


async def _reconcile(session: Session, account_id: str) -> None:
    row = await session.find_account(account_id)
    pause = await session.ask(release.check_release, account_id)
    differences = await session.ask(release.differences, account_id)

    async def do() -> str:
        await session.ask(release.release, account_id)
        return row.client

    compared = [Effect(what, f"{ours} in the book, {theirs} at the broker") for what, ours, theirs in differences]
    effects = [*reconcile_effects(row.client, pause), *compared]
    question = Question("Apply the broker's figures?", "Release", effects=effects, sends=True)
    await make(session, question, do, "Released")


async def acknowledge(session: Session, text: str) -> None:
    """Acknowledge the alert with the number `text` in the last list of exceptions and alerts; for `all`, all alerts."""
    if text.lower() == "all":
        keys = [row.key for row in await read_exceptions(session) if isinstance(row, AlertView)]
    else:
        _, row = numbered(session, text)
        if not isinstance(row, AlertView):
            raise Invalid(f"An exception lasts until its cause ends. To do: {row.remedy}")
        keys = [row.key]
    await _acknowledge(session, keys)


async def _acknowledge(session: Session, keys: Sequence[int]) -> None:
    if not keys:
        raise Invalid("No alert is open for it")
    await session.ask(log_queries.acknowledge_all, tuple(keys))
    session.done(f"{count_text(len(keys), 'alert')} acknowledged; raised again if the cause recurs")

"""Dialogs that show the cause of a hold or pause and release it: an asset for all accounts, or one account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rebal_tui.domain.text import count_text
from rebal_tui.services.book.book import Book
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import asset_holds, release
from rebal_tui.tui.questions import Effect
from rebal_tui.tui.segments import Line, heading, table_line
from rebal_tui.tui.widgets.lines import Builder

if TYPE_CHECKING:
    from rebal_tui.services.broker_sync.reconciliation.release import Pause
    from rebal_tui.tui.screens.shared.list_screen import ListScreen


def ask_to_release_asset(screen: ListScreen, symbol: str, reason: str, accounts: int) -> None:
    """Ask whether to release an asset on hold for all accounts that own or target it; on yes, release it.

    `reason` is why the asset is on hold; `accounts` is the number of these accounts.
    """

    async def do() -> str:
        await screen.host.ask(asset_holds.release, symbol)
        return symbol

    effects = release_asset_effects(symbol, reason, accounts)
    screen.host.confirm_sending(f"Release {symbol}?", "", "Release", do, "Released", effects=effects)


def release_asset_effects(symbol: str, reason: str, accounts: int) -> list[Effect]:
    """Return what releasing an asset does."""
    return [
        Effect(f"{symbol}: {reason}"),
        Effect("Automatic runs trade it again at its current price, until its next price jump"),
        Effect("One answer for all accounts concerned", count_text(accounts, "account")),
    ]


def reconcile_effects(client: str, hold: Pause) -> list[Effect]:
    """Return why an account is paused, and what its release does."""
    effects = [Effect(f"{client} has been paused since {formats.short_timestamp(hold.at)}: {hold.reason}")]
    if hold.resumes:
        effects.append(Effect("It resumes automatically when later broker events explain the difference"))
    effects.append(
        Effect("On release, the book applies the broker's figures, and the account is evaluated and traded again")
    )
    return effects


async def ask_to_reconcile(screen: ListScreen, account_id: str, client: str) -> None:
    """Show why an account is paused and in which figures the book differs from the broker.

    On yes, apply the broker's figures and release the account.
    """
    hold, rows = await screen.host.ask(_hold_with_differences, account_id)

    async def do() -> str:
        await screen.host.ask(release.release, account_id)
        return client

    effects = reconcile_effects(client, hold)
    if screen.is_current:
        title = "Apply the broker's figures?"
        screen.host.confirm_sending(title, "", "Release", do, "Released", difference_lines(rows), effects=effects)


def _hold_with_differences(book: Book, account_id: str) -> tuple[Pause, tuple[tuple[str, str, str], ...]]:
    """Return why an account is paused, and the differences: (name of the figure, value in the book, value at the
    broker).
    """
    return release.check_release(book, account_id), release.differences(book, account_id)


def difference_lines(rows: Sequence[tuple[str, str, str]]) -> Builder:
    """Build the comparison; each row has the name of a figure, the value in the book and the value at the broker."""

    def build(width: int, _height: int) -> Sequence[Line]:
        lines: list[Line] = [heading("Book → broker", width)]
        for what, ours, theirs in rows:
            cells = [(what, 10, "left", "muted"), (formats.grouped(ours), 18, "right", ""), ("→", 1, "left", "muted")]
            style = "title" if ours != theirs else "muted"
            lines.append(table_line([*cells, (formats.grouped(theirs), 18, "right", style)]))
        return lines

    return build

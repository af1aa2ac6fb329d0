"""Actions on one account or on all marked accounts: subscribe, move, unsubscribe; each with a preview."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.text import count_text, fold
from rebal_tui.services.view_models.accounts import BulkPreview, BulkResult, ChosenAccounts, FirstRun
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import bulk, first_runs, run_queries, undo
from rebal_tui.tui.screens.accounts.bulk_lines import bulk_effects, bulk_items, bulk_lines, result_lines
from rebal_tui.tui.screens.accounts.bulk_parts import change_in_parts, preview_in_parts
from rebal_tui.tui.screens.shared.dialog import ReadScreen
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.screens.shared.picker import Choice, PickScreen
from rebal_tui.tui.screens.shared.plan_lines import preview_lines
from rebal_tui.tui.widgets.lines import Builder


def choose_portfolio(screen: ListScreen, chosen: tuple[str, ...], *, moving: bool) -> None:
    """Let the user choose a portfolio, show the first runs, confirm, and subscribe the accounts to it.

    With `moving`, the accounts are subscribed to another portfolio already.
    """
    screen.host.work(_choose_portfolio(screen, chosen, moving=moving), name="portfolios")


async def _choose_portfolio(screen: ListScreen, chosen: tuple[str, ...], *, moving: bool) -> None:
    hidden = len(screen.table.marked - screen.table.keys_shown)
    accounts = await screen.host.ask(bulk.chosen_accounts, chosen)
    which = accounts.client or count_text(len(chosen), "marked account")
    if hidden:
        which += " (not shown)" if accounts.client else f" ({hidden:,} of them not shown)"
    title = f"{'Move' if moving else 'Subscribe'} {which} to which portfolio?"
    following = 0 if moving else accounts.subscribed
    if following == len(chosen) > 0:
        one = "This account follows a portfolio already; m moves it to another."
        several = "Each of these accounts follows a portfolio already; m moves them to another."
        screen.host.say(one if following == 1 else several, "warning")
        return
    if following:
        title += f" · {following:,} with one already: m moves"

    def picked(portfolio_id: str | None) -> None:
        if portfolio_id:
            screen.host.work(_subscribe(screen, chosen, portfolio_id, moving=moving), name="subscribe")

    await pick_portfolio(screen, title, picked, accounts if moving else None)


async def pick_portfolio(
    screen: ListScreen, title: str, picked: Callable[[str | None], None], moved: ChosenAccounts | None = None
) -> None:
    """Let the user pick a portfolio, active portfolios first; calls `picked` with its id, or an empty text on escape.

    The portfolios that the accounts `moved` follow are named as such. Raises `Conflict` if there is no portfolio.
    """
    rows = await screen.host.ask(run_queries.portfolio_rows)
    if not rows:
        raise Conflict("No portfolio yet; create one in Portfolios (2).")
    choices = [
        Choice(row.id, row.name, f"{_present(moved, row.id)}"
               f"{'' if row.status == 'active' else f'{formats.words(row.status)} · '}"
               f"{count_text(row.subscribers, 'account')} · {row.conditions_text}",
               "muted" if row.status == "active" else "warn")
        for row in sorted(rows, key=lambda row: (row.status != "active", fold(row.name)))
    ]  # fmt: skip
    if screen.is_current:
        screen.app.push_screen(PickScreen(title, choices, "portfolio"), picked)


def _present(moved: ChosenAccounts | None, portfolio_id: str) -> str:
    following = 0 if moved is None else moved.follows.get(portfolio_id, 0)
    if moved is None or not following:
        return ""
    return "followed now · " if moved.client else f"followed now by {following:,} of them · "


async def _subscribe(screen: ListScreen, chosen: tuple[str, ...], portfolio_id: str, *, moving: bool) -> None:
    preview = await preview_in_parts(screen.host, bulk.preview_subscriptions, chosen, portfolio_id, moving=moving)
    verb, done = ("Move", "Moved") if moving else ("Subscribe", "Subscribed")
    if _all_refused(screen, preview):
        return

    async def do() -> str:
        results, change = await change_in_parts(
            screen.host, done, undo.subscribe_all, preview, portfolio_id, moving=moving
        )
        screen.host.offer_undo(change, f"{done.lower()} {_count(results)} to {preview.portfolio}")
        return _outcome(screen, results, done)

    if screen.is_current:
        title = f"{verb} to {preview.portfolio}?"

        def first_run(row: FirstRun) -> Callable[[], Awaitable[Builder]] | None:
            return partial(_first_run, screen, row.account_id, portfolio_id) if row.orders else None

        screen.host.confirm_sending(
            title, "", verb, do, done, effects=bulk_effects(preview, verb), items=bulk_items(preview, first_run),
            undoable=True,
        )  # fmt: skip


async def _first_run(screen: ListScreen, account_id: str, portfolio_id: str) -> Builder:
    return preview_lines(await screen.host.ask(first_runs.preview_first_run, account_id, portfolio_id))


async def unsubscribe(screen: ListScreen, chosen: tuple[str, ...]) -> None:
    """End the subscriptions of the accounts after a confirmation."""
    preview = await preview_in_parts(screen.host, bulk.preview_unsubscriptions, chosen)
    if _all_refused(screen, preview):
        return

    async def do() -> str:
        results, change = await change_in_parts(screen.host, "Unsubscribed", undo.unsubscribe_all, preview)
        screen.host.offer_undo(change, f"unsubscribed {_count(results)}")
        return _outcome(screen, results, "Unsubscribed")

    if screen.is_current:
        effects = bulk_effects(preview, "Unsubscribe")
        screen.host.confirm_sending(
            "End these subscriptions?", "", "Unsubscribe", do, "Unsubscribed", effects=effects,
            items=bulk_items(preview, lambda _row: None),
        )  # fmt: skip


def _all_refused(screen: ListScreen, preview: BulkPreview) -> bool:
    """Whether all accounts are refused. If so, shows the reasons; of a single account, by raising `Conflict`."""
    if not all(row.refusal for row in preview.rows):
        return False
    if len(preview.rows) == 1:
        raise Conflict(preview.rows[0].refusal)
    if screen.is_current:
        title = f"No change possible · {count_text(len(preview.rows), 'account')} refused"
        screen.app.push_screen(ReadScreen(title, bulk_lines(preview)))
    return True


def _count(results: tuple[BulkResult, ...]) -> str:
    return count_text(sum(not result.refusal for result in results), "account")


def _outcome(screen: ListScreen, results: tuple[BulkResult, ...], verb: str) -> str:
    """Return a summary of the results. If accounts were refused, show the result of each account, and keep the refused
    ones marked.
    """
    refused = [result for result in results if result.refusal]
    screen.table.marked = screen.table.marked & {result.account_id for result in refused}
    done = len(results) - len(refused)
    if refused:
        title = f"{verb} · {count_text(done, 'account')} done · {len(refused):,} refused"
        screen.app.push_screen(ReadScreen(title, result_lines(results, verb)))
    text = count_text(done, "account")
    return f"{text}, {len(refused):,} refused" if refused else text

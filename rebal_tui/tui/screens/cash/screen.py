"""Cash section: withdrawals with their five steps, journals and deposits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import ClassVar

from textual.binding import BindingType
from textual.screen import Screen

from rebal_tui.domain.cash import WithdrawalStage
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.services.book.book import Book
from rebal_tui.services.view_models.cash import WithdrawalView
from rebal_tui.services.view_models.report_subject import ReportKind, ReportSubject
from rebal_tui.services.view_models.runs import TimelineEvent
from rebal_tui.services.view_models.status import REAL_TIME_MODES
from rebal_tui.tui import actions, formats
from rebal_tui.tui.book_services import account_queries, cash_queries, status_queries, withdrawals
from rebal_tui.tui.navigation import StartsWithdrawal
from rebal_tui.tui.questions import Effect
from rebal_tui.tui.screens.cash import columns as cash_columns
from rebal_tui.tui.screens.cash.columns import CashRow
from rebal_tui.tui.screens.cash.forms import journal_form, withdrawal_form
from rebal_tui.tui.screens.cash.lines import cancel_text, movement_lines, retry_text, withdrawal_lines
from rebal_tui.tui.screens.shared.detail_panel import Detail
from rebal_tui.tui.screens.shared.export_choices import Reported
from rebal_tui.tui.screens.shared.loads_older import LoadsOlder
from rebal_tui.tui.screens.shared.row_page import Page
from rebal_tui.tui.screens.shared.tiled_list_screen import TiledListScreen
from rebal_tui.tui.sections import LISTS, Section
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.tabs import ALL


class CashScreen(StartsWithdrawal, LoadsOlder, TiledListScreen, inherit_bindings=False):
    """List of withdrawals, journals and deposits: stopped withdrawals, then those in progress, then the rest."""

    SECTION = Section.CASH
    EXPORT = "cash"
    EXAMPLE_TERMS = "23 nov or 11/23"
    NOUN = "movement"
    ROWS_AT_ONCE, MAX_ROWS = 2_000, 20_000
    NARROWER = "an export (x) of the whole book has all"
    CSS_PATH: ClassVar[list[str]] = ["../shared/list.tcss", "../accounts/accounts.tcss"]  # type: ignore[assignment]  # Textual declares a str or list
    BINDINGS: ClassVar[list[BindingType]] = [
        *Screen.BINDINGS,
        *actions.bindings(Section.CASH, LISTS),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._stamp: tuple[int, date, int] | None = None
        self._rows: tuple[CashRow, ...] = ()
        self._cut: frozenset[str] = frozenset()

    def make_table(self) -> BookTable[CashRow]:
        return BookTable(
            cash_columns.columns(),
            lambda row: row.key,
            search=cash_columns.search,
            ids=cash_columns.ids,
            day=lambda row: new_york_day(row.at),
            empty="Loading cash movements…",
        )

    async def pull(self) -> None:
        self.show_status(await self.host.ask(status_queries.status_line))
        key = self.detail_key
        row = None if key is None else self._row_of(key)
        shown = row.withdrawal.id if row is not None and row.withdrawal is not None else None
        changed = await self.host.ask(cash_queries.cash_with_history, self._stamp, self.older.limit, shown)
        if changed is None:
            self.table.adopt_order()
            return
        self._stamp, snapshot, history = changed
        self._rows, self._cut = cash_columns.cash_rows(snapshot), snapshot.cut
        self.older.note(self._stamp[2], len(self._rows), self.NOUN, more=bool(self._cut))
        row = None if key is None else self._row_of(key)
        detail = None if row is None else Detail(row.key, _lines(row, history))
        with self.app.batch_update():
            self.show_rows()
            self.show_detail(detail)

    def show_rows(self) -> None:
        if self._stamp is None:
            return
        tile, rows = self.tile, self._rows
        deposits = "" if self.host.mode_shown in REAL_TIME_MODES else "; deposits are made in Accounts (3)"
        self.table.set_empty(
            f"No cash movements yet. n requests a withdrawal{deposits}."
            if not rows
            else f"No cash movements under “{tile}”; escape shows all."
        )
        self.table.set_rows(rows, None if tile == ALL else lambda row: cash_columns.in_group(row, tile))
        self.show_tiles()

    def show_tiles(self) -> None:
        if self._stamp is not None:
            self.tiles.tabs = cash_columns.group_tabs(self.table.found, self._cut)

    async def detail_of(self, key: str) -> Builder | None:
        row = self._row_of(key)
        return await self._read_lines(row) if row is not None else None

    def _row_of(self, key: str) -> CashRow | None:
        return next((row for row in self._rows if row.key == key), None)

    async def _read_lines(self, row: CashRow) -> Builder:
        view = row.withdrawal
        return _lines(row, await self.host.ask(cash_queries.withdrawal_history, view.id) if view is not None else ())

    def reported(self) -> Reported | None:
        row = self.table.cursor_row
        return None if row is None else Reported(ReportSubject(ReportKind.ACCOUNT, row.account_id), row.client)

    async def page_of(self, key: str) -> Page | None:
        row = self._row_of(key)
        if row is None:
            return None
        title = f"{row.kind.capitalize()} · {row.client} · {formats.money(row.amount)}"
        return Page(title, await self._read_lines(row), row.key, idle_on(row))

    def idle_on_row(self) -> frozenset[str]:
        row = self.table.cursor_row
        return idle_on(row) if isinstance(row, CashRow) else frozenset()

    def _row(self) -> CashRow | None:
        """Return the row under the cursor; if there is none, show a message and return None."""
        row = self.table.cursor_row
        return row if self.selected_id() is not None and isinstance(row, CashRow) else None

    def _withdrawal(self) -> WithdrawalView | None:
        """Return the withdrawal under the cursor. If the cursor is on a row of another kind or on none, show a message
        and return None.
        """
        row = self._row()
        if row is not None and row.withdrawal is None:
            self.host.say(f"This is a {row.kind}, not a withdrawal.")
        return row.withdrawal if row is not None else None

    def new_withdrawal(self, account: str = "") -> None:
        """Open the form for a new withdrawal, with the account filled in if given."""
        self.host.work_to_open(self._form(account), name="withdrawal")

    async def _form(self, account: str) -> None:
        names = await self.host.ask(account_queries.account_names)
        made: list[str] = []

        def requested(done: bool | None) -> None:
            """If a withdrawal was requested (`done`), sort the list and move the cursor to the withdrawal; else go back
            to the section from which the form was opened.
            """
            if done:
                self._go_to_made(made[-1])
            elif account:
                self.host.way_back.go_back()

        if self.is_current:
            self.app.push_screen(withdrawal_form(names, account, made), requested)

    def _go_to_made(self, key: str) -> None:
        """Sort the list and move the cursor to the row of a withdrawal or journal just made."""
        # Its row may have come, at the end of the list, before the form was closed.
        self.table.action_sort_now()
        self.table.renew_order()
        self.table.go_to(key)

    def action_withdraw(self) -> None:
        self.new_withdrawal()

    def action_journal(self, incoming: bool) -> None:
        self.host.work_to_open(self._journal(incoming), name="journal")

    async def _journal(self, incoming: bool) -> None:
        names = await self.host.ask(account_queries.account_names)
        made: list[str] = []

        def journaled(done: bool | None) -> None:
            if done:
                self._go_to_made(made[-1])

        if self.is_current:
            self.app.push_screen(journal_form(names, "", made, incoming=incoming), journaled)

    def action_cancel_withdrawal(self) -> None:
        view = self._withdrawal()
        if view is None:
            return
        if not view.cancelable:
            self.host.say(cancel_text(view))
            return
        effects = cancel_effects(view)

        async def do() -> str:
            done = await self.host.ask(withdrawals.cancel_withdrawal, view.id)
            return f"{'everything' if done.everything else '$' + formats.money(done.amount)} for {view.client}"

        self.host.confirm_sending(
            "Cancel this withdrawal?",
            "",
            "Cancel withdrawal",
            do,
            "Withdrawal canceled",
            effects=effects,
            no="Keep",
        )

    def action_retry(self) -> None:
        view = self._withdrawal()
        if view is None:
            return
        if refusal := retry_refusal(view):
            self.host.say(refusal)
            return

        async def do() -> str:
            return await self.host.ask(retry, view.id)

        self.host.confirm_sending("Retry withdrawal?", "", "Retry", do, "Retried", effects=retry_effects(view))

    def action_account(self) -> None:
        row = self._row()
        if row is not None:
            self.host.navigation.show_in_accounts(row.account_id)

    def action_account_runs(self) -> None:
        row = self._row()
        if row is not None:
            self.host.navigation.show_runs_of(row.account_id, row.client)


def idle_on(row: CashRow) -> frozenset[str]:
    """Return the ids of the actions that cannot work on this row."""
    view = row.withdrawal
    cannot = {"cash.cancel": view is None or not view.cancelable, "cash.retry": view is None or view.stopped is None}
    return frozenset(action for action, idle in cannot.items() if idle)


def cancel_effects(view: WithdrawalView) -> list[Effect]:
    """Return what the cancellation of a withdrawal does."""
    state = cash_columns.withdrawal_state(view)
    return [Effect(f"Withdrawal for {view.client}, {state}", _dollars(view)), Effect(cancel_text(view))]


def retry_refusal(view: WithdrawalView) -> str:
    """Return why a withdrawal cannot be retried; empty if it is stopped and can be retried."""
    if view.stopped is not None:
        return ""
    if WithdrawalStage(view.stage).final:
        return f"This withdrawal is {view.stage}."
    return "This withdrawal is not stopped; it continues automatically."


def retry_effects(view: WithdrawalView) -> list[Effect]:
    """Return what a retry of a stopped withdrawal does."""
    return [
        Effect(f"Withdrawal for {view.client}, stopped: {view.stopped}", _dollars(view)),
        Effect(retry_text(view)),
    ]


def retry(book: Book, withdrawal_id: str) -> str:
    """Retry a stopped withdrawal; returns as text the stage that it has reached, or why it stopped again."""
    after = withdrawals.retry_withdrawal(book, withdrawal_id)
    return f"stopped again: {after.stopped}" if after.stopped else formats.words(after.stage)


def _dollars(view: WithdrawalView) -> str:
    """Return the amount of a withdrawal, or `everything`, as part of a sentence."""
    return "everything" if view.everything else f"${formats.money(view.amount)}"


def _lines(row: CashRow, history: Sequence[TimelineEvent]) -> Builder:
    """Build the detail of a row; `history` is that of its withdrawal, if it is one."""
    return movement_lines(row) if row.withdrawal is None else withdrawal_lines(row.withdrawal, history)

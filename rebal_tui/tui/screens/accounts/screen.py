"""Accounts section: all accounts of the book, with actions on one account or on all marked ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import BindingType
from textual.screen import Screen

from rebal_tui.domain.accounts import AccountStatus, Restriction
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.text import count_text
from rebal_tui.domain.trading_rules import Concerned
from rebal_tui.services.book.book import Book
from rebal_tui.services.view_models.accounts import AccountGroup, AccountRow, AccountsSnapshot, InGroup
from rebal_tui.services.view_models.filter_terms import ACCOUNT_FIELDS
from rebal_tui.services.view_models.report_subject import ReportKind, ReportSubject
from rebal_tui.services.view_models.row_selection import CountsFound, FitsColumns
from rebal_tui.tui import actions, formats
from rebal_tui.tui.book_services import account_events, account_queries, cash, status_queries
from rebal_tui.tui.navigation import ActsOnAccount, ShowsAccount
from rebal_tui.tui.questions import Effect
from rebal_tui.tui.screens.account.page import open_account
from rebal_tui.tui.screens.accounts import columns as account_columns
from rebal_tui.tui.screens.accounts import simulate
from rebal_tui.tui.screens.accounts.bulk import choose_portfolio, unsubscribe
from rebal_tui.tui.screens.accounts.lines import detail_lines
from rebal_tui.tui.screens.accounts.manual_runs import run_manually
from rebal_tui.tui.screens.files.by_hand import enter_by_hand
from rebal_tui.tui.screens.files.positions import PositionsScreen
from rebal_tui.tui.screens.restrictions.screen import RestrictionsScreen
from rebal_tui.tui.screens.shared.detail_panel import Detail
from rebal_tui.tui.screens.shared.export_choices import Reported
from rebal_tui.tui.screens.shared.form import FormScreen
from rebal_tui.tui.screens.shared.holds import ask_to_reconcile
from rebal_tui.tui.screens.shared.picker import PickScreen
from rebal_tui.tui.screens.shared.plan_effects import FILES_MODE
from rebal_tui.tui.screens.shared.preview_page import show_preview
from rebal_tui.tui.screens.shared.row_page import ON_MARKED_ROWS
from rebal_tui.tui.screens.shared.tiled_list_screen import TiledListScreen
from rebal_tui.tui.sections import LISTS, Section
from rebal_tui.tui.way_back import Opens
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.tabs import ALL

ON_MARKED = frozenset(
    action.id for action in actions.section_actions(Section.ACCOUNTS) if action.method in ON_MARKED_ROWS
)
"""Ids of the actions on the marked accounts, also on those that the filter hides."""


def _filter_of(tile: str) -> InGroup | None:
    return None if tile == ALL else InGroup(AccountGroup(tile))


class AccountsScreen(ShowsAccount, ActsOnAccount, TiledListScreen, inherit_bindings=False):
    """List of all accounts; those with exceptions come first."""

    SECTION = Section.ACCOUNTS
    EXPORT = "accounts"
    NOUN = "account"
    FILTER_FIELDS = ACCOUNT_FIELDS
    EXAMPLE_TERMS = "equity>100000 portfolio:growth state:waits"
    CSS_PATH: ClassVar[list[str]] = ["../shared/list.tcss", "accounts.tcss"]  # type: ignore[assignment]  # Textual declares a str or list
    BINDINGS: ClassVar[list[BindingType]] = [
        *Screen.BINDINGS,
        *actions.bindings(Section.ACCOUNTS, LISTS),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._snapshot: AccountsSnapshot | None = None
        self._empty = False
        self._wanted_act: tuple[str, str, Opens] | None = None
        """An action that waits for the row of its account: account id, method, and what opens the user's last page."""

    def make_table(self) -> BookTable[AccountRow]:
        return BookTable(
            account_columns.columns(),
            lambda row: row.account_id,
            search=account_columns.search,
            ids=lambda row: (row.account_id,),
            empty="Reading the accounts…",
        )

    async def pull(self) -> None:
        self.show_status(await self.host.ask(status_queries.status_line))
        seen = self._snapshot
        version, key = seen.version if seen is not None else None, self.detail_key
        found = await self.host.ask(account_queries.accounts_with_detail, version, self.table.shown, key)
        if found is None:
            self.table.adopt_order()
            return
        snapshot, view = found
        detail = None if key is None or view is None else Detail(key, detail_lines(view))
        await self.table.prepare(snapshot.rows)
        shown = self._snapshot
        if shown is not seen and shown is not None and shown.version > snapshot.version:
            return
        self._snapshot = snapshot
        with self.app.batch_update():
            self.show_rows()
            self.show_detail(detail)

    @property
    def first_actions(self) -> tuple[str, ...]:
        """The actions that add the first accounts to a files book without accounts; empty for other books."""
        files = self.host.mode_shown == FILES_MODE
        return ("import_positions", "enter_by_hand") if self._empty and files else ()

    def show_rows(self) -> None:
        if self._snapshot is None:
            return
        tile, rows = self.tile, self._snapshot.rows
        self.table.set_empty(
            "No accounts yet. P imports a custodian's file, E enters an account."
            if not rows
            else f"No account in “{self.tile_label}”; escape shows all."
        )
        if isinstance(rows, FitsColumns):
            self.table.fit_columns(rows.zero_columns(), rows.widest())
        self.table.set_rows(rows, _filter_of(tile))
        self.show_tiles()
        if self._empty != (not rows):
            self._empty = not rows
            self.refresh_bindings()
        self._act_if_shown()

    def expect_tile(self, tile: str) -> None:
        self.table.expect_filter(_filter_of(tile), lambda: self.tiles.draw_ahead(tile))

    def on_mount(self) -> None:
        self.watch(self.table, "marked", self.show_tiles, init=False)

    def show_tiles(self) -> None:
        if self._snapshot is None:
            return
        rows, groups, text = self._snapshot.rows, self._snapshot.groups, self.table.view.text
        total = len(rows)
        if text and isinstance(rows, CountsFound):
            total, groups = rows.count_found(text), rows.counts(text)
        self.tiles.tabs = account_columns.group_tabs(total, groups, len(self.table.marked))

    def idle_actions(self) -> frozenset[str]:
        idle = super().idle_actions()
        return idle - ON_MARKED if self.table.marked else idle

    async def detail_of(self, key: str) -> Builder:
        return detail_lines(await self.host.ask(account_queries.account_detail, key))

    def show_account(self, account_id: str) -> None:
        """Move the cursor to an account, clearing filters that hide it."""
        if self._snapshot is None:
            self.table.go_to(account_id)
        elif not self.table.move_to(account_id):
            self.show_only("")
            self.table.move_to(account_id)

    def act_on(self, account_id: str, method: str, back: Opens) -> None:
        self.show_account(account_id)
        self.table.marked = frozenset()
        self._wanted_act = account_id, method, back
        self._act_if_shown()

    def _act_if_shown(self) -> None:
        """Run the action that waits for its account to be shown, if the cursor is on the row of that account."""
        if self._wanted_act is not None and self.table.cursor_key == self._wanted_act[0]:
            wanted, self._wanted_act = self._wanted_act, None
            self.host.work(self._act(*wanted), name="action")

    async def _act(self, account_id: str, method: str, back: Opens) -> None:
        if self.is_current:
            await self.app.run_action(method, self)
            self.host.way_back.after_action(self, lambda: self.table.cursor_key == account_id, back)

    def action_mark_shown(self) -> None:
        self.mark_shown("account")

    def reported(self) -> Reported | None:
        row = self.table.cursor_row
        return None if row is None else Reported(ReportSubject(ReportKind.ACCOUNT, row.account_id), row.client)

    async def open_row(self, key: str) -> None:
        await open_account(self, key)

    def _row(self) -> AccountRow | None:
        """Return the row under the cursor; if there is none, show a message and return None."""
        row = self.table.cursor_row
        return row if self.selected_id() is not None and isinstance(row, AccountRow) else None

    def _chosen(self) -> tuple[str, ...]:
        """Return the ids of the marked accounts in the book's order; if none is marked, that
        of the account under the cursor.
        """
        if self.table.marked:
            return tuple(str(key) for key in self.table.marked_in_order())
        row = self._row()
        return (row.account_id,) if row is not None else ()

    def action_import_positions(self) -> None:
        self.host.work(self._bring_in(lambda: self.app.push_screen(PositionsScreen())), name="import")

    def action_enter_by_hand(self) -> None:
        self.host.work(self._bring_in(lambda: enter_by_hand(self)), name="enter")

    async def _bring_in(self, go_on: Callable[[], object]) -> None:
        """Make an empty book a files book, unless it is one already; then call `go_on`."""
        keep_files = self.host.first_run.keep_files
        if self._empty and self.host.mode_shown != FILES_MODE and keep_files is not None:
            self.host.say(await keep_files())
        if self.is_current:
            go_on()

    def action_subscribe(self) -> None:
        chosen = self._chosen()
        if chosen:
            choose_portfolio(self, chosen, moving=False)

    def action_move_accounts(self) -> None:
        chosen = self._chosen()
        if chosen:
            choose_portfolio(self, chosen, moving=True)

    def action_unsubscribe(self) -> None:
        chosen = self._chosen()
        if chosen:
            self.host.work(unsubscribe(self, chosen), name="unsubscribe")

    def action_preview(self) -> None:
        row = self._row()
        if row is not None:
            self.host.work(show_preview(self, row.account_id), name="preview")

    def action_run_by_hand(self) -> None:
        row = self._row()
        if row is not None:
            run_manually(self, row)

    def action_deposit(self) -> None:
        row = self._row()
        if row is not None:
            self.host.work_to_open(self._with_simulator(row, simulate.deposit_form), name="deposit")

    async def _with_simulator(self, row: AccountRow, form: Callable[[AccountRow], FormScreen]) -> None:
        await self.host.ask(cash.sandbox)
        if self.is_current:
            self.app.push_screen(form(row))

    def action_withdraw(self) -> None:
        row = self._row()
        if row is not None:
            self.host.navigation.withdraw_from(f"{row.client} · {row.account_number}")

    def action_release(self) -> None:
        row = self._row()
        if row is not None:
            self.host.work(self._release(row), name="release")

    async def _release(self, row: AccountRow) -> None:
        amount = await self.host.ask(cash.check_release, row.account_id)

        async def do() -> str:
            await self.host.ask(cash.release, row.account_id)
            return f"${formats.money(amount)} of {row.client}"

        if self.is_current:
            title, effects = "Release the reserved cash?", release_effects(row, amount)
            self.host.confirm_sending(title, "", "Release", do, "Released", effects=effects)

    def action_reconcile(self) -> None:
        row = self._row()
        if row is not None:
            self.host.work(ask_to_reconcile(self, row.account_id, row.client), name="reconcile")

    def action_restrictions(self) -> None:
        chosen, row = self._chosen(), self._row()
        if chosen:
            one = row.client if row is not None and chosen == (row.account_id,) else count_text(len(chosen), "account")
            self.app.push_screen(RestrictionsScreen(one, Concerned(chosen)))

    def action_simulate(self) -> None:
        row = self._row()
        if row is not None:
            self.host.work(self._simulate(row), name="simulate")

    async def _simulate(self, row: AccountRow) -> None:
        now, symbols = await self.host.ask(_account_and_symbols, row.account_id)

        def picked(key: str | None) -> None:
            if key == simulate.RETURN:
                self.app.push_screen(simulate.return_form(now))
            elif key == simulate.TRANSFER_IN:
                self.app.push_screen(simulate.transfer_in_form(now, symbols))
            elif key == simulate.STATUS:
                title = f"Status of {now.client} · {now.status}"
                self.app.push_screen(PickScreen(title, simulate.status_choices(now), "status"), status_picked)
            elif key:
                on = key not in now.restrictions
                what = f"{now.client}, {formats.words(key)}"
                self.host.work(
                    self.host.change(
                        lambda: self.host.ask(account_events.set_restriction, now.account_id, Restriction(key), on),
                        f"{'Blocked' if on else 'Block lifted'}: {what}",
                    ),
                    name="restriction",
                )

        def status_picked(status: str | None) -> None:
            if status:
                self.host.work(
                    self.host.change(
                        lambda: self.host.ask(account_events.set_status, now.account_id, AccountStatus(status)),
                        f"{now.client} is {status}",
                    ),
                    name="status",
                )

        if self.is_current:
            title = f"Simulate · {now.client} · {now.account_number}"
            self.app.push_screen(PickScreen(title, simulate.choices(now), "event"), picked)

    def action_account_runs(self) -> None:
        account_id, row = self.selected_id(), self.table.cursor_row
        if account_id is not None and row is not None:
            self.host.navigation.show_runs_of(account_id, row.client)

    def action_on_desk(self) -> None:
        row = self._row()
        if row is None:
            return
        if row.portfolio_id is None:
            self.host.say("This account follows no portfolio, so it is not on the Desk.")
        else:
            self.host.navigation.show_account(row.account_id)

    def action_portfolio(self) -> None:
        row = self._row()
        if row is None:
            return
        if row.portfolio_id is None:
            self.host.say("This account follows no portfolio.")
        else:
            self.host.navigation.show_portfolio(row.portfolio_id)


def release_effects(row: AccountRow, amount: Money) -> list[Effect]:
    """Return what a release of the account's reserved cash does; `amount` is that cash."""
    follows = "The next evaluation invests it" if row.portfolio_id else "It stays cash, as there is no portfolio"
    return [Effect(f"Released in the account of {row.client}", f"${formats.money(amount)}"), Effect(follows)]


def _account_and_symbols(book: Book, account_id: str) -> tuple[AccountRow, tuple[str, ...]]:
    """Return the account's current row, and the symbols of which shares can be transferred in."""
    return account_queries.account_row(book, account_id), account_events.known_symbols(book)

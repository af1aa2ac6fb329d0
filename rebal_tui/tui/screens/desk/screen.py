"""Desk section: drift, decision and reason of every subscribed account, kept up to date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import islice
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from rebal_tui.domain.trade_status import StatusKind
from rebal_tui.services.schedule.loading import LoadProgress
from rebal_tui.services.view_models.desk import AccountView, Among, DeskRow, DeskSnapshot, InTile
from rebal_tui.services.view_models.filter_terms import DESK_CHOICES, DESK_FIELDS
from rebal_tui.services.view_models.report_subject import ReportKind, ReportSubject
from rebal_tui.services.view_models.row_selection import CountsFound, FitsColumns
from rebal_tui.services.view_models.standing import Tile
from rebal_tui.tui import actions
from rebal_tui.tui.book_services import account_queries, desk_queries
from rebal_tui.tui.key_meanings import ON_ACCOUNTS
from rebal_tui.tui.keymap import BY_ID, key_text, keys_of
from rebal_tui.tui.navigation import ShowsAccount, ShowsAmong
from rebal_tui.tui.screens.desk import columns as desk_columns
from rebal_tui.tui.screens.desk.firm_line import FirmLine
from rebal_tui.tui.screens.first_run import FirstRun
from rebal_tui.tui.screens.shared.detail_panel import Detail
from rebal_tui.tui.screens.shared.evaluating import EvaluatesAll
from rebal_tui.tui.screens.shared.export_choices import Reported
from rebal_tui.tui.screens.shared.plan_effects import FILES_MODE
from rebal_tui.tui.screens.shared.tiled_list_screen import TiledListScreen
from rebal_tui.tui.sections import LISTS, Section
from rebal_tui.tui.widgets import bars
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.table import BookTable

MAX_SEARCHED_ROWS = 2_000
"""How many rows are searched for an urgent row, on which the cursor then starts."""
BAR_WIDTH = 20
"""Width in cells of the progress bar that is shown while the book is opened."""
OWN_ACTIONS = frozenset(action.method.partition("(")[0] for action in actions.section_actions(Section.DESK))


def none_subscribed(keymap: Mapping[str, str], *, imports: bool) -> str:
    """Return the text of a Desk without accounts; `keymap` has user-defined keys by action id.

    `imports` is whether the book has no account and gets its accounts from files.
    """
    keys = {
        identity: key_text(keys_of(BY_ID[identity], keymap))
        for identity in (
            "go.accounts", "go.portfolios", "accounts.positions", "accounts.enter", "accounts.mark_shown",
            "accounts.subscribe",
        )
    }  # fmt: skip
    accounts, portfolios = f"{keys['go.accounts']} Accounts", f"{keys['go.portfolios']} Portfolios"
    if imports:
        return (
            f"No accounts yet: in {accounts}, import a custodian's file with {keys['accounts.positions']} or enter an "
            f"account with {keys['accounts.enter']}."
        )
    return (
        f"No account is subscribed yet: make a portfolio in {portfolios}, then mark accounts with "
        f"{keys['accounts.mark_shown']} in {accounts} and subscribe them with {keys['accounts.subscribe']}."
    )


class DeskScreen(ShowsAccount, ShowsAmong, EvaluatesAll, TiledListScreen, inherit_bindings=False):
    """List of all subscribed accounts; those that need a person come first."""

    SECTION = Section.DESK
    EXPORT = "accounts"
    NOUN = "account"
    ONE_LINE = True
    FILTER_FIELDS = DESK_FIELDS
    FILTER_CHOICES = DESK_CHOICES
    EXAMPLE_TERMS = "drift>5 portfolio:growth state:waits cash<0"
    CSS_PATH = "../shared/list.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        *Screen.BINDINGS,
        *actions.bindings(Section.DESK, LISTS),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._snapshot: DeskSnapshot | None = None
        self._cursor_set = False
        self._imports = False
        """Whether the book has no account and gets its accounts from files."""
        self._among: Among | None = None
        """The accounts that another section asked the Desk to show; None for no such limit."""

    def make_table(self) -> BookTable[DeskRow]:
        return BookTable(
            desk_columns.columns(),
            lambda row: row.account_id,
            search=desk_columns.search,
            ids=lambda row: (row.account_id,),
            natural=desk_columns.natural,
            empty="Opening the book…",
        )

    def compose_body(self) -> ComposeResult:
        yield FirmLine(id="firm")
        yield from super().compose_body()
        yield FirstRun(self.host.first_run)

    def show_loading(self, loading: LoadProgress) -> None:
        super().show_loading(loading)
        if self._snapshot is None and loading.total:
            counted = f"{loading.percent:>3} % · {loading.done:,} of {loading.total:,} accounts"
            track, _ = bars.fill_bar(loading.done, loading.total, BAR_WIDTH)
            self.table.set_empty(f"Opening the book  {track}  {counted}")

    def show_cannot_open(self) -> None:
        super().show_cannot_open()
        self.table.set_empty("")

    async def pull(self) -> None:
        seen = self._snapshot
        key = self.detail_key
        snapshot, view = await self.host.ask(desk_queries.desk_with_account, seen, self.table.shown, key)
        self.show_status(snapshot.status)
        if seen is not None and (snapshot.version, snapshot.stamp) == (seen.version, seen.stamp):
            self.table.adopt_order()
            return
        detail = None if key is None or view is None else Detail(key, _detail_lines(view))
        await self.table.prepare(snapshot.rows)
        shown = self._snapshot
        if shown is not seen and shown is not None and shown.version > snapshot.version:
            return
        self._snapshot = snapshot
        undecided = not snapshot.status.real_broker and snapshot.status.mode != FILES_MODE
        empty = undecided and not snapshot.rows and await self.host.ask(account_queries.is_empty)
        files = snapshot.status.mode == FILES_MODE
        self._imports = files and not snapshot.rows and not await self.host.ask(account_queries.has_accounts)
        self._set_first_run(empty)
        with self.app.batch_update():
            self.show_rows()
            self.show_detail(detail)

    def _set_first_run(self, empty: bool) -> None:
        """If the book is empty, show the choice of first steps (`FirstRun`), else the table."""
        if empty == self.has_class("-first-run"):
            return
        self.set_class(empty, "-first-run")
        (self.query_one("#first-choices") if empty else self.table).focus()
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Disable the actions of the section while the first steps with an empty book are offered."""
        del parameters
        return not (self.has_class("-first-run") and action in OWN_ACTIONS)

    def show_rows(self) -> None:
        if self._snapshot is None:
            return
        self.show_tiles()
        self.query_one(FirmLine).firm = self._snapshot.firm
        none_there = f"No account in “{self.tile_label}”; escape shows all."
        if not self._snapshot.rows:
            none_there = none_subscribed(self.host.settings_file.settings.keys, imports=self._imports)
        elif self._among is not None:
            none_there = self.table.no_match
        self.table.set_empty(none_there)
        rows = self._snapshot.rows
        if isinstance(rows, FitsColumns):
            self.table.fit_columns(rows.zero_columns(), rows.widest())
        self.table.set_rows(rows, self._filter_of(Tile(self.tile)))
        if not self._cursor_set and len(rows):
            self._cursor_set = True
            self._start_cursor()

    def show_tiles(self) -> None:
        if self._snapshot is None:
            return
        whole, rows, text = self._snapshot.tiles, self._snapshot.rows, self.table.view.text
        found = rows.counts(text, self._among) if (text or self._among) and isinstance(rows, CountsFound) else whole
        self.tiles.tabs = desk_columns.tile_tabs(found, whole, Tile(self.tile), reviewed=self._snapshot.reviewed)

    def show_among(self, some: Among) -> None:
        self.show_only("")
        self._among, self._filter_set_elsewhere = some, True
        self.show_rows()
        # These rows may be those from before the change that `some` are about; the next ones are sorted again.
        self.table.renew_order()
        self.show_filter()

    def _filter_of(self, tile: Tile) -> InTile | Among | None:
        if self._among is not None:
            return replace(self._among, tile=tile)
        return None if tile is Tile.ALL else InTile(tile)

    def reset_filters(self) -> None:
        self._among = None
        super().reset_filters()
        self.show_filter()

    def leave_list(self) -> None:
        if self._among is None:
            super().leave_list()
        else:
            self._clear_filter()

    def show_filter(self) -> None:
        super().show_filter()
        if self._among is not None:
            self.foot.chip = " · ".join(part for part in (self._among.label, self.foot.chip) if part)

    def _clear_filter(self) -> None:
        if self._among is not None:
            self._among = None
            self.set_tile(self.tile)
        super()._clear_filter()

    def expect_tile(self, tile: str) -> None:
        self.table.expect_filter(self._filter_of(Tile(tile)), lambda: self.tiles.draw_ahead(tile))

    def _start_cursor(self) -> None:
        """Move the cursor to the first row that needs a person or is outside a band."""
        urgent = (StatusKind.NEEDS_YOU, Tile.OUTSIDE)
        for row in islice(self.table.rows, MAX_SEARCHED_ROWS):
            if row.status is urgent[0] or urgent[1] in row.tiles:
                self.table.move_to(row.account_id)
                return

    async def detail_of(self, key: str) -> Builder:
        return _detail_lines(await self.host.ask(desk_queries.account_view, key))

    def show_account(self, account_id: str) -> None:
        """Move the cursor to an account, clearing filters that hide it."""
        if self._snapshot is None:
            self.table.go_to(account_id)
        if self._snapshot is None or self.table.move_to(account_id):
            return
        self.show_only("")
        if not self.table.move_to(account_id):
            self.host.say("This account is not subscribed, so it is not on the Desk.")

    def reported(self) -> Reported | None:
        row = self.table.cursor_row
        return None if row is None else Reported(ReportSubject(ReportKind.ACCOUNT, row.account_id), row.client)

    async def open_row(self, key: str) -> None:
        from rebal_tui.tui.screens.account.page import open_account

        await open_account(self, key)

    def take_unbound(self, key: str) -> bool:
        """Run a key's action of Accounts on the account under the cursor; when the action is over, the Desk is shown
        again.

        Other keys are handled as in every list; returns whether the key was handled.
        """
        action = next((one for one in self.meanings(key) if one.id in ON_ACCOUNTS), None)
        account_id = self.table.cursor_key
        if action is None or account_id is None:
            return super().take_unbound(key)

        async def return_here() -> None:
            self.host.go(Section.DESK)

        self.host.navigation.act_on_account(str(account_id), action.method, return_here)
        return True

    def action_account(self) -> None:
        account_id = self.selected_id()
        if account_id is not None:
            self.host.navigation.show_in_accounts(account_id)

    def action_preview(self) -> None:
        account_id = self.selected_id()
        if account_id is not None:
            from rebal_tui.tui.screens.shared.preview_page import show_preview

            self.host.work(show_preview(self, account_id), name="preview")

    def action_account_runs(self) -> None:
        account_id, row = self.selected_id(), self.table.cursor_row
        if account_id is not None and row is not None:
            self.host.navigation.show_runs_of(account_id, row.client)


def _detail_lines(view: AccountView) -> Builder:
    from rebal_tui.tui.screens.shared.account_lines import account_lines

    return account_lines(view)

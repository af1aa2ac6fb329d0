"""Portfolios section: create, edit, deactivate and reactivate portfolios."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import ClassVar, Concatenate, ParamSpec

from textual.binding import BindingType
from textual.events import Paste
from textual.screen import Screen

from rebal_tui.domain.errors import Refusal
from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus
from rebal_tui.domain.trading_rules import Concerned
from rebal_tui.services.book.book import Book
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.view_models.portfolios import Impact, PortfolioRow, PortfolioView
from rebal_tui.services.view_models.report_subject import ReportKind, ReportSubject
from rebal_tui.tui import actions
from rebal_tui.tui.book_services import portfolio_queries, portfolio_versions, portfolios, run_queries, status_queries
from rebal_tui.tui.navigation import ShowsPortfolio
from rebal_tui.tui.screens.portfolios import columns as portfolio_columns
from rebal_tui.tui.screens.portfolios.editor import PortfolioEditor
from rebal_tui.tui.screens.portfolios.impact import ImpactScreen
from rebal_tui.tui.screens.portfolios.lines import portfolio_lines
from rebal_tui.tui.screens.portfolios.page import open_portfolio
from rebal_tui.tui.screens.portfolios.paste import NameScreen, PasteScreen
from rebal_tui.tui.screens.portfolios.portfolio_file import one_portfolio
from rebal_tui.tui.screens.portfolios.questions import (
    deactivate_question,
    deactivate_refusal,
    duplicate_text,
    reactivate_question,
    reactivate_refusal,
)
from rebal_tui.tui.screens.portfolios.run_stops import choose_stops
from rebal_tui.tui.screens.portfolios.versions import VersionsScreen
from rebal_tui.tui.screens.restrictions.screen import RestrictionsScreen
from rebal_tui.tui.screens.shared.export_choices import ExportChoice, Reported
from rebal_tui.tui.screens.shared.json_lines import JsonScreen
from rebal_tui.tui.screens.shared.tiled_list_screen import TiledListScreen
from rebal_tui.tui.sections import LISTS, Section
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.tabs import ALL

P = ParamSpec("P")
NONE_YET = "No portfolio yet: n creates one, P creates one from pasted weights."


class PortfoliosScreen(ShowsPortfolio, TiledListScreen, inherit_bindings=False):
    """List of all portfolios; those that need adjustment come first."""

    SECTION = Section.PORTFOLIOS
    EXPORT = "portfolios"
    NOUN = "portfolio"
    CSS_PATH = ["../shared/list.tcss", "portfolios.tcss"]  # noqa: RUF012 - read only, as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [
        *Screen.BINDINGS,
        *actions.bindings(Section.PORTFOLIOS, LISTS),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._rows: tuple[PortfolioRow, ...] | None = None
        self._saved = ""
        """The id of a portfolio that was just stored, until rows read after that are shown."""

    def make_table(self) -> BookTable[PortfolioRow]:
        return BookTable(
            portfolio_columns.columns(),
            lambda row: row.id,
            search=portfolio_columns.search,
            ids=lambda row: (row.id,),
            natural=portfolio_columns.natural,
            empty="Reading the portfolios…",
        )

    async def pull(self) -> None:
        # Rows that were requested before a portfolio was stored may be those from before it.
        saved = self._saved
        self.show_status(await self.host.ask(status_queries.status_line))
        rows = await self.host.ask(run_queries.portfolio_rows)
        if rows == self._rows and not saved:
            self.table.adopt_order()
            return
        detail = await self.read_detail()
        self._rows = rows
        with self.app.batch_update():
            self.show_rows()
            if saved and saved == self._saved:
                self.show_portfolio(saved)
            self.show_detail(detail)

    def show_rows(self) -> None:
        if self._rows is None:
            return
        tile = self.tile
        self.table.set_empty(NONE_YET if not self._rows else "No portfolio matches these filters; escape clears them.")
        self.table.set_rows(self._rows, None if tile == ALL else partial(portfolio_columns.in_tab, tile))
        self.show_tiles()

    def show_tiles(self) -> None:
        if self._rows is not None:
            self.tiles.tabs = portfolio_columns.status_tabs(self.table.found, self._rows, self.tile)

    async def _view(self, portfolio_id: str) -> PortfolioView:
        return await self.host.ask(portfolio_queries.portfolio_view, portfolio_id)

    async def detail_of(self, key: str) -> Builder:
        return portfolio_lines(await self._view(key))

    def show_portfolio(self, portfolio_id: str) -> None:
        """Move the cursor to a portfolio, clearing filters that hide it."""
        self._saved = ""
        if self._rows is not None and not self.table.move_to(portfolio_id):
            self.show_only("")
        self.table.go_to(portfolio_id)

    def open_portfolio(self, portfolio_id: str) -> None:
        self.show_portfolio(portfolio_id)
        self.host.work(self.open_row(portfolio_id), name=self.NOUN)

    def edit_portfolio(self, portfolio_id: str) -> None:
        self.show_portfolio(portfolio_id)
        self.host.work_to_open(self._edit(portfolio_id), name="edit")

    def reported(self) -> Reported | None:
        row = self.table.cursor_row
        return None if row is None else Reported(ReportSubject(ReportKind.PORTFOLIO, row.id), row.name)

    def export(self, first: str = "", more: Sequence[ExportChoice] = ()) -> None:
        """Open the export dialog, which also has the portfolio under the cursor as JSON."""
        row = self.table.cursor_row
        own = () if row is None else (one_portfolio(self.host, row.id, row.name),)
        super().export(first, (*own, *more))

    def idle_on_row(self) -> frozenset[str]:
        row = self.table.cursor_row
        return idle_on(row) if isinstance(row, PortfolioRow) else frozenset()

    async def open_row(self, key: str) -> None:
        await open_portfolio(self, key)

    def _row(self) -> PortfolioRow | None:
        """Return the row under the cursor; if there is none, show a message and return None."""
        row = self.table.cursor_row
        return row if self.selected_id() is not None and isinstance(row, PortfolioRow) else None

    def action_new(self) -> None:
        self.host.work_to_open(self._edit(None), name="new portfolio")

    def action_edit(self) -> None:
        row = self._row()
        if row is None:
            return
        if row.status == PortfolioStatus.INACTIVE:
            self.host.say(f"{row.name} is inactive; reactivate it first with r.")
            return
        self.host.work_to_open(self._edit(row.id), name="edit")

    async def _edit(self, portfolio_id: str | None) -> None:
        draft = await self.host.ask(portfolio_queries.portfolio_draft, portfolio_id)
        if self.is_current:
            self.app.push_screen(PortfolioEditor(draft), self._select_saved)

    def _select_saved(self, portfolio_id: str | None) -> None:
        """Move the cursor to the saved portfolio when the list has been refreshed, and clear filters that then hide it;
        a new one is sorted in. None does nothing.
        """
        if portfolio_id is not None:
            if all(row.id != portfolio_id for row in self._rows or ()):
                self.table.renew_order()
            self._saved = portfolio_id
            self.table.go_to(portfolio_id)
            self.host.pull_soon()

    def action_duplicate(self) -> None:
        row = self._row()
        if row is None:
            return

        def named(name: str | None) -> None:
            if name:
                self.host.work(self._duplicate(row.id, name), name="duplicate")

        named_copy = NameScreen("Duplicate this portfolio", duplicate_text(row), f"{row.name} copy", "Duplicate")
        self.app.push_screen(named_copy, named)

    async def _duplicate(self, portfolio_id: str, name: str) -> None:
        made = await self._ask(portfolios.duplicate_portfolio, portfolio_id, name)
        if made is not None:
            self.host.say(f"Created {made.name}.")
            self._select_saved(made.id)

    async def _ask(
        self, service: Callable[Concatenate[Book, P], Portfolio], *args: P.args, **kwargs: P.kwargs
    ) -> Portfolio | None:
        """Call a service and return its portfolio. If it raises `Refusal`, show the faults without locations and return
        None.
        """
        try:
            return await self.host.ask(service, *args, **kwargs)
        except Refusal as refusal:
            self.host.say(f"{'; '.join(fault.message for fault in refusal.faults)}.", "warning")
            return None

    def action_inactivate(self) -> None:
        row = self._row()
        if row is None:
            return
        if row.status == PortfolioStatus.INACTIVE:
            self.host.say(deactivate_refusal(row, ()))
            return
        self.host.work(self._inactivate(row), name="inactivate")

    async def _inactivate(self, row: PortfolioRow) -> None:
        followers = (await self._view(row.id)).subscribers
        if refusal := deactivate_refusal(row, followers):
            self.host.say(refusal, "warning")
        elif self.is_current:
            self.host.confirm(deactivate_question(row, "r"), lambda _note: self._deactivate(row))

    def _deactivate(self, row: PortfolioRow) -> None:
        self.host.work(self._set_inactive(row), name="inactivate")

    async def _set_inactive(self, row: PortfolioRow) -> None:
        if await self._ask(portfolios.inactivate_portfolio, row.id) is not None:
            self.host.say(f"{row.name} is inactive.")
            self.host.pull_soon()

    def action_reactivate(self) -> None:
        row = self._row()
        if row is None:
            return
        self.host.work(self._reactivate(row), name="reactivate")

    async def _reactivate(self, row: PortfolioRow) -> None:
        view = await self._view(row.id)
        if refusal := reactivate_refusal(row, view):
            self.host.say(refusal, "information" if row.status == PortfolioStatus.ACTIVE else "warning")
        elif not view.subscribers:
            await self._set_active(row)
        elif self.is_current:
            question = reactivate_question(row, view.subscribers)
            self.host.confirm_sending(
                question.title,
                question.text,
                question.yes,
                lambda: self._store_active(row.id),
                f"{row.name} is active",
            )

    async def _set_active(self, row: PortfolioRow) -> None:
        if await self._ask(portfolios.reactivate_portfolio, row.id) is not None:
            self.host.say(f"{row.name} is active.")
            self._select_saved(row.id)

    async def _store_active(self, portfolio_id: str) -> None:
        await self.host.ask(portfolios.reactivate_portfolio, portfolio_id)
        self._select_saved(portfolio_id)

    def action_impact(self) -> None:
        row = self._row()
        if row is None:
            return
        if not row.subscribers:
            self.host.say(f"{row.name} has no subscribers, so there is no impact.")
            return
        self.host.work(self._impact(row), name="impact")

    async def _impact(self, row: PortfolioRow) -> None:
        impact = await self.host.ask(impact_as_it_is, row.id)
        if self.is_current:
            what = "Effect on its subscribers if they were evaluated now, with the stored portfolio."
            self.app.push_screen(ImpactScreen(row.name, impact, what, changed=False))

    def action_versions(self) -> None:
        row = self._row()
        if row is not None:
            self.host.work(self._versions(row), name="versions")

    async def _versions(self, row: PortfolioRow) -> None:
        found = await self.host.ask(portfolio_versions.version_views, row.id)
        if self.is_current:
            self.app.push_screen(VersionsScreen(row, found), self._select_saved)

    def action_stops(self) -> None:
        row = self._row()
        if row is not None:
            self.host.work(choose_stops(self, row), name="stops")

    def action_restrictions(self) -> None:
        row = self._row()
        if row is not None:
            self.app.push_screen(RestrictionsScreen(f"portfolio {row.name}", Concerned(portfolio_id=row.id)))

    def action_json(self) -> None:
        portfolio_id = self.selected_id()
        if portfolio_id is not None:
            self.host.work(self._json(portfolio_id), name="json")

    async def _json(self, portfolio_id: str) -> None:
        view = await self._view(portfolio_id)
        if self.is_current:
            self.app.push_screen(JsonScreen(f"{view.row.name} · API format", view.api_json))

    def action_paste_json(self) -> None:
        self._paste("")

    def on_paste(self, event: Paste) -> None:
        """When text is pasted into the list, open it in the dialog that creates a portfolio from text."""
        if self.table.has_focus and event.text.strip():
            event.stop()
            self._paste(event.text)

    def _paste(self, text: str) -> None:
        def saved(portfolio_id: str | None) -> None:
            if portfolio_id is not None:
                # A refresh may have shown it already, below all others.
                self.table.renew_order()
            self._select_saved(portfolio_id)

        self.app.push_screen(PasteScreen(text), saved)

    def action_subscribers(self) -> None:
        row = self._row()
        if row is None:
            return
        if row.subscribers:
            self.host.navigation.show_desk_filtered(row.name)
        else:
            self.host.say(f"{row.name} has no subscribers.")


def idle_on(row: PortfolioRow) -> frozenset[str]:
    """Return the ids of the actions that cannot work on this portfolio: they need another status, or subscribers."""
    inactive = row.status == PortfolioStatus.INACTIVE
    cannot = {
        "portfolios.edit": inactive,
        "portfolios.inactivate": inactive,
        "portfolios.reactivate": row.status == PortfolioStatus.ACTIVE,
        "portfolios.impact": not row.subscribers,
        "portfolios.accounts": not row.subscribers,
    }
    return frozenset(action for action, idle in cannot.items() if idle)


def impact_as_it_is(book: Book, portfolio_id: str) -> Impact:
    """Return the impact of a portfolio as stored: what would happen if its subscribers were evaluated now."""
    return portfolio_queries.impact(book, portfolio_id, PortfolioBody.of(book.portfolio(portfolio_id)))

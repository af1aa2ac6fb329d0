"""Dialog with the versions of a portfolio: what each version changed, and giving the portfolio the content of an
earlier version again.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from rebal_tui.services.view_models.portfolio_versions import VersionView
from rebal_tui.services.view_models.portfolios import Impact, PortfolioRow
from rebal_tui.tui.book_services import portfolio_versions, undo
from rebal_tui.tui.screens.portfolios.questions import go_back_question
from rebal_tui.tui.screens.portfolios.version_lines import return_table, version_columns, version_lines
from rebal_tui.tui.screens.shared.dialog import Dialog, ReadScreen
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.key_bar import KeyBar
from rebal_tui.tui.widgets.lines import LinesView
from rebal_tui.tui.widgets.table import BookTable


class VersionsScreen(Dialog[str]):
    """The versions of a portfolio, above the differences of the version under the cursor.

    Returns the id of the portfolio if it got the content of an earlier version again, otherwise None.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Back"),
        Binding("g", "go_back", "Go back to this version"),
    ]
    AUTO_FOCUS = "BookTable"
    DEFAULT_CSS = """
    VersionsScreen { background: $background; }
    VersionsScreen #versions-title { dock: top; height: 1; background: $panel; text-style: bold; padding: 0 1; }
    VersionsScreen BookTable { height: 1fr; }
    VersionsScreen #version-detail { height: 2fr; background: $surface; border-top: hkey $primary 30%; }
    """

    def __init__(self, row: PortfolioRow, versions: tuple[VersionView, ...]) -> None:
        super().__init__()
        self._row = row
        self._versions = versions

    def compose(self) -> ComposeResult:
        yield Static(ui_text(f"Versions of {self._row.name}"), id="versions-title", markup=False)
        yield BookTable(version_columns(), lambda view: view.number)
        detail = LinesView(id="version-detail")
        detail.can_focus = False
        yield detail
        yield KeyBar()

    def on_mount(self) -> None:
        self.query_one(BookTable).set_rows(self._versions)
        self._show()

    @property
    def _here(self) -> VersionView | None:
        row = self.query_one(BookTable).cursor_row
        return row if isinstance(row, VersionView) else None

    @on(BookTable.Highlighted)
    def _show(self) -> None:
        if (view := self._here) is not None:
            self.query_one("#version-detail", LinesView).show(version_lines(view), top=True)

    @on(BookTable.Opened)
    def _opened(self) -> None:
        if (view := self._here) is not None:
            title = f"Version {view.number} of {self._row.name}"
            self.app.push_screen(ReadScreen(title, version_lines(view)))

    def action_go_back(self) -> None:
        if (view := self._here) is not None:
            self.host.work(self._go_back(view), name="version")

    async def _go_back(self, view: VersionView) -> None:
        impact = await self.host.ask(portfolio_versions.impact_of_version, self._row.id, view.number)
        if self.is_current:
            self._confirm(view, impact)

    def _confirm(self, view: VersionView, impact: Impact) -> None:
        question = go_back_question(self._row, view, impact)
        self.host.confirm_sending(
            question.title,
            question.text,
            question.yes,
            lambda: self._store(view),
            f"{self._row.name} is as in version {view.number}",
            lambda width, _height: return_table(view, width),
            undoable=question.undoable,
        )

    async def _store(self, view: VersionView) -> None:
        stored, change = await self.host.ask(undo.go_back, self._row.id, view.number)
        self.host.offer_undo(change, f"the return to version {view.number}")
        self.dismiss(stored.id)

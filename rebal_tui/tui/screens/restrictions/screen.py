"""Dialog with the restrictions of accounts or of a portfolio: list, add, lift (R-60)."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from rebal_tui.domain.trading_rules import Concerned
from rebal_tui.services.view_models.restrictions import RestrictionRow
from rebal_tui.tui.book_services import restriction_queries, restrictions, trade_settings
from rebal_tui.tui.questions import Effect
from rebal_tui.tui.screens.restrictions.account_settings import account_settings_form
from rebal_tui.tui.screens.shared.dialog import Dialog, LiveDialog
from rebal_tui.tui.screens.shared.restriction_form import restriction_form
from rebal_tui.tui.text import ui_text
from rebal_tui.tui.widgets.key_bar import KeyBar
from rebal_tui.tui.widgets.table import BookTable
from rebal_tui.tui.widgets.table_layout import Column


class RestrictionsScreen(LiveDialog, Dialog[None]):
    """The restrictions in force, including those of the portfolio and the book; kept up to date."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "Back"),
        Binding("n", "new", "New restriction"),
        Binding("l", "lift", "Lift restriction"),
        Binding("e", "settings", "Account settings"),
    ]
    AUTO_FOCUS = "BookTable"
    DEFAULT_CSS = """
    RestrictionsScreen { background: $background; }
    RestrictionsScreen #restrictions-title {
        dock: top; height: 1; background: $panel; text-style: bold; padding: 0 1;
    }
    """

    def __init__(self, title: str, concerned: Concerned) -> None:
        super().__init__()
        self._heading = title
        self._concerned = concerned

    def compose(self) -> ComposeResult:
        yield Static(ui_text(f"Restrictions · {self._heading}"), id="restrictions-title", markup=False)
        yield BookTable[RestrictionRow](
            (
                Column("kind", "Kind", 10, lambda row: row.kind.replace("_", " ")),
                Column("symbol", "Asset", 7, lambda row: row.symbol),
                Column("bounds", "Bounds", 18, lambda row: row.bounds, priority=1),
                Column("until", "Last day", 10, lambda row: row.until),
                Column("concerns", "Applies to", 20, lambda row: row.concerns, grow=1, max_width=40),
                Column("reason", "Reason", 20, lambda row: row.reason, grow=2, max_width=80),
                Column("by", "Set by", 9, lambda row: ((row.made_by, "muted"),), priority=2),
            ),
            lambda row: row.id,
            empty="No restriction: n adds one.",
        )
        yield KeyBar()

    async def on_mount(self) -> None:
        await self.pull()

    async def pull(self) -> None:
        concerned = self._concerned
        rows = await self.host.ask(restriction_queries.restriction_rows, concerned.account_ids, concerned.portfolio_id)
        if self.is_attached:
            self.query_one(BookTable).set_rows(rows)

    def action_new(self) -> None:
        self.host.work_to_open(self._new(), name="restrictions")

    async def _new(self) -> None:
        concerned = self._concerned
        symbols = await self.host.ask(restriction_queries.symbols_held, concerned.account_ids, concerned.portfolio_id)
        if self.is_current:
            self.app.push_screen(restriction_form(self._heading, concerned, symbols))

    def action_settings(self) -> None:
        if len(self._concerned.account_ids) != 1:
            self.host.say("Settings are those of one account: open the restrictions of one.", "warning")
            return
        self.host.work_to_open(self._settings(self._concerned.account_ids[0]), name="settings")

    async def _settings(self, account_id: str) -> None:
        given = await self.host.ask(trade_settings.settings_of, account_id)
        if self.is_current:
            self.app.push_screen(account_settings_form(account_id, self._heading, given))

    def action_lift(self) -> None:
        row = self.query_one(BookTable).cursor_row
        if not isinstance(row, RestrictionRow):
            self.host.say("No restriction to lift.")
            return
        what = restriction_name(row)

        async def do() -> str:
            await self.host.ask(restrictions.lift_restrictions, [row.id])
            await self.pull()
            return f"{what} for {row.concerns}"

        self.host.confirm_sending("Lift the restriction?", "", "Lift", do, "Lifted", effects=lift_effects(row))


def restriction_name(row: RestrictionRow) -> str:
    """Return the kind of a restriction, with its asset if it has one: `no sell SPY`."""
    return " ".join(text for text in (row.kind.replace("_", " "), row.symbol) if text)


def lift_effects(row: RestrictionRow) -> list[Effect]:
    """Return what happens when a restriction is lifted."""
    what = Effect(f"{restriction_name(row)} for {row.concerns}: {row.reason}")
    return [what, Effect("The next evaluation trades without it.")]

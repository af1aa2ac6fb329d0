"""Page with the preview of the run that an account would have now; key `v` starts it as a manual run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from textual.binding import Binding, BindingType
from textual.screen import Screen

from rebal_tui.domain.runs import RunType
from rebal_tui.services.view_models.desk import PreviewView
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import cash_queries, desk_queries
from rebal_tui.tui.host import host_of
from rebal_tui.tui.questions import Effect, OtherAnswer
from rebal_tui.tui.screens.shared.dialog import PAGE_HELP, ReadScreen
from rebal_tui.tui.screens.shared.leave_out import leave_out
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.screens.shared.override_form import manual_override
from rebal_tui.tui.screens.shared.plan_effects import plan_effects
from rebal_tui.tui.screens.shared.plan_lines import preview_lines, unsent_lines
from rebal_tui.tui.widgets.key_bar import KeyBar

LEAVE_OUT = "Leave a line out…"
"""Label of the key that asks for a line of the plan and leaves it out."""


class PreviewPage(ReadScreen):
    """The preview of a run.

    Key `v` asks whether to start the run; if the run cannot be started, the bottom line does not show the key, and
    pressing it shows the reason. `l` leaves a line out, and `o` asks which restrictions to override, if any apply. When
    a dialog above the page closes, the preview is computed again.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "run", "Run this plan"),
        Binding("l", "leave_out", LEAVE_OUT, tooltip="Ask which line is not traded in this session."),
        Binding("o", "override", "Override restrictions"),
        Binding("question_mark", "help", "Help", tooltip=PAGE_HELP, id="app.help"),
    ]
    help_title = "Preview"

    def __init__(self, view: PreviewView) -> None:
        super().__init__(
            f"Preview · {view.client} · nothing is sent", unsent_lines(preview_lines(view)), view.account_id
        )
        self._view = view
        self._covered = False

    def on_mount(self) -> None:
        self._show_keys()

    def on_screen_suspend(self) -> None:
        self._covered = True

    def on_screen_resume(self) -> None:
        if self._covered:
            self._covered = False
            host_of(self).work(self._renew(), name="preview")

    async def _renew(self) -> None:
        view = await host_of(self).ask(desk_queries.preview, self._view.account_id)
        if self.is_attached:
            self._view = view
            self.show(unsent_lines(preview_lines(view)))
            self._show_keys()
            self.refresh_bindings()

    def _show_keys(self) -> None:
        self.query_one(KeyBar).left_out = frozenset() if self._view.startable else frozenset({"run"})

    def action_run(self) -> None:
        view = self._view
        run = confirm_manual_run(self, view.account_id, view.client, view.plan.type, made=self._close)
        host_of(self).work(run, name="run")

    def _close(self) -> None:
        if self.is_current:
            self.dismiss()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the override only if a restriction applies to the run, and leaving a line out only if a line trades."""
        if action == "leave_out":
            return bool(self._view.plan.sells or self._view.plan.buys)
        return bool(self._view.overridable) if action == "override" else super().check_action(action, parameters)

    def action_leave_out(self) -> None:
        leave_out(self, self._view, lambda: None)

    def action_override(self) -> None:
        """Ask for the override in a form above the preview; when the run has been created, the preview closes."""

        def close(made: bool | None) -> None:
            if made and self.is_attached:
                self.dismiss()

        self.app.push_screen(manual_override(self._view), close)


async def show_preview(owner: ListScreen, account_id: str) -> None:
    """Show the preview for an account, unless another screen was opened meanwhile."""
    view = await owner.host.ask(desk_queries.preview, account_id)
    if owner.is_current:
        owner.app.push_screen(PreviewPage(view))


async def confirm_manual_run(
    screen: Screen[Any],
    account_id: str,
    client: str,
    kind: RunType,
    portfolio_id: str | None = None,
    made: Callable[[], None] | None = None,
) -> None:
    """Show the plan of a manual run, and ask whether to start it; a line of the plan can be left out.

    `portfolio_id` is the portfolio that the user chose for an unsubscribed account; None for a subscribed one. `made`
    is called when the run has been created.
    """
    host = host_of(screen)

    async def do() -> str:
        run = await host.ask(cash_queries.run_manually, account_id, kind, portfolio_id=portfolio_id)
        if made is not None:
            made()
        return f"{formats.short_id(run.id)} is {formats.words(run.status)}"

    def ask_again() -> None:
        host.work(confirm_manual_run(screen, account_id, client, kind, portfolio_id, made), name="run")

    async with host.time_held():
        view = await host.ask(cash_queries.preview_manual, account_id, kind, portfolio_id=portfolio_id)
        if screen.is_current:
            title = f"{formats.words(kind).capitalize()} of {client}?"
            trades = bool(view.plan.sells or view.plan.buys)
            other = OtherAnswer("l", LEAVE_OUT, lambda: leave_out(screen, view, ask_again)) if trades else None
            effects = manual_effects(view)
            host.confirm_sending(title, "", "Run", do, "Run", preview_lines(view), effects=effects, other=other)


def manual_effects(view: PreviewView) -> list[Effect]:
    """Return the effects of starting a manual run: its orders, and when it starts."""
    if not (view.plan.sells or view.plan.buys):
        return [Effect("Nothing to trade: the run would end at once, without an order.")]
    return [
        *plan_effects([view]),
        Effect("It starts now if the window is open, otherwise when the next one opens.", style="muted"),
    ]

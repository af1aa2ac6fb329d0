"""Page with the preview of the run that would be created now; key `v` starts this run manually."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from rebal_tui.domain.runs import RunType
from rebal_tui.services.view_models.desk import PreviewView
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import cash_queries, desk_queries
from rebal_tui.tui.host import host_of
from rebal_tui.tui.questions import Effect
from rebal_tui.tui.screens.shared.dialog import PAGE_HELP, ReadScreen
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.screens.shared.override_form import manual_override
from rebal_tui.tui.screens.shared.plan_effects import plan_effects
from rebal_tui.tui.screens.shared.plan_lines import preview_lines


class PreviewPage(ReadScreen):
    """The preview of a run. Key `v` asks whether to start it; `o` asks which restrictions to override, if any apply."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("v", "run", "Run this plan"),
        Binding("o", "override", "Override restrictions"),
        Binding("question_mark", "help", "Help", tooltip=PAGE_HELP, id="app.help"),
    ]
    help_title = "Preview"

    def __init__(self, owner: ListScreen, view: PreviewView) -> None:
        super().__init__(f"Preview · {view.client} · nothing is sent", preview_lines(view), view.account_id)
        self._owner = owner
        self._view = view

    def action_run(self) -> None:
        view, owner = self._view, self._owner
        self.dismiss()
        host_of(self).work(confirm_manual_run(owner, view.account_id, view.client, view.plan.type), name="run")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the override only if a restriction applies to the run."""
        return bool(self._view.overridable) if action == "override" else super().check_action(action, parameters)

    def action_override(self) -> None:
        """Ask for the override above the preview, which closes once the run is created."""

        def close(made: bool | None) -> None:
            if made and self.is_attached:
                self.dismiss()

        self.app.push_screen(manual_override(self._view), close)


async def show_preview(owner: ListScreen, account_id: str) -> None:
    """Show the preview for an account, unless another screen was opened while it was computed."""
    view = await owner.host.ask(desk_queries.preview, account_id)
    if owner.is_current:
        owner.app.push_screen(PreviewPage(owner, view))


async def confirm_manual_run(
    screen: ListScreen, account_id: str, client: str, kind: RunType, portfolio_id: str | None = None
) -> None:
    """Ask whether to start a manual run, and show its plan; `portfolio_id` is set only without a subscription."""

    async def do() -> str:
        run = await screen.host.ask(cash_queries.run_manually, account_id, kind, portfolio_id=portfolio_id)
        return f"{formats.short_id(run.id)} is {formats.words(run.status)}"

    async with screen.host.time_held():
        view = await screen.host.ask(cash_queries.preview_manual, account_id, kind, portfolio_id=portfolio_id)
        if screen.is_current:
            title = f"{formats.words(kind).capitalize()} of {client}?"
            screen.host.confirm_sending(title, "", "Run", do, "Run", preview_lines(view), effects=manual_effects(view))


def manual_effects(view: PreviewView) -> list[Effect]:
    """Return the effects of starting a manual run: its orders, and when it starts."""
    return [
        *plan_effects([view]),
        Effect("It starts now if the window is open, otherwise when the next one opens.", style="muted"),
    ]

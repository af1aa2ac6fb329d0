"""Kill switch: stops all new orders, or releases the stop, after confirmation."""

from __future__ import annotations

from typing import Any

from textual.app import App

from rebal_tui.tui.book_services import kill_switch
from rebal_tui.tui.host import host_of
from rebal_tui.tui.questions import Effect, Question
from rebal_tui.tui.screens.shared.confirm import LIVE_WORD, ConfirmScreen

STOP = Question(
    "Stop all new orders?",
    "Stop",
    effects=(
        Effect(
            "No run starts and no order is sent, manually or by the scheduler, until you release the stop with the "
            "same key."
        ),
        Effect("Orders already at the broker stay open; runs keep their fills."),
        Effect("Withdrawals pay nothing out."),
    ),
)
RELEASE = Question(
    "Release the stop?",
    "Release",
    effects=(
        Effect("Queued runs start and runs in progress continue: their orders are sent immediately."),
        Effect("Withdrawals that have sold pay out."),
    ),
)  # fmt: skip


class KillScreen(ConfirmScreen):
    """Asks for confirmation to stop all new orders, or to release the stop. The key of the kill switch is no answer."""

    def __init__(self, on: bool, typed: str = "") -> None:
        super().__init__(STOP if on else RELEASE, typed)


async def ask_to_halt(app: App[Any]) -> None:
    """Ask to stop or release. Stopping never requires typing; releasing on a live book requires typing LIVE."""
    host = host_of(app)
    on = not await host.ask(kill_switch.halted)
    typed = LIVE_WORD if not on and host.mode_shown.startswith("LIVE") else ""

    def answered(note: str | None) -> None:
        if note is not None:
            done = "HALTED: no new order is sent" if on else "Released: orders are sent again"
            host.work(host.change(lambda: host.ask(kill_switch.set_halt, on), done), name="kill switch")

    app.push_screen(KillScreen(on, typed), answered)

"""Dialog of the kill switch: stops all new orders, or releases the stop, after a confirmation."""

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
            "No run starts and no new order is sent, automatic or manual, until you press f9 again and release the "
            "stop."
        ),
        Effect("Evaluations continue; the runs that they create wait in the queue."),
        Effect("Orders already at the broker stay open and can still fill."),
        Effect("Withdrawals wait: no cash is paid out before the release."),
    ),
)
RELEASE = Question(
    "Release the stop?",
    "Release",
    effects=(
        Effect("Queued runs start and runs in progress continue: their orders are sent immediately."),
        Effect("Withdrawals that waited are paid out."),
    ),
)  # fmt: skip


class KillScreen(ConfirmScreen):
    """Asks whether to stop all new orders (`on`), or to release the stop. Pressing f9 again never confirms."""

    def __init__(self, on: bool, typed: str = "") -> None:
        super().__init__(STOP if on else RELEASE, typed)


async def ask_to_halt(app: App[Any]) -> None:
    """Ask whether to stop all new orders, or, if they are stopped, to release the stop.

    Only a release in a book of mode LIVE requires typing LIVE.
    """
    host = host_of(app)
    on = not await host.ask(kill_switch.halted)
    typed = LIVE_WORD if not on and host.mode_shown.startswith("LIVE") else ""

    def answered(note: str | None) -> None:
        if note is not None:
            done = "HALTED: no new order is sent" if on else "Released: orders are sent again"
            host.work(host.change(lambda: host.ask(kill_switch.set_halt, on), done), name="kill switch")

    app.push_screen(KillScreen(on, typed), answered)

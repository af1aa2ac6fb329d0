"""Kill switch: stops all new orders, or releases the stop, after confirmation."""

from __future__ import annotations

from typing import Any

from textual.app import App

from rebal_tui.tui.book_services import kill_switch
from rebal_tui.tui.host import host_of
from rebal_tui.tui.screens.shared.dialog import ConfirmScreen


class KillScreen(ConfirmScreen):
    """Asks for confirmation to stop all new orders, or to release the stop. The key of the kill switch is no answer."""

    def __init__(self, on: bool, typed: str = "") -> None:
        if on:
            text = (
                "No run starts and no order is sent, manually or by the scheduler, until you release the stop with the "
                "same key. Orders already at the broker stay open; runs keep their fills. Withdrawals pay nothing out."
            )
            super().__init__("Stop all new orders?", text, yes="Stop")
        else:
            text = (
                "Queued runs start and runs in progress continue: their orders are sent immediately. Withdrawals that "
                "have sold pay out."
            )
            super().__init__("Release the stop?", text, yes="Release", typed=typed)


async def ask_to_halt(app: App[Any]) -> None:
    """Ask to stop or release. Stopping never requires typing; releasing on a live book requires typing LIVE."""
    host = host_of(app)
    on = not await host.ask(kill_switch.halted)
    typed = "LIVE" if not on and host.mode_shown.startswith("LIVE") else ""

    def answered(sure: bool | None) -> None:
        if sure:
            done = "HALTED: no new order is sent" if on else "Released: orders are sent again"
            host.work(host.change(lambda: host.ask(kill_switch.set_halt, on), done), name="kill switch")

    app.push_screen(KillScreen(on, typed), answered)

"""The keys of a simulated market: stop it, let it run faster or slower, step to the next day."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rebal_tui.tui.app import RebalApp

SPEEDS = (1, 10, 60, 600, 3_600, 36_000)


def next_speed(mode: str, direction: int) -> int:
    """The speed after or before the one that a mode such as `SIMULATED ×600` tells; 600 when it tells none."""
    speed_text = mode.rpartition("×")[2]
    now = int(speed_text) if speed_text.isdecimal() else 600
    if direction > 0:
        return next((speed for speed in SPEEDS if speed > now), SPEEDS[-1])
    return next((speed for speed in reversed(SPEEDS) if speed < now), SPEEDS[0])


class MarketKeys:
    """What the app does with them; the services refuse where the market is not simulated."""

    def __init__(self, app: RebalApp) -> None:
        self._app = app

    def toggle(self) -> None:
        """Stop simulated time, or let it run."""
        if self._app.mode_shown.startswith("PAUSED"):
            self._app.work(self._app.change(self._app.backend.resume_market, "The market goes on"), name="market")
        else:
            self._app.work(self._app.change(self._app.backend.pause_market, "The market stands still"), name="market")

    def change_speed(self, direction: int) -> None:
        """Let simulated time run faster (1) or slower (-1)."""
        speed = next_speed(self._app.mode_shown, direction)
        change = self._app.change(lambda: self._app.backend.set_speed(speed), f"Simulated time runs ×{speed:,}")
        self._app.work(change, name="speed")

    def step(self) -> None:
        """Take simulated time to the next session, after asking."""
        text = (
            "Simulated time goes to the same hour of the next session. Everything that is due on the way happens: "
            "evaluations make runs and orders are sent, cash settles, withdrawals move on."
        )
        self._app.confirm_sending("Step to the next day?", text, "Step", self._step_day, "The next day")

    async def _step_day(self) -> str:
        from rebal_tui.services.queries.market import outside
        from rebal_tui.services.view_models.market import Effect

        before = await self._app.backend.ask(outside)
        await self._app.backend.step_day()
        after, subscribed = await self._app.backend.ask(lambda book: (outside(book), len(book.subscriptions)))
        return str(Effect(before, after, subscribed))

"""Actions of simulated time that work everywhere: pause, change the speed, advance to the next session."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import TYPE_CHECKING

from rebal_tui.services.view_models.status import PAUSED_MODE, REAL_TIME_MODES, TIME_STOPPED
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import market_queries, simulator
from rebal_tui.tui.screens.shared.dialog import LivePage

if TYPE_CHECKING:
    from rebal_tui.services.book.book import Book
    from rebal_tui.tui.host import Host

STEP_TEXT = (
    "Simulated time advances to the same time of the next session, at most to its close. Due work runs on the way: "
    "evaluations make runs, orders are sent, cash settles, withdrawals continue."
)
"""Text of the confirmation before time advances to the next session."""
HELD_POLL_SECONDS = 0.05
"""Time between two checks whether an interrupted advance to the next session can continue."""
SPEEDS = (1, 10, 60, 600, 3_600, 36_000)


def next_speed(mode: str, direction: int) -> int:
    """Return the next higher (`direction` 1) or lower (-1) speed of `SPEEDS` after the one in `mode`, such as
    `SIMULATED ×600`.

    A mode without a speed counts as ×60.
    """
    speed_text = mode.rpartition("×")[2].removesuffix(TIME_STOPPED)
    now = int(speed_text) if speed_text.isdecimal() else 60
    if direction > 0:
        return next((speed for speed in SPEEDS if speed > now), SPEEDS[-1])
    return next((speed for speed in reversed(SPEEDS) if speed < now), SPEEDS[0])


class MarketKeys:
    """Implements the app's actions on simulated time; the services raise `Refusal` if time is not simulated."""

    def __init__(self, host: Host, above: Callable[[], Sequence[object]]) -> None:
        """`above` returns the screens that are open above the current section."""
        self._host = host
        self._above = above
        self._time_held = False
        self._preparing = 0

    @asynccontextmanager
    async def time_held(self) -> AsyncIterator[None]:
        """Context in which simulated time stops if it runs faster than real time.

        Within it, a caller reads the data for a dialog and opens the dialog.
        """
        self._preparing += 1
        try:
            await self.update_hold()
            yield
        finally:
            self._preparing -= 1

    @property
    def _must_hold(self) -> bool:
        """Whether a form, question or preview is open or being prepared.

        While this is so, simulated time must be paused, so that the figures shown are still true on confirmation.
        """
        return self._preparing > 0 or not all(isinstance(screen, LivePage) for screen in self._above())

    async def update_hold(self) -> None:
        """While a form, question or preview is open or being prepared, stop simulated time that runs faster than real
        time; otherwise let it continue.
        """
        held = self._must_hold
        if held == self._time_held:
            return
        self._time_held = held  # Before the answer, so that a call meanwhile sees what will hold.
        try:
            await self._host.ask(simulator.hold_time, held)
        except BaseException:
            self._time_held = not held
            raise

    def toggle(self) -> None:
        """Pause simulated time, or resume it."""
        host = self._host
        if host.mode_shown == PAUSED_MODE:
            change = host.change(lambda: host.ask(simulator.resume_market), "Simulation resumed")
        else:
            change = host.change(lambda: host.ask(simulator.pause_market), "Simulation paused")
        host.work(change, name="market")

    def change_speed(self, direction: int) -> None:
        """Increase (1) or decrease (-1) the speed of simulated time."""
        host = self._host
        speed = next_speed(host.mode_shown, direction)
        change = host.change(lambda: host.ask(simulator.set_speed, speed), f"Simulation speed ×{speed:,}")
        host.work(change, name="speed")

    def step(self) -> None:
        """Advance simulated time to the next session after a confirmation; if time is not simulated, show a message."""
        if self._host.mode_shown in REAL_TIME_MODES:
            self._host.say("The time of this book is not simulated.", "warning")
            return
        self._host.confirm_sending("Advance to the next session?", STEP_TEXT, "Advance", self._step_day, "Advanced")

    async def _step_day(self) -> str:
        """Advance simulated time to the next session in parts; returns the time reached and the outcome as text.

        Between two parts the screens are refreshed, and an open form or question stops the time.
        """
        from rebal_tui.services.view_models.market import Effect

        before, _, _ = await self._host.ask(_outside)
        await self._host.ask(simulator.begin_step)
        while await self._host.ask(simulator.step_on):
            while self._must_hold:
                await asyncio.sleep(HELD_POLL_SECONDS)
        after, subscribed, reached = await self._host.ask(_outside)
        return f"{formats.day_time(reached)}, {Effect(before, after, subscribed)}"


def _outside(book: Book) -> tuple[int, int, datetime]:
    """Return the number of accounts outside their bands, the number of subscribed accounts, and the time."""
    return market_queries.outside(book), len(book.subscriptions), book.now()

"""Helpers to run the app headless in tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from textual.pilot import Pilot

from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from tests.tui import textual_internals
from tests.tui.fakes import FakeBackend

WIDE = (120, 40)
Script = Callable[["Pilot[Any]", RebalApp], Awaitable[None]]


def make_app(backend: FakeBackend | None = None, **options: Any) -> RebalApp:
    """Create the app with a fake backend, without its own heartbeat."""
    return RebalApp(backend or FakeBackend(), heartbeat=False, **options)


async def settle(pilot: Pilot[Any]) -> None:
    """Wait until all workers are done and everything is drawn, including delayed details."""
    await pilot.pause(ListScreen.DETAIL_DELAY_SECONDS + 0.02)
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


def drive(script: Script, app: RebalApp | None = None, size: tuple[int, int] = WIDE) -> RebalApp:
    """Start the app, wait until it settles, and run the script."""
    app = app or make_app()

    async def main() -> None:
        async with app.run_test(size=size) as pilot:
            await settle(pilot)
            await script(pilot, app)

    asyncio.run(main())
    return app


async def press(pilot: Pilot[Any], *keys: str) -> None:
    """Press keys one by one, waiting for the workers after each."""
    for key in keys:
        await pilot.press(key)
        await pilot.app.workers.wait_for_complete()
    await settle(pilot)


def screen_text(app: RebalApp) -> str:
    """Return the text on the terminal, line by line."""
    return "\n".join(strip.text for strip in textual_internals.drawn(app.screen))


def shown_messages(app: RebalApp) -> list[str]:
    """Return the messages shown so far."""
    return [notice.text for notice in app.notices]

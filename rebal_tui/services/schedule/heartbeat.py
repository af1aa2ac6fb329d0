"""The heartbeat timer: a single APScheduler job that runs four times a second."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from rebal_tui.domain.sessions import NEW_YORK

INTERVAL_SECONDS = 0.25
STOP_SECONDS = 5.0
"""How long `Heartbeat.stop` waits for a heartbeat in progress before it cancels it."""


class Heartbeat:
    """Calls an async function every `INTERVAL_SECONDS`; the function decides which work is due."""

    def __init__(self, heartbeat: Callable[[], Awaitable[None]], failed: Callable[[str], None]) -> None:
        """`failed` is called with the error text when a heartbeat raises."""
        self._heartbeat = heartbeat
        self._failed = failed
        self._scheduler: Any = None
        self._stopping = False
        self._idle = asyncio.Event()
        self._idle.set()

    def start(self) -> None:
        """Start the heartbeat on the running event loop."""
        from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_EXECUTED, EVENT_JOB_SUBMITTED
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = AsyncIOScheduler(
            timezone=NEW_YORK,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._scheduler.add_listener(self._on_error, EVENT_JOB_ERROR)
        # A submitted job is a task that may not have begun: canceled then, it is logged as an error by APScheduler.
        self._scheduler.add_listener(lambda _event: self._idle.clear(), EVENT_JOB_SUBMITTED)
        self._scheduler.add_listener(lambda _event: self._idle.set(), EVENT_JOB_EXECUTED | EVENT_JOB_ERROR)
        self._scheduler.add_job(self._run, "interval", seconds=INTERVAL_SECONDS, id="heartbeat")
        self._scheduler.start()

    async def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Start no further heartbeat and wait for the one in progress; cancel it after `seconds`.

        The work of a canceled heartbeat on the book's thread still finishes.
        """
        scheduler, self._scheduler = self._scheduler, None
        if scheduler is None:
            return
        self._stopping = True
        scheduler.pause()
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), seconds)
        scheduler.shutdown(wait=False)
        # The scheduler ends in a callback of the loop, and a canceled heartbeat in the turn after it.
        for _ in range(3):
            await asyncio.sleep(0)

    async def _run(self) -> None:
        try:
            await self._heartbeat()
        except asyncio.CancelledError:
            if not self._stopping:
                raise

    def _on_error(self, event: Any) -> None:
        self._failed(str(event.exception))

"""The heartbeat timer: the single APScheduler job, four times a second."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from rebal_tui.domain.sessions import NEW_YORK

INTERVAL_SECONDS = 0.25


class Heartbeat:
    """Calls an async function every `INTERVAL_SECONDS`; the services decide which work is due."""

    def __init__(self, heartbeat: Callable[[], Awaitable[None]], failed: Callable[[str], None]) -> None:
        """`failed` is called with the error text of a heartbeat that raised."""
        self._heartbeat = heartbeat
        self._failed = failed
        self._scheduler: Any = None

    def start(self) -> None:
        """Start the heartbeat on the running event loop."""
        from apscheduler.events import EVENT_JOB_ERROR
        from apscheduler.schedulers.asyncio import AsyncIOScheduler

        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler = AsyncIOScheduler(
            timezone=NEW_YORK,
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
        )
        self._scheduler.add_listener(self._on_error, EVENT_JOB_ERROR)
        self._scheduler.add_job(self._heartbeat, "interval", seconds=INTERVAL_SECONDS, id="heartbeat")
        self._scheduler.start()

    def stop(self) -> None:
        """Stop the heartbeat; one in progress is not interrupted."""
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=False)
            self._scheduler = None

    def _on_error(self, event: Any) -> None:
        self._failed(str(event.exception))

"""Records that the server writes between requests: when keys were used, and failed log-ins."""

from __future__ import annotations

import logging
from collections.abc import Callable

from rebal_tui.api.failed_logins import ALERT_FAILURES, FailedLogins
from rebal_tui.api.responses import BookClient
from rebal_tui.services.wire.keyring import Keyring
from rebal_tui.services.wire.keys import note_use
from rebal_tui.services.wire.log_ins import raise_log_in_alert

INTERVAL_SECONDS = 60.0
_log = logging.getLogger(__name__)


class Upkeep:
    """Writes at most once a minute, however many requests arrive."""

    def __init__(self, client: BookClient, keyring: Keyring, failed: FailedLogins, clock: Callable[[], float]) -> None:
        """`clock` is real elapsed time in seconds."""
        self._client = client
        self._keyring = keyring
        self._failed = failed
        self._clock = clock
        self._due = 0.0

    async def run_if_due(self) -> None:
        """Write what was recorded if a minute has passed since the last time."""
        if self._clock() >= self._due:
            await self.run()

    async def run(self) -> None:
        """Write what was recorded."""
        report = self._failed.take_report()
        used = self._keyring.take_used()
        if report is None and not used:
            return
        self._due = self._clock() + INTERVAL_SECONDS
        if report is not None:
            _log.warning("%s", report.text)
            if report.count >= ALERT_FAILURES:
                text = report.text
                await self._client.ask(lambda book: raise_log_in_alert(book, text))
        if used:
            await self._client.ask(lambda book: note_use(book.database, used))

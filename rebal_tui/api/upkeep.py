"""Records that the server writes between requests: when API keys were used, and an alert about many failed log-ins."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable

from rebal_tui.api.failed_logins import ALERT_FAILURES, FailedLogins
from rebal_tui.api.responses import BookClient
from rebal_tui.domain.errors import Refusal
from rebal_tui.services.book.book import Book
from rebal_tui.services.wire.keyring import Keyring
from rebal_tui.services.wire.keys import note_use
from rebal_tui.services.wire.log_ins import raise_log_in_alert

INTERVAL_SECONDS = 60.0
_log = logging.getLogger(__name__)


class Upkeep:
    """Writes records to the book: the times at which API keys were used, and an alert if `ALERT_FAILURES` or more
    log-ins failed since the last time.

    It does so at most once a minute, for any number of requests.

    A record that cannot be written is kept for the next time.
    """

    def __init__(self, client: BookClient, keyring: Keyring, failed: FailedLogins, clock: Callable[[], float]) -> None:
        """`clock` returns real elapsed time in seconds."""
        self._client = client
        self._keyring = keyring
        self._failed = failed
        self._clock = clock
        self._due = 0.0
        self._alert = ""

    async def run_if_due(self) -> None:
        """Call `run`, unless it logged or wrote anything within the last minute."""
        if self._clock() >= self._due:
            await self.run()

    async def run(self) -> None:
        """Log how many log-ins failed since the last call; store when API keys were used, and an alert if many log-ins
        failed.

        Write errors are ignored here, because heartbeats report them.
        """
        report = self._failed.take_report()
        if report is not None:
            _log.warning("%s", report.text)
            if report.count >= ALERT_FAILURES:
                self._alert = report.text
        used = self._keyring.take_used()
        if not self._alert and not used and report is None:
            return
        self._due = self._clock() + INTERVAL_SECONDS
        alert = self._alert

        def store(book: Book) -> None:
            if alert:
                raise_log_in_alert(book, alert)
            note_use(book.database, used)

        try:
            if alert or used:
                await self._client.ask(store)
            self._alert = ""
        except (Refusal, sqlite3.Error, OSError):
            self._keyring.return_used(used)

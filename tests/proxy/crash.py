"""A live program that is killed at a point and started again, over the gateway and its threads.

A killed process leaves its file as of the last commit, and a request that it sent may have reached the broker or not.
So a point is the beginning of a transaction of the book, or just before or after a request that writes. From there
on nothing of the killed program reaches the broker, and the next one opens a copy of the file from that time.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx

from tests.proxy.world import Left, World


class Line(httpx.BaseTransport):
    """The connection of one program to the proxy. `point` is called around each write and returns whether it is cut."""

    def __init__(self, proxy: httpx.BaseTransport, point: Callable[[str], bool]) -> None:
        self._proxy = proxy
        self._point = point

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        what = "" if request.method == "GET" else f"{request.method} {request.url.path.rpartition('/')[2]}"
        self._require(request, f"before {what}" if what else "")
        response = self._proxy.handle_request(request)
        self._require(request, f"after {what}" if what else "")
        return response

    def _require(self, request: httpx.Request, what: str) -> None:
        if self._point(what):
            raise httpx.ConnectError("the program was killed", request=request)


class CrashingWorld(World):
    """A fixture whose first program is killed at point `number` after `arm`, and started again after a pause."""

    def __init__(self, folder: Path, left: Left, *, number: int = 0, pause: timedelta = timedelta(0)) -> None:
        self._folder, self._number, self._pause = folder, number, pause
        self._lock = threading.Lock()
        self._armed = self._struck = self._restarted = False
        self._copied: Path | None = None
        self.points: list[str] = []
        """What happened at each point since `arm`, until the kill."""
        super().__init__(folder, left=left)

    def arm(self) -> None:
        """Count points from here on."""
        self._armed = True
        self.book.database.connection.set_trace_callback(self._traced)

    def disarm(self) -> None:
        """Count no more points."""
        self._armed = False

    @property
    def was_killed(self) -> bool:
        return self._restarted

    def restart_if_killed(self) -> None:
        """Start the program again with the file that the killed one left."""
        if not self._struck or self._restarted:
            return
        self._copy()
        self._restarted = True
        assert self._copied is not None
        self.path = self._copied
        self.clock.pass_time(self._pause.total_seconds())
        self.reopen()

    def connect(self) -> httpx.BaseTransport:
        first = not self._restarted
        return Line(self.proxy, lambda what: first and self._reached(what))

    def _heartbeat(self) -> None:
        self.restart_if_killed()
        super()._heartbeat()
        self.restart_if_killed()

    def _traced(self, statement: str) -> None:
        if statement.startswith("BEGIN"):
            self._reached("commit")
            if self._struck and not self._restarted:
                self._copy()

    def _reached(self, what: str) -> bool:
        """Count a point; returns whether the program is dead."""
        with self._lock:
            if what and self._armed and not self._struck:
                self.points.append(what)
                self._struck = len(self.points) == self._number
            return self._struck

    def _copy(self) -> None:
        """Keep the file as it is now: as of the last commit, since only this thread writes to it."""
        if self._copied is None:
            self._copied = self._folder / "left" / self.path.name
            self._copied.parent.mkdir()
            for suffix in ("", "-wal"):
                shutil.copy(f"{self.path}{suffix}", f"{self._copied}{suffix}")

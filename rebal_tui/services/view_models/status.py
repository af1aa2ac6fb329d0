"""The status line above every screen, and the scheduler's jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rebal_tui.domain.errors import Halt

NEW_MODE = "NEW"
"""The mode of an empty book whose kind is not chosen yet; the time of its clock means nothing."""
PAUSED_MODE = "SIMULATION PAUSED"
"""The mode while simulated time is paused: no time passes, so nothing is evaluated or sent."""
TIME_STOPPED = " (time stopped)"
"""Follows a speed while a form or page is open: until it is closed, no accelerated time passes."""

REAL_TIME_MODES = frozenset({"FILES", "PAPER", "LIVE"})
"""The modes of books whose time nobody can pause, speed up or advance."""


@dataclass(frozen=True, slots=True)
class PacingView:
    """Orders that wait for a rate limit: `sent` of `total` are sent; the last will be sent at about `done_at`."""

    sent: int
    total: int
    per_minute: int
    done_at: datetime


@dataclass(frozen=True, slots=True)
class WorkView:
    """Progress of long work that runs in chunks: `done` of `total` items; `what` names the items."""

    what: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class ConnectionView:
    """The connection to a real broker.

    `streams` is the number of event streams, `up` of those that are read; `down` names those that are refused, or lost
    for a minute. `requests_left` of `requests` a minute are left, None before the broker reports it. `skew_seconds` is
    the broker's clock minus this computer's, None before the first response; `skew_alert`: it is large enough for an
    alert. `price_delay` is the age in seconds of the newest price of a delayed feed, None while the feed is not
    delayed.
    """

    streams: int
    up: int
    down: tuple[str, ...] = ()
    requests: int | None = None
    requests_left: int | None = None
    skew_seconds: int | None = None
    skew_alert: bool = False
    price_delay: int | None = None


@dataclass(frozen=True, slots=True)
class StatusLine:
    """The status line.

    `mode` is `SIMULATED ×60`, `SIMULATED ×60 (time stopped)` while a form or page is open, `SIMULATION PAUSED`,
    `REPLAY 2020-03-16`, `FILES`, `PAPER`, `LIVE`, or `NEW` of a book without accounts and portfolios; `alerts` are not
    acknowledged, `exceptions` need a person (R-58); `awaiting` counts runs that await approval; `pacing` is None while
    no order waits; `stopped` is why writing has stopped, None while it works; `work` is what the heartbeat deferred,
    None when nothing remains; `connection` is None for a simulated broker.
    """

    book: str
    mode: str
    now: datetime
    session: str
    next_evaluation: datetime | None
    price_age_seconds: int | None
    alerts: int
    exceptions: int
    halted: bool
    read_only: bool
    awaiting: int = 0
    stopped: Halt | None = None
    pacing: PacingView | None = None
    work: WorkView | None = None
    connection: ConnectionView | None = None

    @property
    def real_broker(self) -> bool:
        """Whether the accounts are at a real broker."""
        return self.mode in ("PAPER", "LIVE")


@dataclass(frozen=True, slots=True)
class JobView:
    """A scheduler job: its last run, next run and result."""

    name: str
    title: str
    next_at: datetime | None
    last_at: datetime | None
    last_result: str
    duration_ms: int | None
    missed: int
    failed: int
    paused: bool

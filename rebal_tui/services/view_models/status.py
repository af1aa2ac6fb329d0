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
"""Follows a speed while a form, question or preview is open: until it is closed, no accelerated time passes."""

REAL_TIME_MODES = frozenset({"FILES", "PAPER", "LIVE"})
"""The modes of books whose time nobody can pause, speed up or advance."""


@dataclass(frozen=True, slots=True)
class PacingView:
    """Orders that wait because of a limit of `per_minute` orders a minute: `sent` of `total` are sent.

    The last one will be sent at about `done_at`.
    """

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

    `streams` is the number of event streams, and `up` of them are connected; `down` names those that the broker refuses
    or that have been lost for a minute. `requests_left` of `requests` a minute are left, None before the broker reports
    it. `skew_seconds` is the broker's clock minus this computer's, None before the first response; `skew_alert` is
    whether it is large enough for an alert. `price_delay` is the age in seconds of the newest price of a delayed feed,
    None while the feed is not delayed.
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

    `mode` is `SIMULATED ×60`, `SIMULATED ×60 (time stopped)` while a form is open, `SIMULATION PAUSED`,
    `REPLAY 2020-03-16`, `FILES`, `PAPER`, `LIVE`, or `NEW` for a book without accounts and portfolios. `session` is a
    text about the market. `alerts` counts those that are not acknowledged, `exceptions` what needs a person (R-58),
    `awaiting` the runs that await approval. `halted` is whether the kill switch is on. `stopped` is why writing to the
    file has stopped, None while it works. `pacing` is None while no order waits for a rate limit. `work` is what the
    heartbeat has left for later, None when nothing. `connection` is None for a simulated broker. `stepping_to` is the
    end of a step of simulated time that is under way, else None.
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
    stepping_to: datetime | None = None

    @property
    def real_broker(self) -> bool:
        """Whether the accounts are at a real broker."""
        return self.mode in ("PAPER", "LIVE")


@dataclass(frozen=True, slots=True)
class JobView:
    """A job of the scheduler. `missed` counts the starts that it missed, `failed` those at which it failed.

    `next_at` is None while the job or the scheduler is paused, `last_at` before the first start. `never` is why the job
    never starts in this book, empty if it does.
    """

    name: str
    title: str
    next_at: datetime | None
    last_at: datetime | None
    last_result: str
    duration_ms: int | None
    missed: int
    failed: int
    paused: bool
    never: str = ""

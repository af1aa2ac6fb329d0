"""The line on top of every screen, and the scheduler's jobs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rebal_tui.domain.errors import Halt


@dataclass(frozen=True, slots=True)
class PacingView:
    """Orders that wait for the broker's pace: `sent` of `total` went, the last goes at about `done_at`."""

    sent: int
    total: int
    per_minute: int
    done_at: datetime


@dataclass(frozen=True, slots=True)
class WorkView:
    """A long piece of work that is done in slices: what it counts, and how many of them are done."""

    what: str
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class StatusLine:
    """The line on top of every screen. `mode` is `SIMULATED ×600`, `PAUSED`, `REPLAY 2020-03-16`, `PAPER` or `LIVE`;
    `awaiting` counts runs that wait for approval; `pacing` is None while no order waits; `stopped` is why nothing is
    written, None while writing works; `work` is what the heartbeat has put off, None when it has done everything."""

    book: str
    mode: str
    now: datetime
    session: str
    next_evaluation: datetime | None
    price_age_seconds: int | None
    alerts: int
    halted: bool
    read_only: bool
    awaiting: int = 0
    stopped: Halt | None = None
    pacing: PacingView | None = None
    work: WorkView | None = None

    @property
    def real_broker(self) -> bool:
        """Whether the accounts are those of a broker, not of a simulation."""
        return self.mode in ("PAPER", "LIVE")


@dataclass(frozen=True, slots=True)
class JobView:
    """A scheduler job: when it ran, when it runs next, and how it went."""

    name: str
    title: str
    next_at: datetime | None
    last_at: datetime | None
    last_result: str
    duration_ms: int | None
    missed: int
    failed: int
    paused: bool

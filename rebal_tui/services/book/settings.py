"""Settings of an open book: mode, evaluation times, limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from rebal_tui.domain.sessions import Session
from rebal_tui.engine.calendar import QUARTER_ENDS
from rebal_tui.engine.situation import PRICE_MAX_AGE
from rebal_tui.services.book.guard_options import Guards


class Mode(StrEnum):
    SIMULATED = "SIMULATED"
    REPLAY = "REPLAY"
    LIVE = "LIVE"
    FILES = "FILES"


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of an open book.

    `slots` is a function from a session to its evaluation times. `resend_after` is how long a sent order must be
    unknown to the broker before it is sent again under the same id. `backup_folder` None makes no backups.
    `price_max_age` None accepts a price of any age. `actor` is the name of the program in the audit trail. `review`
    makes every automatic run wait for approval, whatever the book's policy requires. `environment` is that of a real
    broker: `LIVE` for real money, else `PAPER`. `orders_per_minute` None sends as fast as the broker accepts orders.
    """

    mode: Mode
    name: str = "book"
    price_max_age: timedelta | None = PRICE_MAX_AGE
    quarterly_months: frozenset[int] = QUARTER_ENDS
    review: bool = False
    resend_after: timedelta = timedelta(0)
    slots: Callable[[Session], list[datetime]] = field(default=lambda session: quarter_hours(session))
    backup_folder: str | None = None
    actor: str = "system"
    orders_per_minute: int | None = None
    environment: str = ""
    guards: Guards = field(default_factory=Guards)

    @property
    def one_list(self) -> bool:
        """Whether this is a files book, in which sells and buys go out together on one trade list (R-73)."""
        return self.mode is Mode.FILES


def quarter_hours(session: Session) -> list[datetime]:
    """Every 15 minutes from the open to the end of the window (R-10)."""
    step, slot, slots = timedelta(minutes=15), session.open, []
    while slot <= session.window_end:
        slots.append(slot)
        slot += step
    return slots


def window_end_only(session: Session) -> list[datetime]:
    """One evaluation per session, at the end of its window."""
    return [session.window_end]

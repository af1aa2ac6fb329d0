"""What cannot be read, stored or processed, and is therefore set apart so that it stops nothing else (R-52)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MAX_REASON_LENGTH = 300
FIRST_PAUSE, MAX_PAUSE = timedelta(seconds=10), timedelta(minutes=15)
"""Pause before the first retry, which doubles with each further one up to the maximum."""


class QuarantineKind(StrEnum):
    """What is set apart: the broker's answers about an account, an asset's row in its list, an event, or the processing
    of an account."""

    ACCOUNT = "account"
    ASSET = "asset"
    EVENT = "event"
    PROCESSING = "processing"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One thing in quarantine: since when, when it was last tried and how often, and when it is tried next.

    `subject` is an account's or asset's id, or an event's number. `account_id` is the account that is paused, None
    where none is concerned or known.
    """

    kind: QuarantineKind
    subject: str
    account_id: str | None
    reason: str
    since: datetime
    tried_at: datetime
    tries: int
    next_at: datetime


def pause_after(tries: int) -> timedelta:
    """The pause after this many attempts, the first of which is 1."""
    return min(FIRST_PAUSE * (1 << min(tries - 1, 20)), MAX_PAUSE)

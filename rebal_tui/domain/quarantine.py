"""What cannot be read, stored or processed, and is therefore set apart so that it stops nothing else (R-52)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

MAX_REASON_LENGTH = 300
FIRST_PAUSE, MAX_PAUSE = timedelta(seconds=10), timedelta(minutes=15)
"""Pause before the first retry, which doubles with each further one up to the maximum."""


class QuarantineKind(StrEnum):
    """What is in quarantine: the broker's data about an account or an asset, an event from the broker, or work.

    The data about an asset are its row in the broker's list of assets. `PROCESSING` is work of one account, such as a
    run or an evaluation, that failed with an error.
    """

    ACCOUNT = "account"
    ASSET = "asset"
    EVENT = "event"
    PROCESSING = "processing"


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One entry of the quarantine; `since` is the time from which its subject is in quarantine.

    `tried_at` is the last attempt, `tries` the number of attempts and `next_at` the time of the next attempt.
    `subject` is an account's or asset's id, or an event's number. `account_id` is the account that is paused because
    of the entry, None when no account is concerned or the account is unknown.
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
    """The time from the last of `tries` attempts to the next one: 10 s after the first, doubling up to 15 min."""
    return min(FIRST_PAUSE * (1 << min(tries - 1, 20)), MAX_PAUSE)

"""Timestamps as whole microseconds since 1970 UTC, computed without floats."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from rebal_tui.domain.sessions import NEW_YORK, new_york_day

SECOND = 1_000_000
MILLISECOND = 1_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(at: datetime) -> int:
    """Microseconds of a timezone-aware timestamp."""
    return (at - _EPOCH) // _MICROSECOND


def from_micros(micros: int) -> datetime:
    """The timestamp in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def day_of(micros: int) -> date:
    """The New York date of a timestamp."""
    return new_york_day(from_micros(micros))


def next_midnight(micros: int) -> int:
    """The next midnight in New York after `micros`; both in microseconds since 1970 UTC."""
    following = day_of(micros) + timedelta(days=1)
    return to_micros(datetime(following.year, following.month, following.day, tzinfo=NEW_YORK))

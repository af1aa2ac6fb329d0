"""The calendar of a files book: its prices stand for one session, which is evaluated at any hour (R-73)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime

from rebal_tui.domain.sessions import Session
from rebal_tui.market.sessions import TradingCalendar

_NO_CLOSE = datetime(2099, 12, 31, tzinfo=UTC)


class FilesCalendar(TradingCalendar):
    """Sessions, of which that of the newest prices never closes.

    It begins with the day after the session of the prices before, so that a calendar day in between still fires once.
    """

    def __init__(self, sessions: Iterable[Session], first_day: date, day: date) -> None:
        """`day` is the session of the newest prices; `first_day` the first session since the prices before."""
        super().__init__(sessions)
        self._priced_day = day
        priced = super().session(day)
        self._priced = None if priced is None else replace(priced, day=first_day, close=_NO_CLOSE)

    def session(self, day: date) -> Session | None:
        """The session of the newest prices from its day on, and the session of an earlier day."""
        if self._priced is not None and day >= self._priced_day:
            return self._priced
        return super().session(day)

    def at(self, at: datetime) -> Session | None:
        """The session of the newest prices, whatever the time."""
        return self._priced if self._priced is not None else super().at(at)

    def closed_reason(self, day: date) -> str | None:
        """Why a day has no session; None while there are prices."""
        return None if self.session(day) is not None else super().closed_reason(day)

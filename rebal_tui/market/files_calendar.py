"""The trading calendar of a files book: evaluations are for the session of the newest prices, at any hour (R-73)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime

from rebal_tui.domain.sessions import Session
from rebal_tui.market.sessions import TradingCalendar

_NO_CLOSE = datetime(2099, 12, 31, tzinfo=UTC)


class FilesCalendar(TradingCalendar):
    """A trading calendar in which the session of a files book's newest prices never closes.

    For calendar conditions, this session covers all days from the first session after the second newest prices to the
    day before the session that follows the newest prices. So a condition that names one of these days fires once.
    """

    def __init__(self, sessions: Iterable[Session], first_day: date, day: date) -> None:
        """`day` is the session of the newest prices; `first_day` is the first session after the prices before those."""
        super().__init__(sessions)
        self._priced_day = day
        priced = super().session(day)
        self._priced = None if priced is None else replace(priced, day=first_day, close=_NO_CLOSE)

    def session(self, day: date) -> Session | None:
        """The session of the newest prices if `day` is that of these prices or later, else the session of `day`.

        None for an earlier day without a session.
        """
        if self._priced is not None and day >= self._priced_day:
            return self._priced
        return super().session(day)

    def at(self, at: datetime) -> Session | None:
        """The session of the newest prices, for any time; without prices, the session of the time's New York date."""
        return self._priced if self._priced is not None else super().at(at)

    def closed_reason(self, day: date) -> str | None:
        """Why a day has no session, as text; None for the day of the newest prices and every later day."""
        return None if self.session(day) is not None else super().closed_reason(day)

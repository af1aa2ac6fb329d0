"""Settings of a files book, stored in it: cash lists, symbol pairs, mapping, buffer, and times of the last import."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime, timedelta

from rebal_tui.broker.files.readers.options import ReadOptions
from rebal_tui.domain.quantities import Percent
from rebal_tui.domain.sessions import Session
from rebal_tui.market.sessions import TradingCalendar
from rebal_tui.store import book_settings
from rebal_tui.store.database import Database, Transaction

CASH_LISTS, PAIRS, MAPPING, BUFFER, AS_OF, IMPORTED_AT, CUSTODIAN = (
    "files_cash", "files_pairs", "files_mapping", "files_buffer", "files_as_of", "files_imported_at", "files_custodian",
)  # fmt: skip
DEFAULT_BUFFER = Percent(25)
"""0.25 % of the expected proceeds are not spent (R-73)."""


def read_options(database: Database, mapping: Mapping[str, str] | None = None) -> ReadOptions:
    """How the book reads positions files; a mapping that is given counts instead of the stored one."""
    cash: dict[str, list[str]] = json.loads(book_settings.get(database, CASH_LISTS, "{}"))
    pairs: dict[str, str] = json.loads(book_settings.get(database, PAIRS, "{}"))
    stored = book_settings.get(database, MAPPING)
    used = mapping if mapping is not None else json.loads(stored) if stored else None
    return ReadOptions({name: frozenset(symbols) for name, symbols in cash.items()}, pairs, used)


def keep_mapping(tx: Transaction, mapping: Mapping[str, str]) -> None:
    """Keep a mapping for the next files."""
    book_settings.put(tx, MAPPING, json.dumps(dict(mapping), sort_keys=True))


def buffer_of(database: Database) -> Percent:
    """The part of expected proceeds that buys do not spend (R-73)."""
    return Percent(int(book_settings.get(database, BUFFER, str(int(DEFAULT_BUFFER)))))


def positions_as_of(database: Database) -> datetime | None:
    """The time of the newest positions, None before the first import."""
    return _time(database, AS_OF)


def import_slots(database: Database, _session: Session) -> list[datetime]:
    """The evaluation time of the session of the newest prices: their import (R-73)."""
    at = _time(database, IMPORTED_AT)
    return [] if at is None else [at]


def max_price_age(calendar: TradingCalendar, now: datetime) -> timedelta:
    """The oldest that a price may be: of the session before the last one that opened (R-72)."""
    day = now.date() + timedelta(days=1)
    opened = [day for day in calendar.days(day - timedelta(days=14), day) if TradingCalendar.session(calendar, day)]
    sessions = [found for day in opened if (found := TradingCalendar.session(calendar, day)) and found.open <= now]
    oldest = sessions[-2] if len(sessions) > 1 else None
    return now - oldest.open if oldest else timedelta(days=4)


def _time(database: Database, name: str) -> datetime | None:
    stored = book_settings.get(database, name)
    return datetime.fromisoformat(stored) if stored else None

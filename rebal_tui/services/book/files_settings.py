"""Settings that a files book stores, such as symbols that count as cash, columns of files, times of the last import.

A symbol pair is a custodian's own symbol and the book's for the same asset. The buffer is the percentage of expected
sale proceeds that buys do not spend (R-73).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from rebal_tui.broker.files.readers.options import ReadOptions
from rebal_tui.domain.quantities import Percent
from rebal_tui.domain.sessions import Session
from rebal_tui.market.sessions import TradingCalendar
from rebal_tui.store import book_settings
from rebal_tui.store.database import Database, Transaction

CASH_LISTS, PAIRS, MAPPING, BUFFER, AS_OF, IMPORTED_AT, CUSTODIAN, FRACTIONS = (
    "files_cash", "files_pairs", "files_mapping", "files_buffer", "files_as_of", "files_imported_at", "files_custodian",
    "files_fractions",
)  # fmt: skip
DEFAULT_BUFFER = Percent(25)
"""0.25 % of the expected proceeds are not spent (R-73)."""


def read_options(database: Database, mapping: Mapping[str, str] | None = None) -> ReadOptions:
    """The options for reading positions files.

    `mapping`, if given, replaces the stored column mapping: the file's column for each field of a position.
    """
    cash: dict[str, list[str]] = json.loads(book_settings.get(database, CASH_LISTS, "{}"))
    stored = book_settings.get(database, MAPPING)
    used = mapping if mapping is not None else json.loads(stored) if stored else None
    return ReadOptions({name: frozenset(symbols) for name, symbols in cash.items()}, pairs_of(database), used)


def pairs_of(database: Database) -> dict[str, dict[str, str]]:
    """By custodian, the symbols that it writes differently: a mapping from the custodian's symbol to the book's."""
    found: dict[str, dict[str, str]] = json.loads(book_settings.get(database, PAIRS, "{}"))
    return found


def written_pairs(database: Database) -> dict[str, dict[str, str]]:
    """By custodian, how a trade list writes symbols that differ: a mapping from the book's to the custodian's."""
    return {name: {ours: theirs for theirs, ours in pairs.items()} for name, pairs in pairs_of(database).items()}


def fractions_of(database: Database) -> frozenset[str]:
    """The names of the custodians that accept orders for fractions of shares."""
    return frozenset(json.loads(book_settings.get(database, FRACTIONS, "[]")))


def fractional_accounts(database: Database) -> frozenset[str]:
    """The ids of the accounts whose custodian accepts orders for fractions of shares."""
    taking = fractions_of(database)
    if not taking:
        return frozenset()
    rows = database.rows("SELECT id, custodian FROM files_accounts")
    return frozenset(identity for identity, custodian in rows if custodian in taking)


def put_cash_list(tx: Transaction, custodian: str, symbols: Sequence[str]) -> None:
    """Replace the symbols that count as cash at a custodian."""
    lists: dict[str, list[str]] = json.loads(book_settings.get(tx.database, CASH_LISTS, "{}"))
    book_settings.put(tx, CASH_LISTS, json.dumps({**lists, custodian: list(symbols)}, sort_keys=True))


def put_pairs(tx: Transaction, custodian: str, pairs: Mapping[str, str]) -> None:
    """Replace the symbol pairs of a custodian; `pairs` maps its symbols to the book's."""
    book_settings.put(tx, PAIRS, json.dumps({**pairs_of(tx.database), custodian: dict(pairs)}, sort_keys=True))


def put_fractions(tx: Transaction, custodian: str, *, on: bool) -> None:
    """Set whether a custodian accepts orders for fractions of shares; otherwise orders are in whole shares."""
    taking = fractions_of(tx.database) - {custodian} | ({custodian} if on else frozenset())
    book_settings.put(tx, FRACTIONS, json.dumps(sorted(taking)))


def put_buffer(tx: Transaction, buffer: Percent) -> None:
    """Set the percentage of expected sale proceeds that buys do not spend (R-73)."""
    book_settings.put(tx, BUFFER, str(int(buffer)))


def keep_mapping(tx: Transaction, mapping: Mapping[str, str]) -> None:
    """Store a column mapping, the file's column for each field, for reading further positions files."""
    book_settings.put(tx, MAPPING, json.dumps(dict(mapping), sort_keys=True))


def buffer_of(database: Database) -> Percent:
    """The percentage of expected sale proceeds that buys do not spend (R-73)."""
    return Percent(int(book_settings.get(database, BUFFER, str(int(DEFAULT_BUFFER)))))


def positions_as_of(database: Database) -> datetime | None:
    """The time to which the newest imported positions refer; None before the first import."""
    return _time(database, AS_OF)


def import_slots(database: Database, _session: Session) -> list[datetime]:
    """The only evaluation time of a files book: when the newest positions file was imported; empty before the first
    (R-73).
    """
    at = _time(database, IMPORTED_AT)
    return [] if at is None else [at]


def max_price_age(calendar: TradingCalendar, now: datetime) -> timedelta:
    """The greatest age of a price that a files book may use at `now` (R-72).

    It is the time since the next-to-last session opened; four days when fewer than two sessions have opened in the
    last two weeks.
    """
    day = now.date() + timedelta(days=1)
    opened = [day for day in calendar.days(day - timedelta(days=14), day) if TradingCalendar.session(calendar, day)]
    sessions = [found for day in opened if (found := TradingCalendar.session(calendar, day)) and found.open <= now]
    oldest = sessions[-2] if len(sessions) > 1 else None
    return now - oldest.open if oldest else timedelta(days=4)


def _time(database: Database, name: str) -> datetime | None:
    stored = book_settings.get(database, name)
    return datetime.fromisoformat(stored) if stored else None

"""Staggered dates of accounts, by the sessions that a book knows and those before (R-66)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest

from rebal_tui.domain.portfolios import CalendarCondition, CalendarType, Portfolio
from rebal_tui.domain.sessions import Session, epoch_micros, new_york_day
from rebal_tui.domain.trade_status import StatusKind
from rebal_tui.engine.arrays.statuses import NO_TIME
from rebal_tui.engine.calendar import fires_on
from rebal_tui.market.sessions import build_sessions
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.rules_view import stagger_of, stagger_offset
from rebal_tui.services.evaluation.account import evaluate_account
from rebal_tui.services.evaluation.statuses import book_statuses, status_context
from rebal_tui.services.evaluation.whole_book import book_day_context
from tests.services import factories

MONTHS = frozenset({3, 6, 9, 12})
FIRST, LAST = date(2026, 1, 2), date(2027, 12, 31)
"""The book knows sessions from the first of these days on."""


def spread(kind: CalendarType, day: str, sessions: int) -> Portfolio:
    return replace(factories.balanced(conditions=(CalendarCondition(kind, day),)), stagger_sessions=sessions)


def fires(condition: CalendarCondition, session: Session) -> bool:
    return session.next_day is not None and fires_on(condition, session.day, session.next_day, MONTHS) is not None


def own_days(book: Book, portfolio: Portfolio, account_id: str) -> Iterator[date]:
    """The sessions of a book on which the account's calendar condition fires."""
    condition = portfolio.calendar
    assert condition is not None
    for session in build_sessions(book.calendar.known_from, LAST):
        stagger = stagger_of(book, account_id, portfolio, session.day)
        assert stagger is not None, "an account always has a session of the spread"
        if fires_on(condition, stagger.day, stagger.next_day, MONTHS) is not None:
            yield session.day


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "day", "sessions"),
    [
        (CalendarType.WEEKLY, "Wednesday", 5),
        (CalendarType.MONTHLY, "15", 15),
        (CalendarType.QUARTERLY, "31", 40),
        (CalendarType.ANNUALLY, "12-31", 200),
    ],
)
def test_each_account_has_its_day_once_a_period_from_the_first_day_of_a_book_on(
    kind: CalendarType, day: str, sessions: int
) -> None:
    portfolio = spread(kind, day, sessions)
    condition = portfolio.calendar
    assert condition is not None
    known = build_sessions(date(2025, 1, 2), LAST)
    book = factories.make_book("2026-03-02 10:00")
    assert book.calendar.known_from == FIRST
    for account_id in ("a", "b", "c"):
        offset = stagger_offset(account_id, sessions)
        expected = [
            known[at + offset].day
            for at, session in enumerate(known)
            if fires(condition, session) and at + offset < len(known) and known[at + offset].day >= FIRST
        ]
        assert list(own_days(book, portfolio, account_id)) == expected


@pytest.mark.parametrize(
    ("now", "kind", "day", "sessions"),
    [
        ("2026-03-02 12:00", CalendarType.MONTHLY, "5", 3),
        ("2026-01-20 12:00", CalendarType.WEEKLY, "Friday", 2),  # the session after Martin Luther King Day
        ("2026-03-01 12:00", CalendarType.MONTHLY, "27", 15),  # a Sunday, in the spread of February
        ("2026-01-08 12:00", CalendarType.QUARTERLY, "20", 40),  # the condition fired before the first known session
    ],
)
def test_the_status_names_the_first_session_on_which_an_evaluation_finds_the_account_due(
    now: str, kind: CalendarType, day: str, sessions: int
) -> None:
    book = factories.make_book(now)
    model = spread(kind, day, sessions)
    names = [f"account {number}" for number in range(12)]
    held = [factories.account(name, "500", {"SPY": "15", "TLT": "35"}) for name in names]
    last = dict.fromkeys(names, book.now() - timedelta(days=100))
    factories.fill_book(book, held, [model], dict.fromkeys(names, "balanced"), last)
    frame, context = book.frame(), status_context(book)
    statuses = book_statuses(book, frame, book_day_context(book, frame), context)
    in_range = 0
    for name in names:
        found = evaluate_account(book, name).status
        assert found is not None
        row = statuses.first_trade_at[book.account_table.row_of[name]]
        assert row == (NO_TIME if found.first_trade_at is None else epoch_micros(found.first_trade_at))
        if found.kind is StatusKind.IN_RANGE:
            in_range += 1
            due = next(one for one in own_days(book, model, name) if one > book.today())
            assert found.first_trade_at is not None
            assert (name, new_york_day(found.first_trade_at)) == (name, due)
    assert in_range > 8


def test_accounts_are_spread_over_all_sessions() -> None:
    offsets = {stagger_offset(f"account {number}", 15) for number in range(200)}
    assert offsets == set(range(15))


def test_the_place_of_an_account_is_that_of_the_specification() -> None:
    # SHA-256 of "a" begins with ca978112ca1bbdca.
    assert stagger_offset("a", 40) == 0xCA978112CA1BBDCA % 40

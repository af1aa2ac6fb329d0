"""Staggered dates of accounts, by the sessions that a book knows and those before (R-66)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from rebal_tui.domain.portfolios import CalendarCondition, CalendarType, Portfolio
from rebal_tui.domain.sessions import Session
from rebal_tui.engine.calendar import fires_on
from rebal_tui.market.sessions import build_sessions
from rebal_tui.services.book.rules_view import stagger_of, stagger_offset
from tests.services import factories

MONTHS = frozenset({3, 6, 9, 12})
FIRST, LAST = date(2026, 1, 2), date(2027, 12, 31)
"""The book knows sessions from the first of these days on."""


def spread(kind: CalendarType, day: str, sessions: int) -> Portfolio:
    return replace(factories.balanced(conditions=(CalendarCondition(kind, day),)), stagger_sessions=sessions)


def fires(condition: CalendarCondition, session: Session) -> bool:
    return session.next_day is not None and fires_on(condition, session.day, session.next_day, MONTHS) is not None


def own_days(portfolio: Portfolio, condition: CalendarCondition, account_id: str) -> Iterator[date]:
    """The sessions of the book on which the account's calendar condition fires."""
    book = factories.make_book("2026-03-02 10:00")
    assert book.calendar.known_from == FIRST
    for session in build_sessions(FIRST, LAST):
        stagger = stagger_of(book, account_id, portfolio, session.day)
        assert stagger is not None, "an account always has a place in the spread"
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
    for account_id in ("a", "b", "c"):
        offset = stagger_offset(account_id, sessions)
        expected = [
            known[at + offset].day
            for at, session in enumerate(known)
            if fires(condition, session) and at + offset < len(known) and known[at + offset].day >= FIRST
        ]
        assert list(own_days(portfolio, condition, account_id)) == expected


def test_accounts_are_spread_over_all_sessions() -> None:
    offsets = {stagger_offset(f"account {number}", 15) for number in range(200)}
    assert offsets == set(range(15))


def test_the_place_of_an_account_is_that_of_the_specification() -> None:
    # SHA-256 of "a" begins with ca978112ca1bbdca.
    assert stagger_offset("a", 40) == 0xCA978112CA1BBDCA % 40

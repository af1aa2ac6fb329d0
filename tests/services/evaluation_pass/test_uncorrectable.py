"""Accounts in a breach that nothing can correct, over many sessions (R-14, R-58); reserved cash and runs (L6)."""

from __future__ import annotations

import pytest

from rebal_tui.domain.portfolios import BandType, DriftBand
from rebal_tui.domain.quantities import NANO, Money, Percent
from rebal_tui.domain.runs import RunStatus, RunType
from rebal_tui.services.advisory import cash
from rebal_tui.services.advisory.subscriptions import unsubscribe
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.rule_exceptions import uncorrectable
from rebal_tui.services.runs.manual import create_run
from tests.services.brokers import broker
from tests.services.factories import PRICES, account, advance, advance_to, all_runs, balanced, fill_book, make_book

FIVE = DriftBand(BandType.ABSOLUTE, Percent(500))


def sessions(book: Book, days: list[str]) -> None:
    for day in days:
        advance_to(book, f"{day} 09:30")
        advance(book, 3)
        advance_to(book, f"{day} 16:01")


def march(first: int, last: int) -> list[str]:
    """The weekdays of March 2026 from one day to another; each is a session."""
    return [f"2026-03-{day:02d}" for day in range(first, last + 1) if (day - 2) % 7 < 5]


def stuck_book() -> Book:
    """An account with 1,100 shares of DEAD at $1, which cannot be traded; only DEAD is outside the band of 9 points."""
    book = make_book("2026-03-02 09:29", prices={**PRICES, "DEAD": "1.00"})
    model = balanced(conditions=(DriftBand(BandType.ABSOLUTE, Percent(900)),), cooldown=0)
    fill_book(book, [account("a", "700", {"SPY": "15", "TLT": "35", "DEAD": "1100"})], [model], {"a": model.id})
    broker(book).set_asset("DEAD", book.now(), status="inactive")
    return book


@pytest.mark.slow
def test_a_breach_that_nothing_can_correct_makes_no_run_and_is_listed_once() -> None:
    book = stuck_book()
    sessions(book, march(2, 3))
    before = len(all_runs(book))
    sessions(book, march(4, 31))
    assert len(march(4, 31)) == 20
    assert len(all_runs(book)) == before
    (found,) = uncorrectable(book)
    assert found.account_id == "a"
    assert found.text.endswith("DEAD: the asset is inactive")
    book.reload()
    assert len(uncorrectable(book)) == 1
    since = found.since
    cash.deposit(book, "a", Money(500 * NANO))
    advance_to(book, "2026-04-01 09:30")
    advance(book, 3)
    assert [run.type for run in all_runs(book)[before:]] == [RunType.INVEST_CASH]
    assert [one.since for one in uncorrectable(book)] == [since]
    broker(book).set_asset("DEAD", book.now(), status="active")
    advance_to(book, "2026-04-02 09:30")
    advance(book, 3)
    assert all_runs(book)[-1].type is RunType.FULL_REBALANCE
    assert all_runs(book)[-1].status is RunStatus.COMPLETED_SUCCESS
    advance_to(book, "2026-04-06 09:30")
    assert uncorrectable(book) == []


def test_a_partial_liquidation_is_followed_by_no_run_while_nothing_else_moves() -> None:
    book = make_book("2026-03-02 09:29")
    model = balanced(conditions=(FIVE,), cooldown=0)
    fill_book(book, [account("a", "500", {"SPY": "15", "TLT": "35"})], [model], {"a": model.id})
    sessions(book, march(2, 2))
    assert len(all_runs(book)) == 1
    advance_to(book, "2026-03-03 10:00")
    create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=Money(3_000 * NANO))
    advance(book, 5)
    sessions(book, march(4, 20))
    assert [run.type for run in all_runs(book)] == [RunType.FULL_REBALANCE, RunType.PARTIAL_LIQUIDATION]


def test_an_account_that_follows_no_portfolio_any_more_is_forgotten() -> None:
    book = stuck_book()
    sessions(book, march(2, 4))
    assert set(book.uncorrectable) == {"a"}
    unsubscribe(book, book.subscriptions["a"].id)
    sessions(book, march(5, 5))
    assert book.uncorrectable == {}

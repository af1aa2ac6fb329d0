"""One line is left out of a run by keys, in the preview and in the plan of a manual run (R-60)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from textual.pilot import Pilot

from rebal_tui.domain.quantities import parse_money
from rebal_tui.domain.trading_rules import RestrictionKind
from rebal_tui.services.book.book import Book
from rebal_tui.services.schedule import scheduler
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.screens.shared.confirm import ConfirmScreen
from rebal_tui.tui.screens.shared.preview_page import PreviewPage
from tests.services import factories
from tests.services.brokers import broker
from tests.tui.driving import press, screen_text
from tests.tui.test_accounts_flows import run, type_text

pytestmark = pytest.mark.slow


def drifted() -> Book:
    """An account at 68/27.5/4.5 of 60/35/5, at 10:14 of a session."""
    book = factories.make_book("2026-03-02 10:14")
    one = factories.account("a", "4500", {"SPY": "170", "TLT": "275"})
    last = factories.new_york("2026-01-05 10:00")
    factories.fill_book(book, [one], [factories.balanced()], {"a": "balanced"}, {"a": last})
    return book


def orders(book: Book) -> list[str]:
    return [order.symbol for order in factories.orders(book)]


def test_a_line_is_left_out_of_a_preview_in_eight_keys_for_this_session_only() -> None:
    book = drifted()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "p", "l", "down")
        assert "TLT" in screen_text(app)
        await press(pilot, "enter")
        assert (
            "TLT is locked: no run of Client a buys or sells it in the session of 2026-03-02; the lock ends with it."
            in (" ".join(screen_text(app).replace("│", " ").split()))
        )
        assert "left out of the run of 2026-03-02" in screen_text(app)
        assert "Leave out (enter)" in screen_text(app)
        await press(pilot, "enter")
        assert isinstance(app.screen, PreviewPage)
        assert "v Run this plan" in screen_text(app), "the next step fits next to the message"
        assert "TLT ⊘ locked" in " ".join(screen_text(app).split())
        assert factories.all_runs(book) == []
        await press(pilot, "v", "y")
        assert not isinstance(app.screen, PreviewPage)

    run(flow, book, (80, 24), section="1")
    [lock] = book.rules_view.restrictions
    assert (lock.kind, lock.symbol, lock.until) == (RestrictionKind.LOCK, "TLT", date(2026, 3, 2))
    assert orders(book) == ["SPY"]


def test_a_line_is_left_out_of_the_plan_of_a_manual_run() -> None:
    """The reason that is offered is typed over; the plan is then asked about again."""
    book = drifted()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "v", "enter", "l", "enter")
        await type_text(pilot, "agreed")
        await press(pilot, "enter")
        assert isinstance(app.screen, ConfirmScreen)
        assert "SPY ⊘ locked" in " ".join(screen_text(app).split())
        await press(pilot, "y")

    run(flow, book)
    [lock] = book.rules_view.restrictions
    assert lock.reason == "agreed"
    assert orders(book) == ["TLT"]


def test_after_the_window_the_lock_lasts_through_the_next_session() -> None:
    book = drifted()
    factories.set_clock(book, "2026-03-06 17:00")

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "p", "l", "enter", "enter")

    run(flow, book, section="1")
    [lock] = book.rules_view.restrictions
    assert lock.until == date(2026, 3, 9)


def test_a_preview_of_a_blocked_account_offers_no_run_and_its_key_names_the_client() -> None:
    book = drifted()
    broker(book).return_deposit("a", parse_money("1"), book.now())
    scheduler.advance_market(book, book.now())

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "p")
        assert isinstance(app.screen, PreviewPage)
        assert "Run this plan" not in screen_text(app)
        await press(pilot, "v")
        assert "Client a (N-a): an ACH deposit was returned" in screen_text(app)

    run(flow, book, section="1")


def test_a_run_that_is_not_started_leads_back_to_its_preview() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "p", "v", "n")
        assert isinstance(app.screen, PreviewPage)
        assert "l Leave a line out…" in screen_text(app)
        await press(pilot, "question_mark")
        assert "Leave a line out. " in screen_text(app)

    run(flow, drifted(), section="1")

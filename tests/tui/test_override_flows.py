"""One run overrides a restriction by keys, and what restrictions hold is marked (R-60, R-61)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from textual.pilot import Pilot

from rebal_tui.domain.accounts import Restriction
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.runs import Approval, RunStatus
from rebal_tui.domain.trading_rules import Concerned, RestrictionDraft, RestrictionKind
from rebal_tui.services.advisory.restrictions import add_restrictions
from rebal_tui.services.book.book import Book
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.screens.review.screen import ReviewScreen
from rebal_tui.tui.screens.shared.override_form import read_restrictions
from rebal_tui.tui.screens.shared.preview_page import PreviewPage
from tests.services import factories
from tests.tui.driving import press, screen_text, settle, shown_messages
from tests.tui.test_accounts_flows import run, type_text
from tests.tui.test_accounts_snapshots import shows

pytestmark = pytest.mark.slow


def restricted(*, review: bool = False, kind: RestrictionKind = RestrictionKind.NO_SELL) -> Book:
    """An account at 68/27.5/4.5 of 60/35/5 whose SPY is restricted; with review, its run awaits approval."""
    book = factories.make_book("2026-03-02 10:14")
    one = factories.account("a", "4500", {"SPY": "170", "TLT": "275"})
    last = factories.new_york("2026-01-05 10:00")
    factories.fill_book(book, [one], [factories.balanced(review=review)], {"a": "balanced"}, {"a": last})
    add_restrictions(book, RestrictionDraft(kind, "low basis", "SPY"), Concerned(("a",)))
    if review:
        factories.set_price(book, "TLT", "60")
        factories.advance(book, 2)
        assert factories.only_run(book).approval is Approval.AWAITING
    return book


def test_a_previewed_run_overrides_a_restriction_after_a_note() -> None:
    book = restricted()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        text = " ".join(screen_text(app).split())
        assert "TLT 27.00 27.50 +0.50" in text
        assert "Target* Actual Drift" in text
        assert "* Reachable targets; the portfolio's weights are SPY 60.00, TLT 35.00." in text
        await press(pilot, "p")
        text = " ".join(screen_text(app).split())
        assert "SPY ⊘ skip 60.00 68.00 – – 400.00 68,000.00 no sell (low basis)" in text
        assert "TLT ▼ sell 35.00 27.00 500.00 5.0000 100.00 27,500.00 $500.00 above its goal" in text
        assert "no_sell" not in text
        await press(pilot, "o")
        assert "no sell SPY (low basis)" in screen_text(app)
        await press(pilot, "enter")
        assert "expected a note with the reason" in screen_text(app)
        await type_text(pilot, "as agreed")
        text = " ".join(screen_text(app).split())
        assert "⊘ Overrides no sell SPY (low basis): as agreed" in text
        await press(pilot, "enter")
        assert "Ignored by this run only: no sell SPY (low basis)" in screen_text(app)
        await press(pilot, "y")
        assert "is completed success" in shown_messages(app)[-1]

    run(flow, book, section="1")
    [made] = factories.all_runs(book)
    assert made.status is RunStatus.COMPLETED_SUCCESS
    assert [order.symbol for order in factories.orders(book, made)] == ["SPY", "TLT"]


@pytest.mark.parametrize("turns", range(5, 11))
def test_a_preview_that_is_closed_while_it_is_computed_again_shows_no_fault(
    turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its widgets are removed one after the other: the answer may come when some are left."""

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "p")
        page = app.screen
        assert isinstance(page, PreviewPage)
        ask, free = app.ask, asyncio.Event()

        async def asked_late(*args: Any) -> Any:
            found = await ask(*args)
            await free.wait()
            return found

        with monkeypatch.context() as late:
            late.setattr(app, "ask", asked_late)
            page.on_screen_suspend()
            page.on_screen_resume()
            await pilot.pause(0.05)
        page.dismiss()
        for _ in range(turns):
            await asyncio.sleep(0)
        free.set()
        await settle(pilot)
        assert app.screen is app.section
        assert not [text for text in shown_messages(app) if "failed" in text]

    run(flow, restricted(), section="1")


def test_no_override_is_offered_of_what_the_broker_blocks() -> None:
    """Nor of a restriction that concerns no asset of the run; the preview stays open."""
    blocked = replace(factories.account("a", "50000"), restrictions=frozenset({Restriction.CRYPTO}))
    book = factories.make_book("2026-03-02 10:14")
    factories.fill_book(book, [blocked], [factories.balanced()], {"a": "balanced"})
    add_restrictions(book, RestrictionDraft(RestrictionKind.NO_BUY, "cost", "GLD"), Concerned(("a",)))

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "p")
        assert "Blocked: the broker limits crypto trading to liquidation." in screen_text(app)
        assert "Override" not in screen_text(app)
        before = list(shown_messages(app))
        await press(pilot, "o")
        assert isinstance(app.screen, PreviewPage)
        assert shown_messages(app) == before

    run(flow, book, section="1")
    assert factories.all_runs(book) == []


def test_the_preview_stays_when_an_override_is_not_made() -> None:
    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "p")
        assert "Override" in screen_text(app)
        await press(pilot, "o", "escape")
        assert isinstance(app.screen, PreviewPage)

    run(flow, restricted(), section="1")


def test_one_of_several_restrictions_is_chosen_by_its_beginning() -> None:
    book = restricted()
    add_restrictions(book, RestrictionDraft(RestrictionKind.NO_BUY, "cost", "TLT"), Concerned(("a",)))

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "p", "o")
        await type_text(pilot, "no")
        assert "2 begin so; type more of one" in screen_text(app)
        await type_text(pilot, "t")
        assert "expected all, or the beginning of one" in screen_text(app)
        await press(pilot, "backspace")
        await type_text(pilot, " s")
        await press(pilot, "tab")
        await type_text(pilot, "why")
        await press(pilot, "enter", "y")

    run(flow, book, section="1")
    assert [order.symbol for order in factories.orders(book)] == ["SPY"]


def test_a_run_that_awaits_approval_is_marked_and_approved_on_its_new_plan() -> None:
    book = restricted(review=True, kind=RestrictionKind.NO_BUY)

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        assert isinstance(app.screen, ReviewScreen)
        await press(pilot, "o")
        await type_text(pilot, "as agreed")
        await press(pilot, "enter", "y")
        text = " ".join(screen_text(app).split())
        assert "⊘ Client a" in text
        assert "⊘ Overrides no buy SPY (low basis): as agreed" in text
        assert factories.only_run(book).approval is Approval.AWAITING
        await press(pilot, "A", "y")

    run(flow, book, section="9")
    assert factories.only_run(book).status is RunStatus.COMPLETED_SUCCESS


@pytest.mark.parametrize("size", ["80x24", "120x40"])
@pytest.mark.samples(1)
def test_the_form(snap_compare: Any, size: str) -> None:
    shows(snap_compare, restricted(), ("1", "p", "o", *"client", "space", *"agreed"), size)


@pytest.mark.parametrize("size", ["80x24", "120x40"])
@pytest.mark.samples(1)
def test_what_is_held_on_the_desk(snap_compare: Any, size: str) -> None:
    shows(snap_compare, restricted(), ("1",), size)


@pytest.mark.parametrize("size", ["80x24", "120x40"])
@pytest.mark.samples(1)
def test_what_is_held_in_a_preview(snap_compare: Any, size: str) -> None:
    shows(snap_compare, restricted(), ("1", "p"), size)


def test_restrictions_of_one_name_are_overridden_together() -> None:
    known = {"1": "no sell SPY (law)", "2": "no sell SPY (law)", "3": "no sell SPY (law of 1940)"}
    assert read_restrictions("No sell  SPY (law)", known) == ("1", "2")
    assert read_restrictions("no sell spy (law o", known) == ("3",)
    with pytest.raises(Invalid, match="3 begin so"):
        read_restrictions("no", known)

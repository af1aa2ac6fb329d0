"""Restrictions are listed, added and lifted by keys (R-60)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from rebal_tui.domain.portfolios import Destination, MinimumTrade, RebalanceScope
from rebal_tui.domain.quantities import Percent, parse_money
from rebal_tui.domain.trading_rules import Concerned, RestrictionDraft, RestrictionKind, RestrictionScope
from rebal_tui.services.advisory.portfolios import inactivate_portfolio
from rebal_tui.services.advisory.restrictions import add_restrictions
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.exceptions import Exceptions
from rebal_tui.store import audit
from rebal_tui.tui.app import RebalApp
from rebal_tui.tui.screens.portfolios.screen import PortfoliosScreen
from rebal_tui.tui.screens.restrictions.screen import RestrictionsScreen
from tests.engine.support import band
from tests.services import factories
from tests.tui.driving import press, screen_text, shown_messages
from tests.tui.test_accounts_flows import run, small_book, type_text
from tests.tui.test_accounts_snapshots import shows

pytestmark = pytest.mark.slow


async def fill(pilot: Pilot[Any], *values: str) -> None:
    """Type the fields of the form in order, then continue."""
    for number, value in enumerate(values):
        if number:
            await press(pilot, "tab")
        await type_text(pilot, value)
    await press(pilot, "enter")


def test_a_restriction_is_added_to_the_marked_accounts_and_lifted_from_one() -> None:
    book = small_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "M", "R", "n")
        await fill(pilot, "no sell", "SPY", "", "", "2026-12-31", "low basis")
        assert "no run sells SPY, through 2026-12-31" in screen_text(app)
        await press(pilot, "y")
        assert shown_messages(app)[-1] == "Added: no sell SPY, 12 restrictions."
        assert isinstance(app.screen, RestrictionsScreen)
        assert "low basis" in screen_text(app)
        await press(pilot, "l", "y")
        await press(pilot, "escape")

    run(flow, book)
    left = book.rules_view.restrictions
    assert len(left) == 11
    assert {(one.kind, one.symbol, one.until, one.made_by) for one in left} == {
        (RestrictionKind.NO_SELL, "SPY", date(2026, 12, 31), "advisor")
    }


def test_faults_stay_at_their_fields() -> None:
    book = small_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "j", "R", "n")
        await fill(pilot, "range", "NONE", "10", "5 %", "tomorrow", "x")
        text = screen_text(app)
        assert "expected a number with %, $ or shares" in text
        assert "expected a day as YYYY-MM-DD" in text

    run(flow, book)
    assert book.rules_view.restrictions == []


def test_a_restriction_of_a_portfolio() -> None:
    book = small_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "j", "R", "n")
        await fill(pilot, "range", "spy", "10 %", "60.5 %", "", "committee")
        await press(pilot, "y")

    run(flow, book, section="2")
    [made] = book.rules_view.restrictions
    assert (made.scope, made.symbol, made.minimum, made.maximum) == (RestrictionScope.PORTFOLIO, "SPY", 1_000, 6_050)


def test_where_the_runs_of_a_portfolio_stop_is_chosen_with_the_effect_counted() -> None:
    book = follower_of_bands()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "w")
        text = screen_text(app)
        rows = [" ".join(line.split()) for line in text.splitlines()]
        assert "* target all 1 2 7,500.00 8,000.00 0.00" in rows
        assert "edge all 1 2 2,500.00 3,000.00 5.00" in rows
        await press(pilot, "j", "j")
        await press(pilot, "enter", "y")

    run(flow, book, section="2")
    stored = book.portfolio("balanced")
    assert (stored.rebalance_to, stored.rebalance_scope) == (Destination.EDGE, RebalanceScope.WHOLE)


def test_nothing_changes_when_the_choice_is_left_or_refused_or_already_made() -> None:
    book = follower_of_bands()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "w", "j", "escape")
        assert isinstance(app.screen, PortfoliosScreen)
        await press(pilot, "w", "j", "enter", "n")
        assert isinstance(app.screen, PortfoliosScreen)
        await press(pilot, "w", "enter", "y")
        assert "runs of Balanced already stop there" in shown_messages(app)[-1]
        assert "no band fires now" not in screen_text(app)

    run(flow, book, section="2")
    assert book.portfolio("balanced").rebalance_to is Destination.TARGET
    assert [one for one in audit.entries(book.database) if one.action == "portfolio.updated"] == []


def test_the_choice_of_a_portfolio_without_a_band_that_fires_says_so() -> None:
    book = small_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "w", "j", "enter")
        assert "no band fires now" in screen_text(app)
        await press(pilot, "y")

    run(flow, book, section="2")
    [changed] = [one for one in book.portfolios.values() if one.rebalance_to is not Destination.TARGET]
    assert changed.rebalance_to is Destination.MIDDLE


def test_runs_of_an_inactive_portfolio_stop_nowhere_else() -> None:
    book = follower_of_bands()
    factories.unsubscribe_account(book, "a")
    inactivate_portfolio(book, "balanced")

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "w", "j", "enter", "y")
        assert "Balanced is inactive; reactivate it first" in shown_messages(app)[-1]

    run(flow, book, section="2")
    assert book.portfolio("balanced").rebalance_to is Destination.TARGET


def test_what_cannot_be_read_in_a_restriction_is_said_at_its_field() -> None:
    book = small_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "j", "R", "l")
        assert shown_messages(app)[-1] == "No restriction to lift."
        await press(pilot, "n")
        await fill(pilot, "sell", "SPY", "", "", "", "x")
        assert "expected one of no buy, no sell" in screen_text(app)
        await press(pilot, "escape", "n")
        await fill(pilot, "range", "SPY", "10 %", "$5", "", "x")
        assert "expected the unit of the other bound" in screen_text(app)
        await press(pilot, "escape", "n")
        await fill(pilot, "hold", "SPY", "", "", "2020-01-01")
        text = screen_text(app)
        assert "expected no symbol for hold" in text
        assert "expected today or later" in text
        assert "expected a reason" in text
        field = app.screen.query_one("#field-reason", Input)
        field.value = "left\u202eright"
        await press(pilot)
        assert "control or invisible character U+202E" in screen_text(app)

    run(flow, book)
    assert book.rules_view.restrictions == []


def test_restrictions_that_exclude_each_other_are_added_and_become_an_exception() -> None:
    book = small_book()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "j", "R", "n")
        await fill(pilot, "range", "SPY", "70 %", "", "", "core")
        await press(pilot, "y", "n")
        await fill(pilot, "no buy", "SPY", "", "", "", "cost")
        await press(pilot, "y", "escape", "0")
        assert "! 2 exceptions" in screen_text(app)

    run(flow, book)
    texts = [one.text for one in Exceptions(book).page(10).items]
    assert any("SPY: range (core) and no buy (cost) exclude each other" in text for text in texts)


def follower_of_bands() -> Book:
    """The example of R-62: 68,000 / 27,500 / 4,500 of 60/35/5 with bands of 5 points and 20 %."""
    book = factories.make_book("2026-03-02 10:00")
    model = factories.balanced(conditions=(band("absolute", "5"), band("relative", "20")))
    one = factories.account("a", "4500", {"SPY": "170", "TLT": "275"})
    factories.fill_book(book, [one], [model], {"a": "balanced"}, {"a": factories.new_york("2026-01-05 10:00")})
    return book


@pytest.mark.parametrize("size", ["80x24", "120x40"])
@pytest.mark.samples(1)
def test_the_list(snap_compare: Any, size: str) -> None:
    book = small_book()
    add_restrictions(book, RestrictionDraft(RestrictionKind.LOCK, "inherited", "SPY"), Concerned(("a",)), "ada")
    draft = RestrictionDraft(RestrictionKind.BUY_ONLY, "tax year", until=date(2026, 12, 31))
    add_restrictions(book, draft, Concerned(portfolio_id="balanced"))
    shows(snap_compare, book, ("3", "j", "R"), size)


@pytest.mark.parametrize("size", ["80x24", "120x40"])
@pytest.mark.samples(1)
def test_the_choice_of_where_runs_stop(snap_compare: Any, size: str) -> None:
    shows(snap_compare, follower_of_bands(), ("2", "w"), size)


def test_the_editor_changes_where_runs_stop_and_counts_the_effect() -> None:
    book = follower_of_bands()

    async def flow(pilot: Pilot[Any], app: RebalApp) -> None:
        await press(pilot, "e", "f5")
        assert "15,500.00" in screen_text(app)
        await press(pilot, "escape")
        app.screen.query_one("#rebalance-to").focus()
        await press(pilot, "right", "right", "tab", "right", "tab")
        await type_text(pilot, "2,600.x")
        await press(pilot, "tab")
        await type_text(pilot, "1.234")
        text = screen_text(app)
        assert "expected dollars of 0 or more" in text
        assert "expected 0 to 100, at most two decimals" in text
        await press(pilot, "backspace", "shift+tab", "end", "backspace", "f5")
        assert "3,000.00" in screen_text(app)
        await press(pilot, "ctrl+s", "y")

    run(flow, book, section="2")
    stored = book.portfolio("balanced")
    assert (stored.rebalance_to, stored.rebalance_scope) == (Destination.EDGE, RebalanceScope.BREACHED)
    assert stored.minimum_trade == MinimumTrade(parse_money("2600"), Percent(123))
    assert stored.changed_at < stored.updated_at

"""A preview is the run that the engine then makes, also where runs stop early and lines are held (R-60 to R-65)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.portfolios import Destination, MinimumTrade, Portfolio, RebalanceScope
from rebal_tui.domain.quantities import Percent, parse_money
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.trading_rules import NO_RULES, Concerned, RestrictionDraft, RestrictionKind
from rebal_tui.services.advisory.restrictions import add_restrictions
from rebal_tui.services.advisory.subscriptions import move
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.account import evaluate_account
from rebal_tui.services.evaluation.history import plan_of
from rebal_tui.services.queries.desk import account_view, preview
from rebal_tui.services.queries.first_runs import preview_first_run
from rebal_tui.services.runs.manual import create_run
from tests.services import factories

EDGE, BREACHED = Destination.EDGE, RebalanceScope.BREACHED
MINIMUM = MinimumTrade(parse_money("2600"), Percent(0))


def drifted(at: str = "2026-03-02 10:14", **settings: Any) -> Book:
    """The example of R-62: 68/27.5/4.5 of 60/35/5 with bands of 5 points and 20 %."""
    book = factories.make_book(at)
    model = replace(factories.balanced(), **settings)
    one = factories.account("a", "4500", {"SPY": "170", "TLT": "275"})
    at_first = factories.new_york("2026-01-05 10:00")
    factories.fill_book(book, [one], [model, other()], {"a": "balanced"}, {"a": at_first})
    return book


def other() -> Portfolio:
    return factories.balanced("other", {"SPY": "50", "TLT": "45"})


def without_rules(plan: Plan | None) -> Plan | None:
    """The plan without its rules, of which a stored one has no names of persons."""
    return None if plan is None else replace(plan, rules=NO_RULES)


def made(book: Book) -> Plan | None:
    return without_rules(plan_of(book.database, factories.only_run(book)))


@pytest.mark.slow
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"rebalance_to": EDGE},
        {"rebalance_to": Destination.MIDDLE, "rebalance_scope": BREACHED},
        {"rebalance_to": EDGE, "minimum_trade": MINIMUM},
    ],
)
def test_the_engine_executes_what_the_preview_shows(settings: dict[str, Any]) -> None:
    book = drifted(**settings)
    shown = preview(book, "a")
    factories.advance(book, 2)
    assert made(book) == without_rules(shown.plan)


def test_a_preview_before_the_open_is_the_first_run_of_the_day() -> None:
    book = drifted("2026-03-02 09:20", rebalance_to=EDGE)
    shown = preview(book, "a")
    factories.advance_to(book, "2026-03-02 09:31")
    assert made(book) == without_rules(shown.plan)


def test_the_preview_of_a_run_of_a_band_shows_the_three_destinations() -> None:
    book = drifted(rebalance_to=EDGE)
    found = [(one.destination, one.current, one.sold // 10**9, one.bought // 10**9, one.worst_left)
             for one in preview(book, "a").stops]  # fmt: skip
    assert found == [
        ("target", False, 8_000, 7_500, 0), ("middle", False, 5_500, 5_000, 250), ("edge", True, 3_000, 2_500, 500),
    ]  # fmt: skip


def test_what_is_left_is_measured_from_what_restrictions_allow() -> None:
    book = drifted()
    add_restrictions(book, RestrictionDraft(RestrictionKind.UNMANAGED, "inherited", "SPY"), Concerned(("a",)))
    shown = preview(book, "a")
    assert {one.worst_left for one in shown.stops if one.destination == "target"} == {0}
    factories.advance(book, 2)
    assert made(book) == without_rules(shown.plan)


def test_a_run_that_no_band_makes_goes_to_target_without_other_destinations() -> None:
    book = factories.simple_book()
    assert preview(book, "a").stops == ()


def test_the_first_run_after_a_move_is_planned_under_the_rules_of_the_new_portfolio() -> None:
    book = drifted()
    add_restrictions(
        book, RestrictionDraft(RestrictionKind.NO_SELL, "transition", "SPY"), Concerned(portfolio_id="other")
    )
    shown = preview_first_run(book, "a", "other")
    assert [line.symbol for line in shown.plan.sells] == ["TLT"]
    move(book, "a", "other")
    factories.advance(book, 2)
    assert made(book) == without_rules(shown.plan)


def test_an_account_shows_what_is_held_and_the_band_around_what_is_reachable() -> None:
    """The example of R-61: λ = 5/7, t = 70/25/5."""
    book = factories.make_book("2026-03-02 10:14")
    one = factories.account("a", "6000", {"SPY": "175", "TLT": "240"})
    last = factories.new_york("2026-01-05 10:00")
    factories.fill_book(book, [one], [factories.balanced()], {"a": "balanced"}, {"a": last})
    assert [(row.held, row.reachable_bp) for row in account_view(book, "a").holdings] == [("", None), ("", None)]
    add_restrictions(book, RestrictionDraft(RestrictionKind.NO_SELL, "low basis", "SPY"), Concerned(("a",)))
    view = account_view(book, "a")
    shown = {row.symbol: (row.held, row.reachable_bp, row.band_low, row.band_high) for row in view.holdings}
    assert shown == {"SPY": ("no sell (low basis)", 7_000, 6_500, 7_500), "TLT": ("", 2_500, 2_000, 3_000)}
    add_restrictions(book, RestrictionDraft(RestrictionKind.UNMANAGED, "inherited", "TLT"), Concerned(("a",)))
    assert {row.symbol: row.held for row in account_view(book, "a").holdings}["TLT"] == "unmanaged (inherited)"


def test_the_status_names_the_reachable_target_that_bands_are_measured_from() -> None:
    book = drifted()
    add_restrictions(book, RestrictionDraft(RestrictionKind.NO_SELL, "low basis", "SPY"), Concerned(("a",)))
    status = evaluate_account(book, "a").status
    assert status is not None
    assert status.sentence == "In range. TLT is 27.50 % (reachable target 27.00 %, 10 % of its band)."


def test_a_manual_run_goes_to_target() -> None:
    book = drifted(rebalance_to=EDGE)
    run = create_run(book, "a", RunType.FULL_REBALANCE)
    plan = plan_of(book.database, run)
    assert plan is not None
    assert [(line.symbol, line.wanted // 10**9) for line in plan.lines if line.side] == [("SPY", 8_000), ("TLT", 7_500)]

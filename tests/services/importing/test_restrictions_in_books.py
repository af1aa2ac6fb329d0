"""Restrictions and settings of a BOOK.json, from the file to the decision and the run (R-60 to R-67)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from rebal_tui import bootstrap
from rebal_tui.domain.decisions import LineReason, Outcome
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.runs import RunStatus
from rebal_tui.services.advisory import subscriptions
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.rules_view import followed_portfolio, rules_of, stagger_offset
from rebal_tui.services.evaluation import history
from rebal_tui.services.evaluation.account import evaluate_account
from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
from rebal_tui.services.importing.book_import import import_book
from rebal_tui.services.parsing.book_file import parse_book
from rebal_tui.services.runs.processing import process_runs
from rebal_tui.services.wire.extensions import decision_extension
from rebal_tui.store import decision_contexts, decisions, run_orders, runs
from tests.services.factories import unsubscribe_account

NOON = datetime(2026, 3, 4, 17, tzinfo=UTC)
LAST = "2026-01-05T17:00:00Z"


def content(**given: Any) -> dict[str, Any]:
    """One account at 70/24/6 of a 60/35/5 portfolio with bands, worth $100,000."""
    account = {
        "id": "a1",
        "cash": "6000",
        "positions": [{"symbol": "SPY", "qty": "700"}, {"symbol": "TLT", "qty": "240"}],
    }
    portfolio = {
        "id": "p1",
        "name": "Balanced",
        "weights": [
            {"type": "cash", "percent": "5"},
            {"type": "asset", "symbol": "SPY", "percent": "60"},
            {"type": "asset", "symbol": "TLT", "percent": "35"},
        ],
        "rebalance_conditions": [
            {"type": "drift_band", "sub_type": "absolute", "percent": "5"},
            {"type": "drift_band", "sub_type": "relative", "percent": "20"},
        ],
    }
    subscription = {"account_id": "a1", "portfolio_id": "p1", "last_rebalanced_at": LAST}
    return {
        "as_of": "2026-03-04T17:00:00Z",
        "assets": [{"symbol": "SPY", "price": "100"}, {"symbol": "TLT", "price": "100"}],
        "accounts": [account | given.get("account", {})],
        "portfolios": [portfolio | given.get("portfolio", {})],
        "subscriptions": [subscription | given.get("subscription", {})],
        "restrictions": given.get("restrictions", []),
    }


def no_sell(**given: object) -> dict[str, object]:
    return {"scope": "account", "account_id": "a1", "symbol": "SPY", "kind": "no_sell", "reason": "low basis"} | given


@pytest.fixture
def opened() -> Iterator[list[Book]]:
    books: list[Book] = []
    yield books
    for book in books:
        book.database.close()


def imported(opened: list[Book], raw: dict[str, Any]) -> Book:
    parsed = parse_book(json.dumps(raw))
    book = bootstrap.memory_book(NOON, prices={asset.symbol: asset.price for asset in parsed.assets if asset.price})
    opened.append(book)
    import_book(book, parsed)
    return book


def faults(raw: dict[str, Any]) -> dict[str, str]:
    with pytest.raises(Invalid) as refused:
        parse_book(json.dumps(raw))
    return {fault.location: fault.message for fault in refused.value.faults}


def test_a_restriction_reaches_decision_run_and_history(opened: list[Book]) -> None:
    book = imported(opened, content(restrictions=[no_sell(until="2026-12-31")]))
    made = evaluation_pass(book)
    decision = made.decisions[0]
    assert decision.outcome is Outcome.INVEST_CASH
    shown = decision_extension(decision)["reachable"]
    assert shown["lambda"] == "0.714285714286"
    assert (shown["lines"][0]["reason"], shown["lines"][0]["drift"], shown["lines"][0]["drift_from_weight"]) == (
        LineReason.NO_SELL,
        "0.000000000",
        "10.000000000",
    )
    process_runs(book)
    run = runs.get(book.database, made.runs[0].id)
    assert run.status is RunStatus.COMPLETED_SUCCESS
    plan = history.made_plan(book.database, run)
    assert {line.symbol: line.reason for line in plan.lines} == {
        "SPY": LineReason.NO_SELL,
        "TLT": LineReason.EXCESS_CASH,
    }
    assert [
        history.decision_fault(one, lambda key: context(book, key)) for one in decisions.everything(book.database)
    ] == [""]


def context(book: Book, key: int) -> Any:

    return decision_contexts.get(book.database, key)


def test_an_ended_restriction_holds_nothing(opened: list[Book]) -> None:
    book = imported(opened, content(restrictions=[no_sell(until="2026-03-03")]))
    assert evaluate_account(book, "a1").outcome is Outcome.FULL_REBALANCE


def test_a_run_of_a_band_stops_in_the_middle_and_keeps_doing_so_when_it_starts(opened: list[Book]) -> None:
    positions = [{"symbol": "SPY", "qty": "680"}, {"symbol": "TLT", "qty": "275"}]
    raw = content(account={"cash": "4500", "positions": positions}, portfolio={"rebalance_to": "middle"})
    book = imported(opened, raw)
    made = evaluation_pass(book)
    process_runs(book)
    found = {order.symbol: order for order in run_orders.detail(book.database, made.runs[0]).orders}
    assert found["SPY"].filled_qty == 55 * 10**9
    assert found["TLT"].notional == 5_000 * 10**9


def test_whole_shares_are_ordered_by_quantity(opened: list[Book]) -> None:
    raw = content(
        account={"cash": "1042", "positions": [], "whole_shares": True}, subscription={"last_rebalanced_at": None}
    )
    book = imported(opened, raw)
    made = evaluation_pass(book)
    process_runs(book)
    detail = run_orders.detail(book.database, made.runs[0])
    assert {order.symbol: (order.qty, order.notional) for order in detail.orders} == {
        "SPY": (6 * 10**9, None),
        "TLT": (3 * 10**9, None),
    }


def test_overrides_replace_conditions_and_cooldown(opened: list[Book]) -> None:
    raw = content(subscription={"overrides": {"cooldown_days": 100, "minimum_trade": {"amount": "25"}}})
    book = imported(opened, raw)
    decision = evaluate_account(book, "a1")
    cooldown = next(check for check in decision.trace if check.check == "in_cooldown")
    assert "100 days after the rebalance of 2026-01-05, set for this account" in cooldown.detail
    rules = rules_of(book, "a1")
    assert rules.minimum_trade is not None
    assert (rules.minimum_trade.amount, rules.minimum_source) == (25 * 10**9, "subscription")


def test_a_minimum_trade_of_the_book_holds_where_no_narrower_one_is_set(opened: list[Book]) -> None:
    book = imported(opened, content() | {"minimum_trade": {"amount": "40", "percent": "0.5"}})
    rules = rules_of(book, "a1")
    assert rules.minimum_trade is not None
    assert (rules.minimum_trade.percent, rules.minimum_source) == (50, "book")
    assert "percent from 0 to 100" in faults(content() | {"minimum_trade": {"percent": 101}})["minimum_trade.percent"]


def test_a_staggered_condition_fires_some_sessions_later(opened: list[Book]) -> None:
    wednesday = [{"type": "calendar", "sub_type": "weekly", "day": "Wednesday"}]
    late = next(name for name in (f"a{n}" for n in range(2, 99)) if stagger_offset(name, 5))
    raw = content(
        account={"id": late},
        subscription={"account_id": late},
        portfolio={"rebalance_conditions": wednesday, "stagger_sessions": 5},
    )
    book = imported(opened, raw)
    decision = evaluate_account(book, late)
    check = next(check for check in decision.trace if check.check == "calendar")
    assert "not due today" in check.detail
    assert f"this account: {stagger_offset(late, 5)} after" in check.detail


@pytest.mark.parametrize(
    ("change", "location", "message"),
    [
        ({"symbol": "QQQ"}, "restrictions[0].symbol", "unknown asset QQQ"),
        ({"account_id": None}, "restrictions[0].account_id", "expected the account of a restriction of scope account"),
        ({"account_id": "zz"}, "restrictions[0].account_id", 'unknown account "zz"'),
        ({"reason": " "}, "restrictions[0].reason", "expected a reason"),
        ({"kind": "hold"}, "restrictions[0].symbol", "expected no symbol for hold"),
        ({"kind": "range"}, "restrictions[0].kind", "a range needs a unit, and min or max"),
        ({"kind": "range", "unit": "percent", "min": "12.345"}, "restrictions[0].min", "at most 2 decimals"),
        ({"until": "tomorrow"}, "restrictions[0].until", "expected a day as YYYY-MM-DD"),
    ],
)
def test_a_wrong_restriction_is_refused_with_its_place(change: dict[str, Any], location: str, message: str) -> None:
    found = faults(content(restrictions=[no_sell(**change)]))
    assert message in found[location]


def test_a_condition_is_not_spread_over_more_sessions_than_it_has() -> None:
    monthly = [{"type": "calendar", "sub_type": "monthly", "day": "15"}]
    found = faults(content(portfolio={"rebalance_conditions": monthly, "stagger_sessions": 16}))
    assert found["portfolios[0].stagger_sessions"].startswith("a monthly condition is spread over at most 15 sessions")


def test_overrides_end_with_their_subscription(opened: list[Book]) -> None:
    book = imported(opened, content(subscription={"overrides": {"cooldown_days": 100}}))
    portfolio_id = book.subscriptions["a1"].portfolio_id
    unsubscribe_account(book, "a1")
    subscriptions.subscribe(book, "a1", portfolio_id)
    assert followed_portfolio(book, "a1") == book.portfolio(portfolio_id)
    assert rules_of(book, "a1").overrides is None

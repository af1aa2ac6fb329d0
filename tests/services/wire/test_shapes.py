"""The API's JSON shapes, key by key."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from rebal_tui.domain.orders import Order, OrderStatus, Side, SkippedOrder, SkipReason
from rebal_tui.domain.quantities import Qty, parse_money, parse_price, parse_qty
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.account import evaluate_account
from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
from rebal_tui.services.importing.book_import import import_book
from rebal_tui.services.parsing.book_file import parse_book
from rebal_tui.services.runs.processing import process_runs
from rebal_tui.services.wire import account_shapes, shapes
from rebal_tui.services.wire.models.rebalancing import RunRecord
from rebal_tui.store import run_orders, runs

Json = dict[str, Any]
Text = Callable[[], str]
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")

ORDER_KEYS = [
    "id", "client_order_id", "created_at", "updated_at", "submitted_at", "filled_at", "expired_at", "expires_at",
    "canceled_at", "failed_at", "replaced_at", "replaced_by", "replaces", "asset_id", "symbol", "asset_class",
    "notional", "qty", "filled_qty", "filled_avg_price", "order_class", "order_type", "type", "side",
    "time_in_force", "limit_price", "stop_price", "status", "extended_hours", "legs", "trail_percent",
    "trail_price", "hwm", "subtag", "source", "commission",
]  # fmt: skip
RUN_KEYS = [
    "id", "type", "amount", "initiated_from", "status", "reason", "account_id", "portfolio_id", "weights", "orders",
    "failed_orders", "skipped_orders", "completed_at", "canceled_at", "created_at", "updated_at",
]  # fmt: skip


@pytest.fixture
def ran(book: Book, raw_book: Json, as_text: Text) -> Book:
    """The book after one evaluation whose run has finished."""
    raw_book["accounts"][0]["positions"] = []
    import_book(book, parse_book(as_text()))
    evaluation_pass(book)
    process_runs(book)
    return book


def run_of(book: Book) -> RunRecord:
    (run,) = runs.newest(book.database, 10)
    return shapes.run_json(run_orders.detail(book.database, run), shapes.asset_ids(book.assets))


def floats_in(value: object) -> bool:
    if isinstance(value, dict):
        return any(floats_in(item) for item in value.values())
    return any(floats_in(item) for item in value) if isinstance(value, list) else isinstance(value, float)


def test_a_time_is_utc_with_microseconds() -> None:
    at = datetime(2022, 8, 7, 14, 56, 45, 116867, tzinfo=timezone(timedelta(hours=-4)))
    assert shapes.time_text(at) == "2022-08-07T18:56:45.116867Z"


def test_a_run_has_every_key_and_no_number_that_a_client_refuses(ran: Book) -> None:
    run = run_of(ran)
    assert set(RUN_KEYS) <= set(run)
    assert (run["type"], run["status"], run["initiated_from"]) == ("full_rebalance", "COMPLETED_SUCCESS", "system")
    assert run["weights"] == [
        {"type": "cash", "symbol": None, "percent": "5"},
        {"type": "asset", "symbol": "SPY", "percent": "60"},
        {"type": "asset", "symbol": "TLT", "percent": "35"},
    ]
    assert (run["amount"], run["reason"], run["canceled_at"]) == (None, None, None)
    assert all(TIME.fullmatch(at or "") for at in (run["created_at"], run["updated_at"], run["completed_at"]))
    assert not floats_in(run)


def test_the_orders_of_a_run_are_complete_order_objects(ran: Book) -> None:
    spy, tlt = run_of(ran)["orders"]
    assert set(ORDER_KEYS) <= set(spy)
    assert (spy["symbol"], spy["notional"], spy["qty"], spy["filled_qty"]) == ("SPY", "30000.00", None, "60")
    assert (tlt["symbol"], tlt["notional"], tlt["filled_avg_price"]) == ("TLT", "17500.00", "100")
    assert (spy["asset_id"], spy["asset_class"]) == (ran.assets["SPY"].id, "us_equity")
    assert (spy["order_class"], spy["extended_hours"], spy["legs"], spy["submitted_at"] is None) == (
        "", False, None, False,
    )  # fmt: skip


def test_a_run_without_a_portfolio_still_names_one(ran: Book) -> None:
    (run,) = runs.newest(ran.database, 10)
    detail = replace(run_orders.detail(ran.database, run), run=replace(run, portfolio_id=None))
    ids = shapes.asset_ids(ran.assets)
    assert shapes.run_json(detail, ids, "fallback")["portfolio_id"] == "fallback"
    assert shapes.run_json(detail, ids)["portfolio_id"] == run.id


def test_an_order_without_an_answer_has_an_id_nevertheless() -> None:
    at = datetime(2026, 3, 4, 17, tzinfo=UTC)
    order = Order(
        "", "rt-1", "a1", "SPY", Side.SELL, OrderStatus.PENDING_NEW, None, parse_qty("72.865432211"), Qty(0), None,
        at, at, at,
    )  # fmt: skip
    shape = shapes.order_json(order, shapes.asset_ids({}))
    assert shape["id"]
    assert shape["asset_id"]
    assert (shape["qty"], shape["notional"], shape["filled_avg_price"]) == ("72.865432211", None, None)
    assert shapes.order_json(order, shapes.asset_ids({})) == shape


def test_a_skipped_order_is_shaped_as_the_client_wants_it() -> None:
    skipped = SkippedOrder("SPY", None, parse_money("0.5"), SkipReason.ORDER_LESS_THAN_MIN_NOTIONAL, "below $1")
    assert shapes.skipped_json(skipped) == {
        "symbol": "SPY", "side": None, "notional": "0.50", "currency": "USD",
        "reason": "ORDER_LESS_THAN_MIN_NOTIONAL", "reason_details": "below $1",
    }  # fmt: skip


def test_a_decision_carries_its_trace_and_its_plan(book: Book, as_text: Text) -> None:
    import_book(book, parse_book(as_text()))
    book.assets["GLD"] = replace(book.assets["GLD"], price=parse_price("200"), price_at=book.now(), tradable=True)
    shape = shapes.decision_json(evaluate_account(book, "a1"))
    assert (shape["account_id"], shape["portfolio_id"], shape["outcome"]) == ("a1", "p1", "full_rebalance")
    assert {"check", "verdict", "detail"} <= set(shape["trace"][0])
    plan = shape["plan"]
    assert plan is not None
    lines = {line["symbol"]: line for line in plan["lines"]}
    assert plan["type"] == "full_rebalance"
    assert (lines["GLD"]["side"], lines["GLD"]["qty"], lines["GLD"]["notional"]) == ("sell", "1.5", None)
    assert lines["GLD"]["reason"] == "NOT_IN_PORTFOLIO"
    assert (lines["SPY"]["side"], lines["SPY"]["qty"]) == ("buy", None)
    assert plan["equity"] == "50300.00"
    assert not floats_in(shape)
    json.dumps(shape)


def test_a_portfolio_and_a_subscription_have_their_keys(ran: Book, balanced: Json) -> None:
    shape = shapes.portfolio_json(ran.portfolios["p1"])
    assert shape["rebalance_conditions"][0] == {
        "type": "drift_band", "sub_type": "absolute", "percent": "5", "day": None,
    }  # fmt: skip
    assert (shape["status"], shape["cooldown_days"], shape["description"]) == ("active", 7, balanced["description"])
    subscription = shapes.subscription_json(ran.subscriptions["a1"])
    assert list(subscription) == [
        "id", "account_id", "portfolio_id", "last_rebalanced_at", "trade_marker", "created_at",
        "overrides",
    ]  # fmt: skip
    assert TIME.fullmatch(subscription["last_rebalanced_at"] or "")


def test_an_account_is_worth_its_cash_and_its_positions(ran: Book) -> None:
    shape = account_shapes.account_json(ran.accounts["a1"], ran.assets, parse_money("12"))
    assert (shape["cash"], shape["position_market_value"], shape["equity"]) == ("2500.00", "47500.00", "50000.00")
    assert shape["cash_transferable"] == "12.00"
    assert shape["positions"][0]["market_value"] == "30000.00"

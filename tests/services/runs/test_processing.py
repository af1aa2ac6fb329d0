"""The run state machine against the real simulated broker (R-20, R-25, R-26)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from rebal_tui.domain.cash import CashKind
from rebal_tui.domain.errors import Conflict, NotFound, PlanChanged
from rebal_tui.domain.orders import OrderRequest, OrderStatus, Side, SkipReason
from rebal_tui.domain.portfolios import AssetWeight, PortfolioStatus, Weights
from rebal_tui.domain.quantities import Percent, money_text, parse_money, parse_percent
from rebal_tui.domain.runs import Approval, InitiatedFrom, RunStatus, RunType
from rebal_tui.services.advisory import portfolios as portfolio_service
from rebal_tui.services.advisory import subscriptions
from rebal_tui.services.advisory.cash import deposit
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.history import plan_of
from rebal_tui.services.runs import manual as run_service
from rebal_tui.services.schedule import scheduler
from rebal_tui.store import accounts as account_store
from rebal_tui.store import fills as fill_store
from rebal_tui.store import run_orders
from rebal_tui.store import runs as store
from tests.services.brokers import broker
from tests.services.factories import (
    SLOW,
    advance,
    advance_to,
    alerts,
    all_runs,
    balanced,
    new_york,
    only_run,
    orders,
    review_book,
    selling_book,
    set_price,
    simple_book,
    skips,
)


def held(book: Book, account_id: str = "a") -> dict[str, int]:
    return {p.symbol: p.qty for p in book.accounts[account_id].positions}


def notionals(book: Book, run_id: str) -> dict[str, str]:
    run = store.get(book.database, run_id)
    return {order.symbol: money_text(order.notional) for order in orders(book, run) if order.notional}


def test_first_rebalance_buys_the_targets_and_sets_last_rebalanced_at() -> None:
    book = simple_book()
    scheduler.tick(book)
    run = only_run(book)
    assert (run.type, run.status, run.initiated_from) == (
        RunType.FULL_REBALANCE, RunStatus.COMPLETED_SUCCESS, InitiatedFrom.SYSTEM,
    )  # fmt: skip
    assert notionals(book, run.id) == {"SPY": "30000.00", "TLT": "17500.00"}
    assert book.accounts["a"].cash == parse_money("2500")
    assert book.subscriptions["a"].last_rebalanced_at == run.completed_at
    assert broker(book).invariants() == []


def test_one_system_run_a_session_regardless_of_later_events() -> None:
    book = simple_book()
    scheduler.tick(book)
    deposit(book, "a", parse_money("5000"))
    advance_to(book, "2026-03-02 11:00")
    assert len(all_runs(book)) == 1
    advance_to(book, "2026-03-03 10:00")
    assert [r.type for r in all_runs(book)] == [RunType.FULL_REBALANCE, RunType.INVEST_CASH]
    assert notionals(book, all_runs(book)[1].id) == {"SPY": "3000.00", "TLT": "1750.00"}


def test_sells_come_first_and_buys_are_sized_from_booked_cash() -> None:
    book = selling_book({"SPY": "100", "GLD": "20"}, "1000")
    assert {order.side for order in orders(book)} == {Side.SELL}
    advance(book, 20)
    run = only_run(book)
    assert run.status is RunStatus.COMPLETED_SUCCESS
    last_sell = max(o.filled_at for o in orders(book) if o.side is Side.SELL if o.filled_at)
    first_buy = min(o.created_at for o in orders(book) if o.side is Side.BUY)
    assert last_sell <= first_buy
    assert "GLD" not in held(book)
    assert run.cash_target is not None
    assert book.accounts["a"].cash >= run.cash_target
    assert broker(book).invariants() == []


def test_a_fall_in_price_between_sell_and_buy_scales_all_buys_by_one_factor() -> None:
    book = selling_book({"SPY": "100"}, follows=balanced(weights={"SPY": "50", "TLT": "30", "GLD": "15"}))
    set_price(book, "SPY", "380.00")
    advance(book, 20)
    run = only_run(book)
    bought = {s: Decimal(n) for s, n in notionals(book, run.id).items()}
    assert bought["TLT"] < Decimal("12000")
    assert abs(bought["TLT"] / 12000 - bought["GLD"] / 6000) < Decimal("0.00001")
    assert run.cash_target is not None
    assert book.accounts["a"].cash >= run.cash_target


def test_a_run_created_outside_the_window_stays_queued() -> None:
    book = simple_book("2026-03-02 17:00")
    subscriptions.unsubscribe(book, book.subscriptions["a"].id)
    weights = Weights((AssetWeight("SPY", parse_percent("100")),))
    run = run_service.create_run(book, "a", RunType.FULL_REBALANCE, weights=weights)
    assert run.status is RunStatus.QUEUED
    advance_to(book, "2026-03-03 09:29")
    assert only_run(book).status is RunStatus.QUEUED
    advance_to(book, "2026-03-03 09:31")
    assert only_run(book).status is RunStatus.COMPLETED_SUCCESS
    assert "a" not in book.subscriptions


def test_manual_runs_refuse_what_the_rules_refuse() -> None:
    book = simple_book()
    all_spy = Weights((AssetWeight("SPY", parse_percent("100")),))
    with pytest.raises(Conflict, match="while the account is subscribed"):
        run_service.create_run(book, "a", RunType.FULL_REBALANCE, weights=all_spy)
    with pytest.raises(Conflict, match="amount too large"):
        run_service.create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("50000.01"))
    subscriptions.unsubscribe(book, book.subscriptions["a"].id)
    with pytest.raises(Conflict, match="no weights and no subscription"):
        run_service.create_run(book, "a", RunType.INVEST_CASH)
    with pytest.raises(Conflict, match="XYZ is unknown"):
        run_service.create_run(
            book, "a", RunType.FULL_REBALANCE, weights=Weights((AssetWeight("XYZ", parse_percent("100")),))
        )
    assert all_runs(book) == []


def test_a_second_run_is_refused_while_one_is_not_finished() -> None:
    book = simple_book(model=SLOW)
    scheduler.tick(book)
    assert only_run(book).status is RunStatus.IN_PROGRESS
    with pytest.raises(Conflict, match=r"Client a \(N-a\) has an unfinished run"):
        run_service.create_run(book, "a", RunType.INVEST_CASH)


def test_cancel_in_progress_keeps_the_fills_and_sends_nothing_more() -> None:
    book = selling_book({"SPY": "100", "GLD": "20"})
    run = run_service.cancel_run(book, only_run(book).id)
    assert run.status is RunStatus.CANCELED_MID_RUN
    assert run.canceled_at is not None
    assert {skip.reason for skip in skips(book)} == {SkipReason.RUN_CANCELED}
    assert all(order.status.final and order.side is Side.SELL for order in orders(book))
    with pytest.raises(Conflict, match="not cancelable"):
        run_service.cancel_run(book, run.id)
    with pytest.raises(NotFound):
        run_service.cancel_run(book, "nothing")
    assert book.subscriptions["a"].last_rebalanced_at is None


def test_the_close_ends_a_run_as_timeout() -> None:
    book = simple_book("2026-03-02 15:30", "0", {"SPY": "100"}, model=SLOW)
    broker(book).halt("SPY", True, book.now())
    scheduler.tick(book)
    assert only_run(book).status is RunStatus.IN_PROGRESS
    advance_to(book, "2026-03-02 16:00")
    run = only_run(book)
    assert run.status is RunStatus.TIMEOUT
    assert {skip.reason for skip in skips(book)} == {SkipReason.MARKET_WINDOW_CLOSED}
    assert [kind for kind, _, _ in alerts(book)] == ["run"]


def test_an_asset_that_becomes_inactive_mid_run_adjusts_the_run_and_marks_the_portfolio() -> None:
    book = simple_book(model=SLOW)
    scheduler.tick(book)
    broker(book).set_asset("TLT", book.now(), tradable=False)
    advance(book, 20)
    run = only_run(book)
    assert run.status is RunStatus.COMPLETED_ADJUSTED
    assert book.portfolios["balanced"].status is PortfolioStatus.NEEDS_ADJUSTMENT
    assert "SPY" in held(book)
    with pytest.raises(Conflict, match="TLT is not tradable"):
        portfolio_service.reactivate_portfolio(book, "balanced")
    broker(book).set_asset("TLT", book.now(), tradable=True)
    advance(book, 1)
    assert portfolio_service.reactivate_portfolio(book, "balanced").status is PortfolioStatus.ACTIVE
    advance_to(book, "2026-03-03 10:00")
    assert all_runs(book)[-1].type is RunType.INVEST_CASH


def test_an_ineligible_asset_found_by_evaluation_marks_the_portfolio_and_creates_no_run() -> None:
    book = simple_book()
    broker(book).set_asset("TLT", book.now(), fractionable=False)
    scheduler.tick(book)
    assert all_runs(book) == []
    assert book.portfolios["balanced"].status is PortfolioStatus.NEEDS_ADJUSTMENT
    advance_to(book, "2026-03-02 10:00")
    assert all_runs(book) == []


def test_a_rejected_order_is_failed_and_a_run_without_any_fill_is_an_error() -> None:
    book = simple_book(model=SLOW)
    broker(book).reject_next("a", "SPY", "wash trade")
    scheduler.tick(book)
    advance(book, 20)
    run = only_run(book)
    detail = run_orders.detail(book.database, run)
    assert run.status is RunStatus.COMPLETED_ADJUSTED
    assert [o.symbol for o in detail.failed_orders] == ["SPY"]
    assert [o.symbol for o in detail.orders] == ["TLT"]

    other = simple_book(model=SLOW)
    broker(other).reject_next("a", "SPY", "wash trade")
    broker(other).reject_next("a", "TLT", "wash trade")
    scheduler.tick(other)
    advance(other, 20)
    assert only_run(other).status is RunStatus.ERROR
    assert "wash trade" in str(only_run(other).reason)
    assert other.subscriptions["a"].last_rebalanced_at is None


def test_a_restriction_set_before_the_start_ends_the_run_in_error() -> None:
    book = simple_book("2026-03-02 17:00")
    subscriptions.unsubscribe(book, book.subscriptions["a"].id)
    run_service.create_run(
        book, "a", RunType.FULL_REBALANCE, weights=Weights((AssetWeight("SPY", parse_percent("100")),))
    )
    broker(book).return_deposit("a", parse_money("10"), book.now())
    advance_to(book, "2026-03-03 10:00")
    run = only_run(book)
    assert run.status is RunStatus.ERROR
    assert str(run.reason).startswith("ACCOUNT_RESTRICTED: ")


def test_partial_liquidation_reserves_cash_that_is_not_invested_again() -> None:
    book = simple_book()
    scheduler.tick(book)
    run = run_service.create_run(book, "a", RunType.PARTIAL_LIQUIDATION, amount=parse_money("10000"))
    assert run.status is RunStatus.COMPLETED_SUCCESS
    assert book.accounts["a"].cash >= parse_money("12000")
    assert book.extras["a"].reserve == parse_money("10000")
    advance_to(book, "2026-03-03 10:00")
    assert [r.type for r in all_runs(book)] == [RunType.FULL_REBALANCE, RunType.PARTIAL_LIQUIDATION]


def test_review_holds_a_run_until_it_is_approved_on_the_displayed_plan() -> None:
    book = review_book()
    run = only_run(book)
    assert (run.status, run.approval) == (RunStatus.QUEUED, Approval.AWAITING)
    shown = plan_of(book.database, run)
    assert shown is not None
    deposit(book, "a", parse_money("20000"))
    with pytest.raises(PlanChanged):
        run_service.approve_run(book, run.id, shown)
    renewed = plan_of(book.database, run)
    assert renewed is not None
    assert renewed != shown
    done = run_service.approve_run(book, run.id, renewed, "looks right")
    assert done.status is RunStatus.COMPLETED_SUCCESS
    assert notionals(book, run.id)["SPY"] == "42000.00"


def test_an_unapproved_run_is_canceled_after_the_window_and_uses_no_quota() -> None:
    book = review_book()
    advance_to(book, "2026-03-02 15:31")
    assert only_run(book).status is RunStatus.CANCELED
    assert book.quota_run("a", "2026-03-02") is None


def test_a_rejected_review_cancels_with_the_note_and_uses_the_quota() -> None:
    book = review_book()
    run = run_service.reject_run(book, only_run(book).id, "client is moving")
    assert (run.status, run.reason) == (RunStatus.CANCELED, "rejected: client is moving")
    advance_to(book, "2026-03-02 10:00")
    assert len(all_runs(book)) == 1


def test_every_cash_movement_is_recorded_and_proceeds_settle_the_next_day() -> None:
    book = simple_book(cash="0", held={"SPY": "100", "GLD": "20"})
    scheduler.tick(book)
    entries = account_store.cash_entries(book.database, "a")
    fills = fill_store.of_run(book.database, only_run(book).id)
    assert len(fills) == len(entries) or {e.kind for e in entries} <= set(CashKind)
    unsettled = book.accounts["a"].unsettled
    assert unsettled > 0
    assert book.broker.cash_transferable("a") == max(0, book.accounts["a"].cash - unsettled)
    advance_to(book, "2026-03-03 09:30")
    assert book.accounts["a"].unsettled == 0


def test_a_deposit_of_ten_dollars_is_invested_and_less_is_not() -> None:
    book = simple_book()
    scheduler.tick(book)
    deposit(book, "a", parse_money("9.99"))
    advance_to(book, "2026-03-03 10:00")
    assert len(all_runs(book)) == 1
    deposit(book, "a", parse_money("2"))
    advance_to(book, "2026-03-04 10:00")
    assert [r.type for r in all_runs(book)] == [RunType.FULL_REBALANCE, RunType.INVEST_CASH]


def test_a_fall_in_prices_makes_no_trickle_of_purchases() -> None:
    book = simple_book(follows=balanced(conditions=()))
    scheduler.tick(book)
    for day, price in (("03", "390"), ("04", "380"), ("05", "370")):
        set_price(book, "SPY", price)
        advance_to(book, f"2026-03-{day} 10:00")
    assert len(all_runs(book)) == 1


def test_weights_other_than_the_portfolios_are_traded_once_by_a_manual_run() -> None:
    book = simple_book()
    subscriptions.unsubscribe(book, book.subscriptions["a"].id)
    weights = Weights((AssetWeight("GLD", Percent(9000)),), Percent(1000))
    run = run_service.create_run(book, "a", RunType.FULL_REBALANCE, weights=weights)
    assert run.status is RunStatus.COMPLETED_SUCCESS
    assert run.portfolio_id is None
    assert set(held(book)) == {"GLD"}


@pytest.mark.slow
def test_external_orders_stop_the_evaluation_until_they_end() -> None:
    book = simple_book(model=SLOW)
    broker(book).halt("GLD", True, book.now())
    request = OrderRequest("a", "someone-else-1", "GLD", Side.BUY, notional=parse_money("100"))
    order = broker(book).place_external_order("a", request, book.now())
    scheduler.tick(book)
    assert all_runs(book) == []
    broker(book).cancel_order("a", order.id)
    advance_to(book, "2026-03-02 09:45")
    assert len(all_runs(book)) == 1


def test_completed_orders_carry_their_broker_ids_and_times() -> None:
    book = simple_book(model=SLOW)
    scheduler.tick(book)
    advance(book, 20)
    for _, order, sent in run_orders.of_run(book.database, only_run(book).id):
        assert sent
        assert order.status is OrderStatus.FILLED
        assert order.id
        assert len(order.client_order_id) <= 48
        assert order.filled_at is not None
        assert new_york("2026-03-02 09:30") <= order.submitted_at <= order.filled_at

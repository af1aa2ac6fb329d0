"""What changes and plans announce as turnover is what their orders trade."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.domain.orders import Side
from rebal_tui.domain.quantities import CENT, NANO, Money, parse_money
from rebal_tui.domain.runs import Run
from rebal_tui.services.advisory.bulk import preview_subscriptions
from rebal_tui.services.advisory.subscriptions import subscribe_many, unsubscribe_many
from rebal_tui.services.book.book import Book
from rebal_tui.services.evaluation.history import plan_of
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.queries.desk import preview
from rebal_tui.services.queries.portfolios import impact
from rebal_tui.services.schedule import scheduler
from rebal_tui.services.view_models.accounts import FirstRun
from rebal_tui.store import fills, run_orders
from tests.services.factories import advance, all_runs, balanced, set_price, simple_book
from tests.services.files_book.support import approve_all, empty_book, evaluated, follow, imported, positions, set_time

START = {"1": {"AAA": "60", "BBB": "40", "CASH": "2000"}, "2": {"AAA": "10", "CASH": "1000.37"}}


def _whole_shares_book() -> Book:
    book = empty_book()
    imported(book, positions(START, "2026-11-27 16:30"))
    set_time(book, "2026-11-28 11:00")
    return book


def _listed(book: Book, run: Run) -> Money:
    """What the orders of a run trade: their shares at the prices of their plan."""
    plan = plan_of(book.database, run)
    assert plan is not None
    prices = {line.symbol: line.price or 0 for line in plan.lines}
    orders = [order for _, order, _ in run_orders.of_run(book.database, run.id)]
    assert {order.side for order in orders} == {Side.SELL, Side.BUY}
    return Money(sum((order.qty or 0) * prices[order.symbol] // NANO for order in orders))


def _announced(book: Book, account_ids: Sequence[str], portfolio_id: str) -> Sequence[FirstRun]:
    return preview_subscriptions(book, account_ids, portfolio_id, moving=False).rows


def test_whole_shares_are_counted_once() -> None:
    book = _whole_shares_book()
    follow(book, {"AAA": "35", "BBB": "65"})
    (portfolio,) = book.portfolios.values()
    ids = list(book.accounts)
    unsubscribe_many(book, ids)
    announced = {row.account_id: row.turnover for row in _announced(book, ids, portfolio.id)}
    subscribe_many(book, ids, portfolio.id)
    assert announced == {account_id: preview(book, account_id).turnover for account_id in ids}
    runs = evaluated(book)
    approve_all(book)
    assert {run.account_id: _listed(book, run) for run in runs} == announced
    # 25 AAA at $100 sold and 89 BBB at $50 bought; 2 AAA sold and 23 BBB bought.
    assert sorted(announced.values()) == [parse_money("1350"), parse_money("6950")]


def test_what_is_announced_is_what_a_preview_prints() -> None:
    """Two sells and a buy with parts of a cent."""
    book = simple_book(cash="10.009", held={"SPY": "60.111111111", "TLT": "1", "GLD": "33.777777777"})
    set_price(book, "GLD", "171.37")
    set_price(book, "SPY", "401.13")
    unsubscribe_many(book, ["a"])
    (announced,) = _announced(book, ["a"], "balanced")
    subscribe_many(book, ["a"], "balanced")
    assert preview(book, "a").turnover == announced.turnover
    assert announced.turnover % CENT == 0


def test_the_impact_of_a_change_counts_whole_shares_once() -> None:
    book = _whole_shares_book()
    follow(book, {"AAA": "35", "BBB": "65"})
    (portfolio,) = book.portfolios.values()
    wanted = PortfolioBody("Model", "", portfolio.weights, 0, balanced().conditions, review=True)
    found = impact(book, portfolio.id, wanted)
    assert (found.orders, found.turnover) == (4, parse_money("8300"))


def test_an_announced_turnover_is_traded() -> None:
    book = simple_book(held={"GLD": "10"})
    unsubscribe_many(book, ["a"])
    (announced,) = _announced(book, ["a"], "balanced")
    subscribe_many(book, ["a"], "balanced")
    scheduler.tick(book)
    advance(book, 20)
    (run,) = all_runs(book)
    traded = fills.of_run(book.database, run.id)
    assert {fill.side for fill in traded} == {Side.SELL, Side.BUY}
    assert (len(traded), sum(fill.amount for fill in traded)) == (announced.orders, announced.turnover)

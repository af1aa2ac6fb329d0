"""What changes of portfolios and subscriptions would come to by the exact form, one account at a time."""

from __future__ import annotations

from dataclasses import replace

from rebal_tui.domain.errors import Conflict, Refusal
from rebal_tui.domain.quantities import DOLLAR, NANO, Money
from rebal_tui.domain.runs import RunType
from rebal_tui.engine.calendar import in_cooldown
from rebal_tui.engine.drift import asset_drifts, widest_use
from rebal_tui.engine.restrictions import stops
from rebal_tui.services import subscriptions
from rebal_tui.services.book import Book
from rebal_tui.services.evaluation import value_of
from rebal_tui.services.intake.portfolio_input import PortfolioBody
from rebal_tui.services.planning import plan_run, turnover_of
from rebal_tui.services.views.accounts import FirstRun
from rebal_tui.services.views.portfolios import Impact


def exact_impact(book: Book, portfolio_id: str, wanted: PortfolioBody) -> Impact:
    before = book.portfolios[portfolio_id]
    after = replace(before, weights=wanted.weights, conditions=wanted.conditions)
    orders = turnover = cooling = unable = 0
    outside_before = outside_after = 0
    for one in book.subscribers(portfolio_id):
        valuation = value_of(book, one)
        use, then = (widest_use(asset_drifts(valuation, p.weights), p.bands) for p in (before, after))
        outside_before += use is not None and use.breached
        if then is None or not then.breached:
            continue
        outside_after += 1
        if in_cooldown(book.subscriptions[one].last_rebalanced_at, wanted.cooldown_days, book.today()):
            cooling += 1
            continue
        try:
            plan = plan_run(book, one, RunType.FULL_REBALANCE, wanted.weights)
        except Conflict:
            unable += 1
            continue
        orders += len(plan.sells) + len(plan.buys)
        turnover += turnover_of(plan)
    return Impact(
        len(book.subscribers(portfolio_id)), outside_before, outside_after, orders, Money(turnover), cooling, unable
    )


def exact_first_run(book: Book, one: str, portfolio_id: str) -> FirstRun:
    current = book.subscriptions.get(one)
    follows = book.portfolios[current.portfolio_id].name if current else ""
    row = FirstRun(one, book.accounts[one].name, follows, 0, Money(0), "", "")
    weights, valuation = book.portfolios[portfolio_id].weights, value_of(book, one)
    try:
        subscriptions.check_move(book, one, portfolio_id, subscriptions.withdrawing(book))
    except Refusal as refusal:
        return replace(row, refusal=str(refusal))
    if stopped := stops(book.accounts[one], valuation):
        return replace(row, note="no run while " + "; ".join(text for _, text in stopped))
    if valuation.equity < len(weights.assets) * DOLLAR * NANO:
        return replace(row, note="no run before there is $1 for each asset")
    try:
        plan = plan_run(book, one, RunType.FULL_REBALANCE, weights)
    except Conflict as unable:
        return replace(row, note=str(unable))
    return replace(row, orders=len(plan.sells) + len(plan.buys), turnover=turnover_of(plan))

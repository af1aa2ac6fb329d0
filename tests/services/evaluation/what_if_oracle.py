"""The impact of portfolio and subscription changes by the exact form, one account at a time."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.errors import Conflict, Refusal
from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus
from rebal_tui.domain.quantities import CENT, DOLLAR, NANO, Money
from rebal_tui.domain.runs import RunType
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.engine.calendar import fires_on, in_cooldown
from rebal_tui.engine.drift import asset_drifts, largest_usage
from rebal_tui.engine.restrictions import blocking_reasons, remedy
from rebal_tui.services.advisory import subscriptions
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.slots import next_slot
from rebal_tui.services.evaluation.account import value_of
from rebal_tui.services.evaluation.planning import plan_run
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.view_models.accounts import FirstRun
from rebal_tui.services.view_models.portfolios import Impact


def traded(plan: Plan) -> Money:
    """The dollars of a plan's orders, each to the nearest cent: sells by their shares, buys by their amount."""
    sold = [(line.qty or 0) * (line.price or 0) // NANO for line in plan.sells]
    return Money(sum((one + CENT // 2) // CENT * CENT for one in [*sold, *(line.notional or 0 for line in plan.buys)]))


def exact_impact(book: Book, portfolio_id: str, wanted: PortfolioBody) -> Impact:
    before = book.portfolios[portfolio_id]
    after = replace(before, weights=wanted.weights, conditions=wanted.conditions)
    orders = turnover = cooling = unable = blocked = with_run = trading = 0
    outside_before = outside_after = 0
    dates: list[date] = []
    for one in book.subscribers(portfolio_id):
        valuation = value_of(book, one)
        usage, then = (largest_usage(asset_drifts(valuation, p.weights), p.bands) for p in (before, after))
        outside_before += usage is not None and usage.breached
        if then is None or not then.breached:
            dates += exact_calendar_day(book, one, replace(after, cooldown_days=wanted.cooldown_days))
            continue
        outside_after += 1
        if blocking_reasons(book.accounts[one], valuation) or book.paused(one):
            blocked += 1
            continue
        if in_cooldown(book.subscriptions[one].last_rebalanced_at, wanted.cooldown_days, book.today()):
            cooling += 1
            continue
        with_run += one in book.open_runs
        try:
            plan = plan_run(book, one, RunType.FULL_REBALANCE, wanted.weights)
        except Conflict:
            unable += 1
            continue
        orders += len(plan.sells) + len(plan.buys)
        trading += bool(plan.sells or plan.buys)
        turnover += traded(plan)
    return Impact(
        len(book.subscribers(portfolio_id)), outside_before, outside_after, orders, Money(turnover), cooling, unable,
        blocked, len(dates), min(dates, default=None), bool(before.bands), bool(after.bands),
        bool(after.conditions), with_run, trading,
    )  # fmt: skip


def exact_calendar_day(book: Book, one: str, portfolio: Portfolio) -> list[date]:
    """The next calendar day of an account that can trade and was rebalanced before, found session by session."""
    subscription, valuation = book.subscriptions[one], value_of(book, one)
    last, condition = subscription.last_rebalanced_at, portfolio.calendar
    stopped = bool(blocking_reasons(book.accounts[one], valuation) or book.paused(one))
    if stopped or portfolio.status is not PortfolioStatus.ACTIVE or last is None or condition is None:
        return []
    today, upcoming = book.today(), next_slot(book, book.now())
    traded = book.quota_run(one, today.isoformat()) is not None
    is_over = traded or upcoming is None or new_york_day(upcoming) != today
    for day in book.calendar.days(today, today + timedelta(days=400)):
        session = book.calendar.session(day)
        if session is None or session.next_day is None or (is_over and day == today):
            continue
        if in_cooldown(last, portfolio.cooldown_days, day):
            continue
        if fires_on(condition, day, session.next_day, book.settings.quarterly_months):
            return [day]
    return []


def exact_first_run(book: Book, one: str, portfolio_id: str) -> FirstRun:
    current = book.subscriptions.get(one)
    follows = book.portfolios[current.portfolio_id].name if current else ""
    row = FirstRun(one, book.accounts[one].name, follows, 0, Money(0), "", "")
    weights, valuation = book.portfolios[portfolio_id].weights, value_of(book, one)
    try:
        subscriptions.check_move(book, one, portfolio_id, subscriptions.withdrawing(book))
    except Refusal as refusal:
        return replace(row, refusal=str(refusal))
    if stopped := blocking_reasons(book.accounts[one], valuation):
        reasons = "; ".join(text for _, text in stopped)
        return replace(row, note=f"no run until {remedy(book.accounts[one]).event}: {reasons}")
    if valuation.equity < len(weights.assets) * DOLLAR * NANO:
        return replace(row, note="no run: equity is below $1 for each asset")
    try:
        plan = plan_run(book, one, RunType.FULL_REBALANCE, weights)
    except Conflict as unable:
        return replace(row, note=str(unable))
    return replace(row, orders=len(plan.sells) + len(plan.buys), turnover=traded(plan))

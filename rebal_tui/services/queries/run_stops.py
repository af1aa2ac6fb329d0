"""What the drift-band runs of a portfolio would do now with each destination and scope (R-62, R-63).

The destination is where a run stops: target, middle or edge of the band. The scope is what it trades: the whole
account, or only the assets outside a band and those that it trades to pay for them.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import product

import numpy as np

from rebal_tui.domain.decisions import LineReason, Outcome, Plan
from rebal_tui.domain.portfolios import Destination, Portfolio, RebalanceScope
from rebal_tui.domain.quantities import HUNDRED_PERCENT
from rebal_tui.engine.arrays.decision_table import CHECKS, OUTCOMES
from rebal_tui.engine.arrays.frame import Mark
from rebal_tui.engine.bounds import RestrictionsConflict
from rebal_tui.engine.goals import Goals
from rebal_tui.engine.planning import plan_full_rebalance, plan_goals
from rebal_tui.engine.shares import share
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.rules_view import followed_portfolio
from rebal_tui.services.evaluation.planning import holdings
from rebal_tui.services.evaluation.whole_book import decide_book
from rebal_tui.services.view_models.plan_figures import lines_total
from rebal_tui.services.view_models.restrictions import RunStops

MAX_ACCOUNTS = 100
"""The accounts that are planned for every destination and scope; the figures are of these."""


def run_stops(book: Book, portfolio_id: str) -> tuple[RunStops, ...]:
    """For each scope and destination, the figures of the drift-band runs that the subscribers would get now.

    At most `MAX_ACCOUNTS` accounts are planned.
    """
    from rebal_tui.engine.arrays.sweep import Group, sweep

    portfolio = book.portfolio(portfolio_id)
    decided = decide_book(book)
    made = decided.made
    by_band = (made.outcome == OUTCOMES.index(Outcome.FULL_REBALANCE)) & (made.check == CHECKS.index("drift_band"))
    index = next(n for n, one in enumerate(decided.frame.portfolios) if one.id == portfolio_id)
    accounts = decided.frame.accounts
    follows = accounts.portfolio == index
    rows = np.flatnonzero(by_band & follows).tolist()
    outside = sweep(decided.frame, decided.day_context).groups & int(Group.OUTSIDE) != 0
    others = outside & follows & (made.outcome != OUTCOMES.index(Outcome.FULL_REBALANCE))
    with_run = int(np.count_nonzero(others & (accounts.marks & int(Mark.OPEN_RUN) != 0)))
    held_back = int(np.count_nonzero(others)) - with_run
    account_ids = [book.account_table.ids[row] for row in rows[:MAX_ACCOUNTS]]
    return tuple(
        replace(
            _figures(book, portfolio, destination, scope, account_ids, len(rows)),
            with_run=with_run,
            held_back=held_back,
        )
        for scope, destination in product(RebalanceScope, Destination)
    )


def account_stops(book: Book, account_id: str) -> tuple[RunStops, ...]:
    """For each destination, the figures of a drift-band run of one subscribed account, in its portfolio's scope."""
    portfolio = book.portfolios[book.subscriptions[account_id].portfolio_id]
    scope = portfolio.rebalance_scope
    return tuple(_figures(book, portfolio, destination, scope, [account_id], 1) for destination in Destination)


def _figures(
    book: Book, portfolio: Portfolio, destination: Destination, scope: RebalanceScope, account_ids: list[str], due: int
) -> RunStops:
    planned = [one for account_id in account_ids if (one := _plan(book, account_id, destination, scope)) is not None]
    plans = [plan for plan, _ in planned]
    orders = sum(len(plan.sells) + len(plan.buys) for plan in plans)
    bought = lines_total(line for plan in plans for line in plan.buys)
    sold = lines_total(line for plan in plans for line in plan.sells)
    left = max((worst for _, worst in planned), default=0)
    current = (portfolio.rebalance_to, portfolio.rebalance_scope) == (destination, scope)
    return RunStops(destination.value, scope.value, current, due, len(plans), orders, bought, sold, left)


def _plan(book: Book, account_id: str, destination: Destination, scope: RebalanceScope) -> tuple[Plan, int] | None:
    """The plan of a run of a band, and the largest drift that it leaves; None when restrictions exclude each other."""
    start, portfolio = holdings(book, account_id), followed_portfolio(book, account_id)
    rules = replace(start.rules, destination=destination, scope=scope).of_run(portfolio.bands)
    try:
        goals = plan_goals(start, portfolio.weights, start.equity)
        plan = plan_full_rebalance(replace(start, rules=rules), portfolio.weights, portfolio.bands)
    except RestrictionsConflict:
        return None
    return plan, _worst_left(plan, goals)


def _worst_left(plan: Plan, goals: Goals | None) -> int:
    """The largest drift from the reachable target after the plan's orders.

    In hundredths of a percentage point, rounded half to even.
    """
    if plan.equity <= 0:
        return 0
    left = Fraction(0)
    for line in plan.lines:
        if line.reason is LineReason.UNMANAGED:
            continue
        target = Fraction(plan.equity * line.target, HUNDRED_PERCENT)
        if goals is not None:
            target = goals.target.values[line.symbol]
        left = max(left, abs(line.value_after - target))
    return share(left, plan.equity)

"""One portfolio in full, and what a change of it would do before it is saved."""

from __future__ import annotations

import json
from datetime import date, timedelta

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.portfolios import CalendarCondition
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.runs import RunType
from rebal_tui.engine.calendar import firing_sessions, in_cooldown
from rebal_tui.engine.drift import asset_drifts, widest_use
from rebal_tui.services.account_views import account_row
from rebal_tui.services.api_shapes import portfolio_json
from rebal_tui.services.book import Book
from rebal_tui.services.evaluation import value_of
from rebal_tui.services.intake.exact_json import read_json
from rebal_tui.services.intake.fields import Faults, Fields
from rebal_tui.services.intake.portfolio_input import PORTFOLIO_KEYS, PortfolioBody, parse_portfolio
from rebal_tui.services.planning import plan_run, turnover_of
from rebal_tui.services.portfolios import require_eligible
from rebal_tui.services.run_views import portfolio_rows
from rebal_tui.services.views.portfolios import AssetChoice, Impact, PortfolioDraft, PortfolioView

_AHEAD = timedelta(days=760)
_STORED_KEYS = frozenset({"id", "status", "created_at", "updated_at"})


def portfolio_view(book: Book, portfolio_id: str) -> PortfolioView:
    """One portfolio with its subscribers. Raises `NotFound`."""
    portfolio = book.portfolio(portfolio_id)
    subscribers = book.subscribers(portfolio_id)
    return PortfolioView(
        row=next(row for row in portfolio_rows(book) if row.id == portfolio_id),
        next_dates=next_dates(book, portfolio.calendar) if portfolio.calendar else (),
        culprits=tuple(
            f"{symbol} is {why}" for symbol in portfolio.weights.symbols if (why := _ineligibility(book, symbol))
        ),
        subscribers=tuple(account_row(book, account_id) for account_id in subscribers),
        api_json=json.dumps(portfolio_json(portfolio), indent=2, ensure_ascii=False),
    )


def portfolio_draft(book: Book, portfolio_id: str | None) -> PortfolioDraft:
    """What an editor of a portfolio, or of a new one, begins with. Raises `NotFound`."""
    return PortfolioDraft(
        portfolio=book.portfolio(portfolio_id) if portfolio_id is not None else None,
        subscribers=len(book.subscribers(portfolio_id)) if portfolio_id is not None else 0,
        assets=tuple(
            AssetChoice(symbol, book.assets[symbol].name, book.assets[symbol].ineligibility)
            for symbol in sorted(book.assets)
        ),
    )


def pasted_portfolio(book: Book, text: str) -> PortfolioBody:
    """A portfolio from JSON in the API's shape, whose assets the book can hold.

    What only a stored portfolio has (id, status, times) is left out. Raises `Invalid` with every fault, or `Conflict`
    for assets that are not eligible (R-4).
    """
    raw = read_json(text, "the text")
    faults = Faults()
    Fields(raw, "", faults, "a portfolio").refuse_unknown(PORTFOLIO_KEYS | _STORED_KEYS)
    body = parse_portfolio(raw, "", faults if isinstance(raw, dict) else Faults())
    faults.raise_if_any()
    require_eligible(book, body.weights)
    return body


def _ineligibility(book: Book, symbol: str) -> str:
    asset = book.assets.get(symbol)
    return asset.ineligibility if asset else "unknown"


def next_dates(book: Book, condition: CalendarCondition, count: int = 4) -> tuple[date, ...]:
    """The next sessions on which a calendar condition fires, today included (R-16)."""
    today = book.today()
    sessions = [book.calendar.session(day) for day in book.calendar.days(today, today + _AHEAD)]
    pairs = [(session.day, session.next_day) for session in sessions if session and session.next_day]
    return tuple(firing_sessions(condition, pairs, book.settings.quarterly_months)[:count])


def impact(book: Book, portfolio_id: str, body: PortfolioBody) -> Impact:
    """What saving `body` over a portfolio would do to its subscribers. Nothing is changed."""
    before = book.portfolio(portfolio_id)
    orders = turnover = outside_before = outside_after = cooling = unable = 0
    subscribers = [book.subscriptions[account_id] for account_id in book.subscribers(portfolio_id)]
    for subscription in subscribers:
        valuation = value_of(book, subscription.account_id)
        old = widest_use(asset_drifts(valuation, before.weights), before.bands)
        bands = tuple(c for c in body.conditions if not isinstance(c, CalendarCondition))
        new = widest_use(asset_drifts(valuation, body.weights), bands)
        outside_before += bool(old and old.breached)
        if not (new and new.breached):
            continue
        outside_after += 1
        if in_cooldown(subscription.last_rebalanced_at, body.cooldown_days, book.today()):
            cooling += 1
            continue
        try:
            plan = plan_run(book, subscription.account_id, RunType.FULL_REBALANCE, body.weights)
        except Conflict:
            unable += 1
            continue
        orders += len(plan.sells) + len(plan.buys)
        turnover += turnover_of(plan)
    return Impact(len(subscribers), outside_before, outside_after, orders, Money(turnover), cooling, unable)

"""One portfolio in full, and the impact of a change before it is saved."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, timedelta

import numpy as np

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.portfolios import CalendarCondition, Portfolio, PortfolioStatus
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.text import fold
from rebal_tui.domain.trading_rules import TradingRules
from rebal_tui.engine.arrays.frame import Mark
from rebal_tui.engine.calendar import firing_sessions
from rebal_tui.services.advisory.portfolios import require_eligible
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.ineligible_assets import eligible_again, fault_texts, ineligible_assets
from rebal_tui.services.book.rules_view import rules_of_followers
from rebal_tui.services.evaluation.review_rule import reviews_every_run
from rebal_tui.services.evaluation.statuses import status_context
from rebal_tui.services.evaluation.what_if import plan_what_if
from rebal_tui.services.evaluation.whole_book import book_day_context
from rebal_tui.services.parsing.exact_json import read_json
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.parsing.portfolio_input import load_models, parse_pasted
from rebal_tui.services.queries.account_rows import AccountRows
from rebal_tui.services.queries.affected import AffectedRows, Effects
from rebal_tui.services.queries.calendar_days import NO_DAY, next_calendar_days
from rebal_tui.services.queries.lazy_rows import Flags
from rebal_tui.services.queries.portfolio_differences import differences
from rebal_tui.services.queries.runs import portfolio_rows
from rebal_tui.services.view_models.portfolios import AssetChoice, Impact, PortfolioDraft, PortfolioView
from rebal_tui.services.wire.shapes import portfolio_json

_AHEAD = timedelta(days=760)


def portfolio_view(book: Book, portfolio_id: str) -> PortfolioView:
    """One portfolio with its subscribers. Raises `NotFound`."""
    portfolio = book.portfolio(portfolio_id)
    index = list(book.portfolios).index(portfolio_id)
    return PortfolioView(
        row=next(row for row in portfolio_rows(book) if row.id == portfolio_id),
        next_dates=next_dates(book, portfolio.calendar) if portfolio.calendar else (),
        culprits=(
            *((portfolio.fault,) if portfolio.fault else ()),
            *fault_texts(ineligible_assets(book, portfolio)),
        ),
        eligible_again=eligible_again(book, portfolio),
        subscribers=AccountRows(book).subscribers(index),
        api_json=api_json(book, portfolio_id),
    )


def api_json(book: Book, portfolio_id: str) -> str:
    """A portfolio as JSON in the API's format. Raises `NotFound`."""
    return json.dumps(portfolio_json(book.portfolio(portfolio_id)), indent=2, ensure_ascii=False)


def _active_again(book: Book, changed: Portfolio) -> Portfolio:
    """A portfolio with the status that it has after it is saved.

    One that needs adjustment becomes active again if all its assets are eligible (R-13).
    """
    if changed.status is not PortfolioStatus.NEEDS_ADJUSTMENT:
        return changed
    return changed if ineligible_assets(book, changed) else replace(changed, status=PortfolioStatus.ACTIVE, fault="")


def portfolio_draft(book: Book, portfolio_id: str | None) -> PortfolioDraft:
    """Initial data for a portfolio editor; `portfolio_id` is None for a new portfolio. Raises `NotFound`."""
    load_models()
    return PortfolioDraft(
        portfolio=book.portfolio(portfolio_id) if portfolio_id is not None else None,
        subscribers=len(book.subscribers(portfolio_id)) if portfolio_id is not None else 0,
        assets=tuple(
            AssetChoice(symbol, book.assets[symbol].name, book.assets[symbol].ineligibility)
            for symbol in sorted(book.assets)
        ),
        book_reviews=reviews_every_run(book),
    )


def pasted_portfolio(book: Book, text: str) -> PortfolioBody:
    """Parse a portfolio from JSON in the API's format, or of an export, and check that its assets are eligible.

    Fields that only a stored portfolio has (id, status, times, subscribers) are ignored. Raises `Invalid` with every
    fault, or `Conflict` for assets that are not eligible (R-4).
    """
    body = parse_pasted(read_json(text, "the text"), book.assets)
    require_eligible(book, body.weights)
    return body


def has_name(book: Book, name: str) -> bool:
    """Whether a portfolio that is not inactive has this name, ignoring case and accents."""
    taken = (one for one in book.portfolios.values() if one.status is not PortfolioStatus.INACTIVE)
    return any(fold(one.name) == fold(name) for one in taken)


def next_dates(book: Book, condition: CalendarCondition, count: int = 4) -> tuple[date, ...]:
    """The next `count` sessions on which a calendar condition fires, today included (R-16)."""
    today = book.today()
    sessions = [book.calendar.session(day) for day in book.calendar.days(today, today + _AHEAD)]
    pairs = [(session.day, session.next_day) for session in sessions if session and session.next_day]
    return tuple(firing_sessions(condition, pairs, book.settings.quarterly_months)[:count])


def impact(book: Book, portfolio_id: str, body: PortfolioBody) -> Impact:
    """What replacing a portfolio's content by `body` would do to its subscribers if they were evaluated now.

    Nothing is changed. Raises `NotFound`, and `Conflict` for an unknown asset.
    """
    from rebal_tui.engine.arrays.sweep import Group, sweep

    before = book.portfolio(portfolio_id)
    unknown = [symbol for symbol in body.weights.symbols if symbol not in book.assets]
    if unknown:
        raise Conflict(f"asset {unknown[0]} is unknown")
    rows = np.sort(book.subscription_table.rows_of(portfolio_id))
    frame = book.frame()
    now = sweep(frame, book_day_context(book, frame)).groups[rows]
    changed = _active_again(book, body.over(before, book.now()))
    ids = [book.account_table.ids[row] for row in rows.tolist()]
    rules = dict(zip(rows.tolist(), rules_of_followers(book, ids, changed, book.rules_view.overrides), strict=True))
    other = frame.with_portfolios([changed if p.id == portfolio_id else p for p in frame.portfolios]).with_rules(rules)
    swept = sweep(other, book_day_context(book, other))
    then = swept.groups[rows]
    before_outside, outside = now & int(Group.OUTSIDE) != 0, then & int(Group.OUTSIDE) != 0
    updated = changed.on_update and changed.changed_at != before.changed_at
    trades = outside | updated
    cooling = trades & (then & int(Group.COOLDOWN) != 0)
    blocked = trades & (then & int(Group.BLOCKED) != 0)
    planned = trades & ~cooling & ~blocked
    what_if = plan_what_if(book, other, rows[planned], outside[planned])
    context = status_context(book)
    # An account that trades anyway, or whose runs are blocked, does not wait for the calendar.
    waiting = ~trades & (then & int(Group.BLOCKED) == 0)
    calendar_days = np.zeros(len(rows), np.int64)
    ids_waiting = [account_id for account_id, waits in zip(ids, waiting.tolist(), strict=True) if waits]
    calendar_days[waiting] = next_calendar_days(other, rows[waiting], ids_waiting, book.today(), context)
    dated = calendar_days[calendar_days != NO_DAY]
    effects = Effects(
        before, other, rows, before_outside, outside, cooling, blocked, planned, what_if, swept.equity[rows],
        context.schedule, calendar_days, _bandless(before, changed, list(rules.values())),
    )  # fmt: skip
    return Impact(
        subscribers=len(rows),
        outside_before=int(np.count_nonzero(before_outside)),
        outside_after=int(np.count_nonzero(outside)),
        orders=sum(what_if.orders),
        turnover=Money(sum(what_if.turnover)),
        cooling=int(np.count_nonzero(cooling & ~blocked)),
        unable=len(what_if.unable),
        blocked=int(np.count_nonzero(blocked)),
        on_calendar_day=len(dated),
        next_calendar_day=date.fromordinal(int(dated.min())) if len(dated) else None,
        banded_before=any(one.bands for one in _followed(before, rules.values())),
        banded_after=any(one.bands for one in _followed(changed, rules.values())),
        conditioned=any(one.conditions for one in _followed(changed, rules.values())),
        with_run=int(np.count_nonzero(planned & (frame.accounts.marks[rows] & int(Mark.OPEN_RUN) != 0))),
        trading=sum(count > 0 for count in what_if.orders),
        changes=differences(before, changed),
        affected=AffectedRows(book.search_index(), effects),
    )


def _bandless(before: Portfolio, after: Portfolio, rules: Sequence[TradingRules]) -> Flags:
    """Which subscriptions have no drift band, neither before a change nor after it; `rules` are theirs (R-67)."""
    bandless = np.full(len(rules), not before.bands and not after.bands)
    for index, one in enumerate(rules):
        if one.overrides:
            bandless[index] = not (one.overrides.applied(before).bands or one.overrides.applied(after).bands)
    return bandless


def _followed(portfolio: Portfolio, rules: Iterable[TradingRules]) -> Iterator[Portfolio]:
    """A portfolio, and as its subscriptions with overrides follow it (R-67)."""
    yield portfolio
    yield from (one.overrides.applied(portfolio) for one in rules if one.overrides)

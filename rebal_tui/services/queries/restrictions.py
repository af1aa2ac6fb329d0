"""Restrictions as rows and texts for the screens (R-60)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from rebal_tui.domain.decisions import Plan
from rebal_tui.domain.quantities import Money, Percent, Qty, money_text, percent_text, qty_text
from rebal_tui.domain.trading_rules import RangeUnit, RestrictionScope, TradeRestriction
from rebal_tui.services.advisory.restrictions import in_force
from rebal_tui.services.book.book import Book
from rebal_tui.services.view_models.restrictions import RestrictionRow


def restriction_rows(
    book: Book, account_ids: Collection[str] = (), portfolio_id: str | None = None
) -> tuple[RestrictionRow, ...]:
    """The restrictions in force today for some accounts or for a portfolio, and those of the whole book.

    Without `portfolio_id`, the restrictions of the portfolios that the accounts follow are included.
    """
    followed = {book.subscriptions[one].portfolio_id for one in account_ids if one in book.subscriptions}
    portfolios = followed if portfolio_id is None else {portfolio_id}
    today = book.today()
    return tuple(
        _row(book, one)
        for one in book.rules_view.restrictions
        if one.holds_on(today)
        and (
            one.scope is RestrictionScope.BOOK
            or (one.account_id is not None and one.account_id in account_ids)
            or (one.portfolio_id is not None and one.portfolio_id in portfolios)
        )
    )


def overridable(book: Book, account_id: str, plan: Plan | None = None) -> dict[str, str]:
    """The display text of each restriction in force for an account today, by restriction id (R-61).

    With a plan, restrictions on assets that are not in the plan are left out. Blocks by the broker are not included, as
    no run can override them.
    """
    symbols = None if plan is None else {line.symbol for line in plan.lines}
    return {
        one.id: one.named
        for one in in_force(book, account_id)
        if one.symbol is None or symbols is None or one.symbol in symbols
    }


def session_of_next_run(book: Book) -> date:
    """The day of the session in which a run created now trades; today if the calendar has no later session."""
    now = book.now()
    session = book.session(now)
    if session is None or now > session.window_end:
        session = book.calendar.next_after(book.today())
    return book.today() if session is None else session.day


def symbols_held(book: Book, account_ids: Collection[str], portfolio_id: str | None) -> tuple[str, ...]:
    """The symbols that these accounts hold or target, and those that the portfolio targets, sorted."""
    found: set[str] = set()
    for account_id in account_ids:
        found.update(position.symbol for position in book.account(account_id).positions)
        if account_id in book.subscriptions:
            found.update(book.portfolio(book.subscriptions[account_id].portfolio_id).weights.symbols)
    if portfolio_id is not None:
        found.update(book.portfolio(portfolio_id).weights.symbols)
    return tuple(sorted(found))


def bounds_text(one: TradeRestriction) -> str:
    """The bounds of a range restriction, such as `10.00 % to 20.00 %`; empty for another kind."""
    if one.unit is None:
        return ""
    unit = one.unit
    if one.minimum is None:
        return f"at most {_limit(one.maximum or 0, unit)}"
    if one.maximum is None:
        return f"at least {_limit(one.minimum, unit)}"
    return f"{_limit(one.minimum, unit)} to {_limit(one.maximum, unit)}"


def _limit(limit: int, unit: RangeUnit) -> str:
    if unit is RangeUnit.PERCENT:
        return f"{percent_text(Percent(limit))} %"
    if unit is RangeUnit.DOLLARS:
        return f"${money_text(Money(limit))}"
    return f"{qty_text(Qty(limit))} shares"


def _row(book: Book, one: TradeRestriction) -> RestrictionRow:
    if one.account_id is not None:
        concerns = book.account(one.account_id).name
    elif one.portfolio_id is not None:
        concerns = f"portfolio {book.portfolio(one.portfolio_id).name}"
    else:
        concerns = "whole book"
    until = "" if one.until is None else one.until.isoformat()
    return RestrictionRow(
        one.id, concerns, one.kind.value, one.symbol or "", bounds_text(one), until, one.reason, one.made_by
    )

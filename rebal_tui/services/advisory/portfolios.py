"""Portfolio management: create, list, update, inactivate, reactivate, duplicate (R-3 to R-5, R-13, R-17)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from rebal_tui.domain.errors import Conflict, Fault, Invalid
from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus, Weights, conditions_fault, weights_fault
from rebal_tui.domain.text import count_text, fold
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.ineligible_assets import ALERT
from rebal_tui.services.parsing.fields import shown
from rebal_tui.services.parsing.portfolio_body import PortfolioBody
from rebal_tui.services.parsing.portfolio_input import portfolio_patch
from rebal_tui.store import book_settings, jobs
from rebal_tui.store import portfolios as store


def create_portfolio(book: Book, body: PortfolioBody) -> Portfolio:
    """Add a portfolio. Raises `Conflict` naming every asset that is unknown or not eligible (R-4)."""
    require_valid(body)
    require_eligible(book, body.weights)
    now = book.now()
    with book.write() as tx:
        portfolio = Portfolio(
            id=book_settings.next_id(tx),
            name=body.name,
            description=body.description,
            status=PortfolioStatus.ACTIVE,
            weights=body.weights,
            cooldown_days=body.cooldown_days,
            conditions=body.conditions,
            created_at=now,
            updated_at=now,
            changed_at=now,
            review=body.review,
            rebalance_to=body.rebalance_to,
            rebalance_scope=body.rebalance_scope,
            minimum_trade=body.minimum_trade,
            stagger_sessions=body.stagger_sessions,
        )
        store.save(tx, portfolio, book.actor("advisor"))
        tx.record("portfolio.created", portfolio.id, {"name": portfolio.name}, "advisor")
        tx.reload_portfolios()
    return portfolio


def list_portfolios(
    book: Book,
    *,
    name: str = "",
    description: str = "",
    symbol: str = "",
    portfolio_id: str = "",
    status: PortfolioStatus | None = None,
) -> list[Portfolio]:
    """Portfolios that match every given filter; an empty filter matches all.

    A portfolio matches if its name contains `name` and its description contains `description`, ignoring case and
    accents, and if it has an asset with the symbol `symbol`. Its id and status must equal `portfolio_id` and
    `status`.
    """
    tests: list[Callable[[Portfolio], bool]] = []
    if name:
        tests.append(lambda p: fold(name) in fold(p.name))
    if description:
        tests.append(lambda p: fold(description) in fold(p.description))
    if symbol:
        tests.append(lambda p: symbol in p.weights)
    if portfolio_id:
        tests.append(lambda p: p.id == portfolio_id)
    if status:
        tests.append(lambda p: p.status is status)
    return [p for p in book.portfolios.values() if all(test(p) for test in tests)]


def update_portfolio(book: Book, portfolio_id: str, body: PortfolioBody) -> Portfolio:
    """Replace the fields of a portfolio.

    The portfolio becomes active if its weights change or if its stored fields were invalid; all assets must then be
    eligible (R-13). The change applies to subscribers from the next evaluation on (R-17). Raises `Conflict` for assets
    that are not eligible, for an inactive portfolio and for fields that break a rule.
    """
    before = book.portfolio(portfolio_id)
    if before.status is PortfolioStatus.INACTIVE:
        raise Conflict(f"portfolio {before.name} is inactive; reactivate it first")
    replaced = body.weights != before.weights or bool(before.fault)
    if replaced:
        require_valid(body)
        require_eligible(book, body.weights)
    status = PortfolioStatus.ACTIVE if replaced else before.status
    return store_change(book, before, _changed(book, before, body, status), "portfolio.updated")


def patch_portfolio(book: Book, portfolio_id: str, raw: object) -> Portfolio:
    """Change only the fields that `raw`, the parsed JSON of a request, has. One transaction.

    A `status` of `active` reactivates the portfolio (R-13). Raises `Invalid` with every fault of `raw`, and the
    errors of `update_portfolio` and `reactivate_portfolio`.
    """
    before = book.portfolio(portfolio_id)
    body = portfolio_patch(before, raw)
    status = raw.get("status") if isinstance(raw, dict) else None
    if status not in (None, PortfolioStatus.ACTIVE.value):
        raise Invalid([Fault("status", f"expected active, got {shown(status)}; DELETE inactivates a portfolio")])
    if status is None or before.status is PortfolioStatus.ACTIVE:
        return update_portfolio(book, portfolio_id, body)
    with book.write():
        if body.weights != before.weights or before.fault:
            require_valid(body)
            require_eligible(book, body.weights)
            store_change(book, before, _changed(book, before, body, PortfolioStatus.ACTIVE), "portfolio.reactivated")
        else:
            reactivate_portfolio(book, portfolio_id)
            update_portfolio(book, portfolio_id, body)
    return book.portfolio(portfolio_id)


def inactivate_portfolio(book: Book, portfolio_id: str) -> Portfolio:
    """Inactivate a portfolio. Raises `Conflict` while it has subscribers or when it is inactive already."""
    before = book.portfolio(portfolio_id)
    subscribers = len(book.subscribers(portfolio_id))
    if subscribers:
        raise Conflict(f"portfolio {before.name} has {count_text(subscribers, 'subscriber')}; unsubscribe all first")
    if before.status is PortfolioStatus.INACTIVE:
        raise Conflict("the portfolio is already inactive")
    after = replace(before, status=PortfolioStatus.INACTIVE, updated_at=book.now())
    return store_change(book, before, after, "portfolio.inactivated")


def reactivate_portfolio(book: Book, portfolio_id: str) -> Portfolio:
    """Set the status of a portfolio to active (R-13).

    Raises `Conflict` naming every asset that is unknown or not eligible, or the rule that the portfolio breaks.
    """
    before = book.portfolio(portfolio_id)
    if before.fault:
        raise Conflict(f"{before.name}: {before.fault}; change the portfolio to repair it")
    require_eligible(book, before.weights)
    after = replace(before, status=PortfolioStatus.ACTIVE, updated_at=book.now())
    return store_change(book, before, after, "portfolio.reactivated")


def duplicate_portfolio(book: Book, portfolio_id: str, name: str) -> Portfolio:
    """Create a copy of a portfolio under another name. Raises the errors of `create_portfolio`."""
    return create_portfolio(book, replace(PortfolioBody.of(book.portfolio(portfolio_id)), name=name))


def require_valid(body: PortfolioBody | Portfolio) -> None:
    """Raise `Conflict` when weights or conditions break R-4 or R-5, as those of a stored portfolio may."""
    faults = {"weights": weights_fault(body.weights), "rebalance_conditions": conditions_fault(body.conditions)}
    broken = [Fault(location, text) for location, text in faults.items() if text]
    if broken:
        raise Conflict(broken)


def require_eligible(book: Book, weights: Weights) -> None:
    """Raise `Conflict` naming every asset in `weights` that is unknown or not eligible (R-4)."""
    faults = []
    for line, weight in enumerate(weights.assets):
        asset = book.assets.get(weight.symbol)
        if asset is None or not asset.eligible:
            why = asset.ineligibility if asset else "unknown"
            faults.append(Fault(f"weights[{line}].symbol", f"asset {weight.symbol} is {why}"))
    if faults:
        raise Conflict(faults)


def _changed(book: Book, before: Portfolio, body: PortfolioBody, status: PortfolioStatus) -> Portfolio:
    return replace(body.over(before, change_time(book, before.id)), status=status, fault="", updated_at=book.now())


def change_time(book: Book, portfolio_id: str) -> datetime:
    """A time for a change of a portfolio, later than the last rebalance of every subscriber (R-14).

    It is the current time, or just after the newest of these rebalances if the clock is paused.
    """
    now, last = book.now(), book.subscription_table.last_event(portfolio_id)
    return now if last is None or last < now else last + timedelta(microseconds=1)


def store_change(
    book: Book, before: Portfolio, after: Portfolio, action: str, detail: Mapping[str, object] | None = None
) -> Portfolio:
    """Store a changed portfolio, with an audit entry of its status before and after and of `detail`; returns `after`.

    Storing an active portfolio clears the alert that the portfolio needs adjustment.
    """
    with book.write() as tx:
        store.save(tx, after, book.actor("advisor"))
        if after.status is PortfolioStatus.ACTIVE:
            jobs.clear_alert(tx, ALERT, after.id, book.now())
        tx.record(action, after.id, {"from": before.status, "to": after.status, **(detail or {})}, "advisor")
        tx.reload_portfolios()
    return after

"""Evaluation of single subscriptions (R-10 to R-18)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from rebal_tui.domain.decisions import Decision
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.portfolios import Subscription
from rebal_tui.domain.quantities import NANO, Money, Value
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.domain.trade_status import WaitsFor
from rebal_tui.engine.drift import Valuation, value_account
from rebal_tui.engine.evaluation import evaluate
from rebal_tui.engine.situation import Situation, proposed_again, update_due
from rebal_tui.engine.trade_status import StatusContext
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.held_back import held_back
from rebal_tui.services.book.rules_view import followed_portfolio, rules_of
from rebal_tui.services.evaluation.statuses import account_status, evaluation_context, status_context


def situation(book: Book, account_id: str, *, ignore_window: bool = False) -> Situation:
    """The current inputs for evaluating a subscribed account; with `ignore_window`, as if the window were open.

    Raises `Conflict` without a subscription.
    """
    account = book.account(account_id)
    subscription = book.subscriptions.get(account_id)
    if subscription is None:
        raise Conflict(f"account {account.account_number} is not subscribed to a portfolio")
    return _situation(book, subscription, book.now(), ignore_window)


def _situation(book: Book, subscription: Subscription, now: datetime, ignore_window: bool = False) -> Situation:
    account_id = subscription.account_id
    portfolio = followed_portfolio(book, account_id)
    open_run = book.open_runs.get(account_id)
    day = new_york_day(now)
    hold_reason = (book.pause_reason(account_id),) if book.is_paused(account_id) else ()
    return Situation(
        now=now,
        session=book.calendar.session(day),
        closed_reason=book.calendar.closed_reason(day) or "",
        account=book.accounts[account_id],
        portfolio=portfolio,
        subscription=subscription,
        assets=book.assets,
        reserved=book.reserved(account_id),
        cash_floor=book.cash_floor(account_id, portfolio.weights.cash),
        open_run=open_run.id if open_run else None,
        open_run_awaits=open_run is not None and open_run.awaits_approval,
        external_orders=book.extras[account_id].external_orders,
        unreconciled="; ".join((*hold_reason, *held_back(book, account_id, portfolio.weights.symbols))),
        quota_run=book.quota_run(account_id, day.isoformat()),
        price_max_age=book.settings.price_max_age,
        quarterly_months=book.settings.quarterly_months,
        ignore_window=ignore_window,
        unfinished=book.unfinished.get(account_id),
        update_due=update_due(portfolio, subscription, now),
        proposed_again=proposed_again(subscription, now),
        rules=rules_of(book, account_id, day),
    )


def evaluate_account(book: Book, account_id: str, stopped: WaitsFor | None = None) -> Decision:
    """The decision that an evaluation would make now, with the account's status until the next evaluation.

    Stores and sends nothing. `stopped` is why evaluations have no effect at present (kill switch, scheduler paused),
    None if they have.
    """
    return _with_status(book, situation(book, account_id), status_context(book, stopped))


def evaluate_book(book: Book, account_ids: Iterable[str] | None = None) -> list[Decision]:
    """The current decision for every subscription, or for those of the given accounts. Stores and sends nothing."""
    now = book.now()
    wanted = book.subscriptions if account_ids is None else {a: book.subscriptions[a] for a in account_ids}
    context = evaluation_context(book)
    return [_with_status(book, _situation(book, subscription, now), context) for subscription in wanted.values()]


def _with_status(book: Book, given: Situation, context: StatusContext) -> Decision:
    decision = evaluate(given)
    return replace(decision, status=account_status(book, given, context, decision))


def managed_value_of(book: Book, account_id: str) -> Valuation:
    """The valuation of an account at current prices, its cash and equity less its reservations (R-2).

    Positions without a price are left out.
    """
    valuation = value_of(book, account_id)
    reserved = book.reserved(account_id)
    return replace(valuation, cash=Money(valuation.cash - reserved), equity=Value(valuation.equity - reserved * NANO))


def value_of(book: Book, account_id: str) -> Valuation:
    """The valuation of an account at current prices, reserved cash included; positions without a price are left out."""
    account = book.accounts[account_id]
    prices = {
        p.symbol: price
        for p in account.positions
        if (asset := book.assets.get(p.symbol)) is not None and (price := asset.price) is not None
    }
    return value_account(account.cash, {p.symbol: p.qty for p in account.positions}, prices)


def situation_prices_stale(book: Book, now: datetime) -> bool:
    """Whether the newest price is too old for an evaluation (R-12.5)."""
    newest, oldest = book.price_cache.newest, book.settings.price_max_age
    return newest is not None and oldest is not None and now - newest > oldest

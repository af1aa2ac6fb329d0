"""Bulk subscription changes: a preview, and a result for each account."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

import numpy as np

from rebal_tui.domain.errors import Refusal
from rebal_tui.domain.portfolios import Portfolio
from rebal_tui.domain.quantities import NANO, Money
from rebal_tui.domain.runs import RunStatus
from rebal_tui.engine.restrictions import blocking_reasons, remedy
from rebal_tui.services.advisory import subscriptions
from rebal_tui.services.advisory.subscriptions import BulkOutcome
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.rules_view import rules_of_followers
from rebal_tui.services.evaluation.account import managed_value_of, value_of
from rebal_tui.services.evaluation.review_rule import needs_review
from rebal_tui.services.evaluation.what_if import plan_what_if
from rebal_tui.services.view_models.accounts import BulkPreview, BulkResult, ChosenAccounts, FirstRun


def preview_subscriptions(book: Book, account_ids: Sequence[str], portfolio_id: str, *, moving: bool) -> BulkPreview:
    """Preview the first run of each account after it is subscribed to a portfolio (R-14.2); changes nothing.

    With `moving`, the accounts end the subscription that they have and are then subscribed to `portfolio_id`.
    """
    portfolio, busy = book.portfolio(portfolio_id), subscriptions.withdrawing(book)
    without_run = {account_id: _no_run(book, account_id, portfolio, moving, busy) for account_id in account_ids}
    planned = _planned(book, [account_id for account_id, row in without_run.items() if row is None], portfolio_id)
    rows = tuple(without_run[account_id] or planned[account_id] for account_id in account_ids)
    return BulkPreview(portfolio.name, rows, needs_review(book, portfolio))


def chosen_accounts(book: Book, account_ids: Sequence[str]) -> ChosenAccounts:
    """The client, if it is one account, and the present portfolios of the accounts that an action is for.

    Raises `NotFound`.
    """
    found = Counter(
        one.portfolio_id for account_id in account_ids if (one := book.subscriptions.get(account_id)) is not None
    )
    return ChosenAccounts(book.account(account_ids[0]).name if len(account_ids) == 1 else "", found)


def preview_unsubscriptions(book: Book, account_ids: Sequence[str]) -> BulkPreview:
    """Preview the effect of ending the subscriptions of accounts; changes nothing."""
    return BulkPreview("", tuple(_end(book, account_id) for account_id in account_ids))


def subscribe_all(book: Book, account_ids: Sequence[str], portfolio_id: str, *, moving: bool) -> tuple[BulkResult, ...]:
    """Subscribe accounts, or with `moving` move them to another portfolio, with a result for each.

    A refusal for one account does not stop the others.
    """
    act = subscriptions.move_many if moving else subscriptions.subscribe_many
    return _results(book, act(book, account_ids, portfolio_id))


def unsubscribe_all(book: Book, account_ids: Sequence[str]) -> tuple[BulkResult, ...]:
    """End the subscriptions of accounts, with a result for each; a refusal for one account does not stop the others."""
    return _results(book, subscriptions.unsubscribe_many(book, account_ids))


def _results(book: Book, outcomes: Sequence[BulkOutcome]) -> tuple[BulkResult, ...]:
    return tuple(
        BulkResult(outcome.account_id, _name(book, outcome.account_id), outcome.refusal or "") for outcome in outcomes
    )


def _name(book: Book, account_id: str) -> str:
    account = book.accounts.get(account_id)
    return account.name if account else account_id


def _no_run(book: Book, account_id: str, portfolio: Portfolio, moving: bool, busy: Collection[str]) -> FirstRun | None:
    """The preview row of an account that is refused or would have no run, with the reason; otherwise None.

    `busy` are the ids of the accounts with a withdrawal in progress.
    """
    try:
        check = subscriptions.check_move if moving else subscriptions.check_subscribe
        check(book, account_id, portfolio.id, busy)
    except Refusal as refusal:
        return _row(book, account_id, refusal=str(refusal))
    stopped = blocking_reasons(book.account(account_id), value_of(book, account_id))
    if stopped:
        reasons = "; ".join(text for _, text in stopped)
        return _row(book, account_id, note=f"no run until {remedy(book.account(account_id)).event}: {reasons}")
    if managed_value_of(book, account_id).equity < len(portfolio.weights.assets) * NANO * NANO:
        return _row(book, account_id, note="no run: equity is below $1 for each asset")
    return None


def _planned(book: Book, account_ids: Sequence[str], portfolio_id: str) -> dict[str, FirstRun]:
    """The preview rows of the first runs that accounts would have as subscribers of a portfolio, by account id."""
    if not account_ids:
        return {}
    row_of, ids, frame = book.account_table.row_of, book.account_table.ids, book.frame()
    rows = np.array(sorted(row_of[account_id] for account_id in account_ids), np.int64)
    follows = frame.accounts.portfolio.copy()
    follows[rows] = list(book.portfolios).index(portfolio_id)
    portfolio = book.portfolio(portfolio_id)
    made = rules_of_followers(book, [ids[row] for row in rows.tolist()], portfolio, {})
    rules = dict(zip(rows.tolist(), made, strict=True))
    moved = frame.with_accounts(replace(frame.accounts, portfolio=follows)).with_rules(rules)
    what_if = plan_what_if(book, moved, rows)
    return {
        ids[row]: _row(book, ids[row], orders=orders, turnover=turnover, note=what_if.unable.get(row, ""))
        for row, orders, turnover in zip(rows.tolist(), what_if.orders, what_if.turnover, strict=True)
    }


def _end(book: Book, account_id: str) -> FirstRun:
    if account_id not in book.subscriptions:
        number = book.account(account_id).account_number
        return _row(book, account_id, refusal=f"account {number} follows no portfolio")
    run = book.open_runs.get(account_id)
    if run is None:
        return _row(book, account_id, note="no sells, no more runs")
    queued = run.status is RunStatus.QUEUED
    return _row(book, account_id, note="its queued run is canceled" if queued else "its run in progress finishes")


def _row(
    book: Book, account_id: str, *, orders: int = 0, turnover: Money = Money(0), refusal: str = "", note: str = ""
) -> FirstRun:
    subscription = book.subscriptions.get(account_id)
    follows = book.portfolios[subscription.portfolio_id].name if subscription else ""
    return FirstRun(account_id, _name(book, account_id), follows, orders, turnover, refusal, note)

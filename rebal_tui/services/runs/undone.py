"""Full rebalances that do not count as done: sells left undone, further tries, and giving up after three (R-25)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.orders import Order, OrderStatus, Side, SkippedOrder, SkipReason
from rebal_tui.domain.portfolios import Subscription, Unfinished
from rebal_tui.domain.runs import Run, RunStatus, RunType
from rebal_tui.domain.text import count_text
from rebal_tui.engine.serving import still_to_sell
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.evaluation.planning import plan_run
from rebal_tui.store import jobs, portfolios, unfinished

MAX_TRIES = 3
"""Sessions after the one of the run in which an unfinished subscription is tried again."""
ALERT = "unfinished"
_BY_PERSON = (RunStatus.CANCELED, RunStatus.CANCELED_MID_RUN)
_STOPPED = (SkipReason.MARKET_WINDOW_CLOSED, SkipReason.ACCOUNT_RESTRICTED)
"""Skip reasons of orders that were due when a run stopped by itself."""


def settle_rebalance(
    tx: BookTransaction, run: Run, placed: bool, orders: Sequence[Order], skipped: Sequence[SkippedOrder]
) -> bool:
    """After a run ended, store on its subscription the date of last rebalance, or the sells left undone (R-25).

    Returns whether the run counts as a rebalance; only a full_rebalance can. `placed`: the run placed an order.
    `orders` and `skipped` may be empty for a run with status COMPLETED_SUCCESS.
    """
    book = tx.book
    subscription = book.subscriptions.get(run.account_id)
    if run.type is not RunType.FULL_REBALANCE or subscription is None or subscription.id != run.subscription_id:
        return False
    undone = undone_sells(run.status, orders, skipped)
    if _counts(run.status, subscription, placed, undone):
        portfolios.set_last_rebalanced(tx, subscription.id, book.now())
        if run.account_id in book.unfinished or run.account_id in book.given_up:
            _forget(tx, subscription)
        return True
    if undone:
        _note(tx, run, subscription, orders, undone)
    return False


def undone_sells(status: RunStatus, orders: Sequence[Order], skipped: Sequence[SkippedOrder]) -> tuple[str, ...]:
    """The symbols of a run's sells that did not fill entirely; empty if a person canceled the run.

    A sell counts if it was sent, or if it was due when the run stopped by itself.
    """
    if status in _BY_PERSON:
        return ()
    sent = [o.symbol for o in orders if o.side is Side.SELL and o.status is not OrderStatus.FILLED]
    due = [s.symbol for s in skipped if s.side is Side.SELL and s.reason in _STOPPED]
    return tuple(dict.fromkeys([*sent, *due]))


def settle_unfinished(book: Book) -> None:
    """Before an evaluation pass: count this session as a try of each unfinished rebalance.

    A rebalance with nothing left to sell is done; one that was tried in three sessions is given up, with an alert.
    """
    if not book.unfinished:
        return
    today = book.today().isoformat()
    with book.write() as tx:
        for account_id, undone in list(book.unfinished.items()):
            subscription = book.subscriptions[account_id]
            if _is_done(book, subscription, undone):
                _date_from(tx, subscription, undone.traded_at)
                _forget(tx, subscription)
                tx.record("rebalance.finished", account_id, {"sells": undone.symbols})
            elif len(undone.tried_on) >= MAX_TRIES and today not in undone.tried_on:
                _give_up(tx, subscription, undone)
            elif today not in (undone.since, *undone.tried_on):
                unfinished.put(tx, subscription.id, replace(undone, tried_on=(*undone.tried_on, today)))
        tx.reload_unfinished()


def _counts(status: RunStatus, subscription: Subscription, placed: bool, undone: Sequence[str]) -> bool:
    """Whether a full_rebalance counts as done.

    A first rebalance that found every asset on its target counts, too.
    """
    if not status.completed or undone:
        return False
    return placed or (status is RunStatus.COMPLETED_SUCCESS and subscription.last_rebalanced_at is None)


def _note(
    tx: BookTransaction, run: Run, subscription: Subscription, orders: Sequence[Order], undone: tuple[str, ...]
) -> None:
    """Store the undone sells of a run, with those of earlier runs that this run did not fill."""
    book = tx.book
    before = book.unfinished.get(run.account_id) or Unfinished((), None, since=book.today().isoformat())
    filled = {o.symbol for o in orders if o.side is Side.SELL and o.status is OrderStatus.FILLED}
    symbols = dict.fromkeys([*(s for s in before.symbols if s not in filled), *undone])
    traded_at = book.now() if orders else before.traded_at
    unfinished.put(tx, subscription.id, replace(before, symbols=tuple(symbols), traded_at=traded_at))
    tx.reload_unfinished()


def _is_done(book: Book, subscription: Subscription, undone: Unfinished) -> bool:
    """Whether nothing is left to sell of the undone sells; False while a run is open or a price is missing."""
    if subscription.account_id in book.open_runs:
        return False
    weights = book.portfolios[subscription.portfolio_id].weights
    try:
        plan = plan_run(book, subscription.account_id, RunType.FULL_REBALANCE, weights)
    except Conflict:
        return False
    return not still_to_sell(plan, undone.symbols)


def _give_up(tx: BookTransaction, subscription: Subscription, undone: Unfinished) -> None:
    book = tx.book
    _date_from(tx, subscription, undone.traded_at)
    unfinished.put(tx, subscription.id, replace(undone, given_up_at=book.now()))
    name, sells = book.accounts[subscription.account_id].name, count_text(len(undone.symbols), "sell")
    what = ", ".join(undone.symbols)
    text = f"{sells} of the last full rebalance of {name} undone after {MAX_TRIES} more sessions ({what})"
    jobs.raise_alert(tx, book.now(), ALERT, subscription.account_id, text)
    tx.record("rebalance.given_up", subscription.account_id, {"sells": undone.symbols})


def _date_from(tx: BookTransaction, subscription: Subscription, traded_at: datetime | None) -> None:
    """Store `traded_at`, the end of the last run that traded, as the date of last rebalance; None changes nothing."""
    if traded_at is not None:
        portfolios.set_last_rebalanced(tx, subscription.id, traded_at)
        tx.reload_subscriptions([subscription.account_id])


def _forget(tx: BookTransaction, subscription: Subscription) -> None:
    unfinished.clear(tx, [subscription.id])
    jobs.clear_alert(tx, ALERT, subscription.account_id, tx.book.now())
    tx.reload_unfinished()

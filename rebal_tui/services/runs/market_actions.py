"""Corporate actions of a real broker take effect in the book, once for all holders (R-54, R-55).

A split takes effect when the first account shows it, or at the open of its day. From then on every holder must have the
shares after the split. An account with a different number is not traded until it has them, in whatever order the price,
the positions and the events arrive.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from fractions import Fraction

from rebal_tui.broker.protocol import ActionNotice, BrokerEvent, EventKind
from rebal_tui.domain.action_effects import Terms
from rebal_tui.domain.corporate_actions import ActionKind, ActionReport
from rebal_tui.domain.quantities import Money, Percent, Price
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.engine.price_jumps import price_jump
from rebal_tui.market.protocol import Quote
from rebal_tui.services.book.book import Book
from rebal_tui.services.broker_sync.corporate_actions import cut_runs
from rebal_tui.services.broker_sync.explained.actions import book_split, split_change
from rebal_tui.services.broker_sync.explained.comparison import check_accounts, expected_of
from rebal_tui.services.runs.asset_holds import explain_move, guard_prices
from rebal_tui.store import corporate_actions, explained, market_actions
from rebal_tui.store.corporate_actions import StoredAction
from rebal_tui.store.holds import HoldKind, first_of
from rebal_tui.store.market_actions import NEAR, MarketAction

QUIET, CONFIRM_WITHIN = timedelta(minutes=1), timedelta(minutes=10)
"""An action is confirmed this long after it took effect: when every holder is explained, and at the latest."""


def apply_market_actions(book: Book) -> None:
    """Apply the corporate actions that are due, confirm those in effect, and end the asset holds that they explain.

    An action is confirmed when the figures of every holder agree with it, or after `CONFIRM_WITHIN`.
    """
    if book.live is None:
        return
    now = book.now()
    for action in market_actions.pending(book.database, book.today()):
        if _is_due(book, action, now):
            _take_effect(book, action, now)
    for action in market_actions.unconfirmed(book.database):
        _confirm(book, action, now)
    for symbol in list(book.asset_holds):
        _explain_hold(book, symbol)


def _is_due(book: Book, action: MarketAction, now: datetime) -> bool:
    if action.seen_at is not None:
        return True
    session = book.calendar.session(action.day)
    opened = session is not None and now >= session.open
    return action.day <= book.today() and opened and action.action.kind is not ActionKind.CASH_DIVIDEND


def _take_effect(book: Book, action: MarketAction, now: datetime) -> None:
    label = book.price_cache.labels.get(action.asset_id, action.action.symbol)
    holders = explained.holders(book.database, action.asset_id)
    with book.write() as tx:
        for account_id in holders:
            wanted = expected_of(book, account_id)
            if wanted is None or new_york_day(wanted.since) >= action.day:
                continue
            change = split_change(book, action, account_id, wanted)
            if change is not None:
                book_split(tx, action, change)
        market_actions.take_effect(tx, action.id, now)
        notice = ActionNotice(action.id, Terms(action.action, None, True), action.asset_id, None, len(holders), 0, None)
        event = BrokerEvent(0, EventKind.CORPORATE_ACTION, now, symbol=label, action=notice)
        cut_runs(tx, event, notice, set(holders))
        check_accounts(tx, [book.accounts[account_id] for account_id in holders])
        if action.action.kind is not ActionKind.CASH_DIVIDEND:
            book.pass_in_progress = None
    if book.live is not None:
        for account_id in holders:
            if account_id in book.holds:
                book.live.request_refresh(account_id, f"action {action.id} {account_id}")
        if action.action.kind is ActionKind.SYMBOL_CHANGE:
            book.live.request_refresh(None, f"action {action.id}")
    _explain_price(book, action, label)


def _explain_price(book: Book, action: MarketAction, label: str) -> None:
    """Adjust the reference prices with which later prices are compared, for a corporate action.

    A price from before a split then counts as a jump and puts the asset on hold. If the asset is on hold already, its
    reference stays, because its price may be from after the split: `_explain_hold` compares both.
    """
    if action.action.kind.explains_any_move:
        explain_move(book, label, book.today())
        return
    factor = 1 / action.action.shares_factor
    if factor == 1:
        return
    book.price_history.adjust(label, factor, may_have_moved=True)
    if label in book.asset_holds:
        return
    if book.reference_prices.adjust(label, factor):
        book.reference_prices.adjusted.add(action.id)
    asset = book.assets.get(label)
    if asset is not None and asset.price is not None and asset.price_at is not None:
        guard_prices(book, {label: Quote(asset.price, asset.price_at)})


def _explain_hold(book: Book, symbol: str) -> None:
    """End the hold of an asset whose price agrees with its last close after the actions in effect."""
    asset, today = book.assets.get(symbol), book.today()
    if asset is None or asset.price is None:
        return
    actions = market_actions.in_effect(book.database, asset.id, today - NEAR)
    if not actions:
        return
    if any(action.action.kind.explains_any_move and action.day == today for action in actions):
        explain_move(book, symbol, today)
        return
    reference, limit = book.reference_prices.of(symbol, today), book.settings.guards.jump_limit
    before = book.asset_holds[symbol].last_close
    if not _is_jump(Fraction(before), asset.price, limit):
        # The price that put it on hold was one from before the action.
        explain_move(book, symbol, today, before)
        return
    factor = Fraction(1)
    for action in actions:
        if action.id not in book.reference_prices.adjusted:
            factor /= action.action.shares_factor
    for adjusted in {Fraction(1), factor}:
        if reference is not None and not _is_jump(reference * adjusted, asset.price, limit):
            book.reference_prices.adjusted.update(action.id for action in actions)
            explain_move(book, symbol, today, Price(max(1, round(reference * adjusted))))
            return


def _is_jump(close: Fraction, price: int, limit: Percent) -> bool:
    return price_jump(close, Price(price), limit) is not None


def _confirm(book: Book, action: MarketAction, now: datetime) -> None:
    """Record a corporate action once for all holders: when every account is explained, or after `CONFIRM_WITHIN`.

    The accounts that are then unexplained are paused, each with an alert of its own.
    """
    if action.effective_at is None or now < action.effective_at + QUIET:
        return
    found = corporate_actions.holders(book.database, action.id)
    holders = {holder.account_id for holder in found} | set(explained.holders(book.database, action.asset_id))
    open_ones = [name for name in sorted(holders) if first_of(book.holds.get(name), HoldKind.DIFFERENCE)]
    if open_ones and now < action.effective_at + CONFIRM_WITHIN:
        return
    paid = Money(sum(holder.paid for holder in found))
    report = ActionReport(action.id, action.action, max(len(found), len(open_ones)), len(open_ones), 0, paid)
    with book.write() as tx:
        market_actions.confirm(tx, action.id, now)
        if not found and not open_ones:
            return
        factor = 1 / action.action.shares_factor
        corporate_actions.add(tx, action.asset_id, StoredAction(action.effective_at, factor, report))
        tx.record(
            "corporate_action", action.action.symbol,
            {
                "id": action.id, "action": action.action.text, "kind": action.action.kind,
                "accounts": report.accounts, "unexplained": open_ones, "canceled_orders": 0, "paid": paid,
                "changes": [[h.account_id, h.held, h.qty, h.received, h.paid] for h in found],
            },
            "broker",
        )  # fmt: skip
        tx.changed()

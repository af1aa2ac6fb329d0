"""Recording the changes of cash and shares that the events of a real broker report (R-53).

These are executions, cash movements, account activities (the broker's records of changes of an account), and reversals
of these. Nothing is recorded for the simulated broker, whose events can be read again at any time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.domain.activities import Activity
from rebal_tui.domain.cash import CashEntry, CashKind
from rebal_tui.domain.orders import Fill, Side
from rebal_tui.domain.quantities import Money, Qty, money_text
from rebal_tui.domain.sessions import new_york_day
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.broker_sync.account_holds import pause_account
from rebal_tui.services.broker_sync.explained.actions import action_change, note_part
from rebal_tui.services.broker_sync.explained.executions import delivered
from rebal_tui.store import explained, jobs
from rebal_tui.store.explained import Change
from rebal_tui.store.holds import HoldKind

NOTICE_ALERT = "broker_notice"


def book_fill(tx: BookTransaction, fill: Fill) -> None:
    """Record the change of cash and shares by a new execution."""
    if tx.book.live is None:
        return
    sign = 1 if fill.side is Side.BUY else -1
    shares = {fill.asset_id or asset_id(tx.book, fill.symbol): Qty(sign * fill.qty)}
    change = Change(f"fill:{fill.execution_id}", fill.account_id, fill.at, Money(-sign * fill.amount), shares)
    if not delivered(tx, fill, change):
        explained.add_change(tx, change)


def book_cash(tx: BookTransaction, event: BrokerEvent) -> CashEntry | None:
    """Record the change by a cash event or an account activity; returns the cash entry to store, None without one.

    An activity that corrects or cancels an earlier one reverses the earlier one exactly and once. The cash entry then
    has the difference.
    """
    if event.activity is None or event.account_id is None:
        if event.cash is not None and tx.book.live is not None:
            entry = event.cash
            explained.add_change(tx, Change(f"cash:{entry.seq}", entry.account_id, entry.at, entry.amount))
        return event.cash
    activity, cash = event.activity, Money(0)
    taken_back = activity.replaces if activity.executed else activity.replaces or activity.id
    if taken_back is not None:
        cash = _take_back(tx, event, activity, taken_back)
    if activity.executed and _add(tx, event, activity):
        cash = Money(cash + activity.cash)
    if not cash:
        return None
    if event.cash is not None:
        return replace(event.cash, amount=cash)
    return _entry_of(event, activity, cash)


def _add(tx: BookTransaction, event: BrokerEvent, activity: Activity) -> bool:
    at = event.cash.at if event.cash is not None else event.at
    change = Change(activity.id, event.account_id or "", at, activity.cash, shares_of(tx.book, activity))
    action_id = note_part(tx, event)
    by_terms = explained.change(tx.database, action_change(action_id, change.account_id)) if action_id else None
    if by_terms is None:
        return explained.add_change(tx, change)
    # The action was applied by its terms before: the activity's own figures count, and only once.
    explained.replace_change(tx, by_terms.id, change)
    rest = {asset: Qty(-qty) for asset, qty in by_terms.shares.items()}
    shares = explained.added(change.shares, [rest])
    if by_terms.agreed and (shares or change.cash != by_terms.cash):
        cash = Money(change.cash - by_terms.cash)
        explained.add_change(tx, Change(f"{activity.id}:rest", change.account_id, at, cash, shares))
    return True


def book_action(tx: BookTransaction, event: BrokerEvent) -> None:
    """Record the change of an account by a corporate action, if the event reports the account's shares before it."""
    notice = event.action
    if tx.book.live is None or notice is None or notice.holder is None or event.account_id is None:
        return
    holder = notice.holder
    shares = {notice.asset_id: Qty(holder.qty - holder.held.qty)}
    if notice.new_asset_id is not None and holder.received:
        shares[notice.new_asset_id] = holder.received
    change = Change(action_change(notice.id, event.account_id), event.account_id, event.at, Money(0), shares)
    explained.add_change(tx, change)


def shares_of(book: Book, activity: Activity) -> Mapping[str, Qty]:
    """By asset id, the shares that an account activity adds or, if negative, removes.

    A changed symbol moves shares only if the broker lists the new symbol as another asset.
    """
    if activity.part is not None and activity.part.action is not None and activity.part.action.new_symbol is not None:
        action = activity.part.action
        before, after = book.find_asset(action.symbol), book.find_asset(action.new)
        if not activity.shares and before is not None and after is not None and before.id != after.id:
            return {before.id: Qty(-activity.part.held), after.id: activity.part.held}
    named = [{asset_id(book, change.symbol): change.qty} for change in activity.shares]
    return explained.added({}, named)


def asset_id(book: Book, symbol: str) -> str:
    """The id of the asset with a symbol; the symbol itself if the book does not know the asset."""
    asset = book.find_asset(symbol)
    return symbol if asset is None else asset.id


def _take_back(tx: BookTransaction, event: BrokerEvent, activity: Activity, identity: str) -> Money:
    """Reverse the recorded activity with the id `identity`; returns the change of cash, 0 if there is none."""
    before = explained.change(tx.database, identity)
    how = "corrected" if activity.executed else "canceled"
    if before is None:
        text = f"the broker {how} the activity {activity.kind} {identity}, which this book has not booked"
        _notify(tx, event, text)
        return Money(0)
    shares = {asset: Qty(-qty) for asset, qty in before.shares.items()}
    undone = Change(f"undo:{identity}", before.account_id, event.at, Money(-before.cash), shares)
    if not explained.add_change(tx, undone):
        return Money(0)
    what = f" of ${money_text(before.cash)}" if before.cash else ""
    _notify(tx, event, f"the broker {how} the activity {activity.kind}{what} that was booked; it was taken back")
    return undone.cash


def reverse_execution(tx: BookTransaction, event: BrokerEvent) -> None:
    """Pause an account until a person releases it, because the broker busted or corrected one of its executions."""
    if event.reversal is None or event.account_id is None or tx.book.live is None:
        return
    what = "corrected" if event.reversal.corrected else "busted"
    pause_account(tx, event.account_id, HoldKind.REPORTED, f"the broker {what} execution {event.reversal.execution_id}")


def _notify(tx: BookTransaction, event: BrokerEvent, text: str) -> None:
    jobs.raise_alert(tx, tx.book.now(), NOTICE_ALERT, str(event.seq), text)
    tx.record("broker.notice", event.account_id or "broker", {"note": text}, "broker")


def _entry_of(event: BrokerEvent, activity: Activity, cash: Money) -> CashEntry:
    day = new_york_day(event.at).isoformat()
    return CashEntry(event.seq, event.account_id or "", event.at, CashKind.OTHER, cash, day, activity.kind)

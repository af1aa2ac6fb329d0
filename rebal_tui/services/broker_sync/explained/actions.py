"""Corporate actions at a real broker, which come from two sources: announcements and account activities (R-54).

An account activity is the broker's record of a change of one account. An action that both sources report is stored as
one, and applied to each account once.
"""

from __future__ import annotations

from rebal_tui.broker.protocol import BrokerEvent
from rebal_tui.domain.action_effects import Effect, Holding, Terms, effect_of
from rebal_tui.domain.activities import ActionPart
from rebal_tui.domain.corporate_actions import ActionKind
from rebal_tui.domain.quantities import Money, Qty
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.store import corporate_actions, explained, market_actions
from rebal_tui.store.corporate_actions import Holder
from rebal_tui.store.explained import Change, Figures
from rebal_tui.store.market_actions import MarketAction


def action_change(action_id: str, account_id: str) -> str:
    """The id of the change that the terms of a corporate action make to an account."""
    return f"action:{action_id}:{account_id}"


def note_announcement(tx: BookTransaction, event: BrokerEvent) -> None:
    """Store the corporate action that an event announces for a known asset, or that the broker has withdrawn it."""
    found = event.announcement
    if found is None:
        return
    asset = tx.book.find_asset(found.symbol)
    if found.withdrawn:
        market_actions.withdraw(tx, found.id)
    elif asset is not None and found.action is not None:
        action = MarketAction(found.id, asset.id, found.day, found.action)
        if market_actions.same_action(tx.database, action) == found.id:
            market_actions.put(tx, action)


def action_of(book: Book, part: ActionPart) -> MarketAction | None:
    """The corporate action that an account activity reports; None for an unknown asset or an activity without terms.

    The terms are for example the ratio of a split. The action's id is the one under which it was first reported, be it
    by an announcement or by an activity.
    """
    asset = book.find_asset(part.symbol)
    if asset is None or part.action is None:
        return None
    found = MarketAction(part.id, asset.id, part.day, part.action)
    return MarketAction(
        market_actions.same_action(book.database, found), asset.id, min(part.day, book.today()), part.action
    )


def note_part(tx: BookTransaction, event: BrokerEvent) -> str | None:
    """Store what a corporate action did to one account, as reported by an account activity.

    Returns the action's id; None if the activity belongs to no corporate action.
    """
    activity = event.activity
    if activity is None or activity.part is None or event.account_id is None:
        return None
    found = action_of(tx.book, activity.part)
    if found is None:
        return activity.part.id
    market_actions.put(tx, found)
    market_actions.see(tx, found.id, tx.book.now())
    changes = {tx.book.find_asset(change.symbol): change.qty for change in activity.shares}
    own = next((qty for asset, qty in changes.items() if asset is not None and asset.id == found.asset_id), Qty(0))
    received = sum(qty for asset, qty in changes.items() if asset is None or asset.id != found.asset_id)
    held = activity.part.held
    holder = Holder(event.account_id, held, Qty(held + own), Qty(received), activity.cash, "")
    corporate_actions.add_holder(tx, found.id, holder)
    return found.id


def announced_changes(book: Book, account_id: str, wanted: Figures) -> list[tuple[MarketAction, Change]]:
    """The announced splits that are not recorded for the account, each with the change that it would make.

    Only splits of a day from five days ago to tomorrow are returned. `wanted` are the cash and shares of the account
    before the split.
    """
    found = []
    for action in market_actions.pending(book.database, book.today()):
        change = split_change(book, action, account_id, wanted)
        if change is not None:
            found.append((action, change))
    return found


def split_change(book: Book, action: MarketAction, account_id: str, wanted: Figures) -> Change | None:
    """The change that a split makes to an account; `wanted` are its cash and shares before the split.

    None when the action is not a split, when the account does not have the asset, or when the split was recorded for
    the account already.
    """
    held = wanted.held.get(action.asset_id, Qty(0))
    if action.action.kind is not ActionKind.SPLIT or not held:
        return None
    identity = action_change(action.id, account_id)
    booked = {holder.account_id for holder in corporate_actions.holders(book.database, action.id)}
    if account_id in booked or explained.change(book.database, identity) is not None:
        return None
    after = effect(action, held).qty
    return Change(identity, account_id, book.now(), Money(0), {action.asset_id: Qty(after - held)})


def effect(action: MarketAction, held: Qty) -> Effect:
    """What an action does to a quantity of shares, before the broker pays fractions of a share in cash."""
    return effect_of(Terms(action.action, None, True), Holding(held, None, held))


def book_split(tx: BookTransaction, action: MarketAction, change: Change) -> None:
    """Record `change`, the change of an account that `split_change` computed for the split `action`."""
    if explained.add_change(tx, change):
        delta = change.shares[action.asset_id]
        held = Qty(round(delta / (action.action.shares_factor - 1)))
        corporate_actions.add_holder(
            tx, action.id, Holder(change.account_id, held, Qty(held + delta), Qty(0), Money(0), "")
        )
        market_actions.see(tx, action.id, tx.book.now())

"""Positions and executions in assets that the book does not know (R-51).

The assets are requested from the broker at once. An account with such a position or execution is paused until all its
assets are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain

from rebal_tui.broker.failures import BrokerPending
from rebal_tui.domain.accounts import Account, Position
from rebal_tui.domain.asset_labels import plain_symbol
from rebal_tui.domain.assets import Asset
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.orders import Fill
from rebal_tui.domain.quantities import qty_text
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.broker_sync.account_holds import add_cause, remove_causes
from rebal_tui.store import assets, holds, jobs
from rebal_tui.store.holds import HoldCause, HoldKind

ALERT = "unknown_asset"
ASK_INTERVAL = timedelta(minutes=1)
"""The same asset is requested from the broker again after this time."""
MAX_SINGLE_REQUESTS = 20
"""Up to this many assets are requested one by one, more by the whole list."""
_REASON = "the book does not know the asset of "


def request_assets(book: Book, accounts: Iterable[Account], executions: Iterable[Fill] = ()) -> Sequence[Asset]:
    """The broker's data of the assets that accounts or executions name and the book does not have under that name.

    Empty if all are known, or if the unknown ones were requested less than a minute (`ASK_INTERVAL`) ago. The result
    may be all assets of the broker. Raises `BrokerPending` until the broker has answered.
    """
    label_of, known = book.price_cache.labels, book.assets
    held = (position for account in accounts for position in account.positions)
    items: Iterable[Position | Fill] = chain(held, executions)
    missing = {item.asset_id or item.symbol for item in items if not _is_known(item, label_of, known)}
    now, asked = book.now(), book.assets_asked_at
    due = {name for name in missing if name not in asked or now - asked[name] >= ASK_INTERVAL}
    if not due:
        return ()
    try:
        return _asked_one_by_one(book, due) if len(due) <= MAX_SINGLE_REQUESTS else book.broker.assets()
    except BrokerPending:
        due = set()
        raise
    finally:
        asked.update(dict.fromkeys(due, now))


def _asked_one_by_one(book: Book, names: Iterable[str]) -> Sequence[Asset]:
    """The assets with these ids or symbols; all assets when one of them has the symbol of another active asset."""
    with book.broker.reading():
        found = [asset for name in sorted(names) if (asset := book.broker.asset(name)) is not None]
        return book.broker.assets() if assets.conflicts(book.database, found) else found


def _is_known(item: Position | Fill, label_of: Mapping[str, str], known: Mapping[str, Asset]) -> bool:
    if item.asset_id is None:
        return item.symbol in known
    label = label_of.get(item.asset_id)
    return label is not None and (label == item.symbol or plain_symbol(label) == plain_symbol(item.symbol))


def labeled(book: Book, account: Account) -> Account:
    """An account as read from the broker, with the symbols of its positions replaced by the book's labels."""
    label_of = book.price_cache.labels
    if all(p.asset_id is None or label_of.get(p.asset_id, p.symbol) == p.symbol for p in account.positions):
        return account
    held = (replace(p, symbol=label_of.get(p.asset_id or "", p.symbol)) for p in account.positions)
    return replace(account, positions=tuple(sorted(held, key=lambda position: position.symbol)))


def without_unknown(book: Book, account: Account) -> Account:
    """The account without its positions in assets that the book does not know, because these cannot be stored."""
    label_of, listed = book.price_cache.labels, book.assets
    known = tuple(
        p for p in account.positions if (p.symbol in listed if p.asset_id is None else p.asset_id in label_of)
    )
    return account if len(known) == len(account.positions) else replace(account, positions=known)


def require_known(book: Book, account: Account, listed: Sequence[Asset]) -> None:
    """Raise `Conflict` if an account has a position in an asset that neither the book nor `listed` has."""
    names = {*book.price_cache.labels, *book.assets, *(name for asset in listed for name in (asset.id, asset.symbol))}
    unknown = [position for position in account.positions if (position.asset_id or position.symbol) not in names]
    if unknown:
        raise Conflict(f"{_REASON}{', '.join(map(_text, unknown))}")


def paused_accounts(book: Book) -> set[str]:
    """The ids of the accounts that are paused for an unknown asset."""
    return {account_id for account_id, hold in book.holds.items() if hold.of(HoldKind.UNKNOWN_ASSET)}


def pause(tx: BookTransaction, account: Account, items: Sequence[Position | Fill]) -> None:
    """Pause an account, with an alert, for positions or executions in assets that the book does not know."""
    now, reason = tx.book.now(), f"{_REASON}{', '.join(map(_text, items))}"
    if add_cause(tx, account.id, HoldCause(HoldKind.UNKNOWN_ASSET, reason, now)):
        jobs.raise_alert(tx, now, ALERT, account.id, f"{account.name} ({account.account_number}) is paused: {reason}")


def resume(tx: BookTransaction, account_id: str) -> None:
    """End an account's pause for unknown assets, after every position was stored; other causes of its pause remain."""
    hold = holds.of_account(tx.database, account_id)
    if hold is None or not hold.of(HoldKind.UNKNOWN_ASSET):
        return
    remove_causes(tx, account_id, HoldKind.UNKNOWN_ASSET)
    jobs.clear_alert(tx, ALERT, account_id, tx.book.now())
    tx.record("account.assets_known", account_id, {"reason": hold.reason}, "broker")


def _text(item: Position | Fill) -> str:
    called = f"{item.symbol} (id {item.asset_id})" if item.asset_id else item.symbol
    what = "an execution of " if isinstance(item, Fill) else ""
    return f"{what}{qty_text(item.qty)} {called}"

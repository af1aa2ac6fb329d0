"""Comparison of a real broker's accounts with what its events explain (R-53).

The figures of an account are its cash and its shares by asset id. An account whose figures no event explains is not
traded. Shares that change without any order pause the account at once, with an alert; otherwise it first waits up to 60
seconds (`GRACE`) for late events. It resumes automatically when its figures are explained exactly.

Cash may differ by a cent for each change since the book and the broker last agreed, because the broker rounds amounts.
The broker's figure is then adopted, so that the cents do not add up. Without a change nothing may differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from rebal_tui.domain.accounts import Account
from rebal_tui.domain.quantities import CENT, Money, Qty, money_text, qty_text
from rebal_tui.domain.runs import RunStatus
from rebal_tui.domain.split_ratios import split_like
from rebal_tui.services.book.book import Book, BookTransaction
from rebal_tui.services.broker_sync.account_holds import PAUSE_ALERT, pause_text, remove_causes
from rebal_tui.services.broker_sync.explained.actions import announced_changes, book_split
from rebal_tui.services.broker_sync.explained.executions import book_undelivered, undelivered
from rebal_tui.store import explained, holds, jobs
from rebal_tui.store.explained import Change, Figures
from rebal_tui.store.holds import HoldCause, HoldKind

GRACE = timedelta(seconds=60)
"""How long an account waits for events under way before its pause is an alert."""
ADOPTION_MARGIN = timedelta(minutes=1)
"""Events this long after an account was first read may be part of what was read."""
ADOPTION_PERIOD = timedelta(minutes=10)
"""After this time figures contain what happened before an account was first read."""
_REASON = "no event explains: "


def check_accounts(tx: BookTransaction, accounts: Iterable[Account]) -> None:
    """Compare accounts as read from the broker with the book, and pause or resume them.

    The events of these accounts must have been applied before. Does nothing without a real broker.
    """
    book = tx.book
    if book.live is None:
        return
    for account in accounts:
        if holds.first_of(holds.of_account(tx.database, account.id), HoldKind.UNKNOWN_ASSET):
            # It is paused and compared once its assets are known; a second alert would add nothing.
            continue
        theirs = Figures(account.cash, held_by_id(book, account), book.now())
        ours = explained.figures(tx.database, account.id)
        if ours is None:
            explained.put_figures(tx, account.id, theirs)
            continue
        changes, executed = explained.changes_since(tx.database, account.id), undelivered(book, account.id)
        if not executed and _explained(ours, changes, theirs):
            decided = book.now() > ours.since + ADOPTION_PERIOD or _agree(expected(ours, changes), changes, theirs)
            if decided and (changes or (ours.cash, ours.held) != (theirs.cash, theirs.held)):
                explained.put_figures(tx, account.id, replace(theirs, since=ours.since))
            _resume(tx, account.id)
        elif executed and _explained(ours, [*changes, *executed], theirs):
            book_undelivered(tx, executed)
            explained.put_figures(tx, account.id, replace(theirs, since=ours.since))
            _resume(tx, account.id)
        elif not _split_shown(tx, account.id, ours, changes, theirs):
            # Figures without an execution that an order has shown are old: nothing may be bought from them.
            known = [*changes, *executed]
            _hold(tx, account, _texts(book, account, expected(ours, known), theirs), known, ours, theirs)


def is_settled(book: Book, account: Account) -> bool:
    """Whether an account has exactly the figures last agreed on, with no change recorded since then.

    True without a real broker.
    """
    if book.live is None:
        return True
    ours, hold = explained.figures(book.database, account.id), book.holds.get(account.id)
    if ours is None or holds.first_of(hold, HoldKind.DIFFERENCE):
        return False
    agreed = (ours.cash, dict(ours.held)) == (account.cash, dict(held_by_id(book, account)))
    return agreed and not explained.changes_since(book.database, account.id) and not undelivered(book, account.id)


def adopt(tx: BookTransaction, accounts: Iterable[Account]) -> None:
    """Take the present figures of accounts as those last agreed on, because a person has released the accounts."""
    if tx.book.live is not None:
        for account in accounts:
            found = Figures(account.cash, held_by_id(tx.book, account), tx.book.now())
            explained.put_figures(tx, account.id, found)


def expected(ours: Figures, changes: Sequence[Change]) -> Figures:
    """The figures that an account must have: those last agreed on (`ours`) plus the changes since then."""
    cash = Money(ours.cash + sum(change.cash for change in changes))
    return Figures(cash, explained.added(ours.held, [change.shares for change in changes]), ours.since)


def expected_of(book: Book, account_id: str) -> Figures | None:
    """The figures that an account must have; None without a real broker or before the account was first read."""
    ours = explained.figures(book.database, account_id) if book.live is not None else None
    return None if ours is None else expected(ours, explained.changes_since(book.database, account_id))


def held_by_id(book: Book, account: Account) -> Mapping[str, Qty]:
    """The shares of an account by asset id."""
    held: dict[str, Qty] = {}
    for position in account.positions:
        asset = book.assets.get(position.symbol) if position.asset_id is None else None
        name = position.asset_id or (position.symbol if asset is None else asset.id)
        held[name] = Qty(held.get(name, 0) + position.qty)
    return held


def is_waiting(book: Book, account_id: str) -> bool:
    """Whether an account waits for events that may explain a difference; its orders are not sent until then."""
    hold = book.holds.get(account_id)
    return hold is not None and hold.waits


def _explained(ours: Figures, changes: Sequence[Change], theirs: Figures) -> bool:
    """Whether the agreed figures plus the changes give the broker's figures.

    Changes from before the account was first read may be part of the agreed figures already.
    """
    before = sum(change.at <= ours.since + ADOPTION_MARGIN for change in changes)
    return any(_agree(expected(ours, changes[first:]), changes[first:], theirs) for first in range(before + 1))


def _agree(wanted: Figures, changes: Sequence[Change], theirs: Figures) -> bool:
    return dict(wanted.held) == dict(theirs.held) and abs(wanted.cash - theirs.cash) <= CENT * len(changes)


def _split_shown(
    tx: BookTransaction, account_id: str, ours: Figures, changes: Sequence[Change], theirs: Figures
) -> bool:
    """Whether an announced split explains the figures; it is then booked for the account."""
    for action, change in announced_changes(tx.book, account_id, expected(ours, changes)):
        if _explained(ours, [*changes, change], theirs):
            book_split(tx, action, change)
            explained.put_figures(tx, account_id, replace(theirs, since=ours.since))
            _resume(tx, account_id)
            return True
    return False


def _texts(book: Book, account: Account, ours: Figures, theirs: Figures) -> str:
    texts = []
    if ours.cash != theirs.cash:
        texts.append(f"cash is {money_text(ours.cash)} in the book, {money_text(theirs.cash)} at the broker")
    # An asset that is new with this account is not in memory yet.
    label_of: dict[str, str] = {p.asset_id: p.symbol for p in account.positions if p.asset_id is not None}
    label_of |= book.price_cache.labels
    for asset in sorted(ours.held.keys() | theirs.held.keys(), key=lambda asset: label_of.get(asset, asset)):
        mine, yours = ours.held.get(asset, Qty(0)), theirs.held.get(asset, Qty(0))
        if mine != yours:
            split = split_like(mine, yours)
            text = f"{label_of.get(asset, asset)}: {qty_text(mine)} in the book, {qty_text(yours)} at the broker"
            texts.append(f"{text}, as after a {split} split" if split else text)
    return _REASON + " and ".join(texts)


def _hold(
    tx: BookTransaction, account: Account, reason: str, changes: Sequence[Change], ours: Figures, theirs: Figures
) -> None:
    book, hold = tx.book, holds.of_account(tx.database, account.id)
    before = holds.first_of(hold, HoldKind.DIFFERENCE)
    if before is not None and before.reason == reason:
        return
    waiting = None
    if hold is None or hold.waits:
        may_wait = _under_way(book, account.id, changes) or expected(ours, changes).held == dict(theirs.held)
        waiting = (before.at if before else book.now()) + GRACE if may_wait else None
    cause = HoldCause(HoldKind.DIFFERENCE, reason, before.at if before else book.now(), None, waiting)
    store_difference(tx, account.id, cause)


def _under_way(book: Book, account_id: str, changes: Sequence[Change]) -> bool:
    """Whether executions may be under way: the events of some have arrived, or orders are open."""
    run = book.open_runs.get(account_id)
    in_progress = run is not None and run.status is RunStatus.IN_PROGRESS
    extras = book.extras[account_id] if account_id in book.accounts else None
    return in_progress or bool(changes) or (extras is not None and extras.external_orders > 0)


def store_difference(tx: BookTransaction, account_id: str, cause: HoldCause) -> None:
    """Pause an account for a difference, in place of an earlier difference.

    An alert is raised only when the account does not wait for late events, or has waited long enough.
    """
    holds.replace_kind(tx, account_id, HoldKind.DIFFERENCE, [cause])
    if cause.waiting_until is None:
        text = pause_text(tx, account_id)
        jobs.raise_alert(tx, tx.book.now(), PAUSE_ALERT, account_id, text)
        tx.record("account.paused", account_id, {"reason": cause.reason})
    tx.reload_holds()


def _resume(tx: BookTransaction, account_id: str) -> None:
    hold = holds.of_account(tx.database, account_id)
    difference = holds.first_of(hold, HoldKind.DIFFERENCE)
    if hold is None or difference is None:
        return
    remove_causes(tx, account_id, HoldKind.DIFFERENCE)
    if difference.waiting_until is None:
        tx.record("reconciliation.explained", account_id, {"reason": hold.reason}, "broker")

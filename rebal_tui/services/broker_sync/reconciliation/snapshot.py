"""Comparison of all accounts of the book with the simulated broker's, array by array."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from rebal_tui.broker.protocol import AccountListing
from rebal_tui.store.account_table import STATUS_CODES, AccountTable, restriction_bits

Ints = NDArray[np.int64]
_UNKNOWN = -1


def differing_accounts(ours: AccountTable, theirs: AccountListing) -> set[str]:
    """The ids of the broker's accounts that the book does not have, or has with another value in any column.

    Accounts are normally in the same order on both sides and are then compared without reordering.
    """
    if list(theirs.ids) == ours.ids:
        rows = np.arange(len(ours), dtype=np.int64)
    else:
        rows = np.array([ours.row_of.get(account_id, _UNKNOWN) for account_id in theirs.ids], np.int64)
    new = np.flatnonzero(rows == _UNKNOWN)
    indexes = np.flatnonzero(rows != _UNKNOWN)
    rows = rows[indexes]
    found = {theirs.ids[index] for index in new.tolist()}
    if not len(rows):
        return found
    bits = {text: restriction_bits(text) for text in set(theirs.restrictions)}
    differs = (
        _texts_differ(ours.numbers, theirs.numbers, rows, indexes)
        | _texts_differ(ours.names, theirs.names, rows, indexes)
        | (ours.status[rows] != _column([STATUS_CODES.get(status, _UNKNOWN) for status in theirs.statuses], indexes))
        | (ours.restrictions[rows] != _column([bits[text] for text in theirs.restrictions], indexes))
        | (ours.cash[rows] != _column(theirs.cash, indexes))
        | (ours.unsettled[rows] != _column(theirs.unsettled, indexes))
        | (ours.created_at[rows] != _column(theirs.created_at, indexes))
        | _positions_differ(ours, theirs, rows, indexes)
    )
    return found | {theirs.ids[index] for index in indexes[differs].tolist()}


def _column(values: Sequence[int], indexes: Ints) -> Ints:
    return np.array(values, np.int64)[indexes]


def _texts_differ(ours: Sequence[str], theirs: Sequence[str], rows: Ints, indexes: Ints) -> NDArray[np.bool_]:
    if len(rows) == len(ours) and list(ours) == list(theirs) and np.array_equal(rows, indexes):
        return np.zeros(len(rows), np.bool_)
    return np.array(
        [ours[row] != theirs[index] for row, index in zip(rows.tolist(), indexes.tolist(), strict=True)], np.bool_
    )


def _positions_differ(ours: AccountTable, theirs: AccountListing, rows: Ints, indexes: Ints) -> NDArray[np.bool_]:
    """By account known to both, whether any holding differs in asset, quantity or entry price."""
    asset_of = {identity: key for key, identity in ours.asset_ids.items()}
    # An asset missing from the file gets a key that none of our positions has.
    keys = np.array([asset_of.get(identity, _UNKNOWN) for identity in theirs.asset_ids], np.int64)
    number = np.full(len(theirs.ids), _UNKNOWN)
    number[indexes] = np.arange(len(indexes))
    known = number[theirs.owner] != _UNKNOWN
    their_asset = keys[theirs.asset[known]]
    their_owner, their_qty = number[theirs.owner[known]], theirs.qty[known]
    their_price = theirs.entry_price[known]
    _, held = ours.indexes(rows)
    our_owner, our_asset = np.repeat(np.arange(len(rows)), ours.count[rows]), ours.asset[held]
    our_qty, our_price = ours.qty[held], ours.entry_price[held]
    differs: NDArray[np.bool_] = np.bincount(their_owner, minlength=len(rows)) != ours.count[rows]
    same = ~differs[our_owner], ~differs[their_owner]
    # Order by owner, then asset. Both sides are nearly in order, so a stable sort of one combined key is fast.
    most = int(max(our_asset.max(initial=0), their_asset.max(initial=0))) + 1 - _UNKNOWN
    mine = np.flatnonzero(same[0])[np.argsort((our_owner * most + our_asset - _UNKNOWN)[same[0]], kind="stable")]
    yours = np.flatnonzero(same[1])[np.argsort((their_owner * most + their_asset - _UNKNOWN)[same[1]], kind="stable")]
    other = (our_asset[mine] != their_asset[yours]) | (our_qty[mine] != their_qty[yours])
    other |= our_price[mine] != their_price[yours]
    differs[our_owner[mine][other]] = True
    return differs

"""The accounts that hold given assets."""

from __future__ import annotations

import numpy as np

from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.memory_layout import Flags, Ints


def holdings_in(frame: BookFrame, assets: Flags) -> tuple[Ints, Ints]:
    """The holdings of the assets flagged in `assets`, as account rows and asset indexes, sorted by row, then by asset.

    Fast when the flagged assets are in few portfolios.
    """
    others = frame.others
    outside = assets[others.asset] if assets.any() else np.zeros(len(others.asset), np.bool_)
    rows, found = [others.account[outside].astype(np.int64)], [others.asset[outside].astype(np.int64)]
    padded = np.append(assets, False)
    for block in frame.blocks:
        slots, members = np.nonzero(padded[block.asset])
        for slot, member in zip(slots.tolist(), members.tolist(), strict=True):
            first, last = np.searchsorted(block.local, (member, member + 1))
            held = first + np.flatnonzero(block.qty[slot, first:last])
            rows.append(block.rows[held].astype(np.int64))
            found.append(np.full(len(held), block.asset[slot, member], np.int64))
    row, asset = np.concatenate(rows), np.concatenate(found)
    order = np.lexsort((asset, row))
    return row[order], asset[order]

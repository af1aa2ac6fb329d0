"""Accounts with a due trigger for which no run is possible, as no order can correct the drift (R-14, R-58).

Every pass updates them.
"""

from __future__ import annotations

from rebal_tui.engine.arrays.exact_triggers import cannot_detail
from rebal_tui.engine.arrays.frame import UNSUBSCRIBED
from rebal_tui.services.book.book import BookTransaction
from rebal_tui.services.evaluation.whole_book import DecidedBook
from rebal_tui.store import uncorrectable
from rebal_tui.store.uncorrectable import Uncorrectable


def note_uncorrectable(tx: BookTransaction, decided: DecidedBook) -> None:
    """Store the accounts for which a pass found a due trigger without a possible run; remove the others.

    An account whose triggers were not evaluated, for example because of an open run, keeps what was stored before.
    """
    book = tx.book
    table, made = book.account_table, decided.made
    if not made.cannot and not book.uncorrectable:
        return
    found = {
        int(table.keys[row]): Uncorrectable(
            decided.at, check, text or cannot_detail(decided.frame, row, decided.day_context)
        )
        for row, (check, text) in made.cannot.items()
    }
    asked = made.asked()
    rows = [table.row_of[identity] for identity in book.uncorrectable]
    unsubscribed = decided.frame.accounts.portfolio == UNSUBSCRIBED
    gone = [int(table.keys[row]) for row in rows if (asked[row] or unsubscribed[row]) and row not in made.cannot]
    uncorrectable.put(tx, found)
    uncorrectable.clear(tx, gone)
    tx.reload_unfinished()

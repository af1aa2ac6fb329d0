"""Accounts that no automatic run may trade, because an asset of theirs is held back."""

from __future__ import annotations

from collections.abc import Iterable

from rebal_tui.services.book.book import Book


def held_back(book: Book, account_id: str, targets: Iterable[str]) -> tuple[str, ...]:
    """Why no automatic run may trade an account: a reason for each asset that is held back; empty if there is none.

    Only assets count that the account holds, and those whose labels are in `targets`, which it is to hold.
    `Book.held_assets` has the reasons.
    """
    held = book.held_assets()
    if not held:
        return ()
    concerned = {*targets, *(position.symbol for position in book.accounts[account_id].positions)}
    return tuple(reason for symbol, reason in held.items() if symbol in concerned)

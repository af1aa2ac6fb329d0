"""Exceptions of accounts that do not follow from the broker's status or blocks, by account row (R-58).

Their causes are cash below zero, missing prices, assets on hold, and the outcomes of rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from rebal_tui.domain.portfolios import Portfolio, PortfolioStatus
from rebal_tui.engine.arrays.frame import BookFrame, Mark
from rebal_tui.engine.arrays.holders import holdings_in
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.held_back import held_back
from rebal_tui.services.book.ineligible_assets import fault_texts, ineligible_assets
from rebal_tui.services.queries.rule_exceptions import RuleException, conflicting, uncorrectable, unfinished
from rebal_tui.services.queries.status_columns import SHORT_TEXTS, shortest

Ints = NDArray[np.int64]


class Note(IntFlag):
    """The exceptions of accounts that do not follow from the broker's status or blocks, one bit each."""

    CASH_BELOW_ZERO = 1
    NO_PRICE = 2
    ASSET_ON_HOLD = 4
    CANNOT_BE_CORRECTED = 8
    UNFINISHED = 16
    RESTRICTIONS_CONFLICT = 32


NOTE_TEXTS = {
    Note.CASH_BELOW_ZERO: "cash is below zero",
    Note.NO_PRICE: "a holding has no price",
    Note.ASSET_ON_HOLD: "an asset is on hold",
    Note.CANNOT_BE_CORRECTED: "a drift cannot be corrected",
    Note.UNFINISHED: "a rebalance is unfinished",
    Note.RESTRICTIONS_CONFLICT: "its restrictions conflict",
}


_SHORT_NOTES = {
    Note.CASH_BELOW_ZERO: "cash below zero",
    Note.NO_PRICE: "no price",
    Note.ASSET_ON_HOLD: "asset on hold",
    Note.CANNOT_BE_CORRECTED: "not correctable",
    Note.UNFINISHED: "unfinished",
    Note.RESTRICTIONS_CONFLICT: "limits conflict",
}
"""The exceptions in one or two words, for lists."""


@dataclass(frozen=True, slots=True, eq=False)
class AccountExceptions:
    """The exceptions of all accounts; `notes` has the bits of `Note` by account row.

    `unpriced` are the holdings without a price: an array of account rows and a parallel one of asset indexes in the
    frame, sorted by row, then index. `uncorrectable`, `unfinished` and `conflicting` are the results of the functions
    of these names in `rule_exceptions`.
    """

    notes: Ints
    unpriced: tuple[Ints, Ints]
    uncorrectable: tuple[RuleException, ...]
    unfinished: tuple[RuleException, ...]
    conflicting: tuple[RuleException, ...]


def account_exceptions(book: Book, frame: BookFrame) -> AccountExceptions:
    """The exceptions of every account of the book; `frame` is the book's current frame."""
    row_of = book.account_table.row_of
    notes = np.where(frame.accounts.cash < 0, int(Note.CASH_BELOW_ZERO), 0).astype(np.int64)
    unpriced = holdings_in(frame, frame.assets.price == 0)
    notes[unpriced[0]] |= int(Note.NO_PRICE)
    notes[frame.accounts.marks & int(Mark.ASSET_HOLD) != 0] |= int(Note.ASSET_ON_HOLD)
    by_rules = tuple(uncorrectable(book)), tuple(unfinished(book)), tuple(conflicting(book, frame))
    noted = (Note.CANNOT_BE_CORRECTED, Note.UNFINISHED, Note.RESTRICTIONS_CONFLICT)
    for found, note in zip(by_rules, noted, strict=True):
        notes[[row_of[one.account_id] for one in found]] |= int(note)
    return AccountExceptions(notes, unpriced, *by_rules)


def portfolio_exception(book: Book, portfolio: Portfolio) -> str:
    """The exception of a portfolio as display text, empty without one; it stops each of the portfolio's subscribers."""
    if portfolio.status is PortfolioStatus.NEEDS_ADJUSTMENT:
        return f"{portfolio.name} needs adjustment" + (f": {portfolio.fault}" if portfolio.fault else "")
    faults = ineligible_assets(book, portfolio) if portfolio.status is PortfolioStatus.ACTIVE else {}
    return f"{portfolio.name}: {', '.join(fault_texts(faults))}" if faults else ""


def note_words(notes: int) -> list[str]:
    """The exceptions whose bits are set in `notes`, as display text."""
    return [text for note, text in NOTE_TEXTS.items() if notes & note]


def short_exception(
    blocked: Sequence[tuple[str, str]], notes: int, *, paused: bool, portfolio: Portfolio | None = None
) -> str:
    """The first exception of an account in one or two words, for the Desk; empty without any.

    `blocked` are the reasons for which the account is blocked (R-40), each as (name, text). `portfolio` is its
    portfolio if that has an exception, else None.
    """
    if blocked:
        return shortest(name for name, _ in blocked)
    if paused:
        return SHORT_TEXTS["unreconciled"]
    if notes & Note.ASSET_ON_HOLD:
        return _SHORT_NOTES[Note.ASSET_ON_HOLD]
    if portfolio is not None:
        return SHORT_TEXTS["assets" if portfolio.status is PortfolioStatus.ACTIVE else "needs_adjustment"]
    return next((text for note, text in _SHORT_NOTES.items() if notes & note), "")


def notes_of(book: Book, account_id: str) -> int:
    """The bits of `Note` of one account, computed without the frame; `RESTRICTIONS_CONFLICT` is not checked."""
    account, subscription = book.account(account_id), book.subscriptions.get(account_id)
    targets = book.portfolios[subscription.portfolio_id].weights.symbols if subscription else ()
    notes = int(Note.CASH_BELOW_ZERO) if account.cash < 0 else 0
    if any((asset := book.assets.get(p.symbol)) is None or asset.price is None for p in account.positions):
        notes |= Note.NO_PRICE
    if held_back(book, account_id, targets):
        notes |= Note.ASSET_ON_HOLD
    for found, note in ((uncorrectable(book), Note.CANNOT_BE_CORRECTED), (unfinished(book), Note.UNFINISHED)):
        if any(one.account_id == account_id for one in found):
            notes |= note
    return int(notes)

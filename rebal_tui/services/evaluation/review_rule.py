"""Which automatic runs wait for an advisor's approval (R-27, R-67, R-73)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from rebal_tui.domain.portfolios import Portfolio
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.policy import REVIEW_KEY
from rebal_tui.store import book_settings

if TYPE_CHECKING:
    from rebal_tui.engine.arrays.frame import BookFrame
    from rebal_tui.engine.arrays.memory_layout import Flags


def reviews_every_run(book: Book) -> bool:
    """Whether the book requires approval of every automatic run, whatever its portfolios require (R-27, R-73)."""
    return book.settings.one_list or book.settings.review or book_settings.get(book.database, REVIEW_KEY) == "1"


def needs_review(book: Book, portfolio: Portfolio) -> bool:
    """Whether an automatic run of this portfolio requires approval by an advisor (R-27)."""
    return portfolio.review or reviews_every_run(book)


def reviewed_portfolios(book: Book) -> frozenset[str]:
    """The ids of the portfolios whose automatic runs require approval."""
    everything = reviews_every_run(book)
    return frozenset(identity for identity, one in book.portfolios.items() if everything or one.review)


def subscription_needs_review(book: Book, portfolio: Portfolio, own: bool | None) -> bool:
    """Whether an automatic run of a subscription to a portfolio requires approval.

    `own` is the subscription's override (R-67), None without one; it is ignored in a files book (R-73).
    """
    return needs_review(book, portfolio) if own is None or book.settings.one_list else own


def account_needs_review(book: Book, account_id: str) -> bool:
    """Whether an automatic run of a subscribed account requires approval, by its override (R-67) or its portfolio."""
    own = book.rules_view.overrides.get(account_id)
    portfolio = book.portfolios[book.subscriptions[account_id].portfolio_id]
    return subscription_needs_review(book, portfolio, None if own is None else own.review)


def reviewed_rows(book: Book, frame: BookFrame, reviewed: frozenset[str]) -> Flags:
    """By account row, whether automatic runs require approval; `reviewed` is the result of `reviewed_portfolios`."""
    by_portfolio = np.array([*(portfolio.id in reviewed for portfolio in frame.portfolios), False], np.bool_)
    found: Flags = by_portfolio[frame.accounts.portfolio]
    if book.settings.one_list:
        return found
    for row, rules in frame.accounts.rules.items():
        if rules.overrides is not None and rules.overrides.review is not None:
            found[row] = rules.overrides.review
    return found

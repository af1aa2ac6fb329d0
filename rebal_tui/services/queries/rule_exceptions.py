"""Exceptions that follow from the outcomes of evaluations and runs (R-14, R-25, R-58)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rebal_tui.domain.sessions import new_york_day
from rebal_tui.engine.arrays.frame import BookFrame
from rebal_tui.engine.arrays.rule_conflicts import conflicts
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.rules_view import rules_of


@dataclass(frozen=True, slots=True)
class RuleException:
    """An exception of an account that follows from a rule, with its beginning and its cause.

    `text` is the cause as a clause without a period.
    """

    account_id: str
    since: datetime
    text: str


def uncorrectable(book: Book) -> Sequence[RuleException]:
    """The accounts with a due trigger for which no run is possible, at most one exception for each account (R-14).

    For example, the asset outside its band may not be sold. The exception of a calendar condition ends with its
    session.
    """
    today = book.today()
    return [
        RuleException(account_id, found.since, found.text)
        for account_id, found in book.uncorrectable.items()
        if account_id in book.subscriptions and (found.check != "calendar" or new_york_day(found.since) == today)
    ]


def unfinished(book: Book) -> Sequence[RuleException]:
    """The accounts whose full rebalance left sells that were still undone after three tries (R-25).

    At most one exception for each account.
    """
    return [
        RuleException(account_id, undone.given_up_at, f"undone sells of {', '.join(undone.symbols)}")
        for account_id, undone in book.given_up.items()
        if undone.given_up_at is not None
    ]


def conflicting(book: Book, frame: BookFrame) -> Sequence[RuleException]:
    """The accounts whose restrictions contradict each other, at most one exception for each account (R-60).

    `since` is when the latest of their restrictions was added.
    """
    found = []
    for row, text in conflicts(frame).items():
        account_id = book.account_table.ids[row]
        made = [one.made_at for one in rules_of(book, account_id).restrictions if one.made_at is not None]
        found.append(RuleException(account_id, max(made, default=book.now()), f"its restrictions conflict: {text}"))
    return found

"""Exceptions that follow from the rules' outcomes, kept by the evaluation (R-14, R-25, R-58)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from rebal_tui.domain.sessions import new_york_day
from rebal_tui.services.book.book import Book


@dataclass(frozen=True, slots=True)
class RuleException:
    """An account that a rule cannot serve: since when, and the cause as one sentence without its end."""

    account_id: str
    since: datetime
    text: str


def uncorrectable(book: Book) -> Sequence[RuleException]:
    """The accounts with a trigger that no order can correct, at most one for each account (R-14).

    That of a calendar day ends with its session.
    """
    today = book.today()
    return [
        RuleException(account_id, found.since, found.text)
        for account_id, found in book.uncorrectable.items()
        if account_id in book.subscriptions and (found.check != "calendar" or new_york_day(found.since) == today)
    ]


def unfinished(book: Book) -> Sequence[RuleException]:
    """The accounts whose rebalance was left undone after three tries, at most one for each account (R-25)."""
    return [
        RuleException(account_id, undone.given_up_at, f"undone sells of {', '.join(undone.symbols)}")
        for account_id, undone in book.given_up.items()
        if undone.given_up_at is not None
    ]

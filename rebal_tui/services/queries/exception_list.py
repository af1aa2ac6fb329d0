"""Data of the Exceptions screen: what needs a person, and alerts that are not acknowledged (R-58)."""

from __future__ import annotations

from rebal_tui.domain.text import fold
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.exceptions import KINDS, Exceptions
from rebal_tui.services.view_models.exceptions import ExceptionList
from rebal_tui.services.view_models.log import AlertView
from rebal_tui.store import jobs

MAX_EXCEPTIONS = 1_000
"""Maximum number of exceptions listed on screen; the API lists all of them in pages."""
UUID_LENGTH = 36
RECHECK_SECONDS = 30
"""Maximum age of the list while only prices change."""


def exception_total(book: Book) -> int:
    """The number of exceptions of a book, counted again when the book has changed in more than its prices.

    Otherwise it is counted again at most every 30 seconds.
    """
    stamp = _stamp(book)
    counted = book.counted_exceptions
    if counted is None or counted[0] != stamp:
        counted = book.counted_exceptions = (stamp, sum(Exceptions(book).counts().values()))
    return counted[1]


def _stamp(book: Book) -> tuple[int, int]:
    return (book.changes, int(book.now().timestamp()) // RECHECK_SECONDS)


def exception_list(book: Book, seen: tuple[int, int] | None = None) -> ExceptionList | None:
    """The exceptions of a book, the most urgent kind first, then by client or subject; and its alerts, oldest first.

    None when the stamp that the list would get, two numbers for the state of the book, is still `seen`. The stamp
    changes every 30 seconds, and with each change of the book other than a change of prices.
    """
    stamp = _stamp(book)
    if stamp == seen:
        return None
    found = Exceptions(book)
    return ExceptionList(
        stamp,
        tuple(sorted(found.page(MAX_EXCEPTIONS).items, key=lambda one: (KINDS.index(one.kind), fold(one.text)))),
        sum(found.counts().values()),
        tuple(
            AlertView(a.key, a.at, a.kind, a.subject, a.text, _named(book, a.subject))
            for a in sorted(jobs.open_alerts(book.database), key=lambda alert: (alert.at, alert.key))
        ),
    )


def _named(book: Book, subject: str) -> str:
    """The subject of an alert by name: the client and number of an account, a portfolio's name, or a short id."""
    if subject in book.accounts:
        account = book.accounts[subject]
        return f"{account.name} ({account.account_number})"
    if subject in book.portfolios:
        return book.portfolios[subject].name
    return subject[:8] if len(subject) == UUID_LENGTH else subject

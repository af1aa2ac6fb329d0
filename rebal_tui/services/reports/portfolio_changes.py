"""Changes of a portfolio between two evaluations of an account, as sentences of a report."""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise

from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.portfolio_differences import differences
from rebal_tui.services.reports.texts import NONE, minute_text
from rebal_tui.store.portfolio_versions import versions


def change_notes(book: Book, portfolio_id: str, since: datetime | None, until: datetime) -> tuple[str, ...]:
    """Sentences on the changes of a portfolio after `since` and up to and including `until`, oldest first.

    Empty if `since` is None.
    """
    if since is None:
        return ()
    portfolio = book.portfolios[portfolio_id]
    notes = []
    for newer, older in pairwise(versions(book.database, portfolio)):
        if since < newer.at <= until:
            changed = differences(older.portfolio, newer.portfolio)
            told = "; ".join(f"{one.field} {one.before or NONE} → {one.after or NONE}" for one in changed)
            by = f" by {newer.actor}" if newer.actor else ""
            at = minute_text(newer.at)
            what = f"{portfolio.name} was changed{by} on {at}: {told}"
            notes.append(f"Since the account's previous evaluation, {what}.")
    return tuple(reversed(notes))

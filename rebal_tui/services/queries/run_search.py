"""Runs of the whole book that match a filter: words, and terms such as `client:moreau` and `date>=2026-03`."""

from __future__ import annotations

from rebal_tui.domain.runs import EVERY_RUN, InitiatedFrom, RunGroup, RunStatus, RunType
from rebal_tui.domain.text import searchable
from rebal_tui.services.book.book import Book
from rebal_tui.services.files_book.list_numbers import waits_for_list
from rebal_tui.services.queries.runs import WITHOUT_PORTFOLIO, left_text, rows_of
from rebal_tui.services.view_models.filter_days import month_number, with_days
from rebal_tui.services.view_models.filter_terms import RUN_CHOICES, RUN_FIELDS, Term, is_of_id, parse_filter
from rebal_tui.services.view_models.runs import RunsSnapshot
from rebal_tui.store import past_rows
from rebal_tui.store.run_search import DateBound, Match

_ORIGINS = {InitiatedFrom.SYSTEM: "automatic", InitiatedFrom.API: "manual"}


MAX_COUNTED_RUNS = 20_000
"""In a book with more runs, those of each status are counted only for a filter, as this takes as long as a search."""


def find_runs(book: Book, text: str, limit: int = 500, group: RunGroup = EVERY_RUN) -> RunsSnapshot:
    """The newest runs that match a filter and belong to `group` (types and statuses of runs), at most `limit`.

    The result also has the number of runs of the group's type that match the filter, whatever their status. A run
    matches a word if its client's name, account number, portfolio, status, type, origin (automatic or manual), session
    or short run id contains it, or if the word is its id or the account's, or 8 or more characters of one. `nov` also
    matches the sessions of November; `23 nov` and `11/23` match those of that day, `11/23/2026` those of that year
    only. A term that cannot be parsed is ignored.
    """
    wanted = parse_filter(text, RUN_FIELDS, RUN_CHOICES)
    matches = [_match(book, word) for word in with_days(wanted.words)]
    dates = []
    for term in wanted.terms:
        if term.field == "date":
            dates.append(DateBound("=" if term.operator == ":" else term.operator, term.value))
        else:
            matches.append(_match(book, term.value, term))
    found = past_rows.find(book.database, matches, dates, limit + 1, group)
    total, counts = past_rows.count(book.database), None
    if matches or dates or group.type is not None or total <= MAX_COUNTED_RUNS:
        counts = past_rows.counts_of_found(book.database, matches, dates, group.type)
    matching = total if counts is None else counts.total()
    rows, more = rows_of(book, found[:limit]), len(found) > limit
    return RunsSnapshot(book.version, rows, total, matching, more, counts, waits_for_list(book))


def changed_runs(
    book: Book, seen: int | None, text: str, limit: int = 500, group: RunGroup = EVERY_RUN
) -> RunsSnapshot | None:
    """The result of `find_runs`; None when the version of the book is still `seen`."""
    return None if book.version == seen else find_runs(book, text, limit, group)


def _match(book: Book, word: str, term: Term | None = None) -> Match:
    """What a word is compared with: all fields of a run, or with `term` only the field that the term names."""
    whole = term is not None and term.operator == "="

    def hit(*texts: str) -> bool:
        return any(word == searchable(text) if whole else word in searchable(text) for text in texts)

    field = term.field if term is not None else ""
    accounts = [
        one.id
        for one in book.accounts.values()
        if hit(one.name) or (not field and (hit(one.account_number) or is_of_id(word, one.id)))
    ]
    portfolios = [one.id for one in book.portfolios.values() if hit(one.name)]
    left = [one.id for one in book.portfolios.values() if hit(left_text(one))]
    return Match(
        accounts=accounts if field in ("", "client") else (),
        portfolios=portfolios if field in ("", "portfolio") else (),
        left=left if field in ("", "portfolio") else (),
        without_portfolio=field in ("", "portfolio") and hit(WITHOUT_PORTFOLIO),
        statuses=[s.value for s in RunStatus if field in ("", "status") and hit(s.value, s.value.replace("_", " "))],
        types=[t.value for t in RunType if field in ("", "type") and hit(t.value, t.value.replace("_", " "))],
        origins=[o.value for o, name in _ORIGINS.items() if not field and hit(o.value, name)],
        part="" if field else word,
        month=f"-{month:02}-" if not field and (month := month_number(word)) else "",
    )

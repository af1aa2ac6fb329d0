"""Data of the Log screen: jobs, and the audit trail as sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from rebal_tui.broker.protocol import FIRM_ACCOUNT
from rebal_tui.domain.errors import NotFound
from rebal_tui.domain.text import fold, searchable
from rebal_tui.services.book.book import Book
from rebal_tui.services.queries.status import job_views
from rebal_tui.services.reports.audit_sentences import audit_sentence
from rebal_tui.services.view_models.log import AuditView, LogSnapshot
from rebal_tui.store import audit, cash
from rebal_tui.store.audit import AuditEntry

MIN_NAME_PART, MAX_NAMED = 3, 20
"""From how many characters on a text is searched in the names of clients, and how many of them are looked for."""
MAX_SEARCHED = 10 * MAX_NAMED
"""If names or account numbers of more accounts contain a text, none is looked for."""
MAX_FOUND = 30
"""Characters of the word in which a text was found."""
_WORD = r"[^\s\",:.{}\[\]]*"
"""The rest of a word of an entry: of a part of an action, an id, or a key or value in JSON."""
NO_SENTENCES: Mapping[int, str] = {}


def log_snapshot(
    book: Book, containing: str = "", limit: int = 500, known: Mapping[int, str] = NO_SENTENCES
) -> LogSnapshot:
    """All jobs, and at most `limit` audit entries that contain the text `containing`, newest first.

    Entries that name an account whose client's name contains the text are included, if these are at most `MAX_NAMED`
    accounts. `known` has sentences of an earlier snapshot by entry number, which are reused.
    """
    wanted, found = fold(containing), []
    if limit:
        named = _named(book, searchable(containing))
        found = audit.entries(book.database, limit + 1, containing, accounts=named)
    return LogSnapshot(
        book.version,
        job_views(book),
        tuple(_view(e, known.get(e.seq) or _sentence(book, e), wanted) for e in found[:limit]),
        audit.head(book.database)[0],
        len(found) > limit,
    )


def _named(book: Book, wanted: str) -> list[str]:
    """The ids of the accounts whose client's name contains `wanted`, a text made by `searchable`.

    Empty if the text is short or in many names.
    """
    if len(wanted) < MIN_NAME_PART:
        return []
    index = book.search_index()
    rows = index.matching(wanted).nonzero()[0].tolist()
    if len(rows) > MAX_SEARCHED:
        return []
    named = [index.ids[row] for row in rows if wanted in searchable(index.names[row])]
    return named if len(named) <= MAX_NAMED else []


def _view(entry: AuditEntry, sentence: str, wanted: str) -> AuditView:
    found = ""
    if wanted and wanted not in fold(sentence):
        texts = (entry.action, entry.subject, entry.detail)
        words = (re.search(rf"{_WORD}{re.escape(wanted)}{_WORD}", fold(text)) for text in texts)
        found = next((word[0] for word in words if word), "")
    return AuditView(
        entry.seq, entry.at, entry.actor, entry.action, entry.subject, entry.detail, sentence, found[:MAX_FOUND]
    )


def changed_log(
    book: Book, seen: int | None, containing: str, limit: int, known: Mapping[int, str] = NO_SENTENCES
) -> LogSnapshot | None:
    """A new result of `log_snapshot`; None when the book has not changed since `seen`, its number of changes then."""
    return None if book.version == seen else log_snapshot(book, containing, limit, known)


def _sentence(book: Book, entry: AuditEntry) -> str:
    """The sentence of an entry, preceded by the name of its client unless the sentence has the name."""
    sentence = audit_sentence(book, entry)
    account = book.accounts.get(_account_of(book, entry))
    return sentence if account is None or account.name in sentence else f"{account.name}: {sentence}"


def _account_of(book: Book, entry: AuditEntry) -> str:
    """The id of the account that an entry is about; empty if it is about none or several."""
    if entry.subject in book.accounts:
        return entry.subject
    detail = json.loads(entry.detail)
    if isinstance(detail, dict) and isinstance(detail.get("account"), str):
        return str(detail["account"])
    if entry.action.startswith("withdrawal."):
        try:
            return cash.withdrawal(book.database, entry.subject).account_id
        except NotFound:
            return ""
    if entry.action.startswith("journal."):
        journal = cash.journal(book.database, entry.subject)
        if journal is not None:
            return journal.to_account if journal.from_account == FIRM_ACCOUNT else journal.from_account
    return ""

"""Reports of a run, an account, a portfolio's accounts, or a whole book."""

from __future__ import annotations

from datetime import date

from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.text import fold
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.settings import Mode
from rebal_tui.services.queries.accounts import find_account
from rebal_tui.services.reports.account_days import account_section, by_day, evaluation_number
from rebal_tui.services.reports.audit_index import AuditIndex
from rebal_tui.services.reports.decision_entries import decision_entry
from rebal_tui.services.reports.model import AccountSection, AuditFoot, Report
from rebal_tui.services.reports.names import followed_name
from rebal_tui.services.reports.run_entries import run_entries
from rebal_tui.services.reports.texts import words
from rebal_tui.store import archives, audit, past_rows

_BROKERS = {
    Mode.SIMULATED: "a simulated broker",
    Mode.REPLAY: "a simulated broker over a price history",
    Mode.LIVE: "a real broker",
    Mode.FILES: "files of a custodian",
}
_EVERYTHING = "every evaluation, run, movement of cash or shares, and change of settings in the period"


def account_report(book: Book, text: str, first: date | None = None, last: date | None = None) -> Report:
    """The report of one account, found by id, number or words of its name. Raises `Invalid`."""
    account = find_account(book, text)
    trail = AuditIndex(book.database)
    section = account_section(book, account.account_id, first, last, trail)
    subject = f"{section.client} · {section.number}"
    return _report(book, "Account report", subject, first, last, (section,), _EVERYTHING)


def portfolio_report(book: Book, text: str, first: date | None = None, last: date | None = None) -> Report:
    """The report of every account that follows a portfolio, sorted by client.

    The portfolio is given by id or exact name. Raises `Invalid`.
    """
    found = [one for one in book.portfolios.values() if text in (one.id, one.name)]
    if len(found) != 1:
        known = ", ".join(sorted(one.name for one in book.portfolios.values())[:5])
        count = f"{len(found)} portfolios have that name; use the id" if found else f"no portfolio {text!r}"
        raise Invalid([Fault("portfolio", f"{count}; the book has {known or 'none'}")])
    ids = [book.account_table.ids[row] for row in book.subscription_table.rows_of(found[0].id)]
    return _of_accounts(book, "Portfolio report", found[0].name, ids, first, last)


def book_report(book: Book, first: date | None = None, last: date | None = None) -> Report:
    """The report of every account of a book, sorted by client."""
    return _of_accounts(book, "Book report", "all accounts", list(book.accounts), first, last)


def run_report(book: Book, run_id: str) -> Report:
    """The report of one run with the decision that created it. Raises `NotFound`."""
    run = past_rows.run(book.database, run_id)
    account = book.account(run.account_id)
    trail = AuditIndex(book.database)
    entries = run_entries(book, run_id, trail)
    decided = past_rows.decision_of_run(book.database, run_id)
    if decided is not None:
        database, stored = decided
        earlier = past_rows.latest_decisions(book.database, run.account_id, -1)
        previous = max((one.at for _, one in earlier if one.at < stored.at), default=None)
        number = evaluation_number(stored, trail)
        entries.insert(0, decision_entry(book, stored, database, audit=number, previous=previous))
    days, followed = by_day(entries), followed_name(book, run.account_id)
    section = AccountSection(run.account_id, account.account_number, account.name, followed, days)
    subject = f"{words(run.type)} {run.id[:8]} of {account.name} · {account.account_number}"
    content = f"run {run.id} only" + ("" if decided is None else ", with the evaluation that made it")
    return _report(book, "Run report", subject, days[0].day, days[-1].day, (section,), content)


def _of_accounts(book: Book, title: str, subject: str, ids: list[str], first: date | None, last: date | None) -> Report:
    trail = AuditIndex(book.database)
    ordered = sorted(ids, key=lambda one: (fold(book.accounts[one].name), one))
    sections = tuple(account_section(book, one, first, last, trail) for one in ordered)
    return _report(book, title, subject, first, last, sections, _EVERYTHING)


def _report(
    book: Book,
    title: str,
    subject: str,
    first: date | None,
    last: date | None,
    sections: tuple[AccountSection, ...],
    content: str,
) -> Report:
    seq, digest = audit.head(book.database)
    faults = audit.verify(book.database)
    foot = AuditFoot(seq, digest, faults[0] if faults else "")
    lacking = archives.problem(book.database)
    broker = _BROKERS[book.settings.mode]
    return Report(title, subject, content, first, last, book.now(), broker, foot, sections, lacking)

"""Commands that write files: reports, records of the whole book, and the last list."""

from __future__ import annotations

from datetime import date

from rebal_tui.domain.errors import Invalid, Refusal
from rebal_tui.plain.asking import HOW, NOTHING, ask_line, read_choice
from rebal_tui.plain.reading import find_portfolio, find_run
from rebal_tui.plain.session import Session
from rebal_tui.services.view_models.report_subject import ReportKind, ReportSubject
from rebal_tui.tui import formats
from rebal_tui.tui.screens.shared.export_choices import (
    ExportChoice,
    Reported,
    endings_text,
    file_name,
    read_target,
    replace_question,
    shown_rows,
    whole_book,
    write_choice,
)
from rebal_tui.tui.screens.shared.export_choices import report as report_choice
from rebal_tui.typed_paths import start_folder

LIST = "list"


async def report(session: Session, text: str) -> None:
    """Write a report to a file; `text` names an account, a portfolio, a run or the book."""
    if session.make_report is None:
        raise Invalid("Only a book in a file has reports")
    word, _, name = text.partition(" ")
    kind = read_choice(word, tuple(map(str, ReportKind)))
    if not word or kind not in tuple(ReportKind):
        raise Invalid(
            "Type report account and a name, report portfolio and a name, report run and a number, or report book"
        )
    reported = await _reported(session, ReportKind(kind), name.strip())
    await _write(session, report_choice(session.make_report, reported))


async def _reported(session: Session, kind: ReportKind, text: str) -> Reported:
    """The subject of a report; asks for its days."""
    if kind is ReportKind.RUN:
        run = await find_run(session, text)
        session.say(HOW)
        return Reported(ReportSubject(kind, run.id), f"run {formats.short_id(run.id)}")
    identity, name = "", "the whole book"
    if kind is ReportKind.ACCOUNT:
        account = await session.find_account(text)
        identity, name = account.account_id, account.client
    elif kind is ReportKind.PORTFOLIO:
        portfolio = await find_portfolio(session, text)
        identity, name = portfolio.id, portfolio.name
    session.say(f"Report of {name}. {HOW}")
    first = await _day(session, "First day", "the first of the book", None)
    last = await _day(session, "Last day", "today", first)
    return Reported(ReportSubject(kind, identity, first, last), name)


async def _day(session: Session, label: str, otherwise: str, first: date | None) -> date | None:
    """Ask for a day, not before `first`; None for only enter. Raises `Canceled`."""
    while True:
        answer = await ask_line(session, f"{label}, YYYY-MM-DD; only enter for {otherwise}")
        if not answer or answer.casefold() == NOTHING:
            return None
        try:
            day = date.fromisoformat(answer)
        except ValueError:
            session.refuse(f"{label}: expected a date such as 2026-03-16")
            continue
        if first is None or day >= first:
            return day
        session.refuse(f"{label}: expected {first} or later")


async def export(session: Session, text: str) -> None:
    """Write a file of the records of the whole book that `text` names, or, for `list`, of the rows of the last list."""
    from rebal_tui.services.maintenance.export import EXPORTS

    what = read_choice(text, (*EXPORTS, LIST))
    if what == LIST:
        if session.listed is None:
            raise Invalid("List accounts, desk, runs, portfolios or withdrawals first, then export list")
        choice = shown_rows(session.listed, session.listed.stem, session.listed.noun)
    elif what in EXPORTS:
        choice = whole_book(session, what)
    else:
        raise Invalid(f"Type export and one of {', '.join(EXPORTS)}, or export list for the rows of the last list")
    session.say(HOW)
    await _write(session, choice)


async def _write(session: Session, choice: ExportChoice) -> None:
    """Ask for the path of the file, and write it; an existing file is replaced only after confirmation."""
    proposed = start_folder() / file_name(choice)
    while True:
        answer = await ask_line(session, f"{endings_text(choice)}. Only enter for {proposed}")
        try:
            path, exists = read_target(choice, answer or str(proposed))
            if exists and await session.confirm(replace_question(path)) is None:
                return
            session.say(await write_choice(choice, path, lambda _done, _total: None))
        except Refusal as refusal:
            session.refuse_all(refusal)
        else:
            return

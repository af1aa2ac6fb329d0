"""What the screens of a files book show and ask for: a positions file before it is stored, and a trade list as text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from rebal_tui.broker.files.cells import as_of_in
from rebal_tui.broker.files.readers.generic import GenericReader, check_mapping, common_columns
from rebal_tui.broker.files.readers.options import NotPositions
from rebal_tui.broker.files.recognizer import UnknownFormat, read_statement
from rebal_tui.broker.files.statement import Statement
from rebal_tui.broker.files.trade_formats import FORMATS, WriteOptions
from rebal_tui.broker.files.trade_lines import masked_lines
from rebal_tui.domain.errors import Conflict, Fault, Invalid
from rebal_tui.domain.quantities import Money, qty_text
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.domain.text import count_text
from rebal_tui.engine.trace_text import money
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.files_settings import read_options, written_pairs
from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
from rebal_tui.services.files_book.by_hand import require_files
from rebal_tui.services.files_book.import_plan import ImportPlan, plan_import
from rebal_tui.services.files_book.importing import apply_import
from rebal_tui.services.files_book.moments import moment_of
from rebal_tui.services.files_book.other_files import FileShown, show_other_file
from rebal_tui.services.files_book.trade_list import make_list, note_written, trade_list, waiting_orders
from rebal_tui.services.runs.processing import process_runs

MAX_LINES = 500


@dataclass(frozen=True, slots=True)
class PositionsShown:
    """A positions file compared with the book, before it is stored, as text for the user.

    `text` is a summary; `lines` has one text for each account, each change and each row that was left out. `mapping`
    has the file's columns by field if the user chose them.
    """

    plan: ImportPlan
    text: str
    lines: tuple[str, ...]
    mapping: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class OpenQuestions:
    """What the user must add before a positions file can be read: which columns to read, or only its date.

    `columns` are the file's columns, empty when only the date is missing. `suggested` has a column for each field,
    found by common column names.
    """

    columns: tuple[str, ...]
    suggested: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class WrittenList:
    """A trade list as text, with its number, the number of its lines, and a note for the user."""

    number: int
    lines: int
    text: str
    note: str


def examine(book: Book, content: bytes, file_name: str = "") -> PositionsShown | FileShown | OpenQuestions:
    """Recognize and read a file of positions, transactions or prices; nothing is stored.

    Raises a `Refusal` naming each fault.
    """
    require_files(book)
    try:
        statement = read_statement(content, read_options(book.database))
    except (NotPositions, UnknownFormat) as error:
        other = show_other_file(book, content, file_name)
        if other is not None:
            return other
        if not isinstance(error, UnknownFormat) or not error.columns:
            raise
        return OpenQuestions(error.columns, common_columns(error.columns))
    if statement.as_of is None:
        return OpenQuestions((), {})
    return show_statement(book, statement)


def read_mapped(book: Book, content: bytes, mapping: Mapping[str, str] | None) -> Statement:
    """Read a positions file; `mapping` has the file's columns by field, None if the format of the file is recognized.

    Raises `Invalid`.
    """
    require_files(book)
    if mapping is None:
        return read_statement(content, read_options(book.database))
    return read_statement(content, read_options(book.database, check_mapping(mapping)), GenericReader.name)


def _account_lines(plan: ImportPlan) -> list[str]:
    """Number, client, cash and positions of each account of a file, in columns, as the import would leave them."""
    names = plan.shown_names
    rows = [
        (one.number, names[one.key], f"cash {money(one.cash)}", count_text(len(one.holdings), "position"))
        for one in plan.statement.accounts
    ]
    number, name, cash = (max((len(row[at]) for row in rows), default=0) for at in range(3))
    return [f"{row[0]:{number}}  {row[1]:{name}}  {row[2]:>{cash}}  {row[3]}" for row in rows]


def show_statement(
    book: Book, statement: Statement, mapping: Mapping[str, str] | None = None, date: str = ""
) -> PositionsShown:
    """Compare a positions file with the book; nothing is stored. `date` is used only if the file has none.

    `mapping` is the one with which the file was read. Raises `Invalid` for the field `date`, and the errors of
    `plan_import`.
    """
    plan = plan_import(book, statement, as_of=_given_time(book, date) if statement.as_of is None else None)
    lines = _account_lines(plan)
    lines += [f"{stated.number}  renamed: {before} → {after}" for stated, before, after in plan.renames]
    for stated, change in plan.changes.values():
        lines += [
            f"{stated.number}  {one.symbol} {qty_text(one.before)} → {qty_text(one.after)} shares: "
            + (
                "unexplained, pauses the account until you release it"
                if one.unexplained
                else "filled as on the trade list"
            )
            for one in change.symbols
        ]
        if change.flow:
            more, booked = ("more", "paid in") if change.flow > 0 else ("less", "paid out")
            amount = money(Money(abs(change.flow)))
            lines.append(f"{stated.number}  {amount} {more} cash than fills explain: booked as {booked}")
    lines += [f"{account.account_number}  is not in the file and stays as it is" for account in plan.missing]
    lines += [
        f"line {row.line}  left out: {row.reason}" + (f", {money(row.amount)}" if row.amount is not None else "")
        for row in statement.left_out
        if row.matters
    ]
    cash = sorted({line.text for account in statement.accounts for line in account.cash_lines if line.text})
    if cash:
        lines.append(f"Symbols counted as cash: {', '.join(cash[:20])}")
    text = f"Format {statement.format}, as of {plan.as_of.astimezone(NEW_YORK):%Y-%m-%d %H:%M}. {plan.text}"
    return PositionsShown(plan, " ".join([text, *statement.notes]), tuple(lines[:MAX_LINES]), mapping)


def _given_time(book: Book, text: str) -> datetime:
    """The time that a user gave: a date, or a date with a time in New York. Raises `Invalid` for the field `date`."""
    found = as_of_in(text)
    if found is None:
        raise Invalid([Fault("date", "the file has no date: expected one such as 2026-11-27 or 2026-11-27 16:00")])
    return moment_of(book, found)


def store_positions(book: Book, shown: PositionsShown) -> str:
    """Import the positions file that was shown, evaluate all accounts, and return what was done as text.

    Raises `Conflict` when the book has changed since the file was shown.
    """
    plan = plan_import(book, shown.plan.statement, as_of=shown.plan.as_of)
    if plan.text != shown.plan.text:
        raise Conflict("the book changed since the file was shown; open it again")
    apply_import(book, plan, shown.mapping)
    if not plan.known:
        evaluation_pass(book, explain=False)
    process_runs(book)
    return plan.text.rstrip(".")


def check_list(book: Book) -> None:
    """Raise `Conflict` if no approved order waits for a trade list, or if this is no files book."""
    require_files(book)
    waiting_orders(book)


def write_list(book: Book, form: str, file: str) -> WrittenList:
    """Put the approved orders on a new trade list; returns its text in the format `form`, to be saved under `file`.

    Raises `Conflict` if there is no approved order.
    """
    require_files(book)
    if form not in FORMATS:
        raise Conflict(f"expected one of {', '.join(FORMATS)}")
    with book.write():
        number = make_list(book)
        made = trade_list(book, number)
        text = FORMATS[form].write(made, WriteOptions(pairs=written_pairs(book.database)))
        note_written(book, number, form, file)
    masked = masked_lines(made.lines)
    note = f"; {count_text(masked, 'line')} have a label for an account number" if masked else ""
    return WrittenList(number, len(made.lines), text, note)

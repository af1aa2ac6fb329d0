"""What the screens of a files book ask for: a positions file shown before it is stored, and a trade list as text."""

from __future__ import annotations

from dataclasses import dataclass

from rebal_tui.broker.files.recognizer import read_statement
from rebal_tui.broker.files.trade_formats import FORMATS, WriteOptions
from rebal_tui.broker.files.trade_lines import masked_lines
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.quantities import money_text, qty_text
from rebal_tui.domain.text import count_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.files_settings import read_options
from rebal_tui.services.book.settings import Mode
from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
from rebal_tui.services.files_book.import_plan import ImportPlan, plan_import
from rebal_tui.services.files_book.importing import apply_import
from rebal_tui.services.files_book.trade_list import make_list, note_written, trade_list
from rebal_tui.services.runs.processing import process_runs

MAX_LINES = 500


@dataclass(frozen=True, slots=True)
class PositionsShown:
    """A positions file as understood: a sentence, and a line for each account, change and row left out."""

    plan: ImportPlan
    text: str
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WrittenList:
    """A trade list as text, with its number, the number of its lines, and a note for the person."""

    number: int
    lines: int
    text: str
    note: str


def show_positions(book: Book, content: bytes) -> PositionsShown:
    """Read a positions file and compare it with the book; nothing is stored. Raises a `Refusal` naming each fault."""
    _require_files(book)
    statement = read_statement(content, read_options(book.database))
    plan = plan_import(book, statement)
    lines = [
        f"{account.number}  {account.name or ''}  cash {money_text(account.cash)}, "
        f"{count_text(len(account.holdings), 'position')}"
        for account in statement.accounts
    ]
    for stated, change in plan.changes.values():
        lines += [
            f"{stated.number}  {one.symbol} {qty_text(one.before)} → {qty_text(one.after)}: "
            + ("to be looked at" if one.unexplained else "a fill of the list")
            for one in change.symbols
        ]
        if change.flow:
            lines.append(f"{stated.number}  cash: a flow of {money_text(change.flow)}")
    lines += [f"{account.account_number}  is not in the file and stays as it is" for account in plan.missing]
    lines += [
        f"line {row.line}  left out: {row.reason}"
        + (f", {money_text(row.amount)} dollars" if row.amount is not None else "")
        for row in statement.left_out
        if row.matters
    ]
    date = statement.as_of.isoformat() if statement.as_of else "without a date"
    text = f"{statement.format}, {date}. {plan.text} {' '.join(statement.notes)}".strip()
    return PositionsShown(plan, text, tuple(lines[:MAX_LINES]))


def store_positions(book: Book, shown: PositionsShown) -> str:
    """Import what was shown, and evaluate. Raises `Conflict` when the book has changed since."""
    plan = plan_import(book, shown.plan.statement, as_of=shown.plan.as_of)
    if plan.text != shown.plan.text:
        raise Conflict("the book changed since the file was shown; open it again")
    apply_import(book, plan)
    if not plan.known:
        evaluation_pass(book, explain=False)
    process_runs(book)
    return plan.text.rstrip(".")


def write_list(book: Book, form: str) -> WrittenList:
    """Put the approved orders on a new list and write it in a format. Raises `Conflict` without such an order."""
    _require_files(book)
    if form not in FORMATS:
        raise Conflict(f"expected one of {', '.join(FORMATS)}")
    with book.write():
        number = make_list(book)
        made = trade_list(book, number)
        text = FORMATS[form].write(made, WriteOptions())
        note_written(book, number, form)
    masked = masked_lines(made.lines)
    note = f"; {count_text(masked, 'line')} have a label for an account number" if masked else ""
    return WrittenList(number, len(made.lines), text, note)


def _require_files(book: Book) -> None:
    if book.settings.mode is not Mode.FILES:
        raise Conflict("this is not a files book; create one with  rebal-tui import positions.csv --db FILE")

"""Questions about a positions file whose columns are not recognized, or whose date is missing (R-71)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from rebal_tui.broker.files.statement import Statement
from rebal_tui.services.book.book import Book
from rebal_tui.services.files_book.dialogs import OpenQuestions
from rebal_tui.tui.book_services import files_dialogs
from rebal_tui.tui.screens.shared.form import Field, FormScreen, Proposal, Values
from rebal_tui.tui.segments import Line, paragraph
from rebal_tui.tui.widgets.lines import Builder

QUESTION = "Import these positions?"
_COLUMNS = {
    "account": "Account", "symbol": "Symbol", "quantity": "Quantity", "price": "Price", "value": "Value",
    "name": "Client", "description": "Security", "type": "Type", "as_of": "Date column",
}  # fmt: skip
_NEEDED = ("account", "symbol", "quantity")


def questions_form(content: bytes, questions: OpenQuestions) -> FormScreen:
    """Create the form that asks for the columns of an unrecognized table, and for the date if the file has none.

    The form shows the positions as read with the answers given so far.
    """
    read: dict[tuple[tuple[str, str], ...], Statement] = {}

    def propose(book: Book, values: Values) -> Proposal:
        mapping = {key: values[key].strip() for key in _COLUMNS if values.get(key, "").strip()}
        used = mapping if questions.columns else None
        key = tuple(mapping.items()) if used is not None else ()
        if key not in read:
            read.clear()
            read[key] = files_dialogs.read_mapped(book, content, used)
        shown = files_dialogs.show_statement(book, read[key], used, values["date"])
        store = partial(files_dialogs.store_positions, shown=shown)
        return Proposal(text_lines([shown.text, *shown.lines]), QUESTION, shown.text, "Import", store, "Imported")

    fields = [
        Field(key, label, questions.suggested.get(key, ""), _hint(key), questions.columns, _help(label))
        for key, label in _COLUMNS.items()
        if questions.columns
    ]
    date = Field("date", "Date", hint="2026-11-27 or 2026-11-27 16:00")
    blame = "account" if questions.columns else "date"
    return FormScreen("Which column is what?" if fields else "Date of these positions", [*fields, date], propose,
                      blame=blame)  # fmt: skip


def _hint(key: str) -> str:
    return "a column of the file" if key in _NEEDED else "a column, or empty"


def _help(label: str) -> str:
    return f"The heading of the file's column with “{label}”, as in its first line; right completes."


def text_lines(texts: Sequence[str]) -> Builder:
    """Build one paragraph for each line of text."""

    def build(width: int, _height: int) -> Sequence[Line]:
        return [part for text in texts for part in paragraph(text, width)]

    return build

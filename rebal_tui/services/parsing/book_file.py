"""BOOK.json, a complete book in one file, which is validated in full before it is used.

The models are loaded when a file is read, because importing pydantic would slow down opening a book.
"""

from __future__ import annotations

from typing import Any

from rebal_tui.services.parsing.book_values import BookFile
from rebal_tui.services.parsing.exact_json import read_json


def book_schema() -> dict[str, Any]:
    """The JSON Schema of a BOOK.json. `parse_book` checks what a schema cannot express, such as the sum of weights."""
    from rebal_tui.services.parsing import book_shape

    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **book_shape.BookFile.model_json_schema()}


def parse_book(text: str | bytes) -> BookFile:
    """Parse a BOOK.json, with numbers as exact decimals.

    Raises `Invalid` with up to 1,000 errors of the file and their locations, and the number of further errors.
    """
    from rebal_tui.services.parsing import book_names, book_shape
    from rebal_tui.services.parsing.shapes import read

    names = book_names.Names()
    return read(book_shape.BookFile, read_json(text, "the file"), names).book(names)

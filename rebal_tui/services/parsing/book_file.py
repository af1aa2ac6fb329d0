"""BOOK.json: a whole book in one file, read exactly and checked whole before anything is made of it.

The models are loaded when a file is read, not before: pydantic would hold up the opening of a book.
"""

from __future__ import annotations

from typing import Any

from rebal_tui.services.parsing.book_values import BookFile
from rebal_tui.services.parsing.exact_json import read_json


def book_schema() -> dict[str, Any]:
    """The JSON Schema of a BOOK.json. What it cannot say, such as that weights sum to 100, `parse_book` checks."""
    from rebal_tui.services.parsing import book_shape

    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **book_shape.BookFile.model_json_schema()}


def parse_book(text: str | bytes) -> BookFile:
    """A BOOK.json read exactly.

    Raises `Invalid` with every fault of the file and its location, up to 1,000, then how many more there are.
    """
    from rebal_tui.services.parsing import book_names, book_shape
    from rebal_tui.services.parsing.shapes import read

    return read(book_shape.BookFile, read_json(text, "the book"), book_names.Names()).book()

"""Plain-text tables and amounts, which read the same in a terminal and in a file."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from rebal_tui.domain.quantities import CENT, Value, value_cents


def plain_table(header: Sequence[str] | None, rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, two spaces apart; the last column is not padded."""
    lines = [*([header] if header else []), *rows]
    if not lines:
        return ""
    widths = [max(_width(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "".join(
        "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True)).rstrip() + "\n"
        for line in lines
    )


def dollars(value: Value) -> str:
    """Dollars such as `$103,250.17`, to the nearest cent."""
    cents = value_cents(value) // CENT
    return f"{'-' if cents < 0 else ''}${abs(cents) // 100:,}.{abs(cents) % 100:02d}"


def _width(text: str) -> int:
    """The width of a text in terminal cells."""
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text
    )

"""The decimal mark of a whole file, decided once from all cells, never row by row."""

from __future__ import annotations

import re
from collections.abc import Sequence

from rebal_tui.broker.files.cells import attos, plain_number
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import ATTO

_COMMA_ONLY = re.compile(r".*[0-9]?(?:\.[0-9]{3})*,(?:[0-9]{1,2}|[0-9]{4,})\D*|[0-9.]*\.[0-9]{3},[0-9]*\D*", re.ASCII)
_POINT_ONLY = re.compile(r".*[0-9]?(?:,[0-9]{3})*\.(?:[0-9]{1,2}|[0-9]{4,})\D*|[0-9,]*,[0-9]{3}\.[0-9]*\D*", re.ASCII)
_AMBIGUOUS = re.compile(r"\D*[0-9]{1,3}[.,][0-9]{3}\D*", re.ASCII)

Triple = tuple[str, str, str]
"""The cells of quantity, price and value of one row."""


def decimal_mark(rows: Sequence[Triple]) -> str:
    """`.` or `,`. Raises `Invalid` when the cells contradict each other or do not determine it."""
    cells = [cell for row in rows for cell in row]
    comma = next((cell for cell in cells if _COMMA_ONLY.fullmatch(cell)), None)
    point = next((cell for cell in cells if _POINT_ONLY.fullmatch(cell)), None)
    if comma is not None and point is not None:
        raise Invalid(f"the numbers '{comma[:30]}' and '{point[:30]}' have different decimal marks; expected one")
    if comma is not None or point is not None:
        return "." if comma is None else ","
    if not any(_AMBIGUOUS.fullmatch(cell) for cell in cells):
        return "."
    proofs = {mark: sum(_proves(row, mark) for row in rows) for mark in ".,"}
    best = max(proofs, key=lambda mark: proofs[mark])
    if not proofs[best] or proofs["."] == proofs[","]:
        raise Invalid(
            'the decimal mark of the file is ambiguous, as in 1.250; name it in the mapping as "decimal": "." or ","'
        )
    return best


def _proves(row: Triple, mark: str) -> bool:
    try:
        plain = [plain_number(cell, mark) for cell in row]
    except ValueError:
        return False
    quantity, price, value = plain
    if quantity is None or price is None or value is None:
        return False
    try:
        return abs(attos(quantity) * attos(price) - attos(value) * ATTO) <= ATTO * ATTO // 100
    except ValueError:
        return False

"""The decimal mark of a whole file, determined once from all its cells, not row by row."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rebal_tui.broker.files.cells import MAX_DIGITS, attos, plain_number
from rebal_tui.domain.errors import Invalid
from rebal_tui.domain.quantities import ATTO

_COMMA_ONLY = re.compile(r".*[0-9]?(?:\.[0-9]{3})*,(?:[0-9]{1,2}|[0-9]{4,})\D*|[0-9.]*\.[0-9]{3},[0-9]*\D*", re.ASCII)
_POINT_ONLY = re.compile(r".*[0-9]?(?:,[0-9]{3})*\.(?:[0-9]{1,2}|[0-9]{4,})\D*|[0-9,]*,[0-9]{3}\.[0-9]*\D*", re.ASCII)
_COMMA_ZERO, _POINT_ZERO = re.compile(r"\D*0,[0-9]+\D*", re.ASCII), re.compile(r"\D*0\.[0-9]+\D*", re.ASCII)
_AMBIGUOUS = re.compile(r"\D*[0-9]{1,3}[.,][0-9]{3}\D*", re.ASCII)

Triple = tuple[str, str, str]
"""The cells of quantity, price and value of one row."""
IN_THE_MAPPING = 'in the mapping as "decimal": "." or ","'
BY_OPTION = "with --decimal . or --decimal ,"
_MAX_LENGTH = 2 * MAX_DIGITS
"""Longer cells are no numbers."""


def decimal_mark(rows: Sequence[Triple], others: Iterable[str] = (), *, name_it: str = IN_THE_MAPPING) -> str:
    """The decimal mark of a file: `.` or `,`.

    `rows` has the cells of quantity, price and value of each row; `others` are further cells with numbers. `name_it` is
    the part of the error message that explains how a person can set the mark. Raises `Invalid` when the cells
    contradict each other or do not determine it.
    """
    cells = [cell for row in (*rows, others) for cell in row if len(cell) <= _MAX_LENGTH]
    comma = _first(cells, ",", _COMMA_ONLY, _COMMA_ZERO)
    point = _first(cells, ".", _POINT_ONLY, _POINT_ZERO)
    if comma is not None and point is not None:
        raise Invalid(f"the numbers '{comma[:30]}' and '{point[:30]}' have different decimal marks; expected one")
    if comma is not None or point is not None:
        return "." if comma is None else ","
    if not any(_AMBIGUOUS.fullmatch(cell) for cell in cells):
        return "."
    proofs = {mark: sum(_proves(row, mark) for row in rows) for mark in ".,"}
    best = max(proofs, key=lambda mark: proofs[mark])
    if not proofs[best] or proofs["."] == proofs[","]:
        raise Invalid(f"the decimal mark of the file is ambiguous, as in 1.250; name it {name_it}")
    return best


def _first(cells: Sequence[str], mark: str, *patterns: re.Pattern[str]) -> str | None:
    """The first cell in which `mark` can only be a decimal mark; None when there is none."""
    return next((one for one in cells if mark in one and any(p.fullmatch(one) for p in patterns)), None)


def _proves(row: Triple, mark: str) -> bool:
    try:
        plain = [plain_number(cell, mark) for cell in row]
    except ValueError:
        return False
    quantity, price, value = plain
    if quantity is None or price is None or value is None:
        return False
    try:
        exact, stated = abs(attos(quantity) * attos(price)), abs(attos(value)) * ATTO
    except ValueError:
        return False
    # Fees and rounding are far below a percent; another mark changes a figure a thousandfold.
    return abs(exact - stated) * 100 <= stated + ATTO * ATTO

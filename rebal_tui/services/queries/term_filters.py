"""Evaluation of the terms of a filter, such as `drift>5`, over the arrays of a list."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rebal_tui.domain.text import searchable
from rebal_tui.services.view_models.filter_terms import Term

Flags = NDArray[np.bool_]
_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq, ":": operator.eq,
}  # fmt: skip
_LIMIT = 2**63 - 1


def number_matches(term: Term, values: NDArray[Any], scale: int, *, size: bool = False) -> Flags:
    """By row, whether its integer in `values` fulfills a term; `scale` is the integer that means 1 in the term's unit.

    With `size`, absolute values are compared, unless the number of the term is negative. The comparison is exact.
    """
    wanted = term.number * scale
    values = np.abs(values) if size and term.number >= 0 else values
    whole = int(wanted.to_integral_value(ROUND_FLOOR))
    if Decimal(whole) != wanted:
        # No integer equals the limit: compare with the next one on its side.
        if term.operator in ("=", ":"):
            return np.zeros(len(values), np.bool_)
        up = term.operator in ("<", ">=")
        whole = int(wanted.to_integral_value(ROUND_CEILING)) if up else whole
    return np.asarray(_OPERATORS[term.operator](values, max(-_LIMIT, min(whole, _LIMIT))))


def text_matches(term: Term, texts: Sequence[str], codes: NDArray[Any]) -> Flags:
    """By row, whether its text contains the value of a term, or equals it with the operator `=`.

    `codes` has the index in `texts` of the text of each row.
    """
    folded = [searchable(text) for text in texts]
    hits = [text == term.value if term.operator == "=" else term.value in text for text in folded]
    return np.asarray(np.array(hits or [False], np.bool_)[codes])

"""Which rows a table shows, and in which order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

R = TypeVar("R")


def arrange(
    rows: Sequence[R],
    accept: Callable[[R], bool] | None,
    search: Callable[[R], str] | None,
    text: str,
    order: Callable[[R], Any] | None,
    reverse: bool,
) -> list[R]:
    """The accepted rows that hold every word of `text`, whatever its case, in order. Equal rows keep theirs."""
    kept = list(rows) if accept is None else [row for row in rows if accept(row)]
    needles = text.casefold().split()
    if needles and search is not None:
        kept = [row for row in kept if _holds(search(row).casefold(), needles)]
    if order is not None:
        kept.sort(key=order, reverse=reverse)
    elif reverse:
        kept.reverse()
    return kept


def _holds(text: str, needles: Sequence[str]) -> bool:
    return all(needle in text for needle in needles)

"""Table columns and their layout for a given width."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from rebal_tui.tui.segments import Line, fit, fit_line
from rebal_tui.tui.text import printable

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    """A table column. `cell` returns text or styled segments.

    Columns of `priority` 0 are always shown; when the width is too small, those with the highest priority are hidden
    first. `grow` is the column's share of spare width, up to `max_width` cells. `sort` returns the sort key of a row,
    and `descending` is the initial direction.
    """

    key: str
    title: str
    width: int
    cell: Callable[[R], str | Line]
    align: str = "left"
    priority: int = 0
    sort: Callable[[R], Any] | None = None
    descending: bool = False
    grow: int = 0
    max_width: int = 40


@dataclass(frozen=True, slots=True)
class PlacedColumn(Generic[R]):
    """A column with its position: `width` cells starting at cell `at`, after a gap of `gap` cells."""

    column: Column[R]
    at: int
    width: int
    gap: int


NO_WIDTHS: Mapping[str, int] = MappingProxyType({})
GAP = 2
EDGE = 1


def lay_out_columns(
    columns: Sequence[Column[R]], width: int, widest: Mapping[str, int] = NO_WIDTHS
) -> tuple[PlacedColumn[R], ...]:
    """Return the columns that fit `width` cells, widened by spare width. Columns of priority 0 are always included.

    `widest` has the cells that the longest text of a column needs; a column does not grow beyond that.
    """
    limits = {column.key: min(column.max_width, widest.get(column.key, column.max_width)) for column in columns}
    shown = list(columns)
    while shown and _needed(shown) > width:
        droppable = max((column.priority for column in shown), default=0)
        if droppable == 0:
            break
        last = max(index for index, column in enumerate(shown) if column.priority == droppable)
        del shown[last]
    for column in sorted(columns, key=lambda column: column.priority):
        if column not in shown and _needed([*shown, column]) <= width:
            shown.append(column)
    shown.sort(key=columns.index)
    widths = [column.width for column in shown]
    spare = width - _needed(shown)
    while spare > 0:
        growing = [i for i, column in enumerate(shown) if column.grow and widths[i] < limits[column.key]]
        if not growing:
            break
        for index in growing:
            step = min(shown[index].grow, spare, limits[shown[index].key] - widths[index])
            widths[index] += step
            spare -= step
    placed: list[PlacedColumn[R]] = []
    at = 0
    for index, (column, size) in enumerate(zip(shown, widths, strict=True)):
        gap = EDGE if index == 0 else GAP
        placed.append(PlacedColumn(column, at + gap, size, gap))
        at += gap + size
    return tuple(placed)


def _needed(columns: Sequence[Column[R]]) -> int:
    return sum(column.width for column in columns) + GAP * max(len(columns) - 1, 0) + EDGE * 2


def cell_of(placed: PlacedColumn[R], row: R) -> Line:
    """The content of a cell, as wide as its column."""
    content = placed.column.cell(row)
    if isinstance(content, str):
        return ((fit(content, placed.width, placed.column.align), ""),)
    if len(content) == 1:
        text, style_name = content[0]
        return ((fit(text, placed.width, placed.column.align), style_name),)
    return fit_line(tuple((printable(text), style_name) for text, style_name in content), placed.width)

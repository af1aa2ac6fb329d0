"""Table columns and their layout for a given width."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Generic, TypeVar

from rich.cells import cell_len

from rebal_tui.tui.segments import Line, TextSegment, fit, fit_line
from rebal_tui.tui.text import printable

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Column(Generic[R]):
    """A table column. `cell` returns text or styled segments.

    Widths are in cells. When the table is too narrow, columns with the largest `priority` number are hidden first;
    those of priority 0 never. Columns of `LOW_PRIORITY` or higher are shown only if the texts of `whole` columns, such
    as names, fit without being cut. Spare width is divided in proportion to `grow`; no column gets wider than its
    `max_width`. `sort` returns the sort key of a row; `descending` is the initial direction, `directions` names both,
    the ascending one first. `plain` returns the text to export if it is not the text of `cell`, as for a bar. An
    `exported` column is in every export, even when it does not fit on the screen. `unit` is the unit at the end of each
    figure; in an export, the unit is in the column's title, so that the figures are numbers. A text that `spills` goes
    on over the next column in rows whose cell there is empty.
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
    whole: bool = False
    plain: Callable[[R], str] | None = None
    exported: bool = False
    unit: str = ""
    spills: bool = False
    directions: tuple[str, str] = ("ascending", "descending")


@dataclass(frozen=True, slots=True)
class PlacedColumn(Generic[R]):
    """A column with its position: `width` cells starting at cell `at`, after a gap of `gap` cells."""

    column: Column[R]
    at: int
    width: int
    gap: int


NO_WIDTHS: Mapping[str, int] = MappingProxyType({})
LOW_PRIORITY = 5
MAX_MEASURED_ROWS = 1_000
"""How many rows of a list are measured for the longest text of a column."""
MAX_BUILT_ROWS = 20
"""How many rows are measured if each has to be built for that, as with `Columnar` rows."""
GAP = 2
EDGE = 1


def available(
    columns: Sequence[Column[R]], chosen: Collection[str] | None, hidden: Collection[str]
) -> tuple[Column[R], ...]:
    """Return the columns whose keys are in `chosen`, and those without a title. If `chosen` is None, return all but
    those in `hidden`.
    """
    if chosen is None:
        return tuple(column for column in columns if column.key not in hidden)
    return tuple(column for column in columns if not column.title or column.key in chosen)


def widest_texts(columns: Sequence[Column[R]], rows: Sequence[R]) -> dict[str, int]:
    """Return the width in cells of each column's longest text, by column key; empty without rows.

    Only the first `MAX_MEASURED_ROWS` rows are measured. Columns of a fixed width that are not aligned to the right are
    measured only if a column whose texts should not be cut (`whole`) can use their spare width, and only if all rows
    are measured.
    """
    shown = rows[:MAX_MEASURED_ROWS]
    if not shown:
        return {}
    every = len(rows) <= MAX_MEASURED_ROWS and any(column.whole for column in columns)
    measured = (column for column in columns if every or column.whole or column.grow or column.align == "right")
    return {column.key: max(map(cell_len, _texts(column, shown)), default=0) for column in measured}


def _texts(column: Column[R], rows: Sequence[R]) -> Iterator[str]:
    for row in rows:
        yield _text(column.cell(row))


def _text(content: str | Line) -> str:
    return content if isinstance(content, str) else "".join(text for text, _ in content)


def lay_out_columns(
    columns: Sequence[Column[R]], width: int, widest: Mapping[str, int] = NO_WIDTHS, *, names_first: bool = True
) -> tuple[PlacedColumn[R], ...]:
    """Return the columns that fit into `width` cells, with spare width given to them.

    Columns of priority 0 are always included; of the others, those with larger numbers are left out first. A
    `whole` column has texts that should not be cut, such as names. `widest` has the width in cells of a column's
    longest text, by column key. A column that can grow does not grow beyond that width, and shrinks to it, but not
    below the width of its title. Spare width goes to `whole` columns first, then to other columns whose texts are
    cut, last to columns without an entry in `widest`. If the text of a `whole` column is still cut, the column
    takes the width that the texts of other columns do not need, and the blank cell at the right edge if no more is
    missing. With `names_first`, `whole` columns get the full width of their texts before columns of `LOW_PRIORITY` or
    a larger number are added.
    """
    base = {column.key: _base_width(column, widest) for column in columns}
    limits = {column.key: min(column.max_width, widest.get(column.key, column.max_width)) for column in columns}
    wanted = dict(base)
    if names_first:
        wanted |= {column.key: limits[column.key] for column in columns if column.whole and column.key in widest}
    shown = [column for column in columns if column.priority < LOW_PRIORITY]
    for column in sorted(columns, key=lambda column: column.priority):
        if column.priority >= LOW_PRIORITY and _needed([*shown, column], wanted) <= width:
            shown.append(column)
    shown.sort(key=columns.index)
    while shown and _needed(shown, base) > width:
        droppable = max((column.priority for column in shown), default=0)
        if droppable == 0:
            break
        last = max(index for index, column in enumerate(shown) if column.priority == droppable)
        del shown[last]
    for column in sorted(columns, key=lambda column: column.priority):
        if column not in shown and column.priority < LOW_PRIORITY and _needed([*shown, column], base) <= width:
            shown.append(column)
    shown.sort(key=columns.index)
    widths = [base[column.key] for column in shown]
    spare = width - _needed(shown, base)
    while spare > 0:
        growing = [i for i, column in enumerate(shown) if column.grow and widths[i] < limits[column.key]]
        if not growing:
            break
        cut = [i for i in growing if shown[i].key in widest]
        growing = [i for i in cut if shown[i].whole] or cut or growing
        for index in growing:
            step = min(shown[index].grow, spare, limits[shown[index].key] - widths[index])
            widths[index] += step
            spare -= step
    _take_unused(shown, widths, limits, widest)
    _take_edge(shown, widths, limits, widest)
    placed: list[PlacedColumn[R]] = []
    at = 0
    for index, (column, size) in enumerate(zip(shown, widths, strict=True)):
        gap = EDGE if index == 0 else GAP
        placed.append(PlacedColumn(column, at + gap, size, gap))
        at += gap + size
    return tuple(placed)


def _take_unused(
    columns: Sequence[Column[Any]], widths: list[int], limits: Mapping[str, int], widest: Mapping[str, int]
) -> None:
    """Give `whole` columns that are cut the width that other columns do not use for their texts and titles."""
    for taker, column in enumerate(columns):
        if not column.whole or column.key not in widest:
            continue
        for giver, other in enumerate(columns):
            used = max(widest.get(other.key, widths[giver]), cell_len(other.title) + 1)
            moved = min(limits[column.key] - widths[taker], widths[giver] - used)
            if moved > 0:
                widths[taker] += moved
                widths[giver] -= moved


def _take_edge(
    columns: Sequence[Column[Any]], widths: list[int], limits: Mapping[str, int], widest: Mapping[str, int]
) -> None:
    """Give the blank cell at the right edge to the first `whole` column that is cut by no more than that."""
    for taker, column in enumerate(columns):
        if column.whole and column.key in widest and 0 < limits[column.key] - widths[taker] <= EDGE:
            widths[taker] = limits[column.key]
            return


def _base_width(column: Column[Any], widest: Mapping[str, int]) -> int:
    """A column's width before spare width is given out; the title needs a cell more, for the mark of the sort order.

    A column that neither grows nor is aligned to the right keeps its width.
    """
    if not (column.whole or column.grow or column.align == "right"):
        return column.width
    return min(column.width, max(widest.get(column.key, column.width), cell_len(column.title) + 1))


def _needed(columns: Sequence[Column[R]], base: Mapping[str, int]) -> int:
    return sum(base[column.key] for column in columns) + GAP * max(len(columns) - 1, 0) + EDGE * 2


def full_width(columns: Sequence[Column[R]], widest: Mapping[str, int]) -> int:
    """Return the width in cells of a table that cuts no text; `widest` is as in `lay_out_columns`."""
    base = {column.key: _base_width(column, widest) for column in columns}
    limits = {column.key: min(column.max_width, widest.get(column.key, 0)) for column in columns if column.grow}
    return _needed(columns, {key: max(size, limits.get(key, 0)) for key, size in base.items()})


def column_at(columns: Sequence[PlacedColumn[R]], x: int) -> Column[R] | None:
    """Return the column that covers cell `x` of a line, or that ends just before this cell; None if there is no such
    column.
    """
    return next((placed.column for placed in columns if placed.at <= x <= placed.at + placed.width), None)


def drawn_columns(columns: Sequence[PlacedColumn[R]]) -> tuple[PlacedColumn[R], ...]:
    """Return the columns by which rows are drawn: a column whose text may continue over the next column (`spills`)
    is joined with it.
    """
    drawn: list[PlacedColumn[R]] = []
    for placed in columns:
        if drawn and drawn[-1].column.spills:
            drawn[-1] = _joined(drawn[-1], placed)
        else:
            drawn.append(placed)
    return tuple(drawn)


def _joined(first: PlacedColumn[R], second: PlacedColumn[R]) -> PlacedColumn[R]:
    def cell(row: R) -> str | Line:
        content, after = first.column.cell(row), second.column.cell(row)
        if not _text(after) and cell_len(_text(content)) > first.width:
            return content
        return (*fit_cell(first, content), (" " * second.gap, ""), *fit_cell(second, after))

    column = replace(first.column, cell=cell, spills=False)
    return PlacedColumn(column, first.at, second.at + second.width - first.at, first.gap)


def header_line(columns: Sequence[PlacedColumn[Any]], sort: str | None, reverse: bool) -> Line:
    """Return the titles of the columns as a line; `▲` or `▼` marks the column that the rows are sorted by.

    The mark is never cut away: after a title as wide as its column or wider, it takes a cell of the gap.
    """
    segments: list[TextSegment] = []
    taken = 0
    for placed in columns:
        column, width, gap, style = placed.column, placed.width, placed.gap - taken, ""
        title, taken = column.title, 0
        if column.key == sort:
            style, mark = "key", "▼" if reverse else "▲"
            beside = int(cell_len(title) >= width)
            title = fit(title, width) if beside else title
            title = f"{mark}{title}" if column.align == "right" else f"{title}{mark}"
            width += beside
            gap, taken = (gap - beside, 0) if column.align == "right" else (gap, beside)
        segments += ((" " * gap, ""), (fit(title, width, column.align), style))
    return tuple(segments)


def fit_cell(placed: PlacedColumn[Any], content: str | Line) -> Line:
    """Return the content of a cell, padded or truncated to the width of its column."""
    if isinstance(content, str):
        return ((fit(content, placed.width, placed.column.align), ""),)
    if len(content) == 1:
        text, style_name = content[0]
        return ((fit(text, placed.width, placed.column.align), style_name),)
    return fit_line(tuple((printable(text), style_name) for text, style_name in content), placed.width)

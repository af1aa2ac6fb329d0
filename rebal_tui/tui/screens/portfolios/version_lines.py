"""Differences between versions of a portfolio as text, lines and columns."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.domain.text import count_text, minute_text
from rebal_tui.services.view_models.portfolio_versions import Difference, VersionView
from rebal_tui.tui import formats
from rebal_tui.tui.segments import Line, heading, paragraph, table_line
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.table_layout import Column

NONE = "–"
FIELD_WIDTH, VALUE_WIDTH, CHANGE_WIDTH = 16, 24, 8


def change_text(one: Difference) -> str:
    """Return a difference as text: `SPY 60 % → 50 %`, `BND 5 % added`, `±5 pp removed`."""
    name = "" if one.field == "Condition" else f"{one.field} "
    if not one.before:
        return f"{name}{one.after} added"
    if not one.after:
        return f"{name}{one.before} removed"
    return f"{name}{one.before} → {one.after}"


def summary(view: VersionView) -> str:
    """Return all changes of a version on one line of text."""
    if view.oldest:
        return "First version known"
    return ", ".join(map(change_text, view.changes)) or "No difference"


def version_columns() -> tuple[Column[VersionView], ...]:
    """Columns of versions: number, time, author and changes."""
    return (
        Column("number", "Version", 7, lambda row: str(row.number), "right"),
        Column("at", "When", 21, lambda row: minute_text(row.at)),
        Column("actor", "By", 12, lambda row: row.actor or NONE, priority=1, max_width=24),
        Column("changes", "Changes", 24, lambda row: ((summary(row), "muted"),), grow=1, max_width=160),
    )


def difference_table(differences: Sequence[Difference], before: str, after: str, width: int) -> list[Line]:
    """Return one line for each field that differs, then one line that names the unchanged fields.

    `before` and `after` are the column headings; the change of a weight is in percentage points.
    """
    value = max(min((width - FIELD_WIDTH - CHANGE_WIDTH - 3) // 2, VALUE_WIDTH), 8)

    def cells(name: str, was: str, becomes: str, change: str, styles: tuple[str, str, str, str]) -> Line:
        texts = ((name, FIELD_WIDTH), (was, value), (becomes, value), (change, CHANGE_WIDTH))
        aligned = zip(texts, ("left", "left", "left", "right"), styles, strict=True)
        return table_line([(text, size, align, style) for (text, size), align, style in aligned])

    lines = [cells("", before, after, "Change", ("muted", "muted", "muted", "muted"))] if differences else []
    for one in differences:
        style = "good" if one.change > 0 else "bad" if one.change < 0 else ""
        change = formats.drift(one.change) if one.change else ""
        lines.append(cells(one.field, one.before or NONE, one.after or NONE, change, ("title", "muted", "", style)))
    return [*lines, *paragraph(_unchanged(differences), width, "muted")]


def _unchanged(differences: Sequence[Difference]) -> str:
    """A line that names the unchanged fields: `Unchanged: other weights, all conditions, other settings.`"""
    changed = {
        "weights" if one.change else "conditions" if one.field == "Condition" else "settings" for one in differences
    }
    parts = (f"{'other' if part in changed else 'all'} {part}" for part in ("weights", "conditions", "settings"))
    return f"Unchanged: {', '.join(parts)}."


def version_lines(view: VersionView) -> Builder:
    """Build the differences between a version and the version before it, and what would change if the portfolio got the
    content of this version again.
    """

    def build(width: int, _height: int) -> Sequence[Line]:
        lines: list[Line] = [heading(f"Changes in version {view.number}", width, _count(view.changes))]
        if view.oldest:
            lines += paragraph("The first version known; nothing is recorded before it.", width, "muted")
        else:
            lines += difference_table(view.changes, f"Version {view.number - 1}", f"Version {view.number}", width)
        lines.append(())
        lines.append(heading(f"Going back to version {view.number}", width, _count(view.to_return)))
        if not view.to_return:
            return [*lines, *paragraph("This is the present content.", width, "muted")]
        return [*lines, *return_table(view, width)]

    return build


def return_table(view: VersionView, width: int) -> list[Line]:
    """Return what would change if the portfolio got the content of this version again, one line per field."""
    return difference_table(view.to_return, "Now", f"Version {view.number}", width)


def _count(differences: Sequence[Difference]) -> str:
    return count_text(len(differences), "change") if differences else ""

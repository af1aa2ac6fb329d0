"""Review queue: columns, runs with their plans, and results of bulk approvals."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.domain.text import count_text
from rebal_tui.services.view_models.accounts import BulkResult
from rebal_tui.services.view_models.review import ReviewSnapshot, ReviewView
from rebal_tui.services.view_models.runs import RunRow
from rebal_tui.tui import formats
from rebal_tui.tui.screens.runs.columns import TYPES
from rebal_tui.tui.screens.shared.plan_lines import preview_lines
from rebal_tui.tui.segments import Line, paragraph
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.table_layout import Column
from rebal_tui.tui.widgets.tabs import Tab


def columns() -> tuple[Column[RunRow], ...]:
    """Return the columns. On narrow terminals, columns with the highest `priority` are hidden first."""
    return (
        Column(
            "since", "Since", 12, lambda row: formats.short_timestamp(row.created_at), sort=lambda row: row.created_at
        ),
        Column("type", "Type", 11, lambda row: TYPES.get(row.type, row.type), sort=lambda row: row.type, priority=1),
        Column(
            "client", "Client", 16, lambda row: row.client, sort=lambda row: row.client.casefold(), grow=3, max_width=36
        ),
        Column(
            "portfolio",
            "Portfolio",
            14,
            lambda row: row.portfolio,
            sort=lambda row: row.portfolio,
            grow=2,
            max_width=30,
        ),
        Column(
            "account", "Account", 10, lambda row: row.account_number, sort=lambda row: row.account_number, priority=3
        ),
        Column("id", "Run", 8, lambda row: formats.short_id(row.id), sort=lambda row: row.id, priority=2),
    )


def queue_tabs(snapshot: ReviewSnapshot) -> tuple[Tab, ...]:
    """Return the number of runs awaiting approval and the scope of the review."""
    count = len(snapshot.rows)
    scope_text = "every run is reviewed" if snapshot.everything else "runs of portfolios with review on"
    return (
        Tab("queue", "To review", mark="◇", figure=f"{count:,}", style="key" if count else "muted"),
        Tab("scope", scope_text, style="muted"),
    )


def review_lines(view: ReviewView) -> Builder:
    """Build a run with its current plan."""
    rest = preview_lines(view.preview)

    def build(width: int, height: int) -> Sequence[Line]:
        until = (
            f"Expires {formats.short_timestamp(view.until)} unless approved."
            if view.until
            else "Not sent before approval."
        )
        lines: list[Line] = [
            (("◇ awaits approval", "key"), (f" since {formats.short_timestamp(view.row.created_at)}", ""))
        ]
        lines.extend(paragraph(until, width, "muted"))
        if view.changed:
            text = "▲ Prices moved; the plan was recalculated."
            lines.extend(paragraph(text, width, "warn"))
        return [*lines, (), *rest(width, height)]

    return build


def plans_lines(views: Sequence[ReviewView]) -> Builder:
    """Build the full plan of one run, or a summary line per run for several."""
    if len(views) == 1:
        return review_lines(views[0])

    def build(width: int, _height: int) -> Sequence[Line]:
        lines: list[Line] = []
        for view in views:
            plan = view.preview.plan
            text = (
                f"{view.preview.client}: {formats.words(plan.type)}, {count_text(len(plan.sells), 'sell')}, "
                f"{count_text(len(plan.buys), 'buy')}, turnover {formats.money(view.preview.turnover)}"
            )
            lines.extend(paragraph(text, width))
            if view.changed:
                lines.extend(paragraph("▲ prices moved; the plan was recalculated", width, "warn", indent=2))
        return lines

    return build


def refusal_lines(text: str) -> Builder:
    """Build the reason why a run has no plan."""
    return lambda width, _height: paragraph(text, width, "warn")


def outcome_lines(done: str, results: Sequence[BulkResult]) -> Builder:
    """Build the result of each run, refused runs first."""

    def build(width: int, _height: int) -> Sequence[Line]:
        lines: list[Line] = []
        for result in sorted(results, key=lambda result: not result.refusal):
            mark = ("✗", "bad") if result.refusal else ("✓", "good")
            parts = paragraph(f"{result.client}: {result.refusal or done}", width - 2)
            lines.append((mark, (" ", ""), *parts[0]))
            lines.extend((("  ", ""), *part) for part in parts[1:])
        return lines

    return build

"""Texts for actions on many accounts (bulk actions): effects, accounts concerned, and results."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from rebal_tui.domain.quantities import Money
from rebal_tui.domain.text import count_text
from rebal_tui.services.view_models.accounts import BulkPreview, BulkResult, FirstRun
from rebal_tui.tui import formats
from rebal_tui.tui.questions import Effect, Item
from rebal_tui.tui.segments import Line, fit, heading, paragraph, table_line
from rebal_tui.tui.widgets.lines import Builder

MAX_LISTED = 500
"""How many accounts are listed, in a preview, as refused, or as done; the rest is a number."""


def _rest(count: int) -> list[Line]:
    return [((f"… {count - MAX_LISTED:,} more", "muted"),)] if count > MAX_LISTED else []


def bulk_effects(preview: BulkPreview, verb: str) -> list[Effect]:
    """Return the effects of a bulk action: accounts, first runs with their turnover, and refusals."""
    going = [row for row in preview.rows if not row.refusal]
    runs = [row for row in going if row.orders]
    refused = len(preview.rows) - len(going)
    target = f" to {preview.portfolio}" if preview.portfolio else ""
    effects = [Effect(f"{verb} {count_text(len(going), 'account')}{target}")]
    if preview.portfolio and runs:
        orders = count_text(sum(row.orders for row in runs), "order")
        made = count_text(len(runs), "first run")
        does = f"proposes {made} for review" if preview.reviewed else f"creates {made}"
        first = f"The next evaluation {does}: {orders}, turnover"
        effects.append(Effect(first, f"${formats.money(Money(sum(row.turnover for row in runs)))}"))
    elif preview.portfolio:
        effects.append(Effect("No run is due now"))
    if refused:
        effects.append(Effect(f"{refused:,} would be refused and not changed", style="warn"))
    return effects


def _first_run(row: FirstRun) -> str:
    return row.note or (count_text(row.orders, "order") if row.orders else "on target")


def bulk_items(
    preview: BulkPreview, first_run: Callable[[FirstRun], Callable[[], Awaitable[Builder]] | None]
) -> list[Item]:
    """Return an item for each account, with the portfolio it leaves and its first run; refused accounts come first.

    `first_run` returns a function that fetches the plan of an account's first run; None if the account gets no run.
    """
    return [
        Item(
            row.account_id,
            row.client,
            row.refusal or f"{f'leaves {row.follows}; ' if row.follows else ''}{_first_run(row)}",
            formats.money(row.turnover) if row.orders else "",
            mark=("✗", "bad") if row.refusal else ("●", "good"),
            style="bad" if row.refusal else "muted",
            lines=first_run(row),
        )
        for row in sorted(preview.rows, key=lambda row: not row.refusal)
    ]


def bulk_lines(preview: BulkPreview) -> Builder:
    """Build a line for each account with its first run, or why the account is refused; refused accounts come first.

    At most `MAX_LISTED` accounts are listed.
    """
    everyone = sorted(preview.rows, key=lambda row: not row.refusal)
    rows, more = everyone[:MAX_LISTED], _rest(len(everyone))

    def build(width: int, _height: int) -> Sequence[Line]:
        name = min(max((len(row.client) for row in rows), default=8), 26)
        lines: list[Line] = []
        for row in rows:
            start = table_line(
                [
                    ("✗" if row.refusal else "●", 1, "left", "bad" if row.refusal else "good"),
                    (row.client, name, "left", "title"),
                    (row.follows or "unsubscribed", 14, "left", "muted"),
                ]
            )
            if row.refusal or row.note:
                room = max(width - name - 20, 12)
                parts = paragraph(row.refusal or row.note, room, "bad" if row.refusal else "muted")
                lines.append((*start, ("  ", ""), *parts[0]))
                lines.extend(((" " * (name + 19), ""), *part) for part in parts[1:])
            else:
                orders, turnover = count_text(row.orders, "order"), formats.money(row.turnover)
                cells = [(orders if row.orders else "on target", 10, "right", ""), (turnover, 14, "right", "")]
                lines.append((*start, (" ", ""), *table_line(cells)))
        return [*lines, *more]

    return build


def result_lines(results: Sequence[BulkResult], verb: str) -> Builder:
    """Build the results of a bulk action: refused accounts with reasons, then the others; at
    most `MAX_LISTED` of each.
    """
    refused = [result for result in results if result.refusal]
    done = [result for result in results if not result.refusal]

    def build(width: int, _height: int) -> Sequence[Line]:
        lines: list[Line] = []
        if refused:
            lines.append(heading("Refused", width, count_text(len(refused), "account")))
            for result in refused[:MAX_LISTED]:
                lines.append((("✗ ", "bad"), (fit(result.client, min(width - 2, 40)).rstrip(), "title")))
                lines.extend(paragraph(result.refusal, width, "", indent=2))
            lines += [*_rest(len(refused)), ()]
        lines.append(heading(verb, width, count_text(len(done), "account")))
        lines.extend((("● ", "good"), (fit(result.client, width - 2).rstrip(), "")) for result in done[:MAX_LISTED])
        return [*lines, *_rest(len(done))]

    return build

"""Dialogs to approve or reject runs that await review, and the display of their results (R-27)."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rebal_tui.domain.errors import PlanChanged
from rebal_tui.domain.text import count_text
from rebal_tui.services.view_models.accounts import BulkResult
from rebal_tui.services.view_models.review import ReviewView
from rebal_tui.services.view_models.runs import RunRow
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import review_queries
from rebal_tui.tui.notices import Lasts
from rebal_tui.tui.questions import Effect, Item, NoteField, Question
from rebal_tui.tui.screens.shared.dialog import ReadScreen
from rebal_tui.tui.screens.shared.marks import HELD
from rebal_tui.tui.screens.shared.plan_effects import FILES_MODE, plan_effects
from rebal_tui.tui.screens.shared.plan_lines import preview_lines
from rebal_tui.tui.segments import Line, line_width, paragraph
from rebal_tui.tui.widgets.lines import Builder

if TYPE_CHECKING:
    from rebal_tui.tui.screens.shared.list_screen import ListScreen

APPROVED = "approved"
"""The word for approved runs in messages about the results."""
REVIEW_NOTE = NoteField("note for the audit trail (optional)")
REJECT_NOTE = NoteField("why? The note is kept in the audit trail", required=True)


def review_lines(view: ReviewView) -> Builder:
    """Build a run that awaits review, with its current plan.

    The reason for which the run was created contains the figures of that time, so it is shown with the time.
    """
    why = f"Created {formats.short_timestamp(view.row.created_at)}: {view.preview.why}"
    rest = preview_lines(replace(view.preview, why=why))

    def build(width: int, height: int) -> Sequence[Line]:
        until = f"expires {formats.short_timestamp(view.until)}" if view.until else "not sent before approval"
        since: Line = (("◇ awaits approval", "key"), (f" since {formats.short_timestamp(view.row.created_at)}", ""))
        whole: Line = (*since, (f"; {until}", "muted"))
        lines: list[Line] = [whole] if line_width(whole) <= width else [since, *paragraph(until, width, "muted")]
        if view.row.overrides:
            lines.extend(paragraph(f"{HELD} Overrides {view.row.overrides}", width, "warn"))
        if view.changed:
            text = "▲ Prices moved; the plan was recalculated."
            lines.extend(paragraph(text, width, "warn"))
        return [*lines, *rest(width, height)]

    return build


def outcome_lines(done: str, results: Sequence[BulkResult]) -> Builder:
    """Build one line for each run: the word `done` (such as `approved`), or why the run was refused. Refused runs come
    first.
    """

    def build(width: int, _height: int) -> Sequence[Line]:
        lines: list[Line] = []
        for result in sorted(results, key=lambda result: not result.refusal):
            mark = ("✗", "bad") if result.refusal else ("✓", "good")
            parts = paragraph(f"{result.client}: {result.refusal or done}", width - 2)
            lines.append((mark, (" ", ""), *parts[0]))
            lines.extend((("  ", ""), *part) for part in parts[1:])
        return lines

    return build


def approve_question(views: Sequence[ReviewView], *, changed: bool = False, mode: str = "") -> Question:
    """Build the confirmation to approve runs: dollars sold and bought, and the list of runs, or the plan of a single
    run.

    `changed`: the plan had changed when the user approved it, so the user is asked again. `mode` is the book's mode, as
    the status line shows it.
    """
    plans = [view.preview.plan for view in views]
    title = "Approve this run?" if len(plans) == 1 else f"Approve {len(plans)} runs?"
    sent = _sent(mode)
    if changed:
        title = f"The plan has changed, nothing was {sent}. Approve the new plan?"
    effects = [
        *plan_effects([view.preview for view in views], mode),
        Effect(f"Nothing is {sent} for a run whose plan has changed when you approve.", style="muted"),
    ]
    several = len(views) > 1
    return Question(
        title,
        "Approve",
        effects=effects,
        items=[_item(view) for view in views] if several else (),
        item_titles=("Client", "Run", "Turnover $"),
        lines=None if several else review_lines(views[0]),
        no="Not now",
        note=REVIEW_NOTE,
        sends=True,
    )


def _sent(mode: str) -> str:
    """The word for orders of an approved run in this mode of the book."""
    return "added to the trade list" if mode == FILES_MODE else "sent"


def _item(view: ReviewView) -> Item:
    plan = view.preview.plan
    text = f"{formats.words(plan.type)}: {count_text(len(plan.sells), 'sell')}, {count_text(len(plan.buys), 'buy')}"
    if view.changed:
        text += " · prices moved; the plan was recalculated"

    async def lines() -> Builder:
        return review_lines(view)

    return Item(
        view.row.id,
        view.preview.client,
        text,
        formats.money(view.preview.turnover),
        mark=("▲", "warn") if view.changed else ("◇", "key"),
        lines=lines,
    )


def reject_question(rows: Sequence[RunRow]) -> Question:
    """Build the confirmation to reject runs; it requires a note."""
    first = rows[0]
    one = f"{formats.words(first.type)} of {first.client}, run {formats.short_id(first.id)}, is canceled"
    effect = one if len(rows) == 1 else f"{count_text(len(rows), 'run')} are canceled with the same note"
    title = "Reject this run?" if len(rows) == 1 else f"Reject {len(rows)} runs?"
    return Question(title, "Reject", effects=[Effect(f"{effect}. Nothing has been sent.")], note=REJECT_NOTE)


async def ask_to_approve(screen: ListScreen, run_ids: Sequence[str], *, changed: bool = False) -> None:
    """Show the plans of runs, and approve the runs on yes. `changed` is as in `approve_question`."""
    async with screen.host.time_held():
        if len(run_ids) > 1:
            screen.host.say(f"Reading the plans of {len(run_ids):,} runs…", lasts=Lasts.HERE)
        views = [await screen.host.ask(review_queries.review_view, run_id) for run_id in run_ids]
        if screen.is_attached:
            screen.host.confirm(
                approve_question(views, changed=changed, mode=screen.host.mode_shown),
                lambda note: _start(screen, lambda: _approve(screen, views, note), "approve"),
            )


def ask_to_reject(screen: ListScreen, rows: Sequence[RunRow]) -> None:
    """Ask for a note, and reject the runs with it on yes."""
    run_ids = [row.id for row in rows]

    async def reject(note: str) -> None:
        if len(run_ids) > 1:
            screen.host.say(f"Rejecting {len(run_ids):,} runs…")
        report_results(screen, "rejected", await screen.host.ask(review_queries.reject_all, run_ids, note))

    screen.host.confirm(reject_question(rows), lambda note: _start(screen, lambda: reject(note), "reject"))


def _start(screen: ListScreen, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
    screen.host.work(work(), name=name)


async def _approve(screen: ListScreen, views: Sequence[ReviewView], note: str) -> None:
    plans = {view.row.id: view.preview.plan for view in views}
    if len(views) > 1:
        screen.host.say(f"Approving {len(views):,} runs…")
        report_results(screen, APPROVED, await screen.host.ask(review_queries.approve_all, plans, note))
        return
    (run_id, plan), client = next(iter(plans.items())), views[0].preview.client
    try:
        status = await screen.host.ask(review_queries.approve, run_id, plan, note)
    except PlanChanged as refusal:
        screen.host.say(f"Not approved, nothing was {_sent(screen.host.mode_shown)}: {refusal}.", "warning")
        await ask_to_approve(screen, [run_id], changed=True)
        return
    screen.host.say(f"Approved the run of {client}: {formats.words(status)}.{_what_follows(screen)}")
    screen.host.pull_soon()


def _what_follows(screen: ListScreen) -> str:
    """Text for a message about approved runs: in a files book, how to write the trade list; empty in other books."""
    return " L writes the trade list." if screen.host.mode_shown == FILES_MODE else ""


def report_results(screen: ListScreen, done: str, results: Sequence[BulkResult]) -> None:
    """Show the results as a message, or as a list if one of several runs was refused.

    `done` is the past participle of the action, such as `approved`.
    """
    screen.table.marked = frozenset()
    refused = sum(bool(result.refusal) for result in results)
    if len(results) == 1:
        message = f"Not {done}: {results[0].refusal}" if refused else done.capitalize()
        screen.host.say(f"{message}: {results[0].client}.", "warning" if refused else "information")
    elif not refused:
        follows = _what_follows(screen) if done == APPROVED else ""
        screen.host.say(f"{done.capitalize()}: {count_text(len(results), 'run')}.{follows}")
    elif screen.is_attached:
        title = f"{len(results) - refused} of {count_text(len(results), 'run')} {done}"
        screen.app.push_screen(ReadScreen(title, outcome_lines(done, results)))
    screen.host.pull_soon()

"""Columns and tabs of the Review list."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.domain.text import count_text, fold
from rebal_tui.services.view_models.review import ReviewScope, ReviewSnapshot
from rebal_tui.services.view_models.runs import RunRow
from rebal_tui.tui import formats
from rebal_tui.tui.questions import Effect, Question
from rebal_tui.tui.screens.runs.columns import TYPES, client
from rebal_tui.tui.segments import Line, paragraph
from rebal_tui.tui.widgets.lines import Builder
from rebal_tui.tui.widgets.table_layout import Column
from rebal_tui.tui.widgets.tabs import Tab


def search(row: RunRow) -> str:
    """Return the text of a row in which the text filter searches."""
    since = formats.short_timestamp(row.created_at)
    kind = TYPES.get(row.type, row.type)
    return f"{since} {kind} {row.client} {row.portfolio} {row.account_number} {formats.short_id(row.id)}"


def ids(row: RunRow) -> tuple[str, ...]:
    """Return the ids that the text filter finds: those of the run and of its account."""
    return row.id, row.account_id


def columns() -> tuple[Column[RunRow], ...]:
    """Return the columns of the list. A narrow terminal hides the columns with the largest `priority` number first."""
    return (
        Column(
            "since", "Since", 12, lambda row: formats.short_timestamp(row.created_at), sort=lambda row: row.created_at
        ),
        Column("type", "Type", 11, lambda row: TYPES.get(row.type, row.type), sort=lambda row: row.type, priority=1),
        Column("client", "Client", 16, client, sort=lambda row: fold(row.client), grow=3, max_width=40, whole=True),
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
            "account",
            "Account",
            10,
            lambda row: row.account_number,
            sort=lambda row: row.account_number,
            priority=3,
            exported=True,
        ),
        Column("id", "Run", 8, lambda row: formats.short_id(row.id), sort=lambda row: row.id, priority=2),
    )


def queue_tabs(snapshot: ReviewSnapshot, marked: int) -> tuple[Tab, ...]:
    """Return the tabs: the number of runs awaiting approval, the number of marked ones, and which automatic runs need
    approval.
    """
    count = len(snapshot.rows)
    reviewed = "every automatic run is reviewed"
    scope_text = reviewed if snapshot.everything else "automatic runs of portfolios with review on"
    return (
        Tab("queue", "To review", mark="◇", figure=f"{count:,}", style="key" if count else "muted"),
        *([Tab("marked", "Marked", mark="✓", figure=f"{marked:,}", style="key")] if marked else []),
        Tab("scope", scope_text, style="muted"),
    )


def empty_text(snapshot: ReviewSnapshot, key: str) -> str:
    """Return the text of the empty list. It names the ways to turn review on, unless the book reviews every run.

    `key` is the key that turns review on in this section.
    """
    every = f" Press {key} to review every automatic run, or turn review on in a portfolio's editor."
    return f"No run awaits approval.{'' if snapshot.everything else every}"


def policy_question(scope: ReviewScope) -> Question:
    """Return the confirmation to turn on the review of every automatic run of the book; to turn it off if it is on."""
    active, now = count_text(scope.portfolios, "active portfolio"), str(scope.own or "none")
    if scope.everything:
        changes = f"Automatic runs wait for approval only where their portfolio has review: {now} of {active}."
        effects = [Effect(changes), Effect("Runs that await approval now still do.")]
        own, has = scope.required, ("has review", "have review")
    else:
        changes = f"Automatic runs of all {active} wait for approval, now those of {now}."
        expires = "A run that nobody approves expires at the end of its window; nothing is sent."
        effects = [Effect(changes), Effect(expires)]
        own, has = scope.exempt, ("keeps trading without review,", "keep trading without review,")
    if own:
        whose, verb = ("its own", has[0]) if own == 1 else ("their own", has[1])
        effects.append(Effect(f"{count_text(own, 'account')} {verb} by a setting of {whose}."))
    title = "Stop reviewing every automatic run?" if scope.everything else "Review every automatic run?"
    return Question(title, "Turn off" if scope.everything else "Turn on", effects=effects)


def with_marks(review: Builder, marked: int, shown_is_marked: bool) -> Builder:
    """Build the lines of a run below a line that shows whether it is among the `marked` runs.

    Approving and rejecting act on the marked runs only.
    """
    runs = count_text(marked, "marked run")
    text = f"✓ One of {runs}." if shown_is_marked else f"Not marked: approving and rejecting act on {runs}."
    if shown_is_marked and marked == 1:
        text = "✓ The marked run."

    def build(width: int, height: int) -> Sequence[Line]:
        return [*paragraph(text, width, "key" if shown_is_marked else "warn"), (), *review(width, height)]

    return build


def refusal_lines(text: str) -> Builder:
    """Build lines with the reason why a run's plan cannot be shown."""
    return lambda width, _height: paragraph(text, width, "warn")

"""Details of withdrawals, journals and deposits as lines."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.domain.cash import WithdrawalStage
from rebal_tui.domain.quantities import Money, nearest_cents
from rebal_tui.domain.text import day_text
from rebal_tui.services.view_models.cash import NO_SALE, WithdrawalPreview, WithdrawalView
from rebal_tui.services.view_models.runs import TimelineEvent
from rebal_tui.tui import formats
from rebal_tui.tui.screens.cash.columns import STAGE_VERBS, STEP_MARKS, CashRow
from rebal_tui.tui.screens.shared.marks import STOPPED
from rebal_tui.tui.screens.shared.plan_lines import preview_lines, unsent_lines
from rebal_tui.tui.segments import Line, TextSegment, fit, heading, noted, paragraph, table_line
from rebal_tui.tui.widgets.lines import Builder

IN_PARENTHESES = "Its amount is in parentheses, because that row has it already."
REACHED = {
    "unsubscribe": WithdrawalStage.UNSUBSCRIBED,
    "sell": WithdrawalStage.SETTLING,
    NO_SALE: WithdrawalStage.SETTLING,
    "settle": WithdrawalStage.JOURNALING,
    "journal": WithdrawalStage.RESUBSCRIBING,
    "subscribe again": WithdrawalStage.COMPLETED,
}
"""By step of a withdrawal, the stage that is reached when the step is done; its history entry has the time."""


def withdrawal_lines(view: WithdrawalView, history: Sequence[TimelineEvent]) -> Builder:
    """Build a withdrawal with its five steps and their times, what a cancellation does, and its history."""

    def build(width: int, _height: int) -> Sequence[Line]:
        lines: list[Line] = [*_head(view.client, f"withdrawal {formats.short_id(view.id)}", width)]
        lines.append((("Amount ", "muted"), (amount_text(view), "title"), *_follows(view)))
        if view.journal_id:
            journal = formats.short_id(view.journal_id)
            text = f"Paid by journal {journal}, the row “payout” with this amount in parentheses."
            lines += paragraph(text, width, "muted")
        lines += [(), heading("Stages", width), *_stages(view, history, width)]
        if view.stopped:
            lines += [(), *paragraph(f"{STOPPED} stopped: {view.stopped}", width, "bad")]
            keys = "v retries this stage; c cancels the withdrawal." if view.cancelable else "v retries this stage."
            lines += paragraph(keys, width, "muted")
        lines += [(), *paragraph(cancel_text(view), width, "muted")]
        lines += [(), heading("History", width)]
        for event in history:
            when = formats.timestamp(event.at)
            cells = [(when, 15, "left", "muted"), (formats.words(event.what), 15, "left", "title")]
            lines += noted(table_line(cells), event.detail, width, (("  ", ""),))
        return lines

    return build


def signed_dollars(amount: Money) -> str:
    """Return `+$1,204.00` or `-$1,204.00`: as in the list, `+` is cash into the account."""
    sign = "+" if amount > 0 else "-" if amount < 0 else ""
    return f"{sign}${formats.money(Money(abs(amount)))}"


def amount_text(view: WithdrawalView) -> str:
    """Return the amount of a withdrawal as text. If everything is withdrawn, the amount is an estimate until the
    journal is made.
    """
    amount = signed_dollars(Money(-view.amount))
    if not view.everything:
        return amount
    fixed = WithdrawalStage(view.stage) in (
        WithdrawalStage.JOURNALING, WithdrawalStage.RESUBSCRIBING, WithdrawalStage.COMPLETED
    )  # fmt: skip
    return f"everything, {amount}" if fixed else f"everything, about {amount}"


def _head(client: str, what: str, width: int) -> list[Line]:
    return [((fit(client, max(width - len(what) - 2, 4)).rstrip(), "title"), ("  ", ""), (what, "muted"))]


def _follows(view: WithdrawalView) -> tuple[TextSegment, ...]:
    return (("  from ", "muted"), (view.portfolio, "accent")) if view.portfolio else ()


def _stages(view: WithdrawalView, history: Sequence[TimelineEvent], width: int) -> list[Line]:
    when = {event.what: event.at for event in history}
    lines: list[Line] = []
    for stage, state, note in view.steps:
        done, going, coming = STAGE_VERBS[stage]
        text = done if state == "done" else going if state == "now" else coming
        reached = when.get(REACHED[stage]) if state == "done" else None
        mark, style = STEP_MARKS[state]
        cells = [
            (mark, 1, "left", style),
            (text, 17, "left", "title" if state == "now" else "" if state == "done" else "muted"),
        ]
        if reached:
            note = f"{formats.short_timestamp(reached)} {'' if stage == 'settle' else note}"
        elif stage == "settle" and note:
            note = f"until {note}"
        lines.append((*table_line(cells), (" ", ""), (fit(note, max(width - 21, 4)).rstrip(), "muted")))
    return lines


def cancel_text(view: WithdrawalView) -> str:
    """Return whether a withdrawal can be canceled, and the effects of canceling."""
    if WithdrawalStage(view.stage).final:
        return f"This withdrawal is {view.stage}; it cannot be canceled."
    if not view.cancelable:
        return "This withdrawal can no longer be canceled: its journal is made."
    back = f" and the account is subscribed to {view.portfolio} again" if view.portfolio else ""
    return f"If you cancel, no journal is made{back}; cash from the sells stays in the account until it is invested."


def retry_text(view: WithdrawalView) -> str:
    """Return what a retry does from the step at which a withdrawal stopped, and what it does not repeat (R-32)."""
    match WithdrawalStage(view.stage):
        case WithdrawalStage.RESUBSCRIBING:
            again = f"the account is subscribed to {view.portfolio} again" if view.portfolio else "it is completed"
            return f"The money is paid out: nothing is sold and no journal is made. Only this is left: {again}"
        case WithdrawalStage.JOURNALING:
            return "The sale is done and its cash has settled: the withdrawal continues with its journal"
        case WithdrawalStage.SETTLING:
            return "The withdrawal continues with its journal; it sends sells first only if its cash is not enough"
        case _:
            return "The withdrawal continues with its sale: it may send sells, and makes the journal when cash settles"


def movement_lines(row: CashRow) -> Builder:
    """Build the details of a journal or deposit."""

    def build(width: int, _height: int) -> Sequence[Line]:
        journal = row.journal
        what = f"journal {formats.short_id(journal.id)}" if journal else row.state
        amount = signed_dollars(row.amount)
        lines: list[Line] = [*_head(row.client, what, width), (("Amount  ", "muted"), (amount, "title"))]
        if journal is None:
            return [*lines, (("Date    ", "muted"), (formats.timestamp(row.at), ""))]
        way = "from the firm account to the client" if journal.incoming else "from the client to the firm account"
        if row.pays:
            lines += paragraph(
                f"Pays withdrawal {formats.short_id(row.pays)}, a row of its own. {IN_PARENTHESES}", width, "muted"
            )
        lines += [((way, ""),), (("Status  ", "muted"), (row.state, row.style))]
        lines += [(("Created ", "muted"), (formats.timestamp(journal.created_at), ""))]
        lines += [(("Updated ", "muted"), (formats.timestamp(journal.updated_at), ""))]
        if journal.reason:
            lines += [(), *paragraph(f"✗ {journal.reason}", width, "bad")]
        if journal.description:
            lines += [(), *paragraph(journal.description, width, "muted")]
        return lines

    return build


def _settled(view: WithdrawalPreview) -> str:
    """Settled cash, rounded down if it would otherwise read as enough for the amount."""
    enough = nearest_cents(view.settled_now) >= view.amount
    return formats.money_down(view.settled_now) if enough and not view.covered else formats.money(view.settled_now)


def withdrawal_preview_lines(view: WithdrawalPreview) -> Builder:
    """Build the preview of a withdrawal: earliest payout day and settled cash, then the plan
    and the resulting weights.
    """
    plan = unsent_lines(preview_lines(view.preview, pays_out=True)) if view.preview is not None else None

    def build(width: int, height: int) -> Sequence[Line]:
        leaves = day_text(view.can_leave) if view.can_leave else "unknown: after the end of the calendar"
        why = "settled cash covers it" if view.covered else "after the sells settle"
        first: Line = (("Earliest payout ", "muted"), (leaves, "key"), (f"  {why}", "muted"))
        settled: Line = (("Settled cash now ", "muted"), (f"${_settled(view)}", ""))
        lines: list[Line] = [first, settled]
        if view.stays:
            lines += paragraph(f"Cannot be sold and stays: {view.stays}", width, "warn")
        if plan is None:
            return [
                *lines,
                (),
                *paragraph("A price is missing: nothing is sold; settled cash is taken.", width, "muted"),
            ]
        return [*lines, (), *plan(width, height)]

    return build

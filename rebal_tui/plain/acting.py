"""Commands that change the book, each after the same question that the screens ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

from rebal_tui.domain.errors import Invalid, PlanChanged
from rebal_tui.domain.runs import RunStatus, RunType
from rebal_tui.domain.text import count_text
from rebal_tui.plain.asking import ask_form
from rebal_tui.plain.reading import find_run, find_withdrawal
from rebal_tui.plain.session import Session
from rebal_tui.plain.speech import label, spoken
from rebal_tui.plain.texts import plan_text
from rebal_tui.services.view_models.accounts import BulkResult
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import (
    cash_queries,
    desk_queries,
    evaluation_queries,
    manual_runs,
    restriction_queries,
    review_queries,
    scheduler,
    status_queries,
    undo,
    withdrawals,
)
from rebal_tui.tui.questions import Question
from rebal_tui.tui.screens.accounts.simulate import deposit_proposal
from rebal_tui.tui.screens.cash.forms import read_amount_or_everything, withdrawal_proposal
from rebal_tui.tui.screens.cash.lines import cancel_text
from rebal_tui.tui.screens.cash.screen import cancel_effects as withdrawal_effects
from rebal_tui.tui.screens.runs.screen import cancel_effects, final_text
from rebal_tui.tui.screens.shared.approval import approve_question, reject_question
from rebal_tui.tui.screens.shared.evaluating import due_effects, due_items, evaluate_text
from rebal_tui.tui.screens.shared.form import Proposal
from rebal_tui.tui.screens.shared.list_screen import MANUAL_JOB_BUDGET_SECONDS
from rebal_tui.tui.screens.shared.override_form import ALL, NO_RESTRICTION, queued_override
from rebal_tui.tui.screens.shared.preview_page import manual_effects

if TYPE_CHECKING:
    from rebal_tui.services.view_models.review import ReviewView


async def make(session: Session, question: Question, do: Callable[[], Awaitable[object]], done: str) -> bool:
    """Ask a question; if the answer is yes, await `do`, then write `done`. Returns whether the answer was yes."""
    if await session.confirm(question) is None:
        return False
    result = await do()
    session.done(f"{done}: {result}" if isinstance(result, str) else done)
    return True


async def carry_out(session: Session, proposal: Proposal) -> None:
    """Ask for confirmation of what a form of the screens proposes, and do it if the answer is yes."""
    question = Question(proposal.title, proposal.yes, proposal.text, proposal.effects, sends=True)

    async def do() -> str:
        return await session.ask(proposal.act)

    await make(session, question, do, proposal.done)


def amount_and_name(text: str, usage: str) -> tuple[str, str]:
    """Split a text such as `5000 moreau` into an amount and the name of an account, neither of them checked.

    Raises `Invalid` with `usage` when there is no amount.
    """
    amount, _, name = text.partition(" ")
    if not amount:
        raise Invalid(usage)
    return amount.strip("$,"), name.removeprefix("for ").removeprefix("from ").strip()


async def deposit(session: Session, text: str) -> None:
    """Deposit cash in a simulated account; `text` is the amount and the account, as typed."""
    amount, name = amount_and_name(text, "Type an amount and an account, such as: deposit 2500 moreau")
    row = await session.find_account(name)
    await carry_out(session, await session.ask(deposit_proposal(row.account_id), {"amount": amount}))


async def withdraw(session: Session, text: str) -> None:
    """Request a withdrawal; `text` is the amount or `everything`, and the account, as typed."""
    amount, name = amount_and_name(text, "Type an amount or everything, and an account: withdraw 2500 moreau")
    row = await session.find_account(name)
    values = {"amount": amount, "account": row.account_id}
    view = await session.ask(cash_queries.preview_withdrawal, row.account_id, read_amount_or_everything(values))
    if view.preview is not None and view.preview.plan.sells:
        session.write(plan_text(view.preview.plan))
    await carry_out(session, await session.ask(withdrawal_proposal([]), values))


async def cancel_withdrawal(session: Session, text: str) -> None:
    """Cancel the withdrawal whose number in the last list of withdrawals is `text`."""
    view = await find_withdrawal(session, text, "cancel withdrawal")
    if not view.cancelable:
        raise Invalid(cancel_text(view))

    async def do() -> str:
        done = await session.ask(withdrawals.cancel_withdrawal, view.id)
        return f"{'everything' if done.everything else '$' + formats.money(done.amount)} for {view.client}"

    question = Question("Cancel this withdrawal?", "Cancel withdrawal", effects=withdrawal_effects(view), sends=True)
    await make(session, question, do, "Withdrawal canceled")


async def trade(session: Session, text: str) -> None:
    """Create the manual run that the command `preview` shows; `text` names the account."""
    row = await session.find_account(text)
    view = await session.ask(desk_queries.preview, row.account_id)
    await _manual_run(session, view.plan.type, row.account_id)


async def invest(session: Session, text: str) -> None:
    """Create a manual run that invests the cash of the account that `text` names."""
    row = await session.find_account(text)
    await _manual_run(session, RunType.INVEST_CASH, row.account_id)


async def _manual_run(session: Session, kind: RunType, account_id: str) -> None:
    view = await session.ask(cash_queries.preview_manual, account_id, kind)
    session.write(plan_text(view.plan))

    async def do() -> str:
        run = await session.ask(cash_queries.run_manually, account_id, kind)
        return f"{formats.short_id(run.id)} is {formats.words(run.status)}"

    title = f"{formats.words(kind).capitalize()} of {view.client}?"
    await make(session, Question(title, "Run", effects=manual_effects(view), sends=True), do, "Run")


async def evaluate(session: Session, _text: str) -> None:
    """Evaluate every subscribed account now."""
    now = await session.ask(evaluation_queries.evaluation_now)

    async def do() -> str:
        return await session.ask(scheduler.run_now, "evaluation", MANUAL_JOB_BUDGET_SECONDS)

    text = evaluate_text(now.mode, reviewed=now.reviewed)
    question = Question("Evaluate every account now?", "Evaluate", text, due_effects(now), due_items(now), sends=True)
    await make(session, question, do, "Evaluated")


async def approve(session: Session, text: str) -> None:
    """Approve the run that `text` names, or if `text` is `all`, every run that awaits review.

    A run is named by its number in the last list of runs, or by the beginning of its id.
    """
    if text.lower() == "all":
        rows = (await session.ask(review_queries.review_snapshot)).rows
        if not rows:
            raise Invalid("No run awaits review")
    else:
        rows = (await find_run(session, text),)
        if not rows[0].awaiting_approval:
            raise Invalid("This run does not await review")
    changed = False
    while True:
        views = [await session.ask(review_queries.review_view, row.id) for row in rows]
        mode = (await session.ask(status_queries.status_line)).mode
        if len(views) == 1:
            session.write(plan_text(views[0].preview.plan))
        note = await session.confirm(approve_question(views, changed=changed, mode=mode))
        if note is None or await _approved(session, views, note):
            return
        changed = True


async def _approved(session: Session, views: Sequence[ReviewView], note: str) -> bool:
    """Approve runs; False when the plan of a single one has changed."""
    plans = {view.row.id: view.preview.plan for view in views}
    if len(views) > 1:
        _write_results(session, "Approved", await session.ask(review_queries.approve_all, plans, note))
        return True
    (run_id, plan), client = next(iter(plans.items())), views[0].preview.client
    try:
        status = await session.ask(review_queries.approve, run_id, plan, note)
    except PlanChanged as refusal:
        session.say(f"Not approved, nothing was sent: {refusal}")
        return False
    session.done(f"Approved the run of {client}: {formats.words(status)}")
    return True


async def reject(session: Session, text: str) -> None:
    """Reject the run that `text` names, which must await review, with a note."""
    row = await find_run(session, text)
    if not row.awaiting_approval:
        raise Invalid("This run does not await review")
    note = await session.confirm(reject_question([row]))
    if note is not None:
        _write_results(session, "Rejected", await session.ask(review_queries.reject_all, [row.id], note))


async def override(session: Session, text: str) -> None:
    """Let the run that `text` names, which must await review, ignore restrictions, with a note (R-61)."""
    row = await find_run(session, text)
    if not row.awaiting_approval:
        raise Invalid("This run does not await review")
    known = await session.ask(restriction_queries.overridable, row.account_id)
    if not known:
        raise Invalid(NO_RESTRICTION)
    session.write(label(f"Restriction of {spoken(row.client)}", named) for named in known.values())
    hints = {"restrictions": f"its beginning, or {ALL} for every one", "note": "required; why this run may do it"}
    await carry_out(session, await ask_form(session, queued_override(row.id, row.client, known), hints))


def _write_results(session: Session, done: str, results: Sequence[BulkResult]) -> None:
    """Write how many runs were approved or rejected, and the reason of each refusal."""
    refused = [result for result in results if result.refusal]
    session.done(f"{done}: {count_text(len(results) - len(refused), 'run')}")
    for result in refused:
        session.refuse(f"Not {done.lower()}, {result.client}: {result.refusal}")


async def cancel(session: Session, text: str) -> None:
    """Cancel the run that `text` names: a number in the last list of runs, or the beginning of its id."""
    row = await find_run(session, text)
    if RunStatus(row.status).final:
        raise Invalid(final_text(row))

    async def do() -> str:
        return formats.words((await session.ask(manual_runs.cancel_run, row.id)).status)

    question = Question("Cancel this run?", "Cancel run", effects=cancel_effects(row), sends=True)
    await make(session, question, do, "Canceling the run")


async def undo_last(session: Session, _text: str) -> None:
    """Undo the last change, if it was a subscription, a move, an unsubscription or an edit of a portfolio."""
    if session.undo is None:
        raise Invalid(
            "Nothing to undo: undo takes back a subscription, a move, an unsubscription or a portfolio's edit"
        )
    change, what = session.undo
    session.undo = None
    await session.ask(undo.undo, change)
    session.done(f"Undone: {what}")

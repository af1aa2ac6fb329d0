"""Commands on cash other than deposits and withdrawals: journals, retries, reserved cash, and raising cash."""

from __future__ import annotations

from rebal_tui.domain.errors import Invalid
from rebal_tui.plain.acting import amount_and_name, carry_out, make
from rebal_tui.plain.asking import ask_form, ask_line
from rebal_tui.plain.reading import find_portfolio, find_withdrawal
from rebal_tui.plain.session import Session
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import cash as cash_services
from rebal_tui.tui.questions import Question
from rebal_tui.tui.screens.accounts.manual_runs import liquidation_form
from rebal_tui.tui.screens.accounts.screen import release_effects
from rebal_tui.tui.screens.cash import screen as cash_screen
from rebal_tui.tui.screens.cash.forms import journal_form


async def journal_in(session: Session, text: str) -> None:
    """Move cash from the firm account to a client; `text` is the amount and the account, as typed."""
    await _journal(session, text, incoming=True)


async def journal_out(session: Session, text: str) -> None:
    """Move cash from a client to the firm account; `text` is the amount and the account, as typed."""
    await _journal(session, text, incoming=False)


async def _journal(session: Session, text: str, *, incoming: bool) -> None:
    amount, name = amount_and_name(
        text, f"Type an amount and an account, such as: journal {'in' if incoming else 'out'} 2500 moreau"
    )
    row = await session.find_account(name)
    form = journal_form((), "", [], incoming=incoming)
    note = next(field for field in form.fields if field.key == "note")
    values = {"account": row.account_id, "amount": amount, "note": note.value}
    await session.ask(form.propose, values)
    values["note"] = await ask_line(session, f"{note.label}, {note.hint}; only enter for {note.value}") or note.value
    await carry_out(session, await session.ask(form.propose, values))


async def retry(session: Session, text: str) -> None:
    """Retry the stopped withdrawal whose number in the last list of withdrawals is `text`."""
    view = await find_withdrawal(session, text, "retry withdrawal")
    if refusal := cash_screen.retry_refusal(view):
        raise Invalid(refusal)

    async def do() -> str:
        return await session.ask(cash_screen.retry, view.id)

    question = Question("Retry withdrawal?", "Retry", effects=cash_screen.retry_effects(view), sends=True)
    await make(session, question, do, "Retried")


async def release(session: Session, text: str) -> None:
    """Release the reserved cash of the account that `text` names."""
    row = await session.find_account(text)
    amount = await session.ask(cash_services.check_release, row.account_id)

    async def do() -> str:
        await session.ask(cash_services.release, row.account_id)
        return f"${formats.money(amount)} of {row.client}"

    effects = release_effects(row, amount)
    await make(session, Question("Release the reserved cash?", "Release", effects=effects, sends=True), do, "Released")


async def raise_cash(session: Session, text: str) -> None:
    """Sell assets of the account that `text` names to raise an amount of cash, and reserve this cash."""
    row = await session.find_account(text)
    portfolio_id = None
    if row.portfolio_id is None:
        question = f"{row.client} follows no portfolio. Use the weights of which portfolio for this run"
        portfolio_id = (await find_portfolio(session, await ask_line(session, question))).id
    await carry_out(session, await ask_form(session, liquidation_form(row, portfolio_id)))

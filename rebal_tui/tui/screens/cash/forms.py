"""Forms of the Cash section: withdrawal, journal in, journal out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rebal_tui.domain.cash import WithdrawalStage
from rebal_tui.domain.errors import Fault, Invalid, Refusal
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.text import count_text, day_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.view_models.accounts import AccountRow
from rebal_tui.services.view_models.cash import WithdrawalPreview
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import account_queries, cash, cash_queries, withdrawals
from rebal_tui.tui.questions import Effect
from rebal_tui.tui.screens.accounts.simulate import figures
from rebal_tui.tui.screens.cash.lines import withdrawal_preview_lines
from rebal_tui.tui.screens.shared.form import Field, FormScreen, Proposal, Propose, Values, read_amount

T = TypeVar("T")

EVERYTHING = "everything"
"""Text to type as amount for a withdrawal that closes all positions and pays out all cash."""


def _read(book: Book, values: Values, read: Callable[[Values], T]) -> tuple[AccountRow, T]:
    """Parse the account, and the amount with `read`. Raises `Invalid` with the faults of both."""
    faults: list[Fault] = []
    account: AccountRow | None = None
    amount: list[T] = []
    try:
        account = account_queries.find_account(book, values["account"])
    except Refusal as refusal:
        faults += refusal.faults
    try:
        amount.append(read(values))
    except Refusal as refusal:
        faults += refusal.faults
    if faults or account is None:
        raise Invalid(faults)
    return account, amount[0]


def read_amount_or_everything(values: Values) -> Money | None:
    """Parse dollars; None for `everything` or `all` in upper or lower case. Raises `Invalid` for other text."""
    return None if values["amount"].strip().casefold() in (EVERYTHING, "all") else read_amount(values)


def _fields(names: tuple[str, ...], account: str, hint: str = "dollars, such as 2500") -> list[Field]:
    which = Field("account", "Account", account, "client, number or id", names, completes=True)
    return [which, Field("amount", "Amount $", hint=hint)]


def withdrawal_form(names: tuple[str, ...], account: str, made: list[str]) -> FormScreen:
    """Create the form of a withdrawal, with a preview of sells, resulting weights and earliest payout day.

    `names` are the completions of the field for the account, `account` is its initial text. When the withdrawal is
    requested, its id is appended to `made`.
    """
    fields = _fields(names, account, f"2500, or {EVERYTHING}")
    return FormScreen("New withdrawal", fields, withdrawal_proposal(made))


def withdrawal_proposal(made: list[str]) -> Propose:
    """Return the function that proposes the withdrawal entered in the form: its `amount`, or everything, from its
    `account`.

    When the withdrawal is requested, its id is appended to `made`.
    """

    def propose(book: Book, values: Values) -> Proposal:
        row, amount = _read(book, values, read_amount_or_everything)
        view = cash_queries.preview_withdrawal(book, row.account_id, amount)
        what = EVERYTHING if amount is None else f"${formats.money(amount)}"

        def act(book: Book) -> str:
            withdrawal = withdrawals.request_withdrawal(book, row.account_id, amount)
            made.append(withdrawal.id)
            stage = formats.words(withdrawal.stage)
            if withdrawal.stage is WithdrawalStage.SELLING and view.preview is not None and not view.preview.plan.sells:
                stage = f"nothing to sell, journaled once settled, on {_leaves(view)}"
            return f"{what} for {row.client}, {stage}"

        lines = withdrawal_preview_lines(view)
        text = "You can cancel until the journal is made."
        if view.covered and view.can_leave == book.today():
            text = "Settled cash covers it, so the journal can be made at once; then you can no longer cancel."
        return Proposal(lines, "Withdraw?", text, "Withdraw", act, "Withdrawal requested", _effects(row, view))

    return propose


def _effects(row: AccountRow, view: WithdrawalPreview) -> list[Effect]:
    """Return the effects of a withdrawal for its confirmation."""
    amount = f"${formats.money(view.amount)}"
    about = f"about {amount}" if view.everything else amount
    what = "Everything leaves" if view.everything else "Leaves"
    effects = [Effect(f"{what} the account of {row.client} ({row.account_number})", about)]
    if row.portfolio_id:
        then = "the account stays unsubscribed" if view.everything else "begins again when the cash has left"
        effects.append(Effect(f"The subscription to {row.portfolio} ends now, and {then}"))
    if view.everything:
        effects.append(Effect("Every position is closed"))
    if view.preview is None:
        effects.append(Effect("A price is missing, so nothing is sold: settled cash is taken", style="warn"))
    elif not view.preview.plan.sells:
        effects.append(Effect("Nothing is sold"))
    else:
        count = len(view.preview.plan.sells)
        raised = f"{count_text(count, 'sell')} {'raises' if count == 1 else 'raise'}"
        if view.covered:
            raised = f"Settled cash covers it; {raised}, to keep cash at its target"
        effects.append(Effect(raised, f"${formats.money(view.preview.turnover)}"))
    if view.everything and view.stays:
        effects.append(Effect(f"Cannot be sold and stays: {view.stays}", style="warn"))
    effects.append(Effect(f"Journaled to the firm account once settled, on {_leaves(view)}", about))
    return effects


def _leaves(view: WithdrawalPreview) -> str:
    """The earliest day of the payout, as text."""
    return day_text(view.can_leave) if view.can_leave else "a day the calendar does not cover"


def journal_form(names: tuple[str, ...], account: str, made: list[str], *, incoming: bool) -> FormScreen:
    """Create the form of a journal of cash between the firm account and a client.

    With `incoming`, cash goes to the client, else to the firm account. `names` are the completions of the field for the
    account, `account` is its initial text. When the journal is made, its id is appended to `made`.
    """

    def propose(book: Book, values: Values) -> Proposal:
        row, amount = _read(book, values, read_amount)
        cash.check_journal(book, row.account_id, amount, incoming=incoming)
        change = amount if incoming else -amount
        way = "from the firm account" if incoming else "to the firm account"
        before = formats.money_down(row.withdrawable)
        follows = "The next evaluation invests cash above the cash target." if incoming else "Nothing is sold."
        rounding = "" if formats.money(row.withdrawable) == before else " Withdrawable is rounded down to the cent."
        lines = figures(
            [
                ("Cash", formats.money(row.cash), formats.money(Money(row.cash + change))),
                ("Withdrawable", before, formats.money_down(Money(row.withdrawable + change))),
            ],
            f"${formats.money(amount)} moves {way}. {follows}{rounding}",
        )
        effects = [Effect(f"Moves {way}, for {row.client} ({row.account_number})", f"${formats.money(amount)}")]

        def act(book: Book) -> str:
            journal = cash.create_journal(
                book, row.account_id, amount, incoming=incoming, description=values["note"].strip() or "manual"
            )
            made.append(journal.id)
            return f"${formats.money(amount)}, {formats.words(journal.status)}"

        title = f"Journal {'in' if incoming else 'out'}"
        return Proposal(lines, f"{title}?", "", "Journal", act, title, effects)

    fields = [*_fields(names, account), Field("note", "Description", "manual", "purpose of the journal")]
    return FormScreen(f"Journal {'in: firm → client' if incoming else 'out: client → firm'}", fields, propose)

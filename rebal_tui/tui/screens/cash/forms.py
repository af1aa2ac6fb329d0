"""Forms of the Cash section: withdrawal, journal in, journal out."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from rebal_tui.domain.errors import Fault, Invalid, Refusal
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.text import count_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.view_models.accounts import AccountRow
from rebal_tui.services.view_models.cash import WithdrawalPreview
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import account_queries, cash, cash_queries, withdrawals
from rebal_tui.tui.screens.accounts.simulate import figures
from rebal_tui.tui.screens.cash.lines import withdrawal_preview_lines
from rebal_tui.tui.screens.shared.form import Field, FormScreen, Proposal, Values, read_amount

T = TypeVar("T")

EVERYTHING = "everything"
"""Amount of a withdrawal that closes the account's positions and pays out all cash."""


def _read(book: Book, values: Values, read: Callable[[Values], T]) -> tuple[AccountRow, T]:
    """Parse account and amount, the amount with `read`. Raises `Invalid` with the faults of both."""
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


def _read_amount_or_everything(values: Values) -> Money | None:
    """Parse dollars, or `EVERYTHING` as None. Raises `Invalid` as `read_amount` does."""
    return None if values["amount"].strip().casefold() == EVERYTHING else read_amount(values)


def _fields(names: tuple[str, ...], account: str, hint: str = "dollars, such as 2500") -> list[Field]:
    return [Field("account", "Account", account, "client, number or id", names), Field("amount", "Amount", hint=hint)]


def withdrawal_form(names: tuple[str, ...], account: str = "") -> FormScreen:
    """Create the form of a withdrawal, with a preview of sells, resulting weights and earliest payout day."""

    def propose(book: Book, values: Values) -> Proposal:
        row, amount = _read(book, values, _read_amount_or_everything)
        view = cash_queries.preview_withdrawal(book, row.account_id, amount)
        what = EVERYTHING if amount is None else f"${formats.money(amount)}"

        def act(book: Book) -> str:
            withdrawal = withdrawals.request_withdrawal(book, row.account_id, amount)
            return f"{what} for {row.client}, {formats.words(withdrawal.stage)}"

        lines = withdrawal_preview_lines(view)
        return Proposal(lines, "Withdraw?", _effects(row, view), "Withdraw", act, "Withdrawal requested")

    fields = _fields(names, account, f"dollars, such as 2500, or {EVERYTHING}")
    return FormScreen("New withdrawal", fields, propose)


def _effects(row: AccountRow, view: WithdrawalPreview) -> str:
    """Describe the effects of a withdrawal for its confirmation."""
    amount = f"${formats.money(view.amount)}"
    leaves = formats.full_day(view.can_leave) if view.can_leave else "a day the calendar does not cover"
    ends = f"The subscription to {row.portfolio} ends. " if row.portfolio_id else ""
    again = f", and the account is subscribed to {row.portfolio} again" if row.portfolio_id else ""
    if view.preview is None:
        sells = "A price is missing, so nothing is sold: settled cash is taken. "
    else:
        count, turnover = len(view.preview.plan.sells), formats.money(view.preview.turnover)
        sells = f"{count_text(count, 'sell')} {'raises' if count == 1 else 'raise'} ${turnover}. "
    where = f"the account of {row.client} ({row.account_number})"
    if not view.everything:
        return (
            f"{amount} leaves {where}.\n\n{ends}{sells}Once settled, on {leaves}, {amount} is journaled to the firm "
            f"account{again}. You can cancel until the journal is made."
        )
    stays = f"Cannot be sold and stays: {view.stays}. " if view.stays else ""
    return (
        f"Everything leaves {where}: about {amount}.\n\n{ends}Every position is closed. {sells}{stays}Once settled, on "
        f"{leaves}, all cash is journaled to the firm account. The account stays unsubscribed. "
        "You can cancel until the journal is made."
    )


def journal_form(names: tuple[str, ...], account: str, *, incoming: bool) -> FormScreen:
    """Create the form of a cash journal between the firm account and a client."""

    def propose(book: Book, values: Values) -> Proposal:
        row, amount = _read(book, values, read_amount)
        cash.check_journal(book, row.account_id, amount, incoming=incoming)
        change = amount if incoming else -amount
        way = "from the firm account" if incoming else "to the firm account"
        lines = figures(
            [
                ("Cash", formats.money(row.cash), formats.money(Money(row.cash + change))),
                ("Withdrawable", formats.money(row.withdrawable), formats.money(Money(row.withdrawable + change))),
            ],
            f"${formats.money(amount)} moves {way}. "
            + ("The next evaluation invests cash above the cash target." if incoming else "Nothing is sold."),
        )
        text = f"${formats.money(amount)} moves {way}, for {row.client} ({row.account_number})."

        def act(book: Book) -> str:
            journal = cash.create_journal(
                book, row.account_id, amount, incoming=incoming, description=values["note"].strip() or "manual"
            )
            return f"${formats.money(amount)}, {formats.words(journal.status)}"

        title = f"Journal {'in' if incoming else 'out'}"
        return Proposal(lines, f"{title}?", text, "Journal", act, title)

    fields = [*_fields(names, account), Field("note", "Description", "manual", "purpose of the journal")]
    return FormScreen(f"Journal {'in: firm → client' if incoming else 'out: client → firm'}", fields, propose)

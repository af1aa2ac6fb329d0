"""Forms of the Cash section: withdrawal, journal in, journal out."""

from __future__ import annotations

from rebal_tui.domain.errors import Fault, Invalid, Refusal
from rebal_tui.domain.quantities import Money
from rebal_tui.domain.text import count_text
from rebal_tui.services.book.book import Book
from rebal_tui.services.view_models.accounts import AccountRow
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import account_queries, cash, cash_queries, withdrawals
from rebal_tui.tui.screens.accounts.simulate import figures
from rebal_tui.tui.screens.cash.lines import withdrawal_preview_lines
from rebal_tui.tui.screens.shared.form import Field, FormScreen, Proposal, Values, read_amount


def _read(book: Book, values: Values) -> tuple[AccountRow, Money]:
    """Parse account and amount. Raises `Invalid` with the faults of both."""
    faults: list[Fault] = []
    amount, account = Money(0), None
    try:
        account = account_queries.find_account(book, values["account"])
    except Refusal as refusal:
        faults += refusal.faults
    try:
        amount = read_amount(values)
    except Refusal as refusal:
        faults += refusal.faults
    if faults or account is None:
        raise Invalid(faults)
    return account, amount


def _fields(names: tuple[str, ...], account: str) -> list[Field]:
    return [
        Field("account", "Account", account, "client, number or id", names),
        Field("amount", "Amount", hint="dollars, such as 2500"),
    ]


def withdrawal_form(names: tuple[str, ...], account: str = "") -> FormScreen:
    """Create the form of a withdrawal, with a preview of sells, resulting weights and earliest payout day."""

    def propose(book: Book, values: Values) -> Proposal:
        row, amount = _read(book, values)
        view = cash_queries.preview_withdrawal(book, row.account_id, amount)
        plan = view.preview.plan
        leaves = formats.full_day(view.can_leave) if view.can_leave else "a day the calendar does not cover"
        steps = f"The subscription to {row.portfolio} ends. " if row.portfolio_id else ""
        again = f", and the account is subscribed to {row.portfolio} again" if row.portfolio_id else ""
        sells = f"{count_text(len(plan.sells), 'sell')} {'raises' if len(plan.sells) == 1 else 'raise'}"
        text = (
            f"${formats.money(amount)} leaves the account of {row.client} ({row.account_number}).\n\n{steps}"
            f"{sells} ${formats.money(view.preview.turnover)}. "
            f"Once settled, on {leaves}, ${formats.money(amount)} is journaled to the firm account{again}. "
            "You can cancel until the journal is made."
        )

        def act(book: Book) -> str:
            withdrawal = withdrawals.request_withdrawal(book, row.account_id, amount)
            return f"${formats.money(amount)} for {row.client}, {formats.words(withdrawal.stage)}"

        lines = withdrawal_preview_lines(view)
        return Proposal(lines, "Withdraw?", text, "Withdraw", act, "Withdrawal requested")

    return FormScreen("New withdrawal", _fields(names, account), propose)


def journal_form(names: tuple[str, ...], account: str, *, incoming: bool) -> FormScreen:
    """Create the form of a cash journal between the firm account and a client."""

    def propose(book: Book, values: Values) -> Proposal:
        row, amount = _read(book, values)
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

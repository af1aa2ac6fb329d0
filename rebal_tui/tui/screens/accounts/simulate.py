"""Events that the simulator can produce for an account: broker blocks, status, deposits, ACH returns, transfers in."""

from __future__ import annotations

from collections.abc import Sequence

from rebal_tui.domain.accounts import RESTRICTION_TEXTS, AccountStatus, Restriction
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import Money, Qty, floor_money, market_value
from rebal_tui.services.book.book import Book
from rebal_tui.services.view_models.accounts import AccountRow
from rebal_tui.tui import formats
from rebal_tui.tui.amounts import read_shares
from rebal_tui.tui.book_services import account_events, account_queries, cash
from rebal_tui.tui.screens.shared.form import Field, FormScreen, Proposal, Propose, Values, read_amount
from rebal_tui.tui.screens.shared.picker import Choice
from rebal_tui.tui.segments import Line, heading, paragraph, table_line
from rebal_tui.tui.widgets.lines import Builder

RETURN = "ach return"
TRANSFER_IN = "transfer in"
STATUS = "status"


def choices(row: AccountRow) -> list[Choice]:
    """Return the blocks that a broker can put on an account, each with a box that is checked if it is on, then the
    other events that can be simulated.
    """
    first = [
        Choice(restriction.value, f"{'☑' if restriction.value in row.restrictions else '☐'} "
               f"{formats.words(restriction.value)}", RESTRICTION_TEXTS[restriction])
        for restriction in Restriction
        if restriction is not Restriction.ACH_RETURN or restriction.value in row.restrictions
    ]  # fmt: skip
    return [
        *first,
        Choice(RETURN, "ACH return…", "a deposit bounces: cash is debited, account blocked"),
        Choice(TRANSFER_IN, "transfer in…", "shares arrive from outside by account transfer"),
        Choice(STATUS, "account status…", f"currently {row.status}"),
    ]


def status_choices(row: AccountRow) -> list[Choice]:
    """Return the broker statuses that an account can have, ACTIVE first, with a note at the current one."""
    ordered = sorted(AccountStatus, key=lambda status: status is not AccountStatus.ACTIVE)
    return [Choice(s.value, s.value, "current" if s.value == row.status else "") for s in ordered]


def figures(pairs: Sequence[tuple[str, str, str]], note: str = "") -> Builder:
    """Build one line for each (label, figure before, figure after), followed by a note."""

    def build(width: int, _height: int) -> Sequence[Line]:
        lines: list[Line] = [heading("Effect", width, "in $")]
        for label, before, after in pairs:
            cells = [(label, 14, "left", "muted"), (before, 16, "right", ""), ("→", 1, "left", "muted")]
            lines.append(table_line([*cells, (after, 16, "right", "title")]))
        return [*lines, *(((), *paragraph(note, width, "muted")) if note else ())]

    return build


def deposit_form(row: AccountRow) -> FormScreen:
    """Create the form of a cash deposit."""
    title = f"Deposit · {row.client} · {row.account_number}"
    fields = [Field("amount", "Amount $", hint="dollars, such as 2500")]
    return FormScreen(title, fields, deposit_proposal(row.account_id))


def deposit_proposal(account_id: str) -> Propose:
    """Return the function that proposes a deposit of the `amount` entered in the form."""

    def propose(book: Book, values: Values) -> Proposal:
        amount = read_amount(values)
        cash.sandbox(book)
        now = account_queries.account_row(book, account_id)
        lines = figures(
            [
                ("Cash", formats.money(now.cash), formats.money(_plus(now.cash, amount))),
                ("Equity", formats.money(now.equity), formats.money(_plus(now.equity, amount))),
            ],
            "It settles immediately. "
            + (
                f"The next evaluation invests cash above the cash target of {now.portfolio}."
                if now.portfolio_id
                else "The account follows no portfolio, so it stays cash."
            ),
        )
        text = f"${formats.money(amount)} arrives in the account of {now.client} ({now.account_number})."

        def act(book: Book) -> str:
            cash.deposit(book, account_id, amount)
            return f"${formats.money(amount)} for {now.client}"

        return Proposal(lines, "Deposit?", text, "Deposit", act, "Deposited")

    return propose


def return_form(row: AccountRow) -> FormScreen:
    """Create the form of an ACH return: a deposit that the client's bank takes back."""

    def propose(book: Book, values: Values) -> Proposal:
        amount = read_amount(values)
        cash.sandbox(book)
        now = account_queries.account_row(book, row.account_id)
        goes = min(amount, max(now.cash, 0))
        lines = figures(
            [("Cash", formats.money(now.cash), formats.money(_plus(now.cash, -goes)))],
            "Only free cash is debited, not spent or reserved cash. The broker blocks the account; no run starts until "
            "the block is lifted.",
        )
        text = f"A deposit of ${formats.money(amount)} of {now.client} ({now.account_number}) bounces."

        def act(book: Book) -> str:
            gone = account_events.return_deposit(book, row.account_id, amount)
            return f"${formats.money(gone)} debited from {now.client}"

        return Proposal(lines, "Return a deposit?", text, "Return", act, "Returned")

    title = f"ACH return · {row.client} · {row.account_number}"
    return FormScreen(title, [Field("amount", "Amount $", hint="dollars, such as 2500")], propose)


def transfer_in_form(row: AccountRow, symbols: tuple[str, ...]) -> FormScreen:
    """Create the form of a transfer of shares into the account."""

    def propose(book: Book, values: Values) -> Proposal:
        symbol, faults = values["symbol"].strip().upper(), []
        try:
            qty = read_shares(values["qty"])
        except ValueError as error:
            faults.append(Fault("qty", str(error)))
            qty = Qty(1)
        try:
            price = account_events.check_transfer_in(book, row.account_id, symbol, qty)
        except Invalid as invalid:
            raise Invalid([*faults, *invalid.faults]) from invalid
        if faults:
            raise Invalid(faults)
        now = account_queries.account_row(book, row.account_id)
        worth = floor_money(market_value(qty, price))
        lines = figures(
            [("Equity", formats.money(now.equity), formats.money(_plus(now.equity, worth)))],
            f"{formats.qty(qty)} {symbol} at {formats.price(price)}, worth {formats.money(worth)}. "
            "A holding outside the portfolio is sold by the next full rebalance.",
        )
        text = f"{formats.qty(qty)} {symbol} arrive in the account of {now.client} ({now.account_number})."

        def act(book: Book) -> str:
            account_events.transfer_in(book, row.account_id, symbol, qty)
            return f"{formats.qty(qty)} {symbol} for {now.client}"

        return Proposal(lines, "Transfer shares in?", text, "Transfer", act, "Transferred")

    title = f"Transfer in · {row.client} · {row.account_number}"
    fields = [Field("symbol", "Asset", hint="a symbol", choices=symbols), Field("qty", "Shares", hint="such as 12.5")]
    return FormScreen(title, fields, propose, blame="qty")


def _plus(amount: Money, change: int) -> Money:
    return Money(amount + change)

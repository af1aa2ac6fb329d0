"""Manual runs: choice of the run type, preview of the plan, and confirmation."""

from __future__ import annotations

from rebal_tui.domain.runs import RunType
from rebal_tui.services.book.book import Book
from rebal_tui.services.view_models.accounts import AccountRow
from rebal_tui.tui import formats
from rebal_tui.tui.book_services import cash_queries
from rebal_tui.tui.questions import Effect
from rebal_tui.tui.screens.accounts.bulk import pick_portfolio
from rebal_tui.tui.screens.shared.form import Field, FormScreen, Proposal, Values, read_amount
from rebal_tui.tui.screens.shared.list_screen import ListScreen
from rebal_tui.tui.screens.shared.picker import Choice, PickScreen
from rebal_tui.tui.screens.shared.plan_lines import preview_lines, unsent_lines
from rebal_tui.tui.screens.shared.preview_page import confirm_manual_run, manual_effects

RUN_CHOICES = (
    Choice(RunType.FULL_REBALANCE, "full rebalance", "sell overweight assets, buy underweight assets"),
    Choice(RunType.INVEST_CASH, "invest cash", "buys only, with the cash above the cash target"),
    Choice(RunType.PARTIAL_LIQUIDATION, "partial liquidation", "sell to raise and reserve an amount of cash"),
)


def run_manually(screen: ListScreen, row: AccountRow) -> None:
    """Let the user choose the run type, and a portfolio if the account has none; then show the plan and ask for
    confirmation.
    """

    def picked(kind: str | None) -> None:
        if kind == RunType.PARTIAL_LIQUIDATION and row.portfolio_id is not None:
            screen.app.push_screen(liquidation_form(row, None))
        elif kind and row.portfolio_id is not None:
            screen.host.work(confirm_manual_run(screen, row.account_id, row.client, RunType(kind)), name="run")
        elif kind:
            title = f"{row.client} follows no portfolio: use which weights for this run?"
            screen.host.work(pick_portfolio(screen, title, lambda one: weights_picked(kind, one)), name="portfolios")

    def weights_picked(kind: str, portfolio_id: str | None) -> None:
        if portfolio_id and kind == RunType.PARTIAL_LIQUIDATION:
            screen.app.push_screen(liquidation_form(row, portfolio_id))
        elif portfolio_id:
            run = confirm_manual_run(screen, row.account_id, row.client, RunType(kind), portfolio_id)
            screen.host.work(run, name="run")

    screen.app.push_screen(PickScreen(f"Manual run · {row.client}", RUN_CHOICES, "run"), picked)


def liquidation_form(row: AccountRow, portfolio_id: str | None) -> FormScreen:
    """Create the form of a manual partial liquidation, with a preview of its sells.

    `portfolio_id` is the portfolio that the user chose for an unsubscribed account; None for a subscribed one.
    """
    kind = RunType.PARTIAL_LIQUIDATION

    def propose(book: Book, values: Values) -> Proposal:
        amount = read_amount(values)
        view = cash_queries.preview_manual(book, row.account_id, kind, amount=amount, portfolio_id=portfolio_id)

        def act(book: Book) -> str:
            run = cash_queries.run_manually(book, row.account_id, kind, amount=amount, portfolio_id=portfolio_id)
            return f"{formats.short_id(run.id)} is {formats.words(run.status)}"

        reserved = Effect(f"Reserved in the account of {row.client}", f"${formats.money(amount)}")
        effects = (reserved, *manual_effects(view))
        return Proposal(unsent_lines(preview_lines(view)), "Partial liquidation?", "", "Run", act, "Run", effects)

    title = f"Partial liquidation · {row.client} · withdrawable {formats.money_down(row.withdrawable)}"
    return FormScreen(title, [Field("amount", "Amount $", hint="dollars to reserve")], propose)

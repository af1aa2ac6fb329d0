"""Navigation to an account, portfolio, run, asset or job in its section."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from rebal_tui.tui.sections import REVIEW, Section

if TYPE_CHECKING:
    from textual.app import App

    from rebal_tui.services.view_models.desk import Among
    from rebal_tui.tui.way_back import Opens, WayBack

T = TypeVar("T")


class ShowsAccount:
    """A screen that can move its cursor to an account."""

    def show_account(self, account_id: str) -> None:
        """Move the cursor to an account, clearing filters that hide it."""
        raise NotImplementedError


class ShowsAmong:
    """A screen that can limit its list to some accounts."""

    def show_among(self, some: Among) -> None:
        """Show only the accounts in `some`, clearing all other filters."""
        raise NotImplementedError


class ShowsPortfolio:
    """A screen that can move its cursor to a portfolio, show its page and edit it."""

    def show_portfolio(self, portfolio_id: str) -> None:
        """Move the cursor to a portfolio, clearing filters that hide it."""
        raise NotImplementedError

    def open_portfolio(self, portfolio_id: str) -> None:
        """Move the cursor to a portfolio and open its page."""
        raise NotImplementedError

    def edit_portfolio(self, portfolio_id: str) -> None:
        """Move the cursor to a portfolio and open it in the editor."""
        raise NotImplementedError


class ShowsRun:
    """A screen that can move its cursor to a run."""

    def show_run(self, run_id: str) -> None:
        """Move the cursor to a run."""
        raise NotImplementedError


class ShowsAsset:
    """A screen that can move its cursor to an asset."""

    def show_asset(self, symbol: str) -> None:
        """Move the cursor to an asset."""
        raise NotImplementedError


class ShowsJob:
    """A screen that can move its cursor to a job."""

    def show_job(self, name: str) -> None:
        """Move the cursor to a job."""
        raise NotImplementedError


class ShowsMatching:
    """A list screen that can be filtered by text."""

    def show_only(self, text: str, label: str = "") -> None:
        """Filter by text and clear all other filters; the filter is displayed as `label`, by default as the text."""
        raise NotImplementedError

    def entered(self) -> None:
        """Called when the user presses the key of the section that is shown already."""
        raise NotImplementedError


class Leavable:
    """A screen above a section that only shows data: going to another section closes the screen, and nothing is
    lost.
    """


class StartsWithdrawal:
    """A screen with a form for new withdrawals."""

    def new_withdrawal(self, account: str = "") -> None:
        """Open the form for a new withdrawal, with the account filled in if given."""
        raise NotImplementedError


class ActsOnAccount:
    """A screen whose actions work on the account under its cursor."""

    def act_on(self, account_id: str, method: str, back: Opens) -> None:
        """Move the cursor to an account as soon as its row is shown, and run the action `method` there.

        `back` opens the page that the user came from; it is called when the action is over.
        """
        raise NotImplementedError


class Navigation:
    """Switches to the section that shows an object. Screens are identified by the `Shows…` class they implement.

    Escape leads back to the section from which the object was opened, unless the user has chosen a section meanwhile.
    """

    def __init__(self, app: App[Any], say: Callable[[str], None], way_back: WayBack) -> None:
        self._app = app
        self._say = say
        self._way_back = way_back

    def show_account(self, account_id: str) -> None:
        """Go to an account on the Desk."""
        self._go(Section.DESK, ShowsAccount, lambda desk: desk.show_account(account_id))

    def show_in_accounts(self, account_id: str) -> None:
        """Go to an account in Accounts, whether subscribed or not."""
        self._go(Section.ACCOUNTS, ShowsAccount, lambda accounts: accounts.show_account(account_id))

    def act_on_account(self, account_id: str, method: str, back: Opens) -> None:
        """Go to an account in Accounts and run an action of that section; `back` then opens
        the page the user came from.
        """
        self._go(
            Section.ACCOUNTS,
            ActsOnAccount,
            lambda accounts: accounts.act_on(account_id, method, back),
            returns=False,
        )

    def withdraw_from(self, account: str) -> None:
        """Go to Cash and open the withdrawal form for an account."""
        self._go(Section.CASH, StartsWithdrawal, lambda cash: cash.new_withdrawal(account))

    def show_among(self, some: Among) -> None:
        """Go to the Desk and show only the accounts in `some`."""
        self._go(Section.DESK, ShowsAmong, lambda desk: desk.show_among(some))

    def show_desk_filtered(self, text: str) -> None:
        """Go to the Desk and filter it by text."""
        self._go(Section.DESK, ShowsMatching, lambda desk: desk.show_only(text))

    def show_portfolio(self, portfolio_id: str) -> None:
        """Go to a portfolio."""
        self._go(Section.PORTFOLIOS, ShowsPortfolio, lambda portfolios: portfolios.show_portfolio(portfolio_id))

    def open_portfolio(self, portfolio_id: str) -> None:
        """Go to the page of a portfolio."""
        self._go(
            Section.PORTFOLIOS, ShowsPortfolio, lambda portfolios: portfolios.open_portfolio(portfolio_id), opens=True
        )

    def edit_portfolio(self, portfolio_id: str) -> None:
        """Go to a portfolio and edit it."""
        self._go(
            Section.PORTFOLIOS, ShowsPortfolio, lambda portfolios: portfolios.edit_portfolio(portfolio_id), opens=True
        )

    def show_runs_of(self, account_id: str, client: str) -> None:
        """Go to Runs and show the runs of an account; the filter is shown as the client's name."""
        self._go(Section.RUNS, ShowsMatching, lambda runs: runs.show_only(account_id, client))

    def leave_pages(self) -> bool:
        """Close the pages above the current section, because the user goes elsewhere. If a form or question is open,
        close nothing and return False.
        """
        left = self._leave_pages()
        if left:
            self._way_back.forget()
        return left

    def _leave_pages(self) -> bool:
        above = self._app.screen_stack[1:]
        if not all(isinstance(screen, Leavable) for screen in above):
            return False
        for screen in reversed(above):
            screen.dismiss()
        return True

    def enter(self, section: str) -> None:
        """Notify the screen of the current section that the section's key was pressed."""
        stack = self._app.screen_stack
        if stack and self._app.current_mode == section and isinstance(stack[0], ShowsMatching):
            stack[0].entered()

    def show_run(self, run_id: str) -> None:
        """Go to a run."""
        self._go(Section.RUNS, ShowsRun, lambda runs: runs.show_run(run_id))

    def show_asset(self, symbol: str) -> None:
        """Go to an asset in Market."""
        self._go(Section.MARKET, ShowsAsset, lambda market: market.show_asset(symbol))

    def show_subject(self, kind: str, subject: str) -> None:
        """Go to the subject of an alert of this kind; shows a message if no section shows subjects of the kind."""
        if kind == "run":
            self.show_run(subject)
        elif kind in ("restricted", "account_ended", "reconciliation"):
            self.show_in_accounts(subject)
        elif kind == "asset_hold":
            self.show_asset(subject)
        elif kind == "surge":
            self._switch(REVIEW)
        elif kind == "needs_adjustment":
            self.show_portfolio(subject)
        elif kind in ("withdrawal", "journal"):
            self._switch(Section.CASH)
        elif kind in ("job", "missed"):
            name = subject if kind == "job" else "evaluation"
            self._go(Section.LOG, ShowsJob, lambda log: log.show_job(name))
        else:
            self._say("No section shows the subject of this alert.")

    def _switch(self, section: str, *, opens: bool = False) -> None:
        self._way_back.came_from(self._app.current_mode, section, opens=opens)
        self._app.switch_mode(section)

    def _go(
        self,
        section: Section,
        kind: type[T],
        show: Callable[[T], None],
        *,
        opens: bool = False,
        returns: bool = True,
    ) -> None:
        """Switch to a section; then call `show` with its screen, if the section is still current.

        With `opens`, a page or form opens there; when it is closed, the present section is shown again. Without
        `returns`, nothing leads back to the present section.
        """
        self._leave_pages()
        if returns:
            self._switch(section, opens=opens)
        else:
            self._app.switch_mode(section)

        def when_there() -> None:
            stack = self._app.screen_stack
            if not stack or self._app.current_mode != section or not isinstance(stack[0], kind):
                return
            if stack[0].is_mounted:
                show(stack[0])
            else:
                # Composes its widgets first, when a worker went to a section that was not shown before.
                stack[0].call_later(show, stack[0])

        self._app.call_later(when_there)

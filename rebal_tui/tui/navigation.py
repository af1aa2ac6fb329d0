"""The places, and the ways from one to another: to an account, a portfolio, a run, an asset."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from textual.screen import Screen

from rebal_tui.tui.screens.shared.section_screen import SectionScreen
from rebal_tui.tui.sections import REVIEW, Section

if TYPE_CHECKING:
    from rebal_tui.tui.app import RebalApp

P = TypeVar("P", bound=SectionScreen)


def _desk_screen() -> Screen[None]:
    from rebal_tui.tui.screens.desk.screen import DeskScreen

    return DeskScreen()


def _runs_screen() -> Screen[None]:
    from rebal_tui.tui.screens.runs.screen import RunsScreen

    return RunsScreen()


def _log_screen() -> Screen[None]:
    from rebal_tui.tui.screens.log.screen import LogScreen

    return LogScreen()


def _portfolios_screen() -> Screen[None]:
    from rebal_tui.tui.screens.portfolios.screen import PortfoliosScreen

    return PortfoliosScreen()


def _accounts_screen() -> Screen[None]:
    from rebal_tui.tui.screens.accounts.screen import AccountsScreen

    return AccountsScreen()


def _cash_screen() -> Screen[None]:
    from rebal_tui.tui.screens.cash.screen import CashScreen

    return CashScreen()


def _market_screen() -> Screen[None]:
    from rebal_tui.tui.screens.market.screen import MarketScreen

    return MarketScreen()


def _review_screen() -> Screen[None]:
    from rebal_tui.tui.screens.review.screen import ReviewScreen

    return ReviewScreen()


def _lab_screen() -> Screen[None]:
    from rebal_tui.tui.screens.lab.screen import LabScreen

    return LabScreen()


MODES: dict[str, str | Callable[[], Screen[Any]]] = {
    Section.DESK.value: _desk_screen,
    Section.PORTFOLIOS.value: _portfolios_screen,
    Section.ACCOUNTS.value: _accounts_screen,
    Section.RUNS.value: _runs_screen,
    Section.CASH.value: _cash_screen,
    Section.MARKET.value: _market_screen,
    Section.LAB.value: _lab_screen,
    Section.LOG.value: _log_screen,
    REVIEW: _review_screen,
}
"""How each place is made, which is when somebody goes there first."""


class Navigation:
    """Going to where a thing is shown."""

    def __init__(self, app: RebalApp) -> None:
        self._app = app

    def show_account(self, account_id: str) -> None:
        """Go to an account on the Desk."""
        self._app.switch_mode(Section.DESK)
        from rebal_tui.tui.screens.desk.screen import DeskScreen

        self._after_switch(DeskScreen, lambda desk: desk.show_account(account_id))

    def show_in_accounts(self, account_id: str) -> None:
        """Go to an account in Accounts, subscribed or not."""
        from rebal_tui.tui.screens.accounts.screen import AccountsScreen

        self._app.switch_mode(Section.ACCOUNTS)
        self._after_switch(AccountsScreen, lambda accounts: accounts.show_account(account_id))

    def withdraw_from(self, account: str) -> None:
        """Go to Cash and open the form of a new withdrawal for an account."""
        from rebal_tui.tui.screens.cash.screen import CashScreen

        self._app.switch_mode(Section.CASH)
        self._after_switch(CashScreen, lambda cash: cash.new_withdrawal(account))

    def show_desk_filtered(self, text: str) -> None:
        """Go to the Desk under a filter."""
        self._app.switch_mode(Section.DESK)
        from rebal_tui.tui.screens.desk.screen import DeskScreen

        self._after_switch(DeskScreen, lambda desk: desk.show_only(text))

    def show_portfolio(self, portfolio_id: str) -> None:
        """Go to a portfolio."""
        from rebal_tui.tui.screens.portfolios.screen import PortfoliosScreen

        self._app.switch_mode(Section.PORTFOLIOS)
        self._after_switch(PortfoliosScreen, lambda portfolios: portfolios.show_portfolio(portfolio_id))

    def show_runs_of(self, text: str) -> None:
        """Go to the runs of an account."""
        self._app.switch_mode(Section.RUNS)
        from rebal_tui.tui.screens.runs.screen import RunsScreen

        self._after_switch(RunsScreen, lambda runs: runs.show_only(text))

    def show_run(self, run_id: str) -> None:
        """Go to a run."""
        self._app.switch_mode(Section.RUNS)
        from rebal_tui.tui.screens.runs.screen import RunsScreen

        self._after_switch(RunsScreen, lambda runs: runs.show_run(run_id))

    def show_asset(self, symbol: str) -> None:
        """Go to an asset in Market."""
        from rebal_tui.tui.screens.market.screen import MarketScreen

        self._app.switch_mode(Section.MARKET)
        self._after_switch(MarketScreen, lambda market: market.show_asset(symbol))

    def show_subject(self, kind: str, subject: str) -> None:
        """Go to what an alert of a kind is about; says so when there is nothing to go to."""
        if kind == "run":
            self.show_run(subject)
        elif kind in ("restricted", "reconciliation"):
            self.show_in_accounts(subject)
        elif kind == "needs_adjustment":
            self.show_portfolio(subject)
        elif kind == "withdrawal":
            self._app.switch_mode(Section.CASH)
        elif kind in ("job", "missed"):
            self._app.switch_mode(Section.LOG)
            from rebal_tui.tui.screens.log.screen import LogScreen

            self._after_switch(LogScreen, lambda log: log.show_job(subject if kind == "job" else "evaluation"))
        else:
            self._app.say("There is no place that shows more of this.")

    def _after_switch(self, kind: type[P], do: Callable[[P], None]) -> None:
        def when_there() -> None:
            section = self._app.section
            if isinstance(section, kind):
                do(section)

        self._app.call_later(when_there)

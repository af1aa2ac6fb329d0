"""Screen factories of the sections; each section is a mode in the sense of Textual: a stack of screens. Only the app
imports this module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.screen import Screen

from rebal_tui.tui.sections import EXCEPTIONS, REVIEW, Section


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


def _exceptions_screen() -> Screen[None]:
    from rebal_tui.tui.screens.exceptions.screen import ExceptionsScreen

    return ExceptionsScreen()


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
    EXCEPTIONS: _exceptions_screen,
}
"""Screen factory by section, called when the section is first opened."""

"""Lazily imported service modules for the screens.

The first call of a service imports its module, on the book's thread. The type checker sees the real modules. Example:
`await host.ask(desk_queries.desk_snapshot, seen)`.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any


@dataclass(frozen=True, slots=True)
class Service:
    """Proxy of a function or class of a service module; calling it imports the module and calls the real one."""

    module: str
    name: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return getattr(importlib.import_module(self.module), self.name)(*args, **kwargs)


class ServiceModule:
    """Proxy of a service module that is not imported yet; each attribute is a `Service`."""

    def __init__(self, path: str) -> None:
        self._path = f"rebal_tui.services.{path}"

    def __getattr__(self, name: str) -> Service:
        if name.startswith("_"):
            raise AttributeError(name)
        return Service(self._path, name)


if TYPE_CHECKING:
    from rebal_tui.services.advisory import bulk, cash, portfolios, restrictions, trade_settings, undo, withdrawals
    from rebal_tui.services.advisory import run_stops as run_stop_settings
    from rebal_tui.services.backtest import comparison as backtest_comparison
    from rebal_tui.services.backtest import heat_maps as backtest_heat_maps
    from rebal_tui.services.backtest import report as backtest_report
    from rebal_tui.services.backtest import verification as backtest_verification
    from rebal_tui.services.book import guards, kill_switch, policy
    from rebal_tui.services.broker_sync.reconciliation import release
    from rebal_tui.services.files_book import by_hand as files_by_hand
    from rebal_tui.services.files_book import custodians as files_custodians
    from rebal_tui.services.files_book import dialogs as files_dialogs
    from rebal_tui.services.files_book import fills as files_fills
    from rebal_tui.services.files_book import importing as files_importing
    from rebal_tui.services.files_book import trade_list as files_lists
    from rebal_tui.services.maintenance import archive_page as archive_pages
    from rebal_tui.services.maintenance import book_copy, export
    from rebal_tui.services.queries import account_page as account_pages
    from rebal_tui.services.queries import accounts as account_queries
    from rebal_tui.services.queries import cash as cash_queries
    from rebal_tui.services.queries import desk as desk_queries
    from rebal_tui.services.queries import evaluation_now as evaluation_queries
    from rebal_tui.services.queries import exception_list, first_runs, portfolio_versions, run_search
    from rebal_tui.services.queries import log as log_queries
    from rebal_tui.services.queries import market as market_queries
    from rebal_tui.services.queries import names as name_queries
    from rebal_tui.services.queries import portfolios as portfolio_queries
    from rebal_tui.services.queries import restrictions as restriction_queries
    from rebal_tui.services.queries import review as review_queries
    from rebal_tui.services.queries import run_overrides as run_override_queries
    from rebal_tui.services.queries import run_stops as run_stop_queries
    from rebal_tui.services.queries import runs as run_queries
    from rebal_tui.services.queries import status as status_queries
    from rebal_tui.services.reports import account_trail as account_trails
    from rebal_tui.services.reports import log_page as log_pages
    from rebal_tui.services.runs import asset_holds, run_overrides
    from rebal_tui.services.runs import manual as manual_runs
    from rebal_tui.services.schedule import follower, scheduler
    from rebal_tui.services.simulation import account_events, corporate_actions, simulator
else:
    bulk = ServiceModule("advisory.bulk")
    cash = ServiceModule("advisory.cash")
    portfolios = ServiceModule("advisory.portfolios")
    restrictions = ServiceModule("advisory.restrictions")
    run_stop_settings = ServiceModule("advisory.run_stops")
    trade_settings = ServiceModule("advisory.trade_settings")
    undo = ServiceModule("advisory.undo")
    withdrawals = ServiceModule("advisory.withdrawals")
    backtest_comparison = ServiceModule("backtest.comparison")
    backtest_heat_maps = ServiceModule("backtest.heat_maps")
    backtest_report = ServiceModule("backtest.report")
    backtest_verification = ServiceModule("backtest.verification")
    guards = ServiceModule("book.guards")
    kill_switch = ServiceModule("book.kill_switch")
    policy = ServiceModule("book.policy")
    release = ServiceModule("broker_sync.reconciliation.release")
    files_by_hand = ServiceModule("files_book.by_hand")
    files_custodians = ServiceModule("files_book.custodians")
    files_dialogs = ServiceModule("files_book.dialogs")
    files_fills = ServiceModule("files_book.fills")
    files_importing = ServiceModule("files_book.importing")
    files_lists = ServiceModule("files_book.trade_list")
    archive_pages = ServiceModule("maintenance.archive_page")
    book_copy = ServiceModule("maintenance.book_copy")
    export = ServiceModule("maintenance.export")
    account_pages = ServiceModule("queries.account_page")
    account_queries = ServiceModule("queries.accounts")
    cash_queries = ServiceModule("queries.cash")
    desk_queries = ServiceModule("queries.desk")
    evaluation_queries = ServiceModule("queries.evaluation_now")
    exception_list = ServiceModule("queries.exception_list")
    first_runs = ServiceModule("queries.first_runs")
    log_queries = ServiceModule("queries.log")
    market_queries = ServiceModule("queries.market")
    name_queries = ServiceModule("queries.names")
    portfolio_queries = ServiceModule("queries.portfolios")
    portfolio_versions = ServiceModule("queries.portfolio_versions")
    restriction_queries = ServiceModule("queries.restrictions")
    review_queries = ServiceModule("queries.review")
    run_queries = ServiceModule("queries.runs")
    run_override_queries = ServiceModule("queries.run_overrides")
    run_search = ServiceModule("queries.run_search")
    run_stop_queries = ServiceModule("queries.run_stops")
    status_queries = ServiceModule("queries.status")
    account_trails = ServiceModule("reports.account_trail")
    log_pages = ServiceModule("reports.log_page")
    asset_holds = ServiceModule("runs.asset_holds")
    manual_runs = ServiceModule("runs.manual")
    run_overrides = ServiceModule("runs.run_overrides")
    follower = ServiceModule("schedule.follower")
    scheduler = ServiceModule("schedule.scheduler")
    account_events = ServiceModule("simulation.account_events")
    corporate_actions = ServiceModule("simulation.corporate_actions")
    simulator = ServiceModule("simulation.simulator")

__all__ = [
    "account_events",
    "account_pages",
    "account_queries",
    "account_trails",
    "archive_pages",
    "asset_holds",
    "backtest_comparison",
    "backtest_heat_maps",
    "backtest_report",
    "backtest_verification",
    "book_copy",
    "bulk",
    "cash",
    "cash_queries",
    "corporate_actions",
    "desk_queries",
    "evaluation_queries",
    "exception_list",
    "export",
    "files_by_hand",
    "files_custodians",
    "files_dialogs",
    "files_fills",
    "files_importing",
    "files_lists",
    "first_runs",
    "follower",
    "guards",
    "kill_switch",
    "log_pages",
    "log_queries",
    "manual_runs",
    "market_queries",
    "name_queries",
    "policy",
    "portfolio_queries",
    "portfolio_versions",
    "portfolios",
    "release",
    "restriction_queries",
    "restrictions",
    "review_queries",
    "run_override_queries",
    "run_overrides",
    "run_queries",
    "run_search",
    "run_stop_queries",
    "run_stop_settings",
    "scheduler",
    "simulator",
    "status_queries",
    "trade_settings",
    "undo",
    "withdrawals",
]

"""A files book with a fixed clock, and small positions files for it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from rebal_tui import bootstrap, files_book
from rebal_tui.broker.files.recognizer import read_statement
from rebal_tui.domain.quantities import qty_text
from rebal_tui.domain.runs import Approval, Run
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.market.clock import FixedClock
from rebal_tui.services.advisory.portfolios import create_portfolio
from rebal_tui.services.advisory.subscriptions import subscribe
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.files_settings import read_options
from rebal_tui.services.evaluation.history import plan_of
from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
from rebal_tui.services.files_book.import_plan import ImportPlan, plan_import
from rebal_tui.services.files_book.importing import apply_import
from rebal_tui.services.parsing.portfolio_input import parse_portfolio
from rebal_tui.services.runs.manual import approve_run
from rebal_tui.services.runs.processing import process_runs
from tests.services import factories

FRIDAY = "2026-11-27 17:00"
MONDAY = "2026-11-30 18:00"
HEAD = "Account number,Client,Symbol,Shares,Price,Value,Type"
PRICES = {"AAA": "100", "BBB": "50", "CCC": "10"}


def at(text: str) -> datetime:
    """A New York time."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


def positions(
    accounts: Mapping[str, Mapping[str, str]], when: str, prices: Mapping[str, str] = PRICES
) -> bytes:  # fmt: skip
    """A positions file: shares by symbol for each account, `CASH` in dollars."""
    rows = [f"Positions,generated {when}", HEAD]
    for number, held in accounts.items():
        name = factories.NAMES.get(number, f"Client {number}")
        for symbol, shares in held.items():
            if symbol == "CASH":
                rows.append(f"{number},{name},CASH,,,{shares},Cash")
            else:
                value = f"{float(shares) * float(prices[symbol]):.2f}"
                rows.append(f"{number},{name},{symbol},{shares},{prices[symbol]},{value},ETF")
    return "\n".join(rows).encode()


def empty_book(path: Path | str = ":memory:", when: str = FRIDAY) -> Book:
    """A new files book at a time."""
    database = bootstrap.open_database(path)
    files_book.create_files(database, name="test", now=at(when), seed="files")
    return files_book.open_files(database, clock=FixedClock(at(when)))


def imported(book: Book, content: bytes) -> ImportPlan:
    """Import a file as the command does, and evaluate."""
    plan = plan_import(book, read_statement(content, read_options(book.database)))
    apply_import(book, plan)
    if not plan.known:
        evaluation_pass(book)
    process_runs(book)
    return plan


def set_time(book: Book, when: str) -> None:
    assert isinstance(book.clock, FixedClock)
    book.clock.set(at(when))


def follow(book: Book, weights: Mapping[str, str], cash: str = "") -> None:
    """Let every account follow a portfolio of these weights."""
    lines = [{"type": "asset", "symbol": symbol, "percent": percent} for symbol, percent in weights.items()]
    body = {"name": "Model", "weights": [*lines, *([{"type": "cash", "percent": cash}] if cash else [])]}
    portfolio = create_portfolio(book, parse_portfolio(body))
    for account_id in list(book.accounts):
        subscribe(book, account_id, portfolio.id)


def evaluated(book: Book) -> list[Run]:
    """Evaluate; the runs that wait for approval."""
    evaluation_pass(book)
    process_runs(book)
    return [run for run in book.open_runs.values() if run.approval is Approval.AWAITING]


def approve_all(book: Book) -> None:
    for run in list(book.open_runs.values()):
        plan = plan_of(book.database, run)
        if run.approval is Approval.AWAITING and plan is not None:
            approve_run(book, run.id, plan)


def account_id(book: Book, number: str) -> str:
    return next(account.id for account in book.accounts.values() if account.account_number == number)


def orders(book: Book, number: str) -> list[tuple[str, str, str]]:
    """Open orders of an account: side, symbol, shares."""
    found = book.broker.open_orders(account_id(book, number))
    return [(order.side.value, order.symbol, qty_text(order.qty)) for order in found if order.qty is not None]

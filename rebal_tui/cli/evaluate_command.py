"""`rebal-tui evaluate`: one evaluation pass for a book or a BOOK.json."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rebal_tui.cli.parameters import (
    FILE,
    Timestamp,
    command,
    copied,
    db_option,
    existing_book_path,
    json_option,
    naming_file,
    read_file,
    write,
    write_json,
)
from rebal_tui.cli.tables import plain_table
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.domain.text import count_text

if TYPE_CHECKING:
    from rich.console import Console

    from rebal_tui.domain.decisions import Decision
    from rebal_tui.domain.runs import Run
    from rebal_tui.services.book.book import Book
    from rebal_tui.services.evaluation_pass.chunks import EvaluationPass
    from rebal_tui.store.database import Database


@command("evaluate")
@db_option
@click.option(
    "--book", "book_file", type=FILE, metavar="BOOK.json", help="Evaluate this file in memory instead of a book."
)
@click.option(
    "--at", type=Timestamp(), help="Time of the evaluation. Default: the book's time; with --book, its as_of, else now."
)
@click.option("--dry-run", is_flag=True, help="Decide only: store nothing and create no runs.")
@click.option("--explain", is_flag=True, help="Show every check and every planned order, not only the outcomes.")
@json_option
@click.pass_context
def entry(
    ctx: click.Context, db: Path | None, book_file: Path | None, at: datetime | None, dry_run: bool, explain: bool,
    as_json: bool,
) -> int:  # fmt: skip
    """Run one evaluation pass and show why each account trades or not.

    Evaluates every account that follows a portfolio. In a book, stores the decisions, creates and executes the
    resulting runs at the prices of that time, and advances the book's time to TIME; it cannot go back. With --dry-run
    or --book, no file is changed.

    TIME is RFC 3339, such as 2026-11-27T17:30:00Z; a time without an offset is New York time.

    \b
    Examples:
      rebal-tui evaluate --dry-run --explain
      rebal-tui evaluate --book clients.json --at "2026-11-27 12:30" --json
    """
    if book_file is not None:
        if db is not None:
            raise click.UsageError("--db and --book cannot be combined")
        return _of_file(book_file, at, dry_run=dry_run, explain=explain, as_json=as_json)
    from rebal_tui import bootstrap, paths

    path = existing_book_path(ctx, db)
    if dry_run:
        with copied(path) as database:
            with paths.naming_damage(path):
                book = bootstrap.open_offline(database) if bootstrap.is_live(database) else _open(database, at)
            evaluation, _ = _decide(book, dry_run=True)
            _show(book, evaluation, (), explain=explain, as_json=as_json)
        return 0
    with paths.exclusive_lock(path):
        paths.require_book(path)
        database = bootstrap.open_database(path)
        try:
            with paths.naming_damage(path):
                book = _open(database, at)
            evaluation, runs = _decide(book, dry_run=False)
            _show(book, evaluation, runs, explain=explain, as_json=as_json)
        finally:
            database.close()
    return 0


def _of_file(path: Path, at: datetime | None, *, dry_run: bool, explain: bool, as_json: bool) -> int:
    from rebal_tui import bootstrap
    from rebal_tui.services.importing.book_import import import_book
    from rebal_tui.services.parsing.book_file import parse_book

    with naming_file(path):
        parsed = parse_book(read_file(path))
    evaluated_at = at or parsed.as_of or bootstrap.real_now()
    prices = {asset.symbol: asset.price for asset in parsed.assets if asset.price is not None}
    book = bootstrap.memory_book(evaluated_at, prices=prices)
    try:
        import_book(book, parsed)
        evaluation, runs = _decide(book, dry_run=dry_run)
        _show(book, evaluation, runs, explain=explain, as_json=as_json)
    finally:
        book.database.close()
    return 0


def _open(database: Database, at: datetime | None) -> Book:
    """Open the book at a time, not earlier than its recorded time. Raises `Conflict`."""
    from rebal_tui import bootstrap, files_book
    from rebal_tui.services.book.market_state import load_clock

    if files_book.is_files(database):
        if at is not None:
            raise Conflict("--at: a files book is evaluated as of its newest prices")
        return files_book.open_files(database)
    if bootstrap.is_live(database):
        raise Conflict(f"{database.path} has a real broker: only the open program creates its runs; use --dry-run")
    state = load_clock(database)
    if state is None:
        raise Conflict(f"{database.path}: the file is not the book of a simulated market")
    if at is not None and at < state.at:
        raise Conflict(
            f"--at: {_local(at)} is before the book's time, {_local(state.at)}; a book's time cannot go back"
        )
    return bootstrap.open_simulation(database, at=at or state.at)


def _decide(book: Book, *, dry_run: bool) -> tuple[EvaluationPass, tuple[Run, ...]]:
    """Run one evaluation pass; without `dry_run` its runs are executed and the market state is stored in the book."""
    from rebal_tui.services.book.market_state import save_market_state
    from rebal_tui.services.evaluation_pass.chunks import evaluation_pass
    from rebal_tui.services.runs.processing import process_runs
    from rebal_tui.services.schedule import jobs as scheduled_jobs
    from rebal_tui.services.schedule import scheduler
    from rebal_tui.store import runs

    if not dry_run:
        save_market_state(book, book.now())
    scheduler.advance_market(book, book.now())
    evaluation = evaluation_pass(book)
    if dry_run:
        return evaluation, ()
    process_runs(book)
    save_market_state(book, book.now())
    scheduled_jobs.save_prices(book)
    return evaluation, tuple(runs.get(book.database, run.id) for run in evaluation.runs)


def _show(book: Book, evaluation: EvaluationPass, runs: tuple[Run, ...], *, explain: bool, as_json: bool) -> None:
    if as_json:
        from rebal_tui.services.wire.extensions import decision_extension
        from rebal_tui.services.wire.shapes import decision_json, portfolio_json, time_text

        write_json(
            {
                "as_of": time_text(evaluation.at),
                "decisions": [decision_json(one) | decision_extension(one) for one in evaluation.decisions],
                "portfolios": [portfolio_json(portfolio) for portfolio in evaluation.needs_adjustment],
            }
        )
        return
    write(f"{_local(evaluation.at)}, {count_text(len(evaluation.decisions), 'subscription')} evaluated\n\n")
    if explain:
        for decision in evaluation.decisions:
            write(_explained(book, decision))
    else:
        _table(book, evaluation)
    for portfolio in evaluation.needs_adjustment:
        write(f"{portfolio.name} now needs adjustment.\n")
    awaiting = sum(run.awaits_approval for run in runs)
    for run in runs:
        if not run.awaits_approval:
            reason = f": {run.reason}" if run.reason else ""
            write(f"{run.type.value} for {book.accounts[run.account_id].name}: {run.status.value}{reason}\n")
    if awaiting:
        verb = "awaits" if awaiting == 1 else "await"
        how = "; 'rebal-tui approve --all' approves every run that waits" if book.settings.one_list else ""
        write(f"{count_text(awaiting, 'run')} {verb} approval{how}.\n")


_HEADER = ("ACCOUNT", "CLIENT", "PORTFOLIO", "OUTCOME", "WHY")


def _table(book: Book, evaluation: EvaluationPass) -> None:
    rows = [_row(book, decision) for decision in evaluation.decisions]
    if sys.stdout.isatty():
        from rich.console import Console

        print_by_portfolio(rows, Console())
        return
    write(plain_table(_HEADER, rows) + "\n")


def print_by_portfolio(rows: Sequence[tuple[str, ...]], console: Console) -> None:
    """Print one table per portfolio, headed by its name.

    The name is not repeated in a column, so that most rows fit into 80 characters. Each of `rows` has the account's
    number, the client, the portfolio's name, the outcome and the reason.
    """
    from rich.table import Table
    from rich.text import Text

    tables: dict[str, Table] = {}
    for number, client, portfolio, outcome, reason in rows:
        if portfolio not in tables:
            header = (column for column in _HEADER if column != "PORTFOLIO")
            tables[portfolio] = Table(*header, box=None, padding=(0, 2, 0, 0), pad_edge=False)
        tables[portfolio].add_row(Text(number), Text(client), Text(outcome), Text(reason))
    for portfolio, table in tables.items():
        console.print(Text(portfolio, style="bold"), table, sep="\n", end="\n\n")


def _row(book: Book, decision: Decision) -> tuple[str, ...]:
    account = book.accounts[decision.account_id]
    portfolio = book.portfolios[decision.portfolio_id]
    return account.account_number, account.name, portfolio.name, decision.outcome.value, decision.reason


def _explained(book: Book, decision: Decision) -> str:
    from rebal_tui.domain.quantities import money_text, qty_text

    number, name, portfolio, outcome, _ = _row(book, decision)
    checks = [("  " + c.check, c.verdict.value, c.detail) for c in decision.trace]
    text = f"{number}  {name}  {portfolio}: {outcome}\n" + plain_table(None, checks)
    if decision.plan is not None:
        lines = [
            (
                "  " + line.symbol,
                line.side.value if line.side else "-",
                f"${money_text(line.notional)}" if line.notional else qty_text(line.qty) if line.qty else "",
                line.reason.value,
                line.detail,
            )
            for line in decision.plan.lines
        ]
        text += "\n" + plain_table(None, lines)
    return text + "\n"


def _local(at: datetime) -> str:
    return f"{at.astimezone(NEW_YORK):%Y-%m-%d %H:%M:%S} New York"

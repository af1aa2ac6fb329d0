"""`rebal-tui replay`: replay a price history with the same rules, scheduler and broker."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rebal_tui.cli.parameters import (
    FILE,
    Day,
    command,
    json_option,
    naming_file,
    read_file,
    write,
    write_json,
    write_message,
)
from rebal_tui.domain.errors import Conflict

if TYPE_CHECKING:
    from rebal_tui.market.closes import Closes
    from rebal_tui.services.book.book import Book
    from rebal_tui.services.simulation.replay import Progress, Replay


@command("replay")
@click.argument("prices", type=FILE, metavar="PRICES.csv")
@click.option("--book", "book_file", type=FILE, metavar="BOOK.json", help="The accounts and portfolios to start with.")
@click.option("--from", "since", type=Day(), metavar="DATE", help="The first day. Without it: the first with closes.")
@click.option("--to", "until", type=Day(), metavar="DATE", help="The last day. Without it: the last with closes.")
@click.option("--db", type=FILE, metavar="FILE", help="Keep the book that comes out in a new file.")
@json_option
def entry(
    prices: Path, book_file: Path | None, since: date | None, until: date | None, db: Path | None, as_json: bool
) -> int:
    """Live through a price history.

    PRICES.csv holds daily closes: a header 'date,SYM,SYM,…', one row a day, an empty cell where a symbol has no price.
    Every session is lived through: settlement at the open, one evaluation at the end of the window at that session's
    closes, orders filled in full at those prices.

    Without --book one account with $100,000 in cash subscribes on the first session to 60 % SPY, 35 % TLT, 5 % cash
    with drift bands of 5 points and 20 % and a cooldown of 7 days. With --book the prices in it are ignored, and a
    last_rebalanced_at later than the first session counts as none.

    \b
    Examples:
      rebal-tui replay closes.csv
      rebal-tui replay closes.csv --from 2020-01-02 --to 2020-12-31 --json
      rebal-tui replay closes.csv --book clients.json --db replayed.db
    """
    from rebal_tui import bootstrap
    from rebal_tui.market.closes import read_closes
    from rebal_tui.services.parsing.book_file import parse_book
    from rebal_tui.services.simulation import replay

    if db is not None and db.exists():
        raise Conflict(f"{db} exists; a replay makes a new book")
    with naming_file(prices):
        closes = read_closes(prices)
    parsed = None
    if book_file is not None:
        with naming_file(book_file):
            parsed = parse_book(read_file(book_file))
    needed = replay.needed_symbols(parsed)
    replay.require_columns(closes, needed)
    closes = replay.narrowed(closes, needed)
    first, last = replay.date_range(closes, since, until)
    book = bootstrap.replay_book(closes, first, last)
    try:
        replay.begin(book, first)
        if parsed is None:
            replay.create_default_book(book)
        else:
            replay.create_book_from_file(book, parsed)
        _note_unmatched_days(book, closes, first, last)
        with _progress(first, last) as progress:
            result = replay.replay(book, first, last, progress)
        if db is not None:
            _keep(book, db)
        if as_json:
            write_json(_object(book, result))
        else:
            write(_summary(result))
    finally:
        book.database.close()
    return 0


def _note_unmatched_days(book: Book, closes: Closes, first: date, last: date) -> None:
    """Report the days of the file that are not sessions, and the sessions missing from the file."""
    given = {day for day in closes.days if first <= day <= last}
    sessions = set(book.calendar.days(first, last))
    for unmatched, what in (
        (sorted(given - sessions), "days in the file are no sessions and are left out"),
        (sorted(sessions - given), "sessions are not in the file; nothing is traded on them"),
    ):
        if unmatched:
            write_message(f"note: {len(unmatched)} {what}, {unmatched[0]} the first")


def _keep(book: Book, path: Path) -> None:
    from rebal_tui.store.backup import back_up

    back_up(book.database, path)


@contextmanager
def _progress(first: date, last: date) -> Iterator[Progress]:
    """A progress bar on stderr when stderr is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _done, _total, _day: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"{first} to {last}", total=None)
        yield lambda done, total, day: bar.update(task, completed=done, total=total, description=day.isoformat())


def _object(book: Book, result: Replay) -> dict[str, Any]:
    from rebal_tui.services.wire.shapes import asset_ids, run_json, value_text

    ids = asset_ids(book.assets)
    worst = result.worst
    by_status: dict[str, int] = {}
    for (_, status), count in result.by_type_and_status.items():
        by_status[status] = by_status.get(status, 0) + count
    return {
        "from": result.first.isoformat(),
        "to": result.last.isoformat(),
        "sessions": result.sessions,
        "first_equity": value_text(result.first_equity),
        "final_equity": value_text(result.final_equity),
        "runs_by_type": result.by_type,
        "runs_by_status": by_status,
        "turnover": _money(result),
        "turnover_per_year": _ratio(result),
        "worst_drift": _points(result),
        "worst_drift_at": None
        if worst is None
        else {"date": worst.day.isoformat(), "symbol": worst.drift.symbol, "account_id": worst.account_id},
        "days_outside": result.days_outside,
        "decisions": dict(result.decisions),
        "runs": [run_json(detail, ids) for detail in result.runs],
    }


def _money(result: Replay) -> str:
    from rebal_tui.domain.quantities import money_text

    return money_text(result.traded)


def _ratio(result: Replay) -> str | None:
    from rebal_tui.domain.quantities import format_scaled

    yearly = result.turnover_a_year
    return None if yearly is None else format_scaled(yearly.numerator * 10_000 // yearly.denominator, 4, 2)


def _points(result: Replay) -> str | None:
    from rebal_tui.domain.quantities import format_scaled

    if result.worst is None:
        return None
    points = result.worst.points
    return format_scaled(points.numerator * 10_000 // points.denominator, 4, 2)


def _summary(result: Replay) -> str:
    from rebal_tui.cli.tables import dollars, plain_table

    worst = result.worst
    drift = "none" if worst is None else f"{_points(result)} points, {worst.drift.symbol} on {worst.day}"
    rows = [
        ("Sessions", f"{result.sessions:,}, {result.first} to {result.last}"),
        ("First equity", dollars(result.first_equity)),
        ("Final equity", dollars(result.final_equity)),
        ("Turnover", f"${_money(result)}, {_ratio(result) or '-'} × average equity a year"),
        ("Worst drift", drift),
        ("Days outside", f"{result.days_outside:,} sessions with an account outside a band at the evaluation"),
    ]
    counted = [(kind, status, f"{count:,}") for (kind, status), count in result.by_type_and_status.items()]
    runs = plain_table(("RUNS", "STATUS", "COUNT"), counted) if counted else "No runs.\n"
    return plain_table(None, rows) + "\n" + runs

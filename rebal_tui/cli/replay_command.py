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
from rebal_tui.cli.tables import dollars, plain_table
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.text import count_text

if TYPE_CHECKING:
    from rebal_tui.market.closes import Closes
    from rebal_tui.services.book.book import Book
    from rebal_tui.services.simulation.replay import Progress, Replay


@command("replay")
@click.argument("prices", type=FILE, metavar="PRICES.csv")
@click.option("--book", "book_file", type=FILE, metavar="BOOK.json", help="Initial accounts and portfolios.")
@click.option("--from", "since", type=Day(), metavar="DATE", help="First day. Default: the first in PRICES.csv.")
@click.option("--to", "until", type=Day(), metavar="DATE", help="Last day. Default: the last in PRICES.csv.")
@click.option("--db", type=FILE, metavar="FILE", help="Save the resulting book in a new file.")
@json_option
def entry(
    prices: Path, book_file: Path | None, since: date | None, until: date | None, db: Path | None, as_json: bool
) -> int:
    """Replay a price history with the same rules, scheduler and broker.

    PRICES.csv contains daily closing prices: a header 'date,SYM,SYM,…', then one row per day; an empty cell means that
    the symbol has no price. Semicolons, blanks around cells, empty columns at the end and the newest day first are
    accepted. In every session, cash settles at the open, one evaluation runs 30 minutes before the close
    at that session's closing prices, and orders fill in full at those prices.

    Without --book, one account with $100,000 in cash subscribes in the first session to 60\u00a0% SPY, 35\u00a0% TLT
    and 5\u00a0% cash, with drift bands of 5 percentage points and 20\u00a0% of the target and a cooldown of 7 days.
    With --book, the prices in that file are ignored, as is a last_rebalanced_at later than the first session.

    \b
    Examples:
      rebal-tui replay closes.csv
      rebal-tui replay closes.csv --from 2020-01-02 --to 2020-12-31 --json
      rebal-tui replay closes.csv --book clients.json --db replayed.db
    """
    from rebal_tui import bootstrap
    from rebal_tui.market.closes_file import read_closes
    from rebal_tui.services.parsing.book_file import parse_book
    from rebal_tui.services.simulation import replay

    if db is not None and db.exists():
        raise Conflict(f"{db} already exists; replay creates a new book")
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
            _save(book, db)
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
    for unmatched, noun, consequence in (
        (sorted(given - sessions), "day", "ignored: no trading session"),
        (sorted(sessions - given), "session", "without trades: not in the file"),
    ):
        if unmatched:
            write_message(f"note: {count_text(len(unmatched), noun)} {consequence} (first: {unmatched[0]})")


def _save(book: Book, path: Path) -> None:
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

    yearly = result.turnover_per_year
    return None if yearly is None else format_scaled(yearly.numerator * 10_000 // yearly.denominator, 4, 2)


def _points(result: Replay) -> str | None:
    from rebal_tui.domain.quantities import format_scaled

    if result.worst is None:
        return None
    points = result.worst.points
    return format_scaled(points.numerator * 10_000 // points.denominator, 4, 2)


def _summary(result: Replay) -> str:
    worst = result.worst
    drift = "none" if worst is None else f"{_points(result)} points, {worst.drift.symbol} on {worst.day}"
    rows = [
        ("Sessions", f"{result.sessions:,}, {result.first} to {result.last}"),
        ("First equity", dollars(result.first_equity)),
        ("Final equity", dollars(result.final_equity)),
        ("Turnover", f"${_money(result)}, {_ratio(result) or '-'} × average equity per year"),
        ("Worst drift", drift),
        ("Days outside", f"{count_text(result.days_outside, 'session')} with an account outside a drift band"),
    ]
    by_type = [(kind, status, f"{count:,}") for (kind, status), count in result.by_type_and_status.items()]
    runs = plain_table(("RUNS", "STATUS", "COUNT"), by_type) if by_type else "No runs.\n"
    return plain_table(None, rows) + "\n" + runs

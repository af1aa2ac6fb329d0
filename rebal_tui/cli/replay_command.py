"""`rebal-tui replay`: replay a price history with the rules, scheduler and broker of a simulated book."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rebal_tui.cli.parameters import (
    BOOK_FILE,
    FILE,
    Day,
    command,
    json_option,
    naming_file,
    read_file,
    write,
    write_json,
)
from rebal_tui.domain.errors import Conflict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rebal_tui.domain.corporate_actions import DatedAction
    from rebal_tui.services.book.book import Book
    from rebal_tui.services.simulation.replay import Progress


@command("replay")
@click.argument("prices", type=FILE, metavar="PRICES.csv")
@click.option("--book", "book_file", type=FILE, metavar="BOOK.json", help="Initial accounts and portfolios.")
@click.option("--from", "since", type=Day(), metavar="DATE", help="First day. Default: the first in PRICES.csv.")
@click.option("--to", "until", type=Day(), metavar="DATE", help="Last day. Default: the last in PRICES.csv.")
@click.option("--actions", "actions_file", type=FILE, metavar="ACTIONS.csv", help="Corporate actions to carry out.")
@click.option("--allow-jumps", is_flag=True, help="Replay in spite of price jumps that nothing explains.")
@click.option("--db", type=BOOK_FILE, metavar="FILE", help="Save the resulting book in a new file.")
@json_option
def entry(
    prices: Path, book_file: Path | None, since: date | None, until: date | None,
    actions_file: Path | None, allow_jumps: bool, db: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Replay a price history with the same rules, scheduler and broker.

    PRICES.csv contains daily closing prices: a header 'date,SYM,SYM,…', then one row per day; an empty cell means that
    the symbol has no price. Semicolons, blanks around cells, empty columns at the end and the newest day first are
    accepted. In every session, cash settles at the open, one evaluation runs 30 minutes before the close at that
    session's closing prices, and orders fill in full at those prices.

    A symbol keeps its last close on days without one; accounts that need its price are not rebalanced on such days,
    and the summary names it. A close that moved by more than 35\u00a0%, or by the ratio of a split, stops the replay
    before it begins, unless a corporate action explains it or --allow-jumps is given.

    ACTIONS.csv contains corporate actions, effective at the open of their day: a header
    'date,symbol,kind,ratio,amount,new_symbol,price', then one row per action. Kinds are split, cash_dividend,
    stock_dividend, spin_off, symbol_change, cash_merger, stock_merger and delisting. A ratio such as 10, 1.5, 3:2 or
    1:8 is new shares to old for a split, else shares received to shares held; amount is dollars per share; price is
    the first price of the asset that a spin-off creates. PRICES.csv then has prices as they were, not adjusted for the
    actions. Of a renamed asset it may have a column of the old symbol up to the change and one of the new symbol
    from then on, or a single column under either. Actions up to the first session are not carried out: holdings are as
    of its open.

    Without --book, one account with $100,000 in cash subscribes in the first session to 60\u00a0% SPY, 35\u00a0% TLT
    and 5\u00a0% cash, with drift bands of 5 percentage points and 20\u00a0% of the target and a cooldown of 7 days.
    With --book, the prices in that file are ignored, as is a last_rebalanced_at later than the first session.

    \b
    Examples:
      rebal-tui replay closes.csv
      rebal-tui replay closes.csv --from 2020-01-02 --to 2020-12-31 --json
      rebal-tui replay closes.csv --actions splits.csv
      rebal-tui replay closes.csv --book clients.json --db replayed.db
    """
    from rebal_tui import bootstrap
    from rebal_tui.cli.replay_report import replay_json, replay_text
    from rebal_tui.market.closes_file import read_closes
    from rebal_tui.services.parsing.book_file import parse_book
    from rebal_tui.services.simulation import closes_review, replay
    from rebal_tui.services.simulation.asset_tracks import track_assets
    from rebal_tui.services.simulation.closes_arrangement import arrange_closes

    if db is not None and db.exists():
        raise Conflict(f"{db} already exists; replay creates a new book")
    with naming_file(prices):
        closes = read_closes(prices)
    parsed = None
    if book_file is not None:
        with naming_file(book_file):
            parsed = parse_book(read_file(book_file))
    actions: Sequence[DatedAction] = ()
    if actions_file is not None:
        from rebal_tui.services.parsing.actions_file import read_actions

        with naming_file(actions_file):
            actions = read_actions(actions_file)
    sessions = replay.sessions_of(closes, since, until)
    first, last = sessions[0], sessions[-1]
    with naming_file(actions_file or prices):
        tracked = track_assets(replay.needed_symbols(parsed), actions, sessions)
    with naming_file(prices):
        arranged = arrange_closes(closes, tracked.tracks)
        jumps = closes_review.find_jumps(arranged.closes, sessions, tracked.actions)
        if not allow_jumps:
            closes_review.require_no_jumps(jumps)
    book = bootstrap.replay_book(arranged.closes, first, last)
    try:
        replay.begin(book, first)
        if parsed is None:
            replay.create_default_book(book)
        else:
            replay.create_book_from_file(book, parsed)
        with naming_file(actions_file or prices), _progress(first, last) as progress:
            result = replay.replay(book, first, last, progress, tracked.actions)
        if db is not None:
            _save(book, db)
        notes = [*tracked.notes, *closes_review.closes_notes(arranged, sessions)]
        if as_json:
            write_json(replay_json(book, result, jumps, notes))
        else:
            write(replay_text(result, jumps, notes))
    finally:
        book.database.close()
    return 0


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

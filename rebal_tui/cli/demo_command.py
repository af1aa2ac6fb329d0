"""`rebal-tui demo`: a fictitious book in accelerated time; also opens the screens."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import click

from rebal_tui.cli.in_browser import open_in_browser
from rebal_tui.cli.parameters import (
    BOOK_FILE,
    command,
    confirm_new_book,
    require_shown_options,
    shown_options,
    write,
    write_message,
)
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.text import count_text
from rebal_tui.systems import exit_on_hangup, ignore_hangup

MINUTE = timedelta(minutes=1)


@command("demo")
@click.option("--accounts", type=click.IntRange(1, 100_000), default=60, show_default=True, help="Number of accounts.")
@click.option("--seed", default="1", show_default=True, help="Random seed; the same seed creates the same book.")
@click.option(
    "--speed",
    type=click.FloatRange(0.1, 100_000),
    default=60.0,
    show_default=True,
    help="Simulated seconds per real second.",
)
@click.option(
    "--db", type=BOOK_FILE, metavar="FILE", help="Save the book in a new file. Default: it is deleted at exit."
)
@click.option(
    "--headless",
    type=click.IntRange(1, 100_000),
    metavar="N",
    help="Run headless for N simulated minutes, then print a summary.",
)
@shown_options
def entry(
    accounts: int, seed: str, speed: float, db: Path | None, headless: int | None, web: bool, port: int | None,
    plain: bool,
) -> int:  # fmt: skip
    """Open the screens on a demonstration book in accelerated time.

    The book has fictitious clients, model portfolios and accounts in every state. Its simulated market runs faster than
    real time, so that you can watch drift, runs and fills. With the default accounts and seed it has 60 sessions of
    history behind it, otherwise it begins without any.

    \b
    Examples:
      rebal-tui demo
      rebal-tui demo --accounts 2000 --seed 7 --speed 3600
      rebal-tui demo --web                 in a browser on this machine
      rebal-tui demo --plain               line by line, for screen readers
      rebal-tui demo --db demo.db          save the book in a new file
      rebal-tui --db demo.db               open it again
    """
    require_shown_options(web, port, plain)
    if headless is not None and (web or plain):
        raise click.UsageError("--headless only prints a summary; it cannot be combined with --web or --plain")
    show = Shown(headless, web, port or 0, plain)
    if db is not None:
        if db.exists():
            raise Conflict(f"{db} already exists; demo creates a new book (open this one with 'rebal-tui --db {db}')")
        return _demo(db, accounts, seed, speed, show)
    exit_on_hangup()
    with tempfile.TemporaryDirectory(prefix="rebal-tui-") as folder:
        return _demo(Path(folder) / "demo.db", accounts, seed, speed, show)


def open_screens(path: Path, prepare: Callable[[], None] | None = None, *, typed: bool = False) -> int:
    """Run the screens of a book's file; returns the exit code. Read-only while another process writes the book.

    `prepare` is called to create a new file, while the screens are already drawn. If a person `typed` the path and no
    book is there, the person is asked before one is created.
    """
    if not sys.stdin.isatty():
        raise Conflict("the screens need a terminal; 'rebal-tui --help' lists the commands that work without one")
    if not sys.stderr.isatty():
        raise Conflict("the screens need a terminal: they are drawn on standard error, so it must not be redirected")
    if os.environ.get("TERM") == "dumb":
        raise Conflict("the screens need a terminal that can move its cursor, and TERM is dumb; use the commands")
    if typed:
        confirm_new_book(path)
    return run_screens(path, prepare)


def run_screens(path: Path, prepare: Callable[[], None] | None = None, *, plain: bool = False) -> int:
    """Run the screens of a book's file, or with `plain` the linear mode; returns the exit code.

    Read-only while another process writes the book. `prepare` is called to create a new file. Unlike `open_screens`, it
    does not require a terminal: the screens may be drawn for a browser.
    """
    from rebal_tui import paths

    with ExitStack() as stack:
        viewing = ""
        try:
            stack.enter_context(paths.exclusive_lock(path))
        except paths.BookInUse:
            viewing = "another rebal-tui is writing to it"
        except paths.BookNotWritable as refusal:
            if not path.is_file():
                raise
            viewing = str(refusal)
        if prepare is None:
            paths.require_book(path)
        if plain:
            from rebal_tui import launch_plain

            return launch_plain.run(path, prepare, viewing=viewing)
        from rebal_tui import launch

        return launch.run(path, prepare, viewing=viewing)


@dataclass(frozen=True, slots=True)
class Shown:
    """How a demonstration is shown: without screens, in a browser, or on the terminal.

    `headless` is the number of simulated minutes to run without screens, None to show the book. `web` shows it in a
    browser, with the server on `port`. On the terminal, `plain` shows it line by line instead of on the screens.
    """

    headless: int | None
    web: bool
    port: int
    plain: bool


def _demo(path: Path, accounts: int, seed: str, speed: float, show: Shown) -> int:
    from rebal_tui import bootstrap, demo_book, paths
    from rebal_tui.services.simulation.demonstration import history
    from rebal_tui.store.new_file import built_beside

    def prepare(paused: bool = False) -> None:
        with built_beside(path) as new:
            bootstrap.create_demo(new, accounts=accounts, seed=seed, speed=speed, paused=paused).close()

    def prepare_history() -> None:
        with built_beside(path) as new:
            demo_book.create_demo_with_history(new, speed=speed).close()

    if show.headless is None:
        has_history = (accounts, seed) == (history.ACCOUNTS, history.SEED)
        create = prepare_history if has_history else prepare
        if show.web:
            return open_in_browser(path, show.port, create)
        return run_screens(path, create, plain=True) if show.plain else open_screens(path, create)
    ignore_hangup()
    with paths.exclusive_lock(path):
        prepare(paused=True)
        return _headless(path, show.headless)


def _headless(path: Path, minutes: int) -> int:
    """Run one heartbeat per simulated minute; nights are skipped as in the screens.

    The book is created with its clock paused, so that the time it takes to open does not affect the result.
    """
    from rebal_tui import bootstrap
    from rebal_tui.market.clock import SimulatedClock
    from rebal_tui.services.schedule import scheduler
    from rebal_tui.store import jobs, runs

    database = bootstrap.open_database(path)
    try:
        book = bootstrap.open_simulation(database)
        clock = book.clock
        if not isinstance(clock, SimulatedClock):
            raise Conflict("the book's time is not simulated")
        start = clock.now()
        for _ in range(minutes):
            following = clock.now() + MINUTE
            clock.jump(book.calendar.demo_skip(following) or following)
            scheduler.tick(book)
        statuses: dict[str, int] = {}
        for run in runs.newest(database, -1):
            statuses[run.status.value] = statuses.get(run.status.value, 0) + 1
        by_status = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items())) or "none"
        write(
            f"{start:%Y-%m-%d %H:%M} to {clock.now():%Y-%m-%d %H:%M} UTC: {count_text(len(book.accounts), 'account')}, "
            f"{count_text(minutes, 'minute')}, runs: {by_status}, open alerts: {len(jobs.open_alerts(database))}\n"
        )
        for job in jobs.jobs(database).values():
            if job.failed:
                write_message(f"job {job.name}: {count_text(job.failed, 'failure')}; last result: {job.last_result}")
    finally:
        database.close()
    return 0

"""`rebal-tui archive`: move past years of a book into a second file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from rebal_tui.cli.parameters import FILE, command, db_option, existing_book_path, reading, write, write_message
from rebal_tui.domain.errors import Conflict
from rebal_tui.domain.text import count_text
from rebal_tui.typed_paths import require_input, require_output

if TYPE_CHECKING:
    from datetime import datetime

    from rebal_tui.store.database import Database


@command("archive")
@db_option
@click.option("--through", metavar="YEAR", help="The last year to move. Default: the year before the current one.")
@click.option("--to", "target", type=FILE, metavar="FILE", help="The archive. Default: in the book's folder.")
@click.option("--apply", "apply_", is_flag=True, help="Move the rows. Without it, only show what would be moved.")
@click.option("--compact", is_flag=True, help="Return the freed space of the book's file to the disk afterward.")
@click.option("--found", type=FILE, metavar="FILE", help="Record where the archive is now, and do nothing else.")
@click.pass_context
def entry(
    ctx: click.Context, db: Path | None, through: str | None, target: Path | None, apply_: bool, compact: bool,
    found: Path | None,
) -> int:  # fmt: skip
    """Move the decisions, prices and finished runs of past years into a second file.

    Shows what would be moved, and moves nothing without --apply. A book has one archive, to which later years are
    added. Screens, reports, exports and the search of runs read both files; 'check' verifies both; a backup has the
    book only, so copy the archive as well. The archive is written and verified before anything is removed from the
    book, and a call that was interrupted is continued by the next one. By default it is NAME-archive.db.

    Accounts, cash, the audit trail and the drift history stay in the book, as do open runs, the current year, and what
    rules still need: the last completed run of each account, runs of open withdrawals and alerts.

    \b
    Examples:
      rebal-tui archive --db clients.db
      rebal-tui archive --db clients.db --through 2024 --apply
      rebal-tui archive --db clients.db --found /archive/clients-archive.db
    """
    from rebal_tui import bootstrap, paths
    from rebal_tui.store import archives

    path = existing_book_path(ctx, db).resolve()
    if found is not None:
        if apply_ or through or target or compact:
            raise click.UsageError("--found is given alone", ctx)
        require_input(found)
        with paths.exclusive_lock(path):
            database = bootstrap.open_database(path)
            try:
                _tell(database, found)
            finally:
                database.close()
        write(f"{path}: its archive is {found.resolve()}\n")
        return 0
    if not apply_:
        with reading(path) as database:
            _preview(database, path, through)
        return 0
    with paths.exclusive_lock(path):
        paths.require_book(path)
        database = bootstrap.open_database(path)
        try:
            remembered = archives.record(database)
            kept = archives.location(database, remembered) if remembered is not None else archives.default_path(path)
            chosen = (target or kept).resolve()
            if not chosen.exists():
                require_output(chosen)
            _apply(database, path, through, chosen, compact=compact)
        finally:
            database.close()
    return 0


def _now(database: Database) -> datetime:
    """The time of the book: its own clock in a simulated market, else the real one."""
    from rebal_tui import bootstrap
    from rebal_tui.services.book.market_state import load_clock

    state = load_clock(database)
    return state.at if state is not None else bootstrap.real_now()


def _tell(database: Database, found: Path) -> None:
    from rebal_tui.services.maintenance.archiving import found_at

    found_at(database, _now(database), found)


def _preview(database: Database, path: Path, through: str | None) -> None:
    from rebal_tui.services.maintenance.archiving import archivable
    from rebal_tui.store import archives

    remembered = archives.record(database)
    if remembered is not None:
        text = archives.problem(database) or f"years to {remembered.through}: {archives.location(database, remembered)}"
        write(f"archive: {text}\n")
    wanted = archivable(database, _now(database), through)
    for year, runs, decisions in wanted.years:
        write(f"{year}  {count_text(runs, 'run')}, {count_text(decisions, 'decision')}\n")
    target = archives.location(database, remembered) if remembered is not None else archives.default_path(path)
    moved = f"{count_text(wanted.runs, 'run')} and {count_text(wanted.decisions, 'decision')} to {wanted.through}"
    write(f"would move {moved} to {target}\n")
    write_message("note: nothing was changed; --apply moves them")


def _apply(database: Database, path: Path, through: str | None, target: Path, *, compact: bool) -> None:
    from rebal_tui.services.maintenance.archiving import archive
    from rebal_tui.store import archives

    doing = ""
    for step in archive(database, _now(database), through, target):
        if step != doing:
            doing = step
            write_message(f"{doing} …")
    found = archives.record(database)
    if found is None:
        raise Conflict(f"{path}: nothing was archived")
    if compact:
        write_message("compacting the book …")
        database.connection.execute("VACUUM")
    counts = f"{count_text(found.counts['runs'], 'run')} and {count_text(found.counts['decisions'], 'decision')}"
    write(f"{target}: verified; {counts} to {found.through}, digest {found.digest}\n")
    write_message("note: a backup has the book only; copy the archive as well")

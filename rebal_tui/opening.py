"""Opening a book's file for the screens, and what an empty one can become."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from rebal_tui import bootstrap, live_book, paths
from rebal_tui.domain.errors import Conflict, Fault, Halt, Invalid
from rebal_tui.services.book.book import Book
from rebal_tui.services.book.market_state import load_clock
from rebal_tui.services.book.policy import apply_policy, policy_of
from rebal_tui.services.book.policy_options import BookPolicy

_MAX_FILE_BYTES = 64 * 1024 * 1024


def view_book(path: Path) -> Book:
    """The book of a file that another program writes, to be looked at."""
    book = bootstrap.open_view(path)
    book.database.halt(Halt.VIEWING, "another rebal-tui writes to it")
    return book


def open_book(
    path: Path,
    prepare: Callable[[], None] | None = None,
    policy: Callable[[BookPolicy], BookPolicy] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Book:
    """The book of a file; a new file becomes an empty book whose market runs in real time.

    `prepare` makes the file when there is none; `policy` gives those that hold from now on, from those of the book;
    `progress` is told how many accounts were read, and of how many.
    """
    if prepare is not None and not path.exists():
        prepare()
    database = bootstrap.open_database(path)
    try:
        if bootstrap.is_live(database):
            book = live_book.open_live(database, backup_folder=paths.backup_folder(path), monotonic=bootstrap.elapsed)
            return _with_rules(book, _keeping_review(policy))
        if load_clock(database) is None:
            bootstrap.create_simulation(
                database, start=bootstrap.real_now(), seed=bootstrap.new_seed(), name=path.stem, speed=1.0
            )
        backups = paths.backup_folder(path)
        return _with_rules(bootstrap.open_simulation(database, backup_folder=backups, progress=progress), policy)
    except BaseException:
        database.close()
        raise


def _with_rules(book: Book, policy: Callable[[BookPolicy], BookPolicy] | None) -> Book:
    """The book, run by the rules that hold from now on."""
    if policy is not None:
        apply_policy(book, policy(policy_of(book)))
    return book


def _keeping_review(policy: Callable[[BookPolicy], BookPolicy] | None) -> Callable[[BookPolicy], BookPolicy] | None:
    """Rules for a real broker: review is lifted by an advisor in that book, never by what was set for others (R-27)."""
    if policy is None:
        return None
    return lambda known: replace(after := policy(known), review=after.review or known.review)


def replace_with_demo(path: Path) -> str:
    """Put the demonstration book in the place of an empty one. Raises `Conflict` when the book is not empty."""
    _remove_empty_book(path)
    bootstrap.create_demo(path).close()
    return "The demonstration book is open: nothing in it is real."


def replace_with_import(path: Path, source: Path) -> str:
    """Put what a BOOK.json describes in the place of an empty book. Raises a `Refusal` with every fault of the file."""
    from rebal_tui.services.parsing.book_file import parse_book

    source = source.expanduser()
    try:
        if source.stat().st_size > _MAX_FILE_BYTES:
            raise Invalid([Fault(str(source), "expected a file of at most 64 MiB")])
        text = source.read_bytes()
    except OSError as error:
        raise Conflict(f"{source}: {error.strerror}") from error
    parsed = parse_book(text)
    _remove_empty_book(path)
    summary = bootstrap.import_file(path, parsed)
    return f"{summary.accounts:,} accounts and {summary.portfolios:,} portfolios came in."


def _remove_empty_book(path: Path) -> None:
    """Remove an empty book's file, so that another can be founded in its place."""
    database = bootstrap.open_database(path)
    try:
        empty = bootstrap.is_empty(database) and not bootstrap.is_live(database)
    finally:
        database.close()
    if not empty:
        raise Conflict(f"{path} has accounts already, or is connected to a broker")
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)

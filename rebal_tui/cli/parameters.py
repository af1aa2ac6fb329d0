"""What commands share: parameters, the path of the book's file, input and output."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rebal_tui.domain.errors import Conflict, Fault, Invalid, Refusal
from rebal_tui.domain.sessions import NEW_YORK
from rebal_tui.systems import move_new
from rebal_tui.typed_paths import argument_path, require_input, require_output

if TYPE_CHECKING:
    from rebal_tui.store.database import Database

EXIT_CODES = """\b
Exit codes:
  0    done
  1    refused, or the check found faults; one per line on stderr
  2    invalid command line
  130  interrupted
"""


class _GivenPath(click.Path):
    """A parameter type for a path: `~` is expanded; a value that cannot be a path is a usage error."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            path = argument_path(value) if isinstance(value, str) else value
        except Invalid as refusal:
            self.fail(refusal.faults[0].message, param, ctx)
        return super().convert(path, param, ctx)


class _BookFile(_GivenPath):
    """The path of a book, which is never a standard stream."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == "-":
            self.fail("- stands for a standard stream; expected the path of a book's file", param, ctx)
        return super().convert(value, param, ctx)


FILE = _GivenPath(path_type=Path, dir_okay=False)
BOOK_FILE = _BookFile(path_type=Path, dir_okay=False)
FOLDER = _GivenPath(path_type=Path, file_okay=False)
STDIN = Path("-")
_STDOUT = frozenset({"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"})
"""Names of standard output as an output file, besides the last three existing on POSIX systems only."""
_YEARS = range(2004, 2097)
"""Years for which the neighboring sessions are known."""
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIME = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[Tt ]([0-9]{2}:[0-9]{2})(?:(:[0-9]{2})(?:\.([0-9]{1,9}))?)?"
    r"([Zz]|[+-][0-9]{2}:[0-9]{2})?)?",
    re.ASCII,
)

db_option = click.option(
    "--db", type=BOOK_FILE, metavar="FILE", help="The book's file. Default: the book in your data folder."
)


def shown_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorator: adds the options to show a book in a browser or line by line, instead of on the screens."""
    plain = click.option("--plain", is_flag=True, help="Commands and answers as lines of text, for screen readers.")
    web = click.option("--web", is_flag=True, help="Show the screens in a browser on this machine.")
    port = click.option(
        "--port",
        type=click.IntRange(1, 65_535),
        metavar="N",
        help="With --web: port. Default: a free one.",
    )
    return web(port(plain(function)))


def require_shown_options(web: bool, port: int | None, plain: bool) -> None:
    """Raise a usage error for `--port` without `--web`, and for `--web` together with `--plain`."""
    if port is not None and not web:
        raise click.UsageError("--port requires --web")
    if web and plain:
        raise click.UsageError("--web and --plain cannot be combined")


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, with decimals as strings.")


def command(name: str) -> Callable[[Callable[..., int]], click.Command]:
    """A decorator that makes a function the click command `name`, whose help ends with the exit codes."""
    return click.command(name, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})


class Timestamp(click.ParamType[datetime]):
    """A parameter type for a time in RFC 3339 format, or a date. Without an offset it is New York time."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        if isinstance(value, datetime):
            return value
        at = _parse_timestamp(value)
        if at is None:
            self.fail(
                f"{value!r}: expected a time such as 2026-11-27T17:30:00Z, 2026-11-27T12:30:00-05:00 or, in New York "
                'time, "2026-11-27 12:30", between 2004 and 2096',
                param,
                ctx,
            )
        return at


class DayOrTimestamp(click.ParamType[date]):
    """A parameter type for a date, or a time as `Timestamp` reads it."""

    name = "TIME"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        at = Timestamp().convert(value, param, ctx)
        return date.fromisoformat(value) if isinstance(value, str) and _DATE.fullmatch(value) else at


class Day(click.ParamType[date]):
    """A parameter type for a calendar date."""

    name = "DATE"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        if isinstance(value, date):
            return value
        try:
            day = date.fromisoformat(value) if _DATE.fullmatch(value) else None
        except ValueError:
            day = None
        if day is None:
            self.fail(f"{value!r}: expected a date such as 2020-03-16", param, ctx)
        return day


def _parse_timestamp(text: str) -> datetime | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    day, time, seconds, fraction, offset = match.groups()
    micros = (fraction or "").ljust(6, "0")[:6]
    try:
        at = datetime.fromisoformat(f"{day}T{time or '00:00'}{seconds or ':00'}.{micros}{(offset or '').upper()}")
        at = (at if at.tzinfo else at.replace(tzinfo=NEW_YORK)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return at if at.year in _YEARS else None


def write_message(text: str) -> None:
    """Print one line to stderr."""
    click.echo(text, err=True)


def write(text: str) -> None:
    """Print text to stdout unchanged. When that fails, raises an `OSError` whose file name is "standard output"."""
    with _naming_stdout():
        sys.stdout.write(text)
        sys.stdout.flush()


@contextmanager
def _naming_stdout() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        error.filename = "standard output"
        raise


def is_stdout(path: Path) -> bool:
    """Whether the path of an output file means standard output: `-`, or one of its names in the file system."""
    return str(path) in _STDOUT


def reporter(output: Path) -> Callable[[str], None]:
    """A function that prints one line: the report that the file `output` was written.

    It prints to stdout, or to stderr if `output` is stdout itself.
    """
    return (lambda text: write_message(text.removesuffix("\n"))) if is_stdout(output) else write


def write_json(value: Any) -> None:
    """Print a value to stdout as JSON."""
    import json

    write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def read_file(path: Path) -> bytes:
    """Read a file, `-` for standard input.

    At most one byte more than the size limit is read, so that the caller can detect a file that is too large. Raises
    `Conflict` when the path is not a readable file, and `OSError` when reading fails.
    """
    from rebal_tui.services.parsing.exact_json import MAX_SIZE

    if path == STDIN:
        return sys.stdin.buffer.read(MAX_SIZE + 1)
    require_input(path)
    with path.open("rb") as file:
        return file.read(MAX_SIZE + 1)


def write_file(path: Path, content: str | bytes, *, force: bool) -> None:
    """Write a file atomically, so that only its owner can read it; text is in UTF-8, `-` is standard output.

    Raises `Conflict` when the file exists and `force` is not set, when it is a book or belongs to one, or when it
    cannot be written.
    """
    if is_stdout(path):
        with _naming_stdout():
            sys.stdout.buffer.write(content.encode() if isinstance(content, str) else content)
            sys.stdout.flush()
        return
    if require_output(path) and not force:
        raise Conflict(f"{path} already exists; use --force to replace it")
    path = path.resolve()  # The file that a link names is replaced, not the link.
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        handle = os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        if force:
            os.replace(partial, path)
        else:
            move_new(partial, path)
    except FileExistsError:
        raise Conflict(f"{path} already exists; use --force to replace it") from None
    except OSError as error:
        raise Conflict([Fault(str(path), f"cannot be written: {error.strerror}")]) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)


def book_path(ctx: click.Context, db: Path | None) -> Path:
    """The path of the book's file: --db of the command, else --db of the program, else the default path.

    The default path is in the user's data folder.
    """
    from rebal_tui import paths

    given: Path | None = db or ctx.find_root().obj
    return given or paths.default_path()


def existing_book_path(ctx: click.Context, db: Path | None) -> Path:
    """As `book_path`. Raises `Conflict` when there is no file or it is empty."""
    from rebal_tui import paths

    path = book_path(ctx, db)
    if not path.is_file() or not paths.require_book(path):
        raise Conflict(f"there is no book at {path}; create one with 'rebal-tui import' or 'rebal-tui demo --db FILE'")
    return path


def confirm_new_book(path: Path) -> None:
    """Ask before a path that was typed becomes a new book, because it may be mistyped.

    Raises `Conflict` when its folder is missing, or when the answer is no; nothing was created then.
    """
    real = path.resolve()
    if real.exists():
        return
    if not real.parent.is_dir():
        raise Conflict(f"there is no book at {path}: folder not found: {real.parent}")
    if not click.confirm(f"There is no book at {path}. Create a new, empty book there?", err=True):
        raise Conflict("no book was created")


@contextmanager
def naming_file(path: Path) -> Iterator[None]:
    """Context manager: if the block raises a refusal, put the file's name before the location of each fault."""
    try:
        yield
    except Refusal as refusal:
        refusal.name_file(str(path))
        raise


@contextmanager
def reading(path: Path) -> Iterator[Database]:
    """Context manager: open a book's file read-only, even while another process has it open."""
    from rebal_tui import bootstrap, paths

    paths.require_book(path)
    database = bootstrap.open_database(path, read_only=True)
    try:
        yield database
    finally:
        database.close()


@contextmanager
def copied(path: Path) -> Iterator[Database]:
    """Context manager: copy a book into memory, where it may be changed. Raises `Conflict` if the file is no book."""
    from rebal_tui import bootstrap

    memory = bootstrap.open_copy(path)
    try:
        yield memory
    finally:
        memory.close()

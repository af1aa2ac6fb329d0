"""`rebal-tui import`: create a book from a BOOK.json, or import a custodian's positions file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import click

from rebal_tui.cli.parameters import (
    FILE,
    DayOrTimestamp,
    book_path,
    command,
    db_option,
    json_option,
    naming_file,
    read_file,
    write,
    write_json,
)
from rebal_tui.domain.text import count_text


@command("import")
@click.argument("book_file", type=FILE, metavar="FILE", required=False)
@db_option
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a BOOK.json and exit.")
@click.option("--as", "format_name", metavar="FORMAT", help="schwab, fidelity, ibkr, vanguard, generic or a plug-in's.")
@click.option("--map", "map_file", type=FILE, metavar="MAP.json", help="The column of each field; kept in the book.")
@click.option(
    "--as-of",
    type=DayOrTimestamp(),
    help='Date or New York time of the positions, where the file has none: 2026-11-27 or "2026-11-27 16:00".',
)
@click.option("--dry-run", is_flag=True, help="Show what would change; store nothing.")
@click.option("--undo", is_flag=True, help="Take the last import of positions back while nothing depends on it.")
@json_option
@click.pass_context
def entry(
    ctx: click.Context, book_file: Path | None, db: Path | None, schema: bool, format_name: str | None,
    map_file: Path | None, as_of: date | None, dry_run: bool, undo: bool, as_json: bool,
) -> int:  # fmt: skip
    """Create a book from a BOOK.json, or import a custodian's positions file (CSV).

    A positions file is recognized by its content: Schwab, Fidelity, Interactive Brokers, Vanguard, or any table with
    account, symbol and quantity, whose columns MAP.json may name: {"account": COLUMN, "symbol": …, "quantity",
    "price", "value", "name", "as_of", "decimal"}. A book that does not exist is created as a files book: nothing is
    traded or priced by itself. A later file shows what is new and changed, and finds the fills of the open trade list.
    A file is stored as a whole or not at all; importing the same content again changes nothing.

    BOOK.json lists assets, accounts, portfolios and subscriptions; --schema prints its format. It is validated as a
    whole: if any entry is invalid, every fault is reported with its location and nothing is written. The book must be
    new or empty. The book's simulated market starts at the as_of of BOOK.json or, without one, now.

    \b
    Examples:
      rebal-tui import clients.json --db clients.db
      rebal-tui import positions.csv --db clients.db
      rebal-tui import positions.csv --dry-run --json
      rebal-tui import --schema > book.schema.json
      other-program | rebal-tui import -
    """
    from rebal_tui.services.parsing.book_file import book_schema, parse_book

    if schema:
        write_json(book_schema())
        return 0
    if undo:
        from rebal_tui.cli.positions_import import take_back

        return take_back(book_path(ctx, db))
    if book_file is None:
        raise click.UsageError("expected a file, --schema or --undo")
    content = read_file(book_file)
    if not is_book_json(book_file, content):
        from rebal_tui.cli.positions_import import import_positions

        return import_positions(
            book_path(ctx, db), book_file, content, format_name=format_name, map_file=map_file, as_of=as_of,
            dry_run=dry_run, as_json=as_json,
        )  # fmt: skip
    if format_name or map_file or as_of or dry_run or as_json:
        raise click.UsageError("--as, --map, --as-of, --dry-run and --json are for positions files")
    with naming_file(book_file):
        parsed = parse_book(content)
    path = book_path(ctx, db)
    from rebal_tui import bootstrap, paths

    with paths.exclusive_lock(path):
        paths.require_book(path)
        summary = bootstrap.import_file(path, parsed)
    write(
        f"Imported {count_text(summary.accounts, 'account')} with {count_text(summary.positions, 'position')}, "
        f"{count_text(summary.portfolios, 'portfolio')}, {count_text(summary.subscriptions, 'subscription')} and "
        f"{count_text(summary.assets, 'asset')} into {path}.\n"
    )
    return 0


def is_book_json(path: Path, content: bytes) -> bool:
    """Whether a file is a BOOK.json rather than a positions file."""
    return path.suffix.lower() == ".json" or content.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")

"""`rebal-tui import`: create a book from a BOOK.json."""

from __future__ import annotations

from pathlib import Path

import click

from rebal_tui.cli.parameters import (
    FILE,
    book_path,
    command,
    db_option,
    naming_file,
    read_file,
    write,
    write_json,
)


@command("import")
@click.argument("book_file", type=FILE, metavar="BOOK.json", required=False)
@db_option
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a BOOK.json and do nothing else.")
@click.pass_context
def entry(ctx: click.Context, book_file: Path | None, db: Path | None, schema: bool) -> int:
    """Make a book of a BOOK.json.

    The file is read exactly and checked whole: one wrong entry refuses all of it, with every fault and its place, and
    nothing is written. The book must be new or empty. Its simulated market begins at the file's as_of, or now.

    \b
    Examples:
      rebal-tui import clients.json --db clients.db
      rebal-tui import --schema > book.schema.json
      other-program | rebal-tui import -
    """
    from rebal_tui.services.parsing.book_file import book_schema, parse_book

    if schema:
        write_json(book_schema())
        return 0
    if book_file is None:
        raise click.UsageError("expected BOOK.json, or --schema")
    with naming_file(book_file):
        parsed = parse_book(read_file(book_file))
    path = book_path(ctx, db)
    from rebal_tui import bootstrap, paths

    with paths.exclusive_lock(path):
        paths.require_book(path)
        summary = bootstrap.import_file(path, parsed)
    write(
        f"{path}: {summary.accounts:,} accounts with {summary.positions:,} positions, "
        f"{summary.portfolios:,} portfolios, {summary.subscriptions:,} subscriptions, {summary.assets:,} assets\n"
    )
    return 0

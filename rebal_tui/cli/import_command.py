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
from rebal_tui.domain.text import count_text


@command("import")
@click.argument("book_file", type=FILE, metavar="BOOK.json", required=False)
@db_option
@click.option("--schema", is_flag=True, help="Print the JSON Schema of a BOOK.json and exit.")
@click.pass_context
def entry(ctx: click.Context, book_file: Path | None, db: Path | None, schema: bool) -> int:
    """Create a book from a BOOK.json.

    The file lists assets, accounts, portfolios and subscriptions; --schema prints its format. It is validated as a
    whole: if any entry is invalid, every fault is reported with its location and nothing is written. The book must be
    new or empty. Its simulated market starts at the file's as_of or, without one, now.

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
        raise click.UsageError("expected BOOK.json or --schema")
    with naming_file(book_file):
        parsed = parse_book(read_file(book_file))
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

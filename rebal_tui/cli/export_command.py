"""`rebal-tui export`: the content of a book as CSV or JSON."""

from __future__ import annotations

from pathlib import Path

import click

from rebal_tui.cli.parameters import FILE, command, copied, db_option, existing_book_path, write, write_file


@command("export")
@click.argument("what", type=click.Choice(["runs", "orders", "decisions", "accounts", "portfolios", "audit"]))
@click.option("--format", "fmt", type=click.Choice(["csv", "json"]), required=True, help="Output format.")
@db_option
@click.option(
    "--output", "-o", type=FILE, metavar="FILE", help="Write to this file, readable only by you, instead of stdout (-)."
)
@click.option("--force", is_flag=True, help="Replace the output file if it exists.")
@click.pass_context
def entry(ctx: click.Context, what: str, fmt: str, db: Path | None, output: Path | None, force: bool) -> int:
    """Export runs, orders, decisions, accounts, portfolios or the audit trail, oldest first.

    Works while the book is open in another process. CSV is safe to open in a spreadsheet: no cell is a formula. JSON
    contains the last audit entry; a copy of the export reveals later, with 'rebal-tui check --anchor', whether the
    trail was truncated.

    \b
    Examples:
      rebal-tui export runs --format csv --output runs.csv
      rebal-tui export audit --format json --db clients.db | jq '.audit[-1]'
    """
    from rebal_tui import opening
    from rebal_tui.services.maintenance.export import export_text

    path = existing_book_path(ctx, db)
    with copied(path) as database:
        text = export_text(opening.open_to_read(database, path), what, fmt)
    if output is None:
        write(text)
    else:
        write_file(output, text, force=force)
    return 0

"""`rebal-tui new`: create an empty files book."""

from __future__ import annotations

from pathlib import Path

import click

from rebal_tui.cli.files_books import is_replaceable, opened
from rebal_tui.cli.parameters import book_path, command, db_option, write
from rebal_tui.domain.errors import Conflict


@command("new")
@db_option
@click.option("--custodian", default="", metavar="NAME", help="schwab, fidelity, ibkr, vanguard or generic.")
@click.pass_context
def entry(ctx: click.Context, db: Path | None, custodian: str) -> int:
    """Create an empty files book, for positions from files: nothing is traded or priced by itself.

    'rebal-tui import positions.csv' creates one, too.
    """
    from rebal_tui.broker.files.recognizer import format_names

    if custodian and custodian not in format_names():
        raise Conflict(f"--custodian: expected one of {', '.join(format_names())}")
    path = book_path(ctx, db)
    if path.exists() and not is_replaceable(path):
        raise Conflict(f"{path} already exists")
    with opened(path, create=True, custodian=custodian):
        pass
    write(f"Empty files book created in {path}. Import positions with 'rebal-tui import FILE.csv'.\n")
    return 0

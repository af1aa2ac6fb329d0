"""`rebal-tui backup`: a verified copy of a book."""

from __future__ import annotations

from pathlib import Path

import click

from rebal_tui.cli.parameters import FILE, command, db_option, existing_book_path, reading, write, write_message
from rebal_tui.domain.errors import Conflict
from rebal_tui.typed_paths import require_backup_target


@command("backup")
@click.argument("target", type=FILE, metavar="FILE")
@db_option
@click.option("--force", is_flag=True, help="Replace FILE if it exists.")
@click.pass_context
def entry(ctx: click.Context, target: Path, db: Path | None, force: bool) -> int:
    """Write a verified copy of a book to FILE, readable only by you.

    Works while the book is open in another process. The copy is consistent: it shows the book at one point in time.
    FILE is created only after the copy has been verified. An archive of past years is a file of its own and not copied.

    \b
    Example:
      rebal-tui backup ~/backups/clients.db --db clients.db
    """
    from rebal_tui import paths
    from rebal_tui.store import archives, audit
    from rebal_tui.store.backup import back_up

    path = existing_book_path(ctx, db)
    exists = require_backup_target(target)
    if target.exists() and target.samefile(path):
        raise Conflict(f"{target} is the book itself")
    if exists and not force:
        raise Conflict(f"{target} already exists; use --force to replace it")
    with paths.not_open(target), reading(path) as database:
        back_up(database, target)
        seq, digest = audit.head(database)
        archived = archives.record(database)
    write(f"{target}: verified; the audit trail ends with entry {seq}, {digest}\n")
    if archived is not None:
        write_message(f"note: the years to {archived.through} are in {archived.name}, which is not in it; copy it too")
    return 0

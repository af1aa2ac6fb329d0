"""`rebal-tui restore`: replace a book with a backup."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rebal_tui.cli.parameters import FILE, book_path, command, db_option, reading, write
from rebal_tui.domain.errors import Conflict, Fault

if TYPE_CHECKING:
    from rebal_tui.store.database import Database


@command("restore")
@click.argument("backup", type=FILE, metavar="BACKUP")
@db_option
@click.pass_context
def entry(ctx: click.Context, backup: Path, db: Path | None) -> int:
    """Put a backup in the place of a book.

    The backup is verified before anything is changed: the file's structure and references, the ledger, orders, fills
    and the audit chain; and in its place the structure, the references and the chain to its last entry once more. What
    was there is kept beside it under another name. Refused while a program has the book open.

    \b
    Example:
      rebal-tui restore clients-backups/2026-11-20.db --db clients.db
    """
    from rebal_tui import bootstrap, paths
    from rebal_tui.store.restore import restore

    path = book_path(ctx, db)
    if not backup.is_file():
        raise Conflict(f"{backup}: there is no such backup")
    paths.require_book(backup)
    stamp = f"{bootstrap.real_now():%Y%m%d-%H%M%S}"
    previous_file = path.with_name(f"{path.stem}-replaced-{stamp}{path.suffix}")
    heads: list[tuple[int, str]] = []
    with paths.exclusive_lock(path):
        replaced = restore(backup, path, previous_file, lambda copy: heads.append(_make_ready(copy, backup.name)))
        ((seq, digest),) = heads
        with reading(path) as database:
            _require_arrived(path, database, (seq, digest))
    was = f"; what was there is {previous_file}" if replaced else ""
    write(f"{path}: restored and verified; the audit trail ends with entry {seq}, {digest}{was}\n")
    return 0


def _make_ready(copy: Path, name: str) -> tuple[int, str]:
    """Migrate and check the copy, and record the restore in its audit trail; returns its last entry."""
    from rebal_tui import bootstrap
    from rebal_tui.store import audit

    database = bootstrap.open_database(copy, keep_old=False)
    try:
        _require_whole(copy, database)
        at = audit.last_at(database) or bootstrap.real_now()
        with database.write() as tx:
            audit.append(tx, at, "advisor", "book.restored", "book", {"backup": name})
        return audit.head(database)
    finally:
        database.close()


def _require_whole(path: Path, database: Database) -> None:
    from rebal_tui import bootstrap
    from rebal_tui.services.maintenance.check import check_book

    _refuse(path, check_book(database, bootstrap.read_only_broker(database)).faults)


def _require_arrived(path: Path, database: Database, anchor: tuple[int, str]) -> None:
    """Verify that the file in its final location is the checked one, by its last audit entry."""
    from rebal_tui.store import audit
    from rebal_tui.store.backup import integrity_faults

    found = [("file", text) for text in integrity_faults(database.connection)]
    found += [("audit", text) for text in audit.verify(database, anchor)]
    _refuse(path, [Fault(location, text) for location, text in found])


def _refuse(path: Path, faults: Sequence[Fault]) -> None:
    if faults:
        raise Conflict([Fault(str(path), "does not verify"), *faults])

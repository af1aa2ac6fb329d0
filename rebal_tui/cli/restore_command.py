"""`rebal-tui restore`: replace a book with a backup."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rebal_tui.cli.parameters import FILE, book_path, command, db_option, reading, write, write_message
from rebal_tui.domain.errors import Conflict, Fault
from rebal_tui.typed_paths import require_input

if TYPE_CHECKING:
    from rebal_tui.store.database import Database


@command("restore")
@click.argument("backup", type=FILE, metavar="BACKUP")
@db_option
@click.pass_context
def entry(ctx: click.Context, backup: Path, db: Path | None) -> int:
    """Replace a book with a verified backup.

    Before anything changes, the backup is verified: file structure, references, ledger, orders, fills and audit chain.
    After the replacement, structure, references and the audit chain up to its last entry are verified again. The
    replaced file is kept in the same folder under another name. A book that is open in another program is not
    replaced. An archive of past years is not part of a backup and is not replaced; it may be missing.

    \b
    Example:
      rebal-tui restore clients-backups/2026-11-20.db --db clients.db
    """
    from rebal_tui import bootstrap, paths
    from rebal_tui.store import archives
    from rebal_tui.store.restore import restore

    path = book_path(ctx, db).resolve()
    require_input(backup)
    if not paths.require_book(backup, is_backup=True):
        raise Conflict(f"{backup} is empty; expected a backup of a book")
    stamp = f"{bootstrap.real_now():%Y%m%d-%H%M%S}"
    previous_file = path.with_name(f"{path.stem}-replaced-{stamp}{path.suffix}")
    heads: list[tuple[int, str]] = []
    with paths.exclusive_lock(path):
        replaced = restore(backup, path, previous_file, lambda copy: heads.append(_prepare_copy(copy, backup.name)))
        ((seq, digest),) = heads
        with reading(path) as database:
            _verify_replacement(path, database, (seq, digest))
            archived, problem = archives.record(database), archives.problem(database)
    was = f"; the previous book is {previous_file}" if replaced else ""
    write(f"{path}: restored and verified; the audit trail ends with entry {seq}, {digest}{was}\n")
    if problem:
        write_message(f"note: {problem}")
    elif archived is not None:
        write_message(f"note: its archive with the years to {archived.through} stays {archived.name}, unchanged")
    return 0


def _prepare_copy(copy: Path, name: str) -> tuple[int, str]:
    """Migrate and check the copy, and record the restore in its audit trail; returns its last entry."""
    from rebal_tui import bootstrap
    from rebal_tui.store import audit

    database = bootstrap.open_database(copy, is_backup=True)
    try:
        _verify_copy(copy, database)
        at = audit.last_at(database) or bootstrap.real_now()
        with database.write() as tx:
            audit.append(tx, at, "advisor", "book.restored", "book", {"backup": name})
        return audit.head(database)
    finally:
        database.close()


def _verify_copy(path: Path, database: Database) -> None:
    from rebal_tui import bootstrap
    from rebal_tui.services.maintenance.archive_check import check_whole

    faults = check_whole(database, bootstrap.read_only_broker).faults
    # A backup can be older than its archive, or on another machine: its own rows are whole without it.
    _refuse(path, [fault for fault in faults if fault.location != "archive"])


def _verify_replacement(path: Path, database: Database, anchor: tuple[int, str]) -> None:
    """Verify that the file in its final location is the checked one, by its last audit entry."""
    from rebal_tui.store import audit
    from rebal_tui.store.backup import integrity_faults

    found = [("file", text) for text in integrity_faults(database.connection)]
    found += [("audit", text) for text in audit.verify(database, anchor)]
    _refuse(path, [Fault(location, text) for location, text in found])


def _refuse(path: Path, faults: Sequence[Fault]) -> None:
    if faults:
        raise Conflict([Fault(str(path), "verification failed"), *faults])

"""`rebal-tui check`: verify a book."""

from __future__ import annotations

import re
from pathlib import Path

import click

from rebal_tui.cli.parameters import (
    FILE,
    command,
    db_option,
    existing_book_path,
    json_option,
    reading,
    write,
    write_json,
    write_message,
)
from rebal_tui.domain.errors import Conflict

_NOTED = re.compile(r"([0-9]{1,18})[,: ]\s*([0-9a-f]{64})", re.ASCII)


@command("check")
@db_option
@click.option(
    "--anchor", metavar="ENTRY", help="An audit entry noted earlier, as NUMBER,HASH, a backup or an export in JSON."
)
@json_option
@click.pass_context
def entry(ctx: click.Context, db: Path | None, anchor: str | None, as_json: bool) -> int:
    """Check a book's integrity, ledger, orders and audit chain.

    Looks at the file's structure and references, whether cash and shares add up at the broker, whether the book's copy
    of them, its orders and its fills agree with the broker's, whether every planned order is accounted for, at most one
    run per account is open, weights sum to 100, and the audit chain holds. Changes nothing, and works while the book is
    open elsewhere.

    A chain shows what was changed inside it, and not that its end was cut off or written anew: for that, name an entry
    that was noted since. Every check, backup, restore and JSON export tells the last one.

    \b
    Examples:
      rebal-tui check --db clients.db && rebal-tui backup clients-today.db --db clients.db
      rebal-tui check --db clients.db --anchor clients-backups/2026-11-20.db
    """
    from rebal_tui import bootstrap
    from rebal_tui.services.maintenance.check import check_book

    path = existing_book_path(ctx, db)
    noted = _noted(anchor) if anchor is not None else None
    with reading(path) as database:
        found = check_book(database, bootstrap.read_only_broker(database), noted)
    if as_json:
        write_json(
            {
                "ok": not found.faults,
                "counts": dict(found.counts),
                "broker_events_behind": found.behind,
                "audit_head": None if found.head is None else {"seq": found.head[0], "hash": found.head[1]},
                "faults": [{"place": fault.location, "message": fault.message} for fault in found.faults],
            }
        )
    elif not found.faults:
        counts = ", ".join(f"{count:,} {table}" for table, count in found.counts.items())
        ends = f"; the audit trail ends with entry {found.head[0]}, {found.head[1]}" if found.head else ""
        write(f"OK  {path}: {counts}{ends}\n")
    if found.behind and not found.faults:
        write_message(
            f"note: {found.behind} events of the broker wait for the book to be opened; it was not compared with them"
        )
    if not as_json:
        for fault in found.faults:
            write_message(str(fault))
    return 1 if found.faults else 0


def _noted(anchor: str) -> tuple[int, str]:
    """An audit entry as number and hash: given directly, or the last entry of a backup or an export."""
    import json
    import sqlite3

    from rebal_tui.store import audit

    written = _NOTED.fullmatch(anchor.strip())
    if written:
        return int(written[1]), written[2]
    path = Path(FILE.convert(anchor, None, None))
    try:
        with path.open("rb") as file:
            is_export = file.read(1) == b"{"
        if is_export:
            head = json.loads(path.read_bytes())["audit_head"]
            written = _NOTED.fullmatch(f"{head['seq']},{head['hash']}")
    except OSError as error:
        raise Conflict(f"{anchor}: expected NUMBER,HASH of an audit entry or a file: {error.strerror}") from error
    except (ValueError, KeyError, TypeError):
        written = None
    if is_export:
        if written is None:
            raise Conflict(f"{anchor} is no export of this program: it has no audit head")
        return int(written[1]), written[2]
    with reading(path) as backup:
        try:
            return audit.head(backup)
        except sqlite3.Error as error:
            raise Conflict(f"{anchor} has no audit trail: {error}") from error

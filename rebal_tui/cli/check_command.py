"""`rebal-tui check`: verify a book."""

from __future__ import annotations

import re
from pathlib import Path

import click

from rebal_tui.cli.parameters import (
    command,
    db_option,
    existing_book_path,
    json_option,
    reading,
    write,
    write_json,
    write_message,
)
from rebal_tui.domain.errors import Conflict, Refusal
from rebal_tui.domain.text import count_text
from rebal_tui.typed_paths import argument_path, require_input

_ENTRY = re.compile(r"([0-9]{1,18})[,: ]\s*([0-9a-f]{64})", re.ASCII)
"""An audit entry: its number and its hash."""


@command("check")
@db_option
@click.option(
    "--anchor",
    metavar="ENTRY",
    help="An audit entry recorded earlier, which the trail must contain: NUMBER,HASH, a backup or a JSON export.",
)
@json_option
@click.pass_context
def entry(ctx: click.Context, db: Path | None, anchor: str | None, as_json: bool) -> int:
    """Verify a book's integrity, ledger, orders and audit chain.

    Changes nothing, and works while the book is open in another process. It verifies:

    \b
      - the structure and references of the file
      - the simulated broker's ledger: cash and shares add up
      - the book's accounts, orders and fills against the broker's
      - planned orders: each was placed or skipped
      - open runs: at most one per account
      - weights: they sum to 100
      - evaluations, decisions, drift history, last rebalances and
        jobs: they agree with the audit trail and their inputs
      - sessions: they follow each other, with the exchange's hours
      - the audit trail: its hash chain is unbroken
      - the archive, if the book has one: its file, and its rows together with the
        book's, in a temporary copy of both

    A summary counts the exceptions: what stops trading or needs a person. They are no faults.

    The hash chain reveals a changed entry, but not whether the latest entries were removed or rewritten. To verify that
    too, record an entry outside the book and pass it with --anchor later. Every check, backup, restore and JSON export
    reports the last entry.

    \b
    Examples:
      rebal-tui check --db clients.db && \\
        rebal-tui backup clients-today.db --db clients.db
      rebal-tui check --db clients.db --anchor clients-backups/2026-11-20.db
    """
    from rebal_tui import bootstrap
    from rebal_tui.services.maintenance.archive_check import check_whole

    path = existing_book_path(ctx, db)
    anchor_entry = _parse_anchor(anchor) if anchor is not None else None
    with reading(path) as database:
        found = check_whole(database, bootstrap.read_only_broker, anchor_entry)
    exceptions = _exceptions(path) if not found.faults else {}
    if as_json:
        write_json(
            {
                "exceptions": exceptions,
                "ok": not found.faults,
                "counts": dict(found.counts),
                "broker_events_behind": found.behind,
                "audit_head": None if found.head is None else {"seq": found.head[0], "hash": found.head[1]},
                "faults": [{"place": fault.location, "message": fault.message} for fault in found.faults],
            }
        )
    elif not found.faults:
        counts = ", ".join(_counted_rows(table, count) for table, count in found.counts.items())
        ends = f"; the audit trail ends with entry {found.head[0]}, {found.head[1]}" if found.head else ""
        write(f"OK  {path}: {counts}{ends}\n")
        if exceptions:
            named = ", ".join(f"{count:,} {kind.replace('_', ' ')}" for kind, count in exceptions.items())
            write(f"    {count_text(sum(exceptions.values()), 'exception')} for a person to look at: {named}\n")
    if found.behind and not found.faults:
        write_message(
            f"note: broker events not applied yet: {found.behind:,}; the comparison with the broker was skipped. "
            "Open the book to apply them."
        )
    if not as_json:
        for fault in found.faults:
            write_message(f"{path}: {fault.message}" if fault.location == "file" else str(fault))
    return 1 if found.faults else 0


def _exceptions(path: Path) -> dict[str, int]:
    """The number of the book's exceptions by kind (R-58)."""
    from rebal_tui import bootstrap
    from rebal_tui.services.queries.exceptions import exception_counts

    book = bootstrap.open_view(path)
    try:
        return {kind.value: count for kind, count in exception_counts(book).items()}
    finally:
        book.close()


def _counted_rows(table: str, count: int) -> str:
    """A count of rows of a table, such as `1 run` or `2 runs` for the table `runs`."""
    if table == "audit":
        return f"{count:,} audit {'entry' if count == 1 else 'entries'}"
    return count_text(count, table.removesuffix("s"))


def _parse_anchor(anchor: str) -> tuple[int, str]:
    """An audit entry as number and hash: given directly, or the last entry of a backup or an export."""
    import json
    import sqlite3

    from rebal_tui.store import audit

    match = _ENTRY.fullmatch(anchor.strip())
    if match:
        return int(match[1]), match[2]
    try:
        path = argument_path(anchor)
        require_input(path)
    except Refusal as refusal:
        raise Conflict(
            f"{anchor}: expected NUMBER,HASH of an audit entry, or a file: {refusal.faults[0].message}"
        ) from refusal
    try:
        with path.open("rb") as file:
            is_export = file.read(1) == b"{"
        if is_export:
            head = json.loads(path.read_bytes())["audit_head"]
            match = _ENTRY.fullmatch(f"{head['seq']},{head['hash']}")
    except (ValueError, KeyError, TypeError):
        match = None
    if is_export:
        if match is None:
            raise Conflict(f"{anchor} is not a JSON export of rebal-tui: it has no audit_head")
        return int(match[1]), match[2]
    with reading(path) as backup:
        try:
            return audit.head(backup)
        except sqlite3.Error as error:
            raise Conflict(f"{anchor} has no audit trail: {error}") from error

"""`rebal-tui check`: whether a book is whole."""

from __future__ import annotations

from pathlib import Path

import click

from rebal_tui.cli.parameters import command, db_option, existing, json_option, reading, told, write, write_json


@command("check")
@db_option
@json_option
@click.pass_context
def entry(ctx: click.Context, db: Path | None, as_json: bool) -> int:
    """Check a book's integrity, ledger, orders and audit chain.

    Looks at the file's structure and references, whether cash and shares add up at the broker, whether the book's copy
    of them, its orders and its fills agree with the broker's, whether every planned order is accounted for, at most one
    run per account is open, weights sum to 100, and the audit chain holds. Changes nothing, and works while the book is
    open elsewhere.

    \b
    Example:
      rebal-tui check --db clients.db && rebal-tui backup clients-today.db --db clients.db
    """
    from rebal_tui import bootstrap
    from rebal_tui.services.checks import check_book

    path = existing(ctx, db)
    with reading(path) as database:
        found = check_book(database, bootstrap.books_of(database))
    if as_json:
        write_json(
            {
                "ok": not found.faults,
                "counts": dict(found.counts),
                "broker_events_behind": found.behind,
                "faults": [{"place": fault.place, "message": fault.message} for fault in found.faults],
            }
        )
    elif not found.faults:
        counts = ", ".join(f"{count:,} {table}" for table, count in found.counts.items())
        write(f"OK  {path}: {counts}\n")
    if found.behind and not found.faults:
        told(f"note: {found.behind} events of the broker wait for the book to be opened; it was not compared with them")
    if not as_json:
        for fault in found.faults:
            told(str(fault))
    return 1 if found.faults else 0

"""`rebal-tui keys`: the API keys of a book."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rebal_tui.cli.parameters import (
    EXIT_CODES,
    command,
    db_option,
    existing_book_path,
    json_option,
    reading,
    write,
    write_json,
)

if TYPE_CHECKING:
    from rebal_tui.store.database import Database


@click.group("keys", epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
def entry() -> None:
    """Create, list and revoke API keys.

    Programs use a key and its secret to access a book through 'rebal-tui serve'. The secret is shown once, when the key
    is created; only a salted hash of it is stored.

    \b
    Examples:
      rebal-tui keys add backoffice --db clients.db
      rebal-tui keys list --db clients.db
      rebal-tui keys revoke backoffice --db clients.db
    """


@command("add")
@click.argument("name")
@db_option
@json_option
@click.pass_context
def add(ctx: click.Context, name: str, db: Path | None, as_json: bool) -> int:
    """Create a key and print it with its secret.

    The secret is not stored and cannot be shown again.
    """
    from rebal_tui import bootstrap
    from rebal_tui.services.wire.keys import add_key

    with _writing(existing_book_path(ctx, db)) as (database, now):
        key = bootstrap.new_api_key()
        add_key(database, name, key, now)
    if as_json:
        write_json({"name": name, "key": key.key_id, "secret": key.secret})
    else:
        write(f"key {key.key_id}\nsecret {key.secret}\nThe secret is not stored and cannot be shown again.\n")
    return 0


@command("list")
@db_option
@json_option
@click.pass_context
def list_keys(ctx: click.Context, db: Path | None, as_json: bool) -> int:
    """List a book's keys, without their secrets."""
    from rebal_tui.cli.tables import plain_table
    from rebal_tui.services.wire.shapes import time_or_null, time_text
    from rebal_tui.store import api_keys

    with reading(existing_book_path(ctx, db)) as database:
        keys = api_keys.load(database)
    key_rows = [
        {
            "name": key.name,
            "key": key.key_id,
            "created_at": time_text(key.created_at),
            "revoked_at": time_or_null(key.revoked_at),
        }
        for key in keys
    ]
    if as_json:
        write_json(key_rows)
    else:
        rows = [(k["name"] or "", k["key"] or "", k["created_at"] or "", k["revoked_at"] or "") for k in key_rows]
        write(plain_table(("NAME", "KEY", "CREATED", "REVOKED"), rows))
    return 0


@command("revoke")
@click.argument("name")
@db_option
@click.pass_context
def revoke(ctx: click.Context, name: str, db: Path | None) -> int:
    """Revoke the key with this name or id."""
    from rebal_tui.services.wire.keys import revoke_key

    with _writing(existing_book_path(ctx, db)) as (database, now):
        key = revoke_key(database, name, now)
    write(f"Revoked key {key.key_id} of {key.name}.\n")
    return 0


for subcommand in (add, list_keys, revoke):
    entry.add_command(subcommand)


@contextmanager
def _writing(path: Path) -> Iterator[tuple[Database, datetime]]:
    """Open the file with its write lock; yields it and the book's current time."""
    from rebal_tui import bootstrap, paths
    from rebal_tui.services.book.market_state import load_clock

    with paths.exclusive_lock(path):
        paths.require_book(path)
        database = bootstrap.open_database(path)
        try:
            state = load_clock(database)
            yield database, state.at if state else bootstrap.real_now()
        finally:
            database.close()

"""`rebal-tui keys`: the API keys of a book, also while a server has it open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import click

from rebal_tui.cli.parameters import (
    EXIT_CODES,
    Timestamp,
    command,
    db_option,
    existing_book_path,
    json_option,
    reading,
    write,
    write_json,
)
from rebal_tui.cli.running_book import RunningBook
from rebal_tui.domain.api_keys import KeyScope

if TYPE_CHECKING:
    from rebal_tui.store.database import Database

_KEYS = "/v1/api_keys"
_NOTE = "The secret is not stored and cannot be shown again.\n"
expires_option = click.option(
    "--expires", type=Timestamp(), help="When the key ends, in real time. Default: never, or as long as before."
)


@click.group("keys", epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
def entry() -> None:
    """Create, list, rotate and revoke API keys, also while 'rebal-tui serve' has the book open.

    Programs use a key and its secret to access a book through 'rebal-tui serve'. The secret is shown once, when the key
    is created; only a salted hash of it is stored.

    \b
    Examples:
      rebal-tui keys add backoffice --db clients.db
      rebal-tui keys add reports --scope read --expires 2027-01-01 --db clients.db
      rebal-tui keys list --db clients.db
      rebal-tui keys rotate backoffice --keep-old 24 --db clients.db
      rebal-tui keys revoke backoffice --db clients.db
    """


@command("add")
@click.argument("name")
@click.option(
    "--scope",
    type=click.Choice([scope.value for scope in KeyScope]),
    default=KeyScope.TRADE.value,
    show_default=True,
    help="read: read only; trade: also change the book; admin: also manage keys.",
)
@expires_option
@db_option
@json_option
@click.pass_context
def add(ctx: click.Context, name: str, scope: str, expires: datetime | None, db: Path | None, as_json: bool) -> int:
    """Create a key and print it with its secret.

    The secret is not stored and cannot be shown again.
    """

    def stored(database: Database, book_now: datetime) -> Any:
        from rebal_tui import bootstrap
        from rebal_tui.services.wire import keys

        key = bootstrap.new_api_key()
        made = keys.add_key(
            database, name, key, bootstrap.real_now(), scope=KeyScope(scope), expires_at=expires, audit_at=book_now
        )
        return keys.new_key_json(made, key.secret)

    body = {"name": name, "scope": scope, "expires_at": _text(expires)}
    _show(_change(existing_book_path(ctx, db), stored, lambda running: running.ask("POST", _KEYS, body)), as_json)
    return 0


@command("list")
@db_option
@json_option
@click.pass_context
def list_keys(ctx: click.Context, db: Path | None, as_json: bool) -> int:
    """List a book's keys, without their secrets. When a key was last used is known to the minute."""
    from rebal_tui.cli.tables import plain_table
    from rebal_tui.services.wire.keys import key_json
    from rebal_tui.store import api_keys

    with reading(existing_book_path(ctx, db)) as database:
        found = [key_json(key) for key in api_keys.load(database)]
    if as_json:
        write_json(found)
        return 0
    rows = [
        (
            key["name"], key["key"], key["scope"], key["created_at"], key["expires_at"] or "", key["revoked_at"] or "",
            key["last_used_at"] or "",
        )
        for key in found
    ]  # fmt: skip
    write(plain_table(("NAME", "KEY", "SCOPE", "CREATED", "EXPIRES", "REVOKED", "LAST USED"), rows))
    return 0


@command("rotate")
@click.argument("name")
@click.option(
    "--keep-old",
    "hours",
    type=click.IntRange(0, 744),
    default=0,
    show_default=True,
    help="Hours for which the old key stays valid.",
)
@expires_option
@db_option
@json_option
@click.pass_context
def rotate(ctx: click.Context, name: str, hours: int, expires: datetime | None, db: Path | None, as_json: bool) -> int:
    """Replace the key with this name or id, and print the new one with its secret."""

    def stored(database: Database, book_now: datetime) -> Any:
        from rebal_tui import bootstrap
        from rebal_tui.services.wire import keys

        key, overlap = bootstrap.new_api_key(), timedelta(hours=hours)
        made = keys.rotate_key(
            database, name, key, bootstrap.real_now(), overlap=overlap, expires_at=expires, audit_at=book_now
        )
        return keys.new_key_json(made, key.secret)

    path, body = f"{_KEYS}/{quote(name, safe='')}/rotate", {"keep_old_hours": hours, "expires_at": _text(expires)}
    _show(_change(existing_book_path(ctx, db), stored, lambda running: running.ask("POST", path, body)), as_json)
    return 0


@command("revoke")
@click.argument("name")
@db_option
@click.pass_context
def revoke(ctx: click.Context, name: str, db: Path | None) -> int:
    """Revoke the keys with this name, or the key with this id, at once."""

    def stored(database: Database, book_now: datetime) -> None:
        from rebal_tui import bootstrap
        from rebal_tui.services.wire import keys

        keys.revoke_key(database, name, bootstrap.real_now(), audit_at=book_now)

    path = f"{_KEYS}/{quote(name, safe='')}"
    _change(existing_book_path(ctx, db), stored, lambda running: running.ask("DELETE", path))
    write(f"Revoked key {name}.\n")
    return 0


for subcommand in (add, list_keys, rotate, revoke):
    entry.add_command(subcommand)


def _change(path: Path, stored: Callable[[Database, datetime], Any], asked: Callable[[RunningBook], Any]) -> Any:
    """Change the keys in the file, or ask the server that has it open."""
    from rebal_tui.paths import BookInUse

    try:
        with _writing(path) as (database, book_now):
            return stored(database, book_now)
    except BookInUse:
        running = RunningBook.of(path)
        if running is None:
            raise
        return asked(running)


def _show(key: dict[str, Any], as_json: bool) -> None:
    if as_json:
        write_json(key)
    else:
        write(f"key {key['key']}\nsecret {key['secret']}\n{_NOTE}")


def _text(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


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

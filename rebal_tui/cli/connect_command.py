"""`rebal-tui connect`: create a book from a real broker's accounts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rebal_tui.cli.parameters import FILE, book_path, command, db_option, write, write_message
from rebal_tui.domain.errors import Conflict, Fault, Invalid

if TYPE_CHECKING:
    from rebal_tui.broker.alpaca.client import Endpoints
    from rebal_tui.credentials import KeyLocation, Keys

_PAPER, _LIVE = "paper", "live"
_KEEP = ("keyring", "file", "environment")


@command("connect")
@db_option
@click.option("--paper", "environment_choice", flag_value=_PAPER, help="The broker's sandbox: no real money.")
@click.option("--live", "environment_choice", flag_value=_LIVE, help="The real thing: orders move real money.")
@click.option("--url", default="", metavar="URL", help="Another address for --paper, such as that of a local server.")
@click.option("--firm-account", default="", metavar="ID", help="The firm's account, for journals and withdrawals.")
@click.option("--keys-file", type=FILE, metavar="FILE", help='Read {"key": …, "secret": …} from a file of mode 0600.')
@click.option("--keep", type=click.Choice(_KEEP), help="Where the keys are kept. Without it: the keyring, else a file.")
@click.option("--yes", is_flag=True, help="Ask nothing.")
@click.pass_context
def entry(
    ctx: click.Context, db: Path | None, environment_choice: str | None, url: str, firm_account: str,
    keys_file: Path | None, keep: str | None, yes: bool,
) -> int:  # fmt: skip
    """Connect a live broker: Alpaca's Broker API.

    Asks for the key and the secret without showing them, checks them by reading the broker's clock and accounts, keeps
    them in the system's keyring or in a file that only you can read, and makes a new book. The keys are never in the
    book. Its system runs wait for your review until you change that in the settings.

    In scripts the keys come from REBAL_TUI_BROKER_KEY and REBAL_TUI_BROKER_SECRET or from --keys-file. Where those two
    variables are set, they are used instead of what is kept.

    \b
    Examples:
      rebal-tui connect --paper --db paper.db
      rebal-tui connect --paper --db test.db --url http://127.0.0.1:8000 --keys-file keys.json --keep file --yes
      rebal-tui --db paper.db              opens it
    """
    from rebal_tui import bootstrap, live_book, paths

    path = book_path(ctx, db)
    ask = sys.stdin.isatty() and not yes
    with paths.exclusive_lock(path):
        paths.require_book(path)
        _require_new(path)
        environment = _environment(environment_choice, ask)
        broker_endpoints = live_book.endpoints(environment, url)
        keys, location = _keys(keys_file, keep, ask)
        _check(keys, broker_endpoints)
        if not firm_account and ask:
            firm_account = click.prompt(
                "The firm's account id, for journals and withdrawals (enter for none)", default="", show_default=False
            ).strip()
        _require_id(firm_account)
        if broker_endpoints.live and ask and click.prompt("Real money. Type LIVE to make the book").strip() != "LIVE":
            raise Conflict("nothing was made")
        name = live_book.keys_name(path)
        stored_in = keys.keep(name, location, paths.keys_folder())
        database = bootstrap.open_database(path)
        try:
            live_book.create_live(
                database,
                environment=environment,
                url=url,
                firm_account=firm_account,
                keys_name=name,
                keys_in=location,
                name=path.stem,
                now=bootstrap.real_now(),
            )
        finally:
            database.close()
    write(
        f"{path}: a {environment} book. The keys are in {stored_in}.\n"
        f"Its runs wait for your review. Open it with 'rebal-tui --db {path}'.\n"
    )
    if not firm_account:
        write_message("note: without --firm-account this book makes no journals, so no withdrawals either")
    return 0


def _require_new(path: Path) -> None:
    """Raise `Conflict` before any prompt when the file holds a book."""
    from rebal_tui import bootstrap
    from rebal_tui.store import book_settings

    if not path.exists() or path.stat().st_size == 0:
        return
    database = bootstrap.open_database(path)
    try:
        if bootstrap.is_live(database) or not bootstrap.is_empty(database) or book_settings.get(database, "mode"):
            raise Conflict(f"{path} holds a book already; name a new file with --db")
    finally:
        database.close()


def _environment(environment_choice: str | None, ask: bool) -> str:
    if environment_choice is None:
        if not ask:
            raise click.UsageError("say --paper or --live")
        environment_choice = click.prompt(
            "Paper (no real money) or live", type=click.Choice([_PAPER, _LIVE]), default=_PAPER
        )
    return "LIVE" if environment_choice == _LIVE else "PAPER"


def _keys(keys_file: Path | None, keep: str | None, ask: bool) -> tuple[Keys, KeyLocation]:
    """The keys, and where they will be stored."""
    from rebal_tui import credentials
    from rebal_tui.credentials import KeyLocation

    given = credentials.from_file(keys_file) if keys_file else credentials.from_environment()
    if given is None:
        if not ask:
            raise Conflict(
                f"no keys: set {credentials.KEY_VARIABLE} and {credentials.SECRET_VARIABLE}, or name a --keys-file"
            )
        given = credentials.Keys(
            click.prompt("Key", hide_input=True).strip(), click.prompt("Secret", hide_input=True).strip()
        )
    if keep is None and keys_file is None and credentials.from_environment() is not None:
        return given, KeyLocation.ENVIRONMENT
    if keep is not None:
        return given, KeyLocation(keep)
    return given, KeyLocation.KEYRING if credentials.keyring_works() else KeyLocation.FILE


def _check(keys: Keys, broker_endpoints: Endpoints) -> None:
    """Read the broker's clock and accounts with the keys, and print the result. Raises `Conflict`."""
    from rebal_tui import bootstrap
    from rebal_tui.broker.alpaca import json_values
    from rebal_tui.broker.alpaca.client import AlpacaClient, Denied, KeysRefused
    from rebal_tui.broker.protocol import BrokerUnavailable

    client = AlpacaClient(broker_endpoints, keys, bootstrap.real_now)
    try:
        clock = json_values.as_object(client.get("/v1/clock"))
        accounts = json_values.as_list(client.get("/v1/accounts"))
        write_message(
            f"{broker_endpoints.broker} answers: its clock says "
            f"{json_values.timestamp(clock, 'timestamp'):%Y-%m-%d %H:%M:%S} UTC"
        )
        write_message(f"{len(accounts):,} account{'' if len(accounts) == 1 else 's'}")
    except KeysRefused as refused:
        raise Conflict(f"{broker_endpoints.broker}: {refused}") from None
    except (BrokerUnavailable, Denied, json_values.Malformed) as error:
        raise Conflict(f"{broker_endpoints.broker} cannot be used: {error}") from None
    finally:
        client.close()


def _require_id(firm_account: str) -> None:
    import uuid

    if firm_account:
        try:
            uuid.UUID(firm_account)
        except ValueError:
            raise Invalid([Fault("firm-account", "expected an account id such as 3dcb795c-…")]) from None

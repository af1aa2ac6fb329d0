"""`rebal-tui connect`: create a book from a real broker's accounts."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rebal_tui.cli.parameters import FILE, book_path, command, db_option, write, write_message
from rebal_tui.domain.errors import Conflict, Fault, Invalid
from rebal_tui.domain.text import count_text

if TYPE_CHECKING:
    from datetime import datetime

    from rebal_tui.broker.alpaca.client import AlpacaClient, Endpoints
    from rebal_tui.credentials import KeyLocation, Keys

_PAPER, _LIVE = "paper", "live"
_LOCATIONS = ("keyring", "file", "environment")


@command("connect")
@db_option
@click.option("--paper", "environment_choice", flag_value=_PAPER, help="The broker's sandbox, without real money.")
@click.option("--live", "environment_choice", flag_value=_LIVE, help="The live environment: orders move real money.")
@click.option("--url", default="", metavar="URL", help="Address to use with --paper, such as a local server's.")
@click.option(
    "--firm-account", default="", metavar="ID", help="The firm's account, required for journals and withdrawals."
)
@click.option("--keys-file", type=FILE, metavar="FILE", help='JSON file of mode 0600 with {"key": …, "secret": …}.')
@click.option(
    "--keep",
    type=click.Choice(_LOCATIONS),
    help="Where to store the keys. Default: the keyring if available, else a file.",
)
@click.option("--yes", is_flag=True, help="Do not prompt.")
@click.option(
    "--self-test",
    is_flag=True,
    help="Check a paper account end to end, with one $1 buy and its sale, and write a report; no book is created.",
)
@click.option(
    "--account", default="", metavar="ID", help="With --self-test: the account to use. Default: a suitable one."
)
@click.option("--report", type=FILE, metavar="FILE", help="With --self-test: the report's file.")
@click.pass_context
def entry(
    ctx: click.Context, db: Path | None, environment_choice: str | None, url: str, firm_account: str,
    keys_file: Path | None, keep: str | None, yes: bool, self_test: bool, account: str, report: Path | None,
) -> int:  # fmt: skip
    """Create a book from the accounts at a broker: Alpaca's Broker API.

    Prompts for the API key and its secret without echo, verifies them by reading the broker's clock and accounts,
    stores them in the system's keyring or in a file that only you can read, and creates a new book. The keys are never
    stored in the book. Runs that the scheduler creates wait for your review until you change that in the settings.

    In scripts, set REBAL_TUI_BROKER_KEY and REBAL_TUI_BROKER_SECRET or use --keys-file. Whenever the two variables are
    set, they take precedence over stored keys; --keep environment stores no keys and relies on the variables.

    \b
    Examples:
      rebal-tui connect --paper --db paper.db
      rebal-tui connect --paper --db test.db --url http://127.0.0.1:8000 \\
        --keys-file keys.json --keep file --yes
      rebal-tui --db paper.db              open the new book
      rebal-tui connect --self-test        check a paper account, write a report
    """
    from rebal_tui import bootstrap, live_book, paths
    from rebal_tui.log_lines import log_to_stderr

    log_to_stderr()
    ask = sys.stdin.isatty() and not yes
    if self_test:
        if environment_choice == _LIVE:
            raise click.UsageError("--self-test places an order, and is only for --paper")
        return _self_test(url, firm_account, keys_file, account, report, ask=ask, yes=yes)
    if account or report:
        raise click.UsageError("--account and --report require --self-test")
    path = book_path(ctx, db)
    with paths.exclusive_lock(path):
        paths.require_book(path)
        _require_new(path)
        environment = _environment(environment_choice, ask)
        broker_endpoints = live_book.endpoints(environment, url)
        keys, location = _keys(keys_file, keep, ask)
        _check(keys, broker_endpoints)
        if not firm_account and ask:
            firm_account = click.prompt(
                "ID of the firm's account, for journals and withdrawals (enter to skip)", default="", show_default=False
            ).strip()
        _require_id(firm_account, "firm-account")
        if (
            broker_endpoints.live
            and ask
            and click.prompt("Orders move real money. Type LIVE to create the book").strip() != "LIVE"
        ):
            raise Conflict("canceled; no book was created")
        name = live_book.keys_name(path)
        stored_in = keys.store(name, location, paths.keys_folder())
        database = bootstrap.open_database(path)
        try:
            live_book.create_live(
                database,
                environment=environment,
                url=url,
                firm_account=firm_account,
                keys_name=name,
                keys_location=location,
                name=path.stem,
                now=bootstrap.real_now(),
            )
        finally:
            database.close()
    write(
        f"Created {path}, a {environment} book. The keys are in {stored_in}.\n"
        f"Its runs wait for your review. Open the book with 'rebal-tui --db {path}'.\n"
    )
    if not firm_account:
        write_message("note: without --firm-account, journals and withdrawals are not possible in this book")
    return 0


def _self_test(
    url: str, firm_account: str, keys_file: Path | None, account: str, report: Path | None, *, ask: bool, yes: bool
) -> int:
    import time

    from rebal_tui import bootstrap, live_book
    from rebal_tui.cli.self_test import require_consent, run_self_test
    from rebal_tui.market.clock import elapsed

    broker_endpoints = live_book.endpoints("PAPER", url)
    _require_id(firm_account, "firm-account")
    _require_id(account, "account")
    keys, _ = _keys(keys_file, "environment", ask)
    require_consent(ask=ask, yes=yes)
    return run_self_test(
        keys,
        broker_endpoints,
        account_id=account,
        firm_account=firm_account,
        report=report,
        now=bootstrap.real_now,
        elapsed=elapsed,
        sleep=time.sleep,
    )


def _require_new(path: Path) -> None:
    """Raise `Conflict` before any prompt when the file holds a book."""
    from rebal_tui import bootstrap
    from rebal_tui.store import book_settings

    if not path.exists() or path.stat().st_size == 0:
        return
    database = bootstrap.open_database(path)
    try:
        if bootstrap.is_live(database) or not bootstrap.is_empty(database) or book_settings.get(database, "mode"):
            raise Conflict(f"{path} already contains a book; choose a new file with --db")
    finally:
        database.close()


def _environment(environment_choice: str | None, ask: bool) -> str:
    if environment_choice is None:
        if not ask:
            raise click.UsageError("expected --paper or --live")
        environment_choice = click.prompt(
            "Environment: paper (no real money) or live", type=click.Choice([_PAPER, _LIVE]), default=_PAPER
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
                f"no keys: set {credentials.KEY_VARIABLE} and {credentials.SECRET_VARIABLE}, or use --keys-file"
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
    from rebal_tui.broker.failures import BrokerUnavailable

    client = AlpacaClient(broker_endpoints, keys, bootstrap.real_now)
    try:
        clock = json_values.as_object(client.get("/v1/clock"))
        accounts = json_values.as_list(client.get("/v1/accounts"))
        write_message(
            f"{broker_endpoints.broker}: connected; the broker's time is "
            f"{json_values.timestamp(clock, 'timestamp'):%Y-%m-%d %H:%M:%S} UTC"
        )
        write_message(count_text(len(accounts), "account"))
        if json_values.flag(clock, "is_open"):
            _report_delay(client, json_values.timestamp(clock, "timestamp"))
    except KeysRefused as refused:
        raise Conflict(f"{broker_endpoints.broker}: {refused}") from None
    except (BrokerUnavailable, Denied, json_values.Malformed) as error:
        raise Conflict(f"{broker_endpoints.broker} cannot be used: {error}") from None
    finally:
        client.close()


def _report_delay(client: AlpacaClient, now: datetime) -> None:
    """Print a note when the broker's prices are late or cannot be read: then no account can be evaluated (R-12)."""
    from rebal_tui.broker.alpaca.price_delay import PROBE_SYMBOL, price_delay
    from rebal_tui.broker.failures import BrokerUnavailable
    from rebal_tui.engine.situation import PRICE_MAX_AGE

    limit = f"{PRICE_MAX_AGE.total_seconds():.0f} s"
    try:
        delay = price_delay(client, now)
    except BrokerUnavailable as error:
        write_message(f"note: {error}; without prices no account is evaluated")
        return
    if delay is None:
        write_message(f"note: the broker has no price of {PROBE_SYMBOL}; without prices no account is evaluated")
    elif delay > PRICE_MAX_AGE:
        minutes = delay.total_seconds() / 60
        write_message(
            f"note: prices are {minutes:.0f} minutes late. The market data subscription is a delayed one; accounts are "
            f"evaluated with prices of at most {limit} only"
        )


def _require_id(account_id: str, option: str) -> None:
    import uuid

    if account_id:
        try:
            uuid.UUID(account_id)
        except ValueError:
            raise Invalid([Fault(option, "expected an account id such as 3dcb795c-…")]) from None

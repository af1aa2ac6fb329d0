"""`rebal-tui serve`: the Rebalancing API over HTTP."""

from __future__ import annotations

import ipaddress
import tempfile
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rebal_tui.cli.parameters import (
    Timestamp,
    book_path,
    command,
    db_option,
    existing_book_path,
    write,
    write_message,
)
from rebal_tui.domain.errors import Conflict
from rebal_tui.systems import ignore_hangup

if TYPE_CHECKING:
    from rebal_tui.api.server import BindAddress
    from rebal_tui.serving import ServerInfo

PORT = 8090


def _host(_ctx: click.Context, _parameter: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter(f"expected an address or a name, found {value!r}")
    return value


def _address(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> str:
    """An IP address, or "" when the option is not given."""
    try:
        return "" if value is None else str(ipaddress.ip_address(value))
    except ValueError:
        raise click.BadParameter(f"expected an IP address, found {value!r}") from None


@command("serve")
@db_option
@click.option("--host", default="127.0.0.1", show_default=True, callback=_host, help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    default=PORT,
    show_default=True,
    help="Port to listen on; 0 picks a free one.",
)
@click.option(
    "--sandbox", is_flag=True, help="Time and prices change only through /sandbox. Without --db, the book is temporary."
)
@click.option(
    "--at", type=Timestamp(), help="With --sandbox: start time of a new sandbox. Default: the next market open."
)
@click.option("--slow-fills", is_flag=True, help="With --sandbox: a new sandbox fills orders minutes later, in parts.")
@click.option(
    "--rate",
    type=click.IntRange(1, 10_000_000),
    default=60_000,
    show_default=True,
    help="Requests per minute allowed to each API key.",
)
@click.option(
    "--behind-proxy",
    "proxy",
    metavar="ADDRESS",
    callback=_address,
    help="Address of a reverse proxy whose X-Forwarded-For header is used.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the address and any new key as one line of JSON.")
@click.pass_context
def entry(
    ctx: click.Context, db: Path | None, host: str, port: int, sandbox: bool, at: datetime | None, slow_fills: bool,
    rate: int, proxy: str, as_json: bool,
) -> int:  # fmt: skip
    """Serve the Rebalancing API of a book over HTTP, and run its scheduler.

    Clients of Alpaca's Broker API work with it. They need an API key: create one with 'rebal-tui keys add NAME'. For a
    sandbox without keys, one is created and shown once. Stop the server with ctrl-c or SIGTERM.

    \b
    Examples:
      rebal-tui serve --sandbox --at "2026-11-23 10:00"      a temporary sandbox
      rebal-tui keys add backoffice --db clients.db && \\
        rebal-tui serve --db clients.db
    """
    _require_extra()
    from rebal_tui.api.server import BindAddress

    ignore_hangup()
    if not sandbox and (at is not None or slow_fills):
        raise click.UsageError("--at and --slow-fills require --sandbox")
    if not _is_loopback(host):
        write_message(f"WARNING: {host} is reachable from other machines over HTTP, which is not encrypted.")
        write_message("WARNING: Keys and data can be intercepted. Put a TLS proxy in front, or omit --host.")
    chosen_db: Path | None = db or ctx.find_root().obj
    if sandbox and chosen_db is None:
        with tempfile.TemporaryDirectory(prefix="rebal-tui-") as folder:
            bind_address = BindAddress(host, port, rate, True, proxy)
            return _serve(Path(folder) / "sandbox.db", bind_address, at, not slow_fills, as_json)
    path = book_path(ctx, db) if sandbox else existing_book_path(ctx, db)
    return _serve(path, BindAddress(host, port, rate, sandbox, proxy), at, not slow_fills, as_json)


def _serve(path: Path, bind_address: BindAddress, at: datetime | None, immediate_fills: bool, as_json: bool) -> int:
    from rebal_tui import bootstrap, paths, sandbox_book, serving
    from rebal_tui.log_lines import log_to_stderr
    from rebal_tui.store.new_file import built_beside

    log_to_stderr()
    sandbox = bind_address.with_sandbox
    with paths.exclusive_lock(path):
        paths.require_book(path)
        if sandbox and path.exists():
            _require_sandbox(path, at)

        def create() -> None:
            start = at or bootstrap.next_open(bootstrap.real_now())
            with built_beside(path) as new:
                sandbox_book.create(new, start=start, seed=bootstrap.new_seed(), immediate_fills=immediate_fills)

        def ready(info: ServerInfo) -> None:
            _announce(info, path, sandbox, as_json)

        return serving.run(path, create if sandbox else None, bind_address, ready)


def _announce(info: ServerInfo, path: Path, sandbox: bool, as_json: bool) -> None:
    if info.odd_ids:
        write_message(
            f"note: accounts or portfolios whose id is not a UUID: {info.odd_ids:,}. Alpaca's own client refuses such "
            "ids; other programs can use them."
        )
    if as_json:
        import json
        from dataclasses import asdict

        write(json.dumps(asdict(info)) + "\n")
        return
    write(f"listening on {info.url}, API documentation at {info.url}/docs\n")
    write(f"{'sandbox' if sandbox else path}: time {info.now}, firm account {info.firm_account}\n")
    if info.secret is not None:
        write(f"key {info.key_id}, secret {info.secret} (shown once)\n")


def _require_sandbox(path: Path, at: datetime | None) -> None:
    from rebal_tui import bootstrap

    database = bootstrap.open_database(path, read_only=True)
    try:
        if not bootstrap.is_sandbox(database):
            raise Conflict(f"{path} is not a sandbox: its market moves on its own; use a new file for --sandbox")
    finally:
        database.close()
    if at is not None:
        raise Conflict(f"--at: {path} is already a sandbox, and its time continues from where it was")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _require_extra() -> None:
    from importlib.util import find_spec

    if any(find_spec(name) is None for name in ("fastapi", "uvicorn", "prometheus_client")):
        raise Conflict("serve needs additional packages: pip install 'rebal-tui[api]'")

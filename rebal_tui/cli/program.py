"""The commands by name, and the mapping of every outcome to an exit code."""

from __future__ import annotations

import importlib
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from rebal_tui import __version__
from rebal_tui.cli.parameters import EXIT_CODES, db_option, require_shown_options, shown_options, write_message
from rebal_tui.domain.errors import ReadOnly, Refusal

_COMMANDS = {
    "demo": "Open the screens on a demonstration book in accelerated time.",
    "import": "Import a custodian's positions file (CSV), or create a book from a BOOK.json.",
    "sample": "Write an invented positions file to try a files book with.",
    "subscribe": "Create a portfolio in a files book and subscribe accounts to it.",
    "approve": "Approve the runs of a files book that wait for review.",
    "new": "Create an empty files book.",
    "enter": "Enter accounts, assets, holdings, cash and prices of a files book.",
    "custodian": "Show or change what counts as cash at a custodian, its symbols, and fractions.",
    "prices": "Store prices in a files book, from a file or entered by hand.",
    "fills": "Report what the custodian filled of a trade list.",
    "trades": "Write the approved orders of a files book as a trade list.",
    "export": "Export records of a book as CSV or JSON.",
    "report": "Report what happened to an account and why, for an auditor.",
    "evaluate": "Run one evaluation pass and show why each account trades or not.",
    "replay": "Replay a price history with the same rules, scheduler and broker.",
    "lab": "Compare rebalancing policies over a price history.",
    "check": "Verify a book's integrity, ledger, orders and audit chain.",
    "backup": "Write a verified copy of a book.",
    "archive": "Move past years of a book into a second file.",
    "restore": "Replace a book with a verified backup.",
    "serve": "Serve the Rebalancing API of a book over HTTP.",
    "keys": "Create, list and revoke API keys.",
    "completion": "Print the script that completes commands in a shell.",
    "connect": "Create a book from accounts at a broker (Alpaca, paper or live).",
}


class _Program(click.Group):
    """A group that imports a command when it is called; the summaries need no import."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"rebal_tui.cli.{cmd_name}_command").entry
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_Program,
    invoke_without_command=True,
    epilog=EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@db_option
@shown_options
@click.version_option(__version__, prog_name="rebal-tui")
@click.pass_context
def program(ctx: click.Context, db: Path | None, web: bool, port: int | None, plain: bool) -> int | None:
    """Keep client accounts at their target allocation, in a full-screen terminal.

    A book is one SQLite file with a firm's accounts, portfolios, runs and records. Without a command, the screens open
    on your book. An empty book offers a demo or an import.

    \b
    Examples:
      rebal-tui demo                       explore a demonstration book
      rebal-tui                            open your book
      rebal-tui --web                      open it in a browser on this machine
      rebal-tui evaluate --dry-run         show what would trade now, and why
      rebal-tui replay closes.csv          apply the same rules to past prices

    \b
    Two minutes, from a custodian's file (sample invents one) to a trade list:
      rebal-tui sample positions.csv --portfolio model.json
      rebal-tui import positions.csv
      rebal-tui subscribe model.json --all
      rebal-tui evaluate
      rebal-tui approve --all
      rebal-tui trades list.csv

    'rebal-tui COMMAND --help' describes each command.
    """
    ctx.obj = db
    require_shown_options(web, port, plain)
    if ctx.invoked_subcommand is not None:
        if web or plain:
            name = "--web" if web else "--plain"
            raise click.UsageError(f"{name} opens a book; use it without a command, or after demo")
        return None
    from rebal_tui.cli.demo_command import open_screens, run_screens
    from rebal_tui.cli.in_browser import open_in_browser
    from rebal_tui.cli.parameters import book_path, confirm_new_book

    path = book_path(ctx, None)
    if web:
        return open_in_browser(path, port or 0, typed=db is not None)
    if plain:
        if db is not None:
            confirm_new_book(path)
        return run_screens(path, plain=True)
    return open_screens(path, typed=db is not None)


def main(args: Sequence[str] | None = None) -> None:
    """Run the program and exit with its code."""
    _connect_closed_streams()
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            # A pipe or file gets UTF-8 whatever the locale, as JSON and CSV need; a terminal its own encoding.
            encoding = None if stream.isatty() else "utf-8"
            reconfigure(encoding=encoding, errors="backslashreplace")
    sys.exit(run(args))


def _connect_closed_streams() -> None:
    """Connect standard streams closed by the caller to the null device, so that no other file gets their numbers.

    It is opened for reading also as stdout: what is written there would be lost, and fails instead.
    """
    for name, mode, flags in (("stdin", "r", os.O_RDONLY), ("stdout", "w", os.O_RDONLY), ("stderr", "w", os.O_WRONLY)):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, flags), mode, encoding="utf-8"))


def _drop_output() -> bool:
    """Whether stdout cannot be written; what it still holds is then dropped, so that the exit does not fail again."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return True
    return False


def _is_text(argument: str) -> bool:
    """Whether an argument has no bytes that are no UTF-8, which could be stored nowhere."""
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def run(args: Sequence[str] | None = None) -> int:
    """Run the program on arguments; returns its exit code. Errors are printed to stderr, one fault per line."""
    if bad := [text for text in (sys.argv[1:] if args is None else args) if not _is_text(text)]:
        write_message(f"{ascii(bad[0])[1:-1]}: expected text in UTF-8")
        return 2
    return exit_code(lambda: program.main(args, prog_name="rebal-tui", standalone_mode=False))


def exit_code(call: Callable[[], Any]) -> int:
    """Call `call`, which runs a program, and return the exit code. Errors are printed to stderr, one fault per line."""
    try:
        code = call()
        sys.stdout.flush()
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        # The reader has closed the pipe, and needs no message.
        _drop_output()
        return 1
    except ReadOnly as stopped:
        file = "" if stopped.path in str(stopped) else f"{stopped.path}: "
        write_message(f"{file}{stopped}")
        return 1
    except Refusal as refusal:
        for fault in refusal.faults:
            write_message(str(fault))
        return 1
    except OSError as error:
        name = "standard output" if _drop_output() else error.filename
        prefix = f"{name}: " if name else ""
        write_message(f"{prefix}{error.strerror or error}")
        return 1
    except sqlite3.Error as error:
        write_message(f"database error: {error}")
        return 1
    return code if isinstance(code, int) else 0

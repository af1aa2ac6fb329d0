"""`rebal-tui custodian`: what counts as cash at a custodian, symbols that it writes differently, and whether orders may
have fractions of shares.
"""

from __future__ import annotations

from pathlib import Path

import click

from rebal_tui.cli.files_books import opened
from rebal_tui.cli.parameters import command, db_option, existing_book_path, write
from rebal_tui.domain.errors import Fault, Invalid
from rebal_tui.domain.quantities import parse_percent


@command("custodian")
@click.argument("name", metavar="CUSTODIAN")
@db_option
@click.option("--cash", metavar="A,B,…", help="Symbols and lines that count as cash; 'none' for none.")
@click.option("--pairs", metavar="THEIRS=OURS,…", help="Symbols that the custodian writes otherwise; 'none' for none.")
@click.option("--fractions/--whole-shares", default=None, help="Whether orders there may have fractions of shares.")
@click.option("--buffer", metavar="PERCENT", help="Part of expected proceeds that no list of the book spends.")
@click.pass_context
def entry(
    ctx: click.Context, name: str, db: Path | None, cash: str | None, pairs: str | None, fractions: bool | None,
    buffer: str | None,
) -> int:  # fmt: skip
    """Show or change how a files book reads a custodian's files, from the next import and evaluation on.

    Money funds that were bought are positions until they are on the list of what counts as cash.

    \b
    Examples:
      rebal-tui custodian schwab
      rebal-tui custodian schwab --cash "CASH & CASH INVESTMENTS,SWVXX"
      rebal-tui custodian fidelity --pairs BRKB=BRK.B --fractions
    """
    from rebal_tui.services.files_book import custodians

    listed = None if cash is None else custodians.read_cash_list(cash)
    paired = None if pairs is None else custodians.read_pairs(pairs)
    try:
        part = None if buffer is None else parse_percent(buffer)
    except ValueError as error:
        raise Invalid([Fault("--buffer", str(error))]) from None
    with opened(existing_book_path(ctx, db)) as book:
        if part is not None:
            custodians.set_buffer(book, part)
        text = custodians.change_custodian(book, name, cash=listed, pairs=paired, fractions=fractions)
    write(f"{text}.\n")
    return 0
